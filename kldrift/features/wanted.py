"""The choice of features: which columns, and settings of single columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

Kind = Literal["numeric", "categorical"]
PartName = Literal["hour", "weekday", "month", "whole", "length", "nulls", "min", "mean", "max"]


@dataclass(frozen=True)
class Choice:
    """How one column is monitored; by default as its type and values say."""

    kind: Kind | None = None
    """Score it as numbers or as categories; without it, its type and values decide.
    Example: `categorical`"""
    parts: tuple[PartName, ...] = ()
    """Parts to monitor, each a feature: `hour`, `weekday`, `month` or the `whole` of a time; the
    `length` of a text; `nulls`, `min`, `mean`, `max` of the values in an array or map.
    Example: `[hour, weekday]`"""
    keep: bool = field(default=False, metadata={"strict": True})
    """Monitor a column that would be skipped because nearly every row has its own value.
    Example: `true`"""
    missing: tuple[float | str, ...] = ()
    """Values that stand for a missing one; they are counted as nulls. Example: `[-200]`"""

    @property
    def own_cells(self) -> tuple[str, ...]:
        """Categories that need a cell of their own, however few rows they have."""
        return ()


class Wanted(Protocol):
    """Which columns are features, and as what."""

    @property
    def include(self) -> tuple[str, ...]:
        """Names or patterns of the columns to monitor."""

    @property
    def exclude(self) -> tuple[str, ...]:
        """Names or patterns of columns to leave out."""

    @property
    def derived(self) -> Mapping[str, str]:
        """The Spark SQL expressions of more features, by name."""

    @property
    def override(self) -> Mapping[str, Choice]:
        """The settings of single columns, by name."""
