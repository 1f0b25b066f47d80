"""The configuration of a monitor: YAML in, frozen dataclasses out; nothing else is imported."""

from __future__ import annotations

from kldrift.config.load import config_from_mapping, load_config
from kldrift.config.model import (
    JOINT_METRICS,
    METRICS,
    Config,
    Dataset,
    Expectations,
    Features,
    Joint,
    Output,
    Override,
    Scoring,
    Significance,
    Spark,
    Threshold,
)

__all__ = [
    "JOINT_METRICS",
    "METRICS",
    "Config",
    "Dataset",
    "Expectations",
    "Features",
    "Joint",
    "Output",
    "Override",
    "Scoring",
    "Significance",
    "Spark",
    "Threshold",
    "config_from_mapping",
    "load_config",
]
