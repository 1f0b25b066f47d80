"""A made-up web shop with planted drift, to see a verdict before trusting one."""

from __future__ import annotations

from kldrift.demo.data import demo_config, write_demo
from kldrift.demo.events import DAYS, DECOYS, PLANTED, Decoy, Planted, date_of
from kldrift.demo.report import (
    EventOutcome,
    as_it_should_be,
    false_pages,
    outcome_line,
    planted_against_found,
    to_text,
)

__all__ = [
    "DAYS",
    "DECOYS",
    "PLANTED",
    "Decoy",
    "EventOutcome",
    "Planted",
    "as_it_should_be",
    "date_of",
    "demo_config",
    "false_pages",
    "outcome_line",
    "planted_against_found",
    "to_text",
    "write_demo",
]
