"""Charts of Altair, for notebooks: they can be changed, combined and saved.

The pages do not use them: they would need a script of 800 kB, and their own are drawn at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from kldrift.profiles.number_text import percent
from kldrift.reporting.bars import bars_of, scored
from kldrift.reporting.figures import feature_words, metric_words, shown, window_name
from kldrift.reporting.json_values import Row
from kldrift.reporting.past import Past
from kldrift.scoring.alerts import Key

if TYPE_CHECKING:
    import altair as alt

COLOURS: Final = {
    "critical": "#d6453d",
    "warning": "#c07c00",
    "unscored": "#8a63c9",
    "ok": "#2f9160",
    "no row": "#dddddd",
}
SIGNS: Final = {"critical": "●", "warning": "▲", "unscored": "?", "ok": "✓"}
"""So that no severity is told by its colour alone."""
SHAPES: Final = ("circle", "triangle-up", "diamond", "square", "cross")
"""Points of the severities in `COLOURS`: of the first two as their signs."""
WIDEST: Final = 520
"""Pixels of a chart, which is to be seen whole in the cell of a notebook."""
OF_GROUPS: Final = ("feature", "pair")
"""Kinds of cells of joint groups."""
MOST_IN_GROUP: Final = 20
SIDES: Final = {"reference": "#8d8d8d", "current": "#0a7ac2"}


def distribution_chart(name: str, cells: Sequence[Row]) -> alt.Chart:
    """Draw the shares of the rows of each cell, of the reference and now.

    Of a joint group, what its features and pairs add to ``kl``, those that add most first.
    """
    import altair as alt  # noqa: PLC0415 - takes a second, and only here

    if cells and cells[0]["cell_kind"] in OF_GROUPS:
        return _group_chart(name, cells)
    bars = bars_of(name, scored(cells), 600)
    values = [
        {"cell": bar.name, "dataset": side, "share": share, "adds to kl": bar.adds}
        | {"rows": percent(share)}
        for bar in bars
        for side, share in zip(SIDES, (bar.then, bar.now), strict=True)
    ]
    colour = alt.Color("dataset:N", scale=alt.Scale(domain=[*SIDES], range=[*SIDES.values()]))
    chart = alt.Chart(alt.InlineData(values=values), title=shown(name)).mark_bar()
    drawn: alt.Chart = chart.encode(
        x=alt.X("cell:N", sort=[bar.name for bar in bars], title=None),
        xOffset=alt.XOffset("dataset:N", sort=[*SIDES]),
        y=alt.Y("share:Q", axis=alt.Axis(format=".1%"), title="share of rows"),
        color=colour,
        tooltip=["cell:N", "dataset:N", "rows:N", "adds to kl:Q"],
    )
    return drawn.properties(width=min(WIDEST, 50 * len(bars)))


def _group_chart(name: str, cells: Sequence[Row]) -> alt.Chart:
    import altair as alt  # noqa: PLC0415

    moved = sorted(cells, key=lambda c: -abs(c["contribution"]))[:MOST_IN_GROUP]
    sides = {"correlation then": "correlation_reference", "now": "correlation_current"}
    values = [
        {"part": shown(cell["label"]), "adds to kl": cell["contribution"]}
        | {word: cell.get(column) for word, column in sides.items()}
        for cell in moved
    ]
    chart = alt.Chart(alt.InlineData(values=values), title=shown(name)).mark_bar()
    drawn: alt.Chart = chart.encode(
        x=alt.X("adds to kl:Q", title="adds to kl, nats"),
        y=alt.Y("part:N", sort=[value["part"] for value in values], title=None),
        color=alt.value(SIDES["current"]),
        tooltip=["part:N", "adds to kl:Q", *(f"{word}:Q" for word in sides)],
    )
    return drawn


def history_chart(
    past: Past,
    key: Key,
    metric: str,
    limits: Sequence[float | None],
    zone: str,
    alerts: Sequence[Mapping[str, str]] = (),
) -> alt.LayerChart | alt.FacetChart:
    """Draw a score by window, with its limits and alerts."""
    import altair as alt  # noqa: PLC0415

    points = zip(past.windows, past.scores(key, metric), past.severities(key), strict=True)
    words = metric_words(metric)
    values = [
        {
            "window": window_name(window, zone),
            "start": None if window.start is None else window.start.isoformat(),
            words: score,
            "severity": severity or "no row",
        }
        for window, score, severity in points
    ]
    name = feature_words(key[0]) + ("" if key[1] is None else f" in {shown(key[1])}")
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X("start:T", title=None), y=alt.Y(f"{words}:Q", title=words)
    )
    dots = base.mark_point(filled=True, size=50).encode(
        color=_severity(alt),
        shape=alt.Shape("severity:N", scale=alt.Scale(domain=[*COLOURS], range=[*SHAPES])),
        tooltip=["window:N", f"{words}:Q", "severity:N"],
    )
    levels = [
        alt.Chart(alt.InlineData(values=[{"limit": limit}]))
        .mark_rule(color=COLOURS[level], strokeDash=[4, 3] if level == "warning" else [1, 0])
        .encode(y=alt.Y("limit:Q", title=words))
        for level, limit in zip(("warning", "critical"), limits, strict=True)
        if limit is not None
    ]
    spans = [
        alt.Chart(alt.InlineData(values=[alert]))
        .mark_rect(color=COLOURS["critical"], opacity=0.12)
        .encode(x="since:T", x2="until:T", tooltip=["alert:N"])
        for alert in alerts
    ]
    line = base.mark_line(color=SIDES["current"])
    return alt.layer(*spans, line, dots, *levels, title=name)


def heat_chart(past: Past, features: Sequence[str], zone: str) -> alt.LayerChart | alt.FacetChart:
    """Draw the worst severity of features by window."""
    import altair as alt  # noqa: PLC0415

    names = [window_name(window, zone, weekday=False) for window in past.windows]
    values = [
        {
            "feature": feature_words(feature),
            "window": window,
            "severity": severity or "no row",
            "sign": "" if severity == "ok" else SIGNS.get(severity or "", ""),
        }
        for feature in features
        for window, severity in zip(names, past.worst(feature), strict=True)
    ]
    every = alt.Axis(labelOverlap=False, labelFlush=False, labelLimit=180)
    base = alt.Chart().encode(
        x=alt.X("window:N", sort=names, title=None, axis=alt.Axis(labelOverlap=True)),
        y=alt.Y("feature:N", sort=[feature_words(f) for f in features], title=None, axis=every),
        tooltip=["feature:N", "window:N", "severity:N"],
    )
    pale = alt.condition(alt.datum.severity == "ok", alt.value(0.3), alt.value(1))
    squares = base.mark_rect().encode(color=_severity(alt), opacity=pale)
    fits = alt.ExprRef("min(9, bandwidth('x'))")
    signs = base.mark_text(color="white", fontSize=fits).encode(text="sign:N")
    data = alt.InlineData(values=[])
    data.values = values  # not as an argument: each of thousands of rows would be validated
    return alt.layer(squares, signs, data=data, width=min(WIDEST, 20 * len(names)))


def _severity(alt: Any) -> Any:
    scale = alt.Scale(domain=[*COLOURS], range=[*COLOURS.values()])
    # Beside the chart it would take the room of a phone.
    columns = alt.ExprRef("width < 340 ? 2 : 5")
    above = alt.Legend(orient="top", title=None, columns=columns)
    return alt.Color("severity:N", scale=scale, legend=above)
