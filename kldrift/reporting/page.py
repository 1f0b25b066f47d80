"""A result as HTML: the verdict in words, the worst features as a table, how they moved as bars.

It is small whatever the data is (features and labels can be many and long), has no scripts, takes
its text colour from where it stands, and escapes everything that comes from data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import pandas as pd

from kldrift.reporting.chart import CURRENT, REFERENCE, chart, joint_chart, percent, text
from kldrift.reporting.row_cells import cells_of, key_of
from kldrift.scoring.reasons import certainty

CHARTS: Final = 20
# Bytes; a page of 600 MB has been seen where a tool had no such limits.
TABLE_BYTES, CHART_BYTES, SKIPPED_BYTES = 90_000, 85_000, 10_000

SIGNS: Final = {"critical": "●", "warning": "▲", "unscored": "?", "ok": "✓"}
HEADINGS: Final = (
    '<th>severity</th><th>feature</th><th class="n">kl<br>(nats)</th><th class="n">threshold</th>'
    '<th class="n">by chance<br>(nats)</th><th class="n">q</th><th class="n">rows</th>'
    '<th class="n">nulls<br>then → now</th><th>what moved</th>'
)
STYLE: Final = """<style>
.kldrift { font: 14px/1.45 system-ui, sans-serif; max-width: 76em; overflow-x: auto }
.kldrift h1 { font-size: 1.3em; margin: .4em 0 }
.kldrift p { margin: .4em 0; max-width: 60em }
.kldrift table { border-collapse: collapse; font-size: 13px; margin: .8em 0 }
.kldrift th, .kldrift td { text-align: left; vertical-align: top; padding: .25em .7em .25em 0;
  border-bottom: 1px solid rgba(128,128,128,.35); white-space: normal }
.kldrift .n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.kldrift .s { white-space: nowrap }
.kldrift .f { overflow-wrap: anywhere; min-width: 12em }
.kldrift .critical { font-weight: bold }
.kldrift figure { display: inline-block; vertical-align: top; margin: .8em 1.5em .8em 0;
  max-width: 100% }
.kldrift figcaption { font-weight: bold; overflow-wrap: anywhere; max-width: 34em }
.kldrift svg { max-width: 100%; height: auto; font-size: 12px }
.kldrift svg text { fill: currentColor }
.kldrift .key { display: inline-block; width: 1.6em; height: .7em }
</style>"""


@dataclass(frozen=True)
class Page:
    """The contents of a page.

    Attributes:
        counts: features per severity.
        scores: rows of ``drift_scores``, the worst first; nulls are None.
        cells: the frame of ``drift_cells``.
        monitor: whose run it was; None for a comparison.
        skipped: columns that were not monitored, each with the reason.
        output: where the tables are.
        docs: where Data Docs are.
        total: rows of ``drift_scores``, also those that are not in ``scores``.
        segments: scores of segments per severity.
        notes: what to know before the scores are read.
    """

    counts: Mapping[str, int]
    scores: Sequence[Mapping[str, Any]]
    cells: pd.DataFrame
    monitor: str | None = None
    skipped: tuple[tuple[str, str], ...] = ()
    output: str | None = None
    docs: str | None = None
    total: int | None = None
    segments: Mapping[str, int] | None = None
    notes: tuple[str, ...] = ()


Row = Mapping[str, Any]
"""A row of ``drift_scores``."""


@dataclass(frozen=True)
class Layout:
    """What the page of one kind of comparison says; all text is HTML already.

    Attributes:
        noun: what a row of the scores is about.
        headings: of the columns: severity, name, numbers, and what was found.
        about: what stands above the table.
        name: what a row is called.
        numbers: the numbers of a row.
        has_chart: whether a row gets a chart.
        picture: the chart of a row, from its cells.
        above_charts: what the charts show.
        rest: what is said of rows without a chart, where so many have one.
        skipped: what was left out, as a heading.
        longest: letters of what was found, at most.
        headline: the verdict in words; by default that on the counts.
    """

    noun: str
    headings: str
    about: Callable[[Page], Iterable[str]]
    name: Callable[[Row], str]
    numbers: Callable[[Row], Sequence[str]]
    has_chart: Callable[[Row], bool]
    picture: Callable[[Row, Sequence[Row]], str]
    above_charts: str
    rest: Callable[[Page, int], str]
    skipped: str
    longest: int
    headline: Callable[[Page], str] | None = None


def page(found: Page) -> str:
    """Return a whole page."""
    title = found.monitor or "comparison"
    return whole(title, fragment(found, rows=len(found.scores), charts=CHARTS))


def whole(title: str, body: str) -> str:
    """Return a page with this title and this body, which is HTML already."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>kldrift: {text(title)}</title></head><body>\n{body}\n</body></html>\n"
    )


def fragment(
    found: Page, *, rows: int, charts: int, layout: Layout | None = None, more: str = ""
) -> str:
    """Return the page without head and frame, to be embedded as in a notebook.

    Args:
        found: what to show.
        rows: rows in the table, at most.
        charts: rows with a chart, at most.
        layout: what to say of them; by default that of a monitor's features.
        more: what stands below the charts.
    """
    layout = layout or FEATURES
    heading = f"{text(found.monitor)}: " if found.monitor else ""
    headline = layout.headline
    said = headline(found) if headline else verdict(found.counts, layout.noun)
    parts = [
        STYLE,
        f"<h1>{heading}{escape(said)}</h1>",
        *(f"<p>{text(note, 240)}</p>" for note in found.notes),
        *layout.about(found),
        _table(found.scores[:rows], found.total or len(found.scores), layout),
        _charts(found, charts, layout),
        more,
        skipped_list(found.skipped, layout.skipped),
    ]
    return f'<div class="kldrift">{"".join(parts)}</div>'


def verdict(counts: Mapping[str, int], noun: str = "feature") -> str:
    """The verdict in words: how many features drifted.

    Examples:
        >>> verdict({"critical": 2, "warning": 1, "unscored": 0, "ok": 21})
        '3 of 24 features drifted: 2 critical, 1 warning'
        >>> verdict({"critical": 0, "warning": 0, "unscored": 1, "ok": 3})
        'no drift in 3 of 4 features; 1 could not be scored'
    """
    total, drifted = sum(counts.values()), counts["critical"] + counts["warning"]
    if not total:
        return f"no {noun} was compared"
    unscored = f"; {counts['unscored']} could not be scored" if counts["unscored"] else ""
    if drifted:
        kinds = ", ".join(
            f"{counts[name]} {name}" for name in ("critical", "warning") if counts[name]
        )
        return f"{drifted} of {total} {noun}s drifted: {kinds}{unscored}"
    if unscored:
        return f"no drift in {counts['ok']} of {total} {noun}s{unscored}"
    return f"no drift in {total} {noun}s"


def _headline(found: Page) -> str:
    """The verdict on the features, and on the segments if there are any."""
    said = verdict(found.counts)
    if found.segments and any(found.segments.values()):
        said += f"; by segment: {verdict(found.segments, 'score')}"
    return said


def _about(found: Page) -> Iterable[str]:
    if found.scores:
        row = found.scores[0]
        ends = [row[end] for end in ("window_start", "window_end") if row[end]]
        if ends:
            yield f"<p>window: {text(' to '.join(ends))}</p>"
    yield (
        "<p>kl says how far the current dataset is from the reference; by chance is the kl to "
        "expect without any drift at these row counts. A feature drifted when its score is above "
        "a threshold and q, the share of false alarms to expect at this level, is small.</p>"
    )
    if found.output:
        yield f"<p>tables: <code>{text(found.output, 300)}</code></p>"
    if found.docs:
        yield f"<p>Data Docs: <code>{text(found.docs, 300)}</code></p>"


def _table(scores: Sequence[Row], total: int, layout: Layout) -> str:
    if not total:
        return ""
    rows = fitting((_row(row, layout) for row in scores), TABLE_BYTES)
    more = total - len(rows)
    rest = f"<p>and {more} more, in the table <code>drift_scores</code></p>" if more else ""
    head = f"<thead><tr>{layout.headings}</tr></thead>"
    return f"<table>{head}<tbody>{''.join(rows)}</tbody></table>{rest}"


def _row(row: Row, layout: Layout) -> str:
    severity = str(row["severity"])
    return (
        f'<tr><td class="s {text(severity)}">{SIGNS.get(severity, "")} {text(severity)}</td>'
        f'<td class="f">{layout.name(row)}</td>'
        + "".join(f'<td class="n">{number}</td>' for number in layout.numbers(row))
        + f"<td>{text(row['reason'] or '', layout.longest)}</td></tr>"
    )


def level(row: Row) -> str:
    """Write the threshold that a row was held to, or a dash for none."""
    levels = [row["threshold_warning"], row["threshold_critical"]]
    if row["severity"] == "critical":
        levels.reverse()
    return figure(next((level for level in levels if level is not None), None))


def _numbers(row: Row) -> tuple[str, ...]:
    by_chance, q = figure(row["kl_expected"]), likelihood(row["q_value"])
    return figure(row["kl"]), level(row), by_chance, q, count(row["n_current"]), _nulls(row)


def _name(row: Mapping[str, Any]) -> str:
    segment = row.get("segment")
    return text(row["feature"]) + (f" [{text(segment)}]" if segment is not None else "")


def _nulls(row: Mapping[str, Any]) -> str:
    shares = []
    for side in ("reference", "current"):
        rows, missing = row[f"n_{side}"], row[f"missing_{side}"]
        shares.append(percent(missing / rows) if rows and missing is not None else "-")
    return escape(" → ".join(shares))


def figure(value: float | None, digits: int = 3) -> str:
    """Write a number, or a dash for none."""
    return "-" if value is None else f"{value:.{digits}g}"


def likelihood(q_value: float | None) -> str:
    """Write a q-value, or a dash for none."""
    return "-" if q_value is None else escape(certainty(q_value))


def count(value: float | None) -> str:
    """Write a number of rows, or a dash for none."""
    return "-" if value is None else f"{int(value):,}"


def _charts(found: Page, most: int, layout: Layout) -> str:
    wanted = [row for row in found.scores if layout.has_chart(row)]
    cells = cells_of(found.cells, wanted[:most])
    figures = [
        f"<figure><figcaption>{layout.name(row)}: {figure(row['kl'])} nats</figcaption>"
        f"{layout.picture(row, cells[key])}</figure>"
        for row in wanted[:most]
        if (key := key_of(row)) in cells
    ]
    figures = fitting(figures, CHART_BYTES)
    if not figures:
        return ""
    rest = layout.rest(found, len(figures))
    return f"<p>{layout.above_charts}</p>{''.join(figures)}{rest}"


def _rest(found: Page, shown: int) -> str:
    counted = (found.counts, found.segments or {})
    total = sum(c.get("critical", 0) + c.get("warning", 0) for c in counted)
    more = max(total, sum(map(_drifted, found.scores))) - shown
    return (
        f"<p>and {more} more that drifted, in the table <code>drift_cells</code></p>"
        if more
        else ""
    )


def _drifted(row: Row) -> bool:
    return row["severity"] in ("critical", "warning")


def _picture(row: Row, cells: Sequence[Row]) -> str:
    draw = joint_chart if row["kind"] == "joint" else chart
    return draw(str(row["feature"]), cells)


FEATURES: Final = Layout(
    noun="feature",
    headings=HEADINGS,
    about=_about,
    name=_name,
    numbers=_numbers,
    has_chart=_drifted,
    picture=_picture,
    above_charts="share of rows in the cells that moved most "
    "(of a joint group: what its features and pairs add): "
    f'<span class="key" style="background:{REFERENCE}"></span> reference, '
    f'<span class="key" style="background:{CURRENT}"></span> current',
    rest=_rest,
    skipped="not monitored:",
    longest=240,
    headline=_headline,
)
"""Of a monitor's features."""


def skipped_list(skipped: Sequence[tuple[str, str]], heading: str) -> str:
    """Return the list of what was left out, with reasons; empty text for nothing."""
    if not skipped:
        return ""
    items = fitting(
        (f"<li>{text(column)}: {text(reason, 240)}</li>" for column, reason in skipped),
        SKIPPED_BYTES,
    )
    more = len(skipped) - len(items)
    rest = f"<li>and {more} more, in the table <code>runs</code></li>" if more else ""
    return f"<p>{heading}</p><ul>{''.join(items)}{rest}</ul>"


def fitting(pieces: Iterable[str], most: int) -> list[str]:
    """Return the first pieces that together take at most so many bytes."""
    taken: list[str] = []
    for piece in pieces:
        most -= len(piece.encode())
        if most < 0:
            break
        taken.append(piece)
    return taken
