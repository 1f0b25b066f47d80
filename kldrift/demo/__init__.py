"""A made-up web shop with planted drift, to see a verdict before trusting one."""

from __future__ import annotations

from kldrift.demo.data import demo_config, write_demo
from kldrift.demo.events import DECOYS, PLANTED, Decoy, Planted
from kldrift.demo.report import EventOutcome, as_it_should_be, planted_against_flagged, to_text

__all__ = [
    "DECOYS",
    "PLANTED",
    "Decoy",
    "EventOutcome",
    "Planted",
    "as_it_should_be",
    "demo_config",
    "planted_against_flagged",
    "to_text",
    "write_demo",
]
