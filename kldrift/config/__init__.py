"""The configuration of a monitor: YAML in, frozen dataclasses out; nothing else is imported."""

from __future__ import annotations

from kldrift.config.load import (
    config_from_mapping,
    load_config,
    load_model_shift,
    model_shift_from_mapping,
)
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
from kldrift.config.model_shift import ModelShift, Time

__all__ = [
    "JOINT_METRICS",
    "METRICS",
    "Config",
    "Dataset",
    "Expectations",
    "Features",
    "Joint",
    "ModelShift",
    "Output",
    "Override",
    "Scoring",
    "Significance",
    "Spark",
    "Threshold",
    "Time",
    "config_from_mapping",
    "load_config",
    "load_model_shift",
    "model_shift_from_mapping",
]
