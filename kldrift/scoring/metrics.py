"""The scores that a threshold can be set on, and the threshold: values without NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

METRICS: Final = (
    "kl",
    "kl_reverse",
    "js",
    "psi",
    "hellinger",
    "total_variation",
    "wasserstein",
    "ks",
    "gaussian_kl",
)
"""Columns of ``drift_scores`` that a threshold can be set on."""
JOINT_METRICS: Final = ("kl", "gaussian_kl")
"""Those that a joint group has."""

_LEVEL: Final = {"strict": True, "ge": 0.0, "allow_inf_nan": False}
"""What a configuration may say: a finite number, 0 or more."""


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
