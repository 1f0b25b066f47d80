"""The names of scores. All but those of moments and of joint features come from `DIVERGENCES`."""

from __future__ import annotations

from typing import Final

from kldrift.divergence import DIVERGENCES

_SCORED: Final = {name: d for name, d in DIVERGENCES.items() if d.scored}

CELL_METRICS: Final = tuple(name for name, d in _SCORED.items() if not d.ordinal)
"""Scores of the scored cells, whatever their order."""
ORDERED_METRICS: Final = tuple(name for name, d in _SCORED.items() if d.ordinal)
"""Scores of the stored cells of numbers, in their order."""
GAUSSIAN_METRICS: Final = ("gaussian_kl", "gaussian_kl_mean", "gaussian_kl_spread")
MOMENTS: Final = ("mean_reference", "mean_current", "std_reference", "std_current")
INTERVAL: Final = ("kl_unbiased", "kl_low", "kl_high")
"""The estimate of `kl` without the bias of few rows, and its 90 % interval."""
SCORES: Final = (
    *CELL_METRICS,
    *ORDERED_METRICS,
    *GAUSSIAN_METRICS,
    *MOMENTS,
    "cells",
    *INTERVAL,
    "kl_expected",
    "p_value",
)
"""What every feature is scored by; NaN where it cannot be computed."""
JOINT_SCORES: Final = ("frechet",)
"""What joint features are scored by beside those."""

METRICS: Final = (*_SCORED, "gaussian_kl")
"""Columns of ``drift_scores`` that a threshold can be set on."""
JOINT_METRICS: Final = ("kl", "gaussian_kl")
"""Those that joint features have."""
NUMERIC_ONLY: Final = (*ORDERED_METRICS, "gaussian_kl")
"""Those that categories do not have."""
