"""The ways to look at results: a page, a notebook, charts, JSON."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from kldrift.errors import ConfigError, did_you_mean
from kldrift.reporting.json_values import records
from kldrift.reporting.monitor_page import MOST_ENTRIES
from kldrift.reporting.order import SEVERITY_NAMES, counted, leading, worst_first
from kldrift.reporting.page import Page, fragment, whole_page
from kldrift.reporting.past import DRIFTED, Past
from kldrift.sources.filesystem import QUERY
from kldrift.tables.store import open_folder

if TYPE_CHECKING:
    import altair as alt

IN_NOTEBOOK: Final = 10
"""Features that a notebook shows."""


class Views(ABC):
    """The ways to look at the scores of one window, and of those before it."""

    @abstractmethod
    def _last(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """``drift_scores`` and ``drift_cells`` of the window that is shown."""

    @abstractmethod
    def past(self) -> Past:
        """The windows up to that one."""

    @abstractmethod
    def _page(self, most: int = MOST_ENTRIES) -> Page: ...

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""

    @property
    def severity(self) -> str:
        """The worst severity of all features and segments; ``unscored`` if there is no score."""
        counts = counted(self._last()[0])
        return next((severity for severity in SEVERITY_NAMES if counts[severity]), "unscored")

    @property
    def drifted(self) -> list[str]:
        """The features that are critical or warnings, whole or in a segment; the worst first."""
        lead = leading(worst_first(self._last()[0]))
        return [str(name) for name in lead.loc[lead["severity"].isin(DRIFTED), "feature"]]

    def to_json(self) -> str:
        """Return the result as strict JSON, with null for NaN and infinity."""
        return json.dumps(self.as_dict(), allow_nan=False)

    def to_html(self) -> str:
        """Return the page: one self-contained HTML file."""
        return whole_page(self._page())

    def save_html(self, path: str | Path) -> str:
        """Write the page, whole or not at all; return where it is.

        Raises:
            OutputError: it cannot be written.
        """
        return put_page(str(path), self.to_html())

    def _repr_html_(self) -> str:
        return fragment(self._page(IN_NOTEBOOK), rows=IN_NOTEBOOK)

    def plot(self, feature: str, segment: str | None = None) -> alt.Chart:
        """Return a chart of Altair: a feature's distribution, then and now.

        Of a joint group, what its features and pairs add to ``kl``.

        Args:
            feature: its name.
            segment: one of its segments; by default all rows.

        Raises:
            ConfigError: there is no such feature, or it has no cells.
        """
        from kldrift.reporting.plots import distribution_chart  # noqa: PLC0415 - only for a chart

        scores, cells = self._last()
        row = records(_of(scores, feature, segment))[0]
        mine = _rows_of(cells, feature, segment)
        if not len(mine):
            why = row["reason"] or f"it has no cells, status {row['status']}"
            raise ConfigError(f"feature {feature!r} has no distribution to draw: {why}")
        return distribution_chart(feature, records(mine))

    def plot_history(
        self, feature: str, segment: str | None = None
    ) -> alt.LayerChart | alt.FacetChart:
        """Return a chart of Altair: a feature's score by window, with its limits.

        Args:
            feature: its name.
            segment: one of its segments; by default all rows.

        Raises:
            ConfigError: there is no such feature, or there are no windows.
        """
        from kldrift.reporting.plots import history_chart  # noqa: PLC0415

        row = records(_of(self._last()[0], feature, segment))[0]
        limits = [row["threshold_warning"], row["threshold_critical"]]
        metric = str(row.get("metric") or "kl")
        return history_chart(self._windows(), (feature, segment), metric, limits, self._zone())

    def heatmap(self) -> alt.LayerChart | alt.FacetChart:
        """Return a chart of Altair: the worst severity by feature and window.

        Raises:
            ConfigError: there are no windows.
        """
        from kldrift.reporting.plots import heat_chart  # noqa: PLC0415

        names = leading(worst_first(self._last()[0]))["feature"].tolist()
        return heat_chart(self._windows(), names, self._zone())

    def _zone(self) -> str:
        return "UTC"

    def _windows(self) -> Past:
        past = self.past()
        if not len(past):
            raise ConfigError("there are no windows: a comparison is of one dataset as a whole")
        return past


def put_page(path: str, html: str) -> str:
    """Write a page to a path or a URI, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    query = QUERY.search(path) if "://" in path else None
    end = query.start() if query else len(path)
    folder, _, name = path[:end].rpartition("/")
    place = folder or ("/" if path.startswith("/") else ".")
    store = open_folder(place + path[end:])
    store.put({name: html.encode()})
    store.make_ready("")  # beside a page nothing else removes what a killed run left
    return path


def _rows_of(frame: pd.DataFrame, feature: str, segment: str | None) -> pd.DataFrame:
    same = frame["segment"].isna() if segment is None else frame["segment"] == segment
    return frame[same & (frame["feature"] == feature)]


def _of(frame: pd.DataFrame, feature: str, segment: str | None) -> pd.DataFrame:
    rows = _rows_of(frame, feature, segment)
    if not len(rows):
        raise ConfigError(_not_there(sorted(set(frame["feature"])), feature, segment))
    return rows


def _not_there(names: Sequence[str], feature: str, segment: str | None) -> str:
    if feature in names:
        return f"feature {feature!r} has no rows " + (
            f"in {segment!r}" if segment else "as a whole"
        )
    return f"no feature {feature!r} here{did_you_mean(feature, names)}"
