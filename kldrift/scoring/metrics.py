"""The names of scores, and the thresholds that are set on them: values without NumPy.

All names but those of moments and of joint features come from `DIVERGENCES`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from kldrift.divergences import DIVERGENCES

_SCORED: Final = {name: d for name, d in DIVERGENCES.items() if d.scored}

CELL_METRICS: Final = tuple(name for name, d in _SCORED.items() if not d.ordinal)
"""Scores of the scored cells, whatever their order."""
ORDERED_METRICS: Final = tuple(name for name, d in _SCORED.items() if d.ordinal)
"""Scores of the stored cells of numbers, in their order."""
SPIKE_METRIC: Final = "bin_share_change"
"""How far the share of the rows moved that have one value, or one of a narrow range."""
FIRST_DIVERGENCES: Final = frozenset(
    ("kl", "kl_reverse", "js", "psi", "hellinger", "total_variation", "wasserstein", "ks")
)
"""Scored from the first files of ``schema_version`` 2 on; files may lack the columns of others."""
SHARE_METRICS: Final = (
    "value_share_change",
    SPIKE_METRIC,
    "null_share_change",
    "null_share_ratio",
    "never_seen_current",
)
"""Shares of the rows, how far they moved (0.01 is one point), or how they grew, as a ratio."""
TAIL_METRIC: Final = "tail_share_rise"
"""How much the share of the rows rose that lie in a tail of the reference."""
CATEGORY_METRICS: Final = ("share_change", "share_ratio")
"""Of one category with limits of its own: by how much its share changed, and how many times as
large or as small it is."""
GAUSSIAN_METRICS: Final = ("gaussian_kl", "gaussian_kl_mean", "gaussian_kl_spread")
MOMENTS: Final = ("mean_reference", "mean_current", "std_reference", "std_current")
INTERVAL: Final = ("kl_unbiased", "kl_low", "kl_high")
"""The estimate of `kl` without the bias of few rows, and its 90 % interval."""
SCORES: Final = (
    *CELL_METRICS,
    *ORDERED_METRICS,
    "wasserstein_std",
    *SHARE_METRICS,
    TAIL_METRIC,
    *GAUSSIAN_METRICS,
    *MOMENTS,
    "cells",
    *INTERVAL,
    "kl_expected",
    "p_value",
)
"""What every feature is scored by; NaN where it cannot be computed."""
LEARNED: Final = "kl_learned"
"""The score that is held to a limit learnt from the windows before."""
LEARNED_SCORES: Final = (LEARNED, "limit_learned", "p_learned", "history_windows", "p_limit")
"""A window beside those before it: its divergence and the limit of it, its p-value, their number,
and the limit of the p-value."""
JOINT_SCORES: Final = ("frechet",)
"""Scores that joint features have besides."""

METRICS: Final = (*_SCORED, "wasserstein_std", *SHARE_METRICS, TAIL_METRIC, "gaussian_kl")
"""Columns of ``drift_scores`` that a threshold can be set on."""
DECIDING: Final = (*METRICS, *CATEGORY_METRICS, LEARNED)
"""Columns of ``drift_scores`` that its column ``metric`` may name."""
JOINT_METRICS: Final = ("kl", "gaussian_kl")
"""Metrics that joint features have."""
NUMERIC_ONLY: Final = (
    *ORDERED_METRICS,
    "wasserstein_std",
    SPIKE_METRIC,
    TAIL_METRIC,
    "gaussian_kl",
)
"""Metrics that only numbers have."""

_LEVEL: Final = {"strict": True, "ge": 0.0, "allow_inf_nan": False}
"""What a configuration may say: a finite number, 0 or more."""
_RATIO: Final = {"strict": True, "gt": 1.0, "allow_inf_nan": False}


@dataclass(frozen=True)
class Threshold:
    """Scores above these are a warning or critical; ``None`` judges nothing at that level."""

    warning: float | None = field(default=None, metadata=_LEVEL)
    """A score above this is a warning; at most `critical`. Example: `0.1`"""
    critical: float | None = field(default=None, metadata=_LEVEL)
    """A score above this is critical. Example: `0.25`"""

    @property
    def reversed(self) -> bool:
        """Whether a warning would need a larger score than what is critical."""
        return (
            self.warning is not None and self.critical is not None and self.warning > self.critical
        )


@dataclass(frozen=True)
class RatioThreshold(Threshold):
    """Thresholds of a ratio of two shares, whichever is larger; equal shares have 1."""

    warning: float | None = field(default=None, metadata=_RATIO)
    """A ratio above this is a warning; at most `critical`. Example: `2`"""
    critical: float | None = field(default=None, metadata=_RATIO)
    """A ratio above this is critical. Example: `4`"""


DEFAULT_THRESHOLDS: Final = {
    "js": Threshold(0.004, 0.02),
    "value_share_change": Threshold(0.005, 0.02),
    "null_share_change": Threshold(0.005, 0.02),
    "null_share_ratio": Threshold(2.0),
    SPIKE_METRIC: Threshold(0.01, 0.015),
    TAIL_METRIC: Threshold(0.003, 0.02),
    "wasserstein_std": Threshold(0.1, 0.3),
}
"""What a monitor that states no thresholds is judged by: see docs/evidence.md."""
DEFAULT_KL: Final = {"kl": Threshold(0.1, 0.25)}
"""What joint groups and model shifts are judged by, which have no other score."""
