"""A model shift as HTML: the segments as a table, the divergence of their rows as bars, worst rows.

The same page as a run's, see :mod:`kldrift.reporting.page`: small, without scripts, and everything
that comes from data is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from kldrift.reporting.chart import percent, shift_chart, text
from kldrift.reporting.page import (
    CHART_BYTES,
    SIGNS,
    STYLE,
    TABLE_BYTES,
    Page,
    cells_of,
    count,
    figure,
    fitting,
    key_of,
    skipped_list,
    verdict,
)

CHARTS: Final = 20
HEADINGS: Final = (
    '<th>severity</th><th>segment</th><th class="n">kl, mean<br>(nats)</th>'
    '<th class="n">threshold</th><th class="n">median</th><th class="n">p90</th>'
    '<th class="n">p99</th><th class="n">top class<br>differs</th><th class="n">q</th>'
    '<th class="n">rows</th><th class="n">left out</th><th>what was found</th>'
)


def fragment(found: Page, worst: Sequence[Mapping[str, Any]], *, rows: int, charts: int) -> str:
    """Return the page without head and frame, to be embedded as in a notebook.

    Args:
        found: what to show; its scores worst first.
        worst: rows of ``worst_rows``, worst first.
        rows: segments in the table, at most.
        charts: segments with a chart, at most.
    """
    heading = f"{text(found.monitor)}: " if found.monitor else ""
    parts = [
        STYLE,
        f"<h1>{heading}{escape(verdict(found.counts, 'segment'))}</h1>",
        _about(found),
        _table(found.scores[:rows], len(found.scores)),
        _charts(found, charts),
        _worst(worst),
        skipped_list(found.skipped, "rows in no window:"),
    ]
    return f'<div class="kldrift">{"".join(parts)}</div>'


def _about(found: Page) -> str:
    what = text(found.scores[0]["feature"]) if found.scores else ""
    places = "".join(
        f"<p>{name}: <code>{text(place, 300)}</code></p>"
        for name, place in (("tables", found.output), ("Data Docs", found.docs))
        if place
    )
    return (
        f"<p>{what}: what two models say of the same rows. kl is the mean over rows of "
        "D(challenger || champion) between their classes. A segment drifted when it is above a "
        f"threshold and q, the share of false alarms to expect at this level, is small.</p>{places}"
    )


def _table(scores: Sequence[Mapping[str, Any]], total: int) -> str:
    rows = fitting(map(_row, scores), TABLE_BYTES)
    more = total - len(rows)
    rest = f"<p>and {more} more, in the table <code>drift_scores</code></p>" if more else ""
    return f"<table><thead><tr>{HEADINGS}</tr></thead><tbody>{''.join(rows)}</tbody></table>{rest}"


def _row(row: Mapping[str, Any]) -> str:
    severity = str(row["severity"])
    levels = [row["threshold_warning"], row["threshold_critical"]]
    if severity == "critical":
        levels.reverse()
    level = next((level for level in levels if level is not None), None)
    changed, rows = row["top_class_changed"], row["n_current"]
    numbers = (
        figure(row["kl"]),
        figure(level),
        *(figure(row[name]) for name in ("kl_median", "kl_p90", "kl_p99")),
        "-" if changed is None else escape(percent(changed)),
        figure(row["q_value"], 1),
        count(rows),
        escape(percent(row["missing_current"] / rows)) if rows else "-",
    )
    return (
        f'<tr><td class="s {text(severity)}">{SIGNS.get(severity, "")} {text(severity)}</td>'
        f'<td class="f">{_name(row)}</td>'
        + "".join(f'<td class="n">{number}</td>' for number in numbers)
        + f"<td>{text(row['reason'] or '', 300)}</td></tr>"
    )


def _name(row: Mapping[str, Any]) -> str:
    name = "all rows" if row["segment"] is None else str(row["segment"])
    when = "" if row["window_start"] is None else f" from {row['window_start'][:16]}"
    return text(name) + text(when)


def _charts(found: Page, most: int) -> str:
    shown = [row for row in found.scores if row["kl"] is not None][:most]
    segments = [row["segment"] for row in shown]
    wanted = found.cells["segment"].isin([s for s in segments if s is not None])
    if None in segments:
        wanted |= found.cells["segment"].isna()
    cells = cells_of(found.cells[wanted], shown)
    figures = [
        f"<figure><figcaption>{_name(row)}: {figure(row['kl'])} nats</figcaption>"
        f"{shift_chart(row['segment'] or 'all rows', cells[key])}</figure>"
        for row in shown
        if (key := key_of(row)) in cells
    ]
    figures = fitting(figures, CHART_BYTES)
    if not figures:
        return ""
    text_above = "share of rows by their divergence in nats, and what they add to kl"
    return f"<p>{text_above}; worst first</p>{''.join(figures)}"


def _worst(worst: Sequence[Mapping[str, Any]]) -> str:
    if not worst:
        return ""
    rows = "".join(
        f'<tr><td class="f">{"no key" if row["key"] is None else text(row["key"])}</td>'
        f'<td class="n">{"infinite" if row["kl"] is None else figure(row["kl"])}</td>'
        f'<td class="n">{row["champion_class"]} → {row["challenger_class"]}</td></tr>'
        for row in worst
    )
    return (
        "<p>rows that differ most</p><table><thead><tr><th>key</th>"
        '<th class="n">kl<br>(nats)</th><th class="n">top class<br>champion → challenger</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )
