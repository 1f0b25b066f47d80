"""A model shift as HTML: the page of a run whose rows are segments, with their worst rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from kldrift.reporting.chart import percent, shift_chart, text
from kldrift.reporting.page import Layout, Page, count, figure, fragment, level, likelihood

HEADINGS: Final = (
    '<th>severity</th><th>segment</th><th class="n">kl, mean<br>(nats)</th>'
    '<th class="n">threshold</th><th class="n">median</th><th class="n">p90</th>'
    '<th class="n">p99</th><th class="n">top class<br>differs</th><th class="n">q</th>'
    '<th class="n">rows</th><th class="n">left out</th><th>what was found</th>'
)


def shift_fragment(
    found: Page, worst: Sequence[Mapping[str, Any]], *, rows: int, charts: int
) -> str:
    """Return what stands between other things on a page, as in a notebook.

    Args:
        found: what to show; its scores worst first.
        worst: rows of ``worst_rows``, worst first.
        rows: segments in the table, at most.
        charts: segments with a chart, at most.
    """
    return fragment(found, rows=rows, charts=charts, layout=SEGMENTS, more=_worst(worst))


def _about(found: Page) -> Iterator[str]:
    what = text(found.scores[0]["feature"]) if found.scores else ""
    yield (
        f"<p>{what}: what two models say of the same rows. kl is the mean over rows of "
        "D(challenger || champion) between their classes. A segment drifted when it is above a "
        "threshold and q, the share of false alarms to expect at this level, is small.</p>"
    )
    for name, place in (("tables", found.output), ("Data Docs", found.docs)):
        if place:
            yield f"<p>{name}: <code>{text(place, 300)}</code></p>"


def _name(row: Mapping[str, Any]) -> str:
    name = "all rows" if row["segment"] is None else str(row["segment"])
    when = "" if row["window_start"] is None else f" from {row['window_start'][:16]}"
    return text(name) + text(when)


def _numbers(row: Mapping[str, Any]) -> tuple[str, ...]:
    changed, rows = row["top_class_changed"], row["n_current"]
    return (
        figure(row["kl"]),
        level(row),
        *(figure(row[name]) for name in ("kl_median", "kl_p90", "kl_p99")),
        "-" if changed is None else escape(percent(changed)),
        likelihood(row["q_value"]),
        count(rows),
        escape(percent(row["missing_current"] / rows)) if rows else "-",
    )


SEGMENTS: Final = Layout(
    noun="segment",
    headings=HEADINGS,
    about=_about,
    name=_name,
    numbers=_numbers,
    has_chart=lambda row: row["kl"] is not None,
    picture=lambda row, cells: shift_chart(row["segment"] or "all rows", cells),
    above_charts="share of rows by their divergence in nats, and what they add to kl; worst first",
    rest=lambda *_: "",
    skipped="rows in no window:",
    longest=300,
)
"""Of the windows and segments of two models."""


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
