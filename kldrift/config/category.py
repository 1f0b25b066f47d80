"""The limits of a single category, as a configuration states them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import field_validator, model_validator

from kldrift.config.values import in_order, refuse
from kldrift.scoring.metrics import CATEGORY_METRICS, RatioThreshold, Threshold


@dataclass(frozen=True)
class CategoryLimits:
    """Limits of one category, which has its own row in `drift_scores`."""

    share_change: Threshold = field(default_factory=Threshold)
    """Limits of the change of its share of the rows; 0.01 is one point.
    Example: `{critical: 0.002}`"""
    share_ratio: RatioThreshold = field(default_factory=RatioThreshold)
    """Limits of how many times as large, or as small, its share is. Example: `{warning: 2}`"""

    _ordered = field_validator("share_change", "share_ratio")(in_order)

    @model_validator(mode="after")
    def _some(self) -> CategoryLimits:
        if not self.limits:
            refuse([((), f"expected {' or '.join(CATEGORY_METRICS)} with warning or critical")])
        return self

    @property
    def limits(self) -> dict[str, Threshold]:
        """The thresholds that are stated, by metric."""
        both = {name: getattr(self, name) for name in CATEGORY_METRICS}
        return {name: t for name, t in both.items() if (t.warning, t.critical) != (None, None)}
