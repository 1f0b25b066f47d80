"""The cards of a page: one for each cause, with the features that drifted for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kldrift.reporting.causes import Cause
from kldrift.reporting.entries import Entry


@dataclass(frozen=True)
class Card:
    """A feature, or several that drifted for one cause."""

    cause: Cause
    entries: Sequence[tuple[int, Entry]]

    @property
    def worst(self) -> Entry:
        """The first of its rows."""
        return self.entries[0][1]

    @property
    def longest(self) -> Entry:
        """The row that drifts longest."""
        return max((entry for _, entry in self.entries), key=lambda entry: entry.since.windows)

    @property
    def standing(self) -> str:
        """Its alert, since when it drifts, and whose charts are shown first, in words."""
        charts = f"charts of {self.worst.name}" if any(self.worst.charts) else ""
        return "; ".join(filter(None, (self.longest.since.words(self.worst.alert), charts)))
