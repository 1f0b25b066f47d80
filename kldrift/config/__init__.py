"""The configuration of a monitor: YAML in, frozen and checked dataclasses out.

What is below this package takes values from it and does not import it, so that neither a task on
an executor nor ``kldrift --help`` loads pydantic.

See docs/decisions/configuration.md.
"""

from __future__ import annotations

from kldrift.config.alarms import Alarms, Budget, Mute
from kldrift.config.dataset import Dataset
from kldrift.config.load import (
    config_from_mapping,
    configured,
    configured_either,
    load_config,
    load_model_shift,
)
from kldrift.config.model import Config, Features, Joint, Override, Scoring
from kldrift.config.model_shift import ModelShift
from kldrift.config.question import Expectations, Output, Report, Significance, Spark
from kldrift.config.time import Time
from kldrift.config.values import CategoryLimits, Condition
from kldrift.scoring.metrics import JOINT_METRICS, METRICS, RatioThreshold, Threshold

__all__ = [
    "JOINT_METRICS",
    "METRICS",
    "Alarms",
    "Budget",
    "CategoryLimits",
    "Condition",
    "Config",
    "Dataset",
    "Expectations",
    "Features",
    "Joint",
    "ModelShift",
    "Mute",
    "Output",
    "Override",
    "RatioThreshold",
    "Report",
    "Scoring",
    "Significance",
    "Spark",
    "Threshold",
    "Time",
    "config_from_mapping",
    "configured",
    "configured_either",
    "load_config",
    "load_model_shift",
]
