"""The results as a chart and as tables of ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd

from tests.bench.table import Row, as_markdown, by_benchmark, shown

BEGIN = "<!-- results: written by python -m tests.bench --chart -->"
END = "<!-- end of results -->"
CHARTED = {"scan": "One scan", "run": "A whole run, warm", "peers": "Other tools, same files"}
CIRCUMSTANCES = ("date", "machine", "python", "kldrift", "pyspark", "pyarrow", "numpy", "pandas")

WIDTH, LABEL, BAR, ROW, HEAD, THICK = 860, 390, 360, 24, 40, 14
OWN, OTHER = "#0072b2", "#999999"
STYLE = (
    "text{font:13px sans-serif;fill:#222}.head{font-weight:bold}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


def publish(results: pd.DataFrame, docs: Path) -> list[Path]:
    """Write the chart, and the tables between the marks of ``performance.md``.

    Args:
        results: what a run of the benchmarks wrote.
        docs: the folder of the documentation.

    Returns:
        The files that were written.

    Raises:
        ValueError: the page lost its marks.
    """
    svg, page = docs / "performance.svg", docs / "performance.md"
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page}: expected the lines {BEGIN!r} and {END!r} around the results")
    svg.write_text(chart(results))
    page.write_text(f"{before}{BEGIN}\n\n{tables(results)}\n\n{END}{after}")
    return [svg, page]


def rows_of(results: pd.DataFrame) -> list[Row]:
    """The measurements, without what is the same for all of them."""
    same = [name for name in (*CIRCUMSTANCES, "quick") if name in results]
    rows = results.drop(columns=same).to_dict("records")
    # A column of counts with gaps comes back as floats.
    whole = [c for c in results if str(c) == "runs" or str(c).endswith("_mb")]
    return [{str(k): _whole(v) if k in whole else v for k, v in row.items()} for row in rows]


def _whole(value: float) -> int | None:
    return int(value) if shown(value) else None


def tables(results: pd.DataFrame) -> str:
    """The circumstances, the chart and a table of each benchmark, as Markdown."""
    first = results.iloc[0]
    said = [f"{n} {first[n]}" for n in CIRCUMSTANCES[2:] if n in results]
    parts = [
        f"Measured {first['date']} on {first['machine']}; {', '.join(said)}."
        + (" Small tables, measured once: not a result." if bool(first["quick"]) else ""),
        "![Medians of the benchmarks as bars](performance.svg)",
    ]
    for name, rows in by_benchmark(rows_of(results)).items():
        parts += [f"### {name}", as_markdown(rows)]
    return "\n\n".join(parts)


def chart(results: pd.DataFrame) -> str:
    """Median seconds as horizontal bars, one group for each benchmark and case.

    Bars of a group have one scale; kldrift is blue, everything else grey, and every bar says its
    number. What could not be measured has no bar and says why.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows_of(results):
        if row["benchmark"] in CHARTED:
            title = f"{CHARTED[row['benchmark']]}: {row['case']}"
            groups.setdefault(title, []).append(row)
    parts, top = [], 0
    for title, rows in groups.items():
        parts.append(_group(title, rows, top))
        top += HEAD + ROW * len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 12}" '
        f'width="{WIDTH}" role="img" aria-label="median seconds of the benchmarks">'
        f"<style>{STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _group(title: str, rows: Sequence[Row], top: int) -> str:
    medians = [row["median_s"] for row in rows if shown(row["median_s"])]
    longest = max(medians, default=1.0) or 1.0
    head = f'<text class="head" x="8" y="{top + 28}">{escape(title)}, seconds</text>'
    return head + "".join(
        _bar(row, longest, top + HEAD + ROW * place) for place, row in enumerate(rows)
    )


def _bar(row: Row, longest: float, top: int) -> str:
    name, median = str(row["contender"]), row["median_s"]
    label = (
        f'<text x="{LABEL - 8}" y="{top + 12}" text-anchor="end">{escape(_short(name, 58))}</text>'
    )
    if not shown(median):
        said = escape(_short(str(row.get("note") or "not measured"), 58))
        return f'{label}<text x="{LABEL}" y="{top + 12}">{said}</text>'
    width = max(1.0, median / longest * BAR)
    colour = OWN if name.startswith("kldrift") else OTHER
    return (
        f'{label}<rect x="{LABEL}" y="{top}" width="{width:.1f}" height="{THICK}" '
        f'fill="{colour}"/><text x="{LABEL + width + 8:.1f}" y="{top + 12}">'
        f"{escape(shown(float(median)))}</text>"
    )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
