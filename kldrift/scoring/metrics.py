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


@dataclass(frozen=True)
class Threshold:
    """Scores above these are a warning or critical; ``None`` judges nothing at that level.

    Configurations are checked and documented by the metadata: a finite number, 0 or more.
    """

    warning: float | None = field(
        default=None,
        metadata={
            "description": "A score above this is a warning; at most `critical`.",
            "examples": [0.1],
            **_LEVEL,
        },
    )
    critical: float | None = field(
        default=None,
        metadata={
            "description": "A score above this is critical.",
            "examples": [0.25],
            **_LEVEL,
        },
    )

    @property
    def reversed(self) -> bool:
        """Whether a warning would need a larger score than what is critical."""
        return (
            self.warning is not None and self.critical is not None and self.warning > self.critical
        )
