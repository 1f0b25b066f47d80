"""The results as a chart and as tables of ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from tests.bench.table import Row, as_markdown, by_benchmark, shown

BEGIN = "<!-- results: written by python -m tests.bench --chart -->"
END = "<!-- end of results -->"
CHARTED = {"scan": "One scan", "run": "A whole run, warm", "peers": "Other tools, same files"}
GROWTH = {
    "count": "Growth of one scan",
    "run": "Growth of a first run, three scans",
    "again": "Growth of the next run, one scan",
}
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
        parts += [f"### {name}", as_markdown(by_case(rows) if name == "growth" else rows)]
    return "\n\n".join(parts)


def by_case(rows: Sequence[Row]) -> list[Row]:
    """One row for each case: the medians of all contenders, and what a value takes each."""
    cases: dict[object, Row] = {row["case"]: {"case": row["case"]} for row in rows}
    for measured in ("median_s", "ns_per_value"):
        for row in rows:
            cases[row["case"]][f"{row['contender']} {measured}"] = row[measured]
    return list(cases.values())


def chart(results: pd.DataFrame) -> str:
    """Medians as horizontal bars: seconds of each benchmark and case, time per value of growth.

    Bars of a group have one scale; kldrift is blue, everything else grey, and every bar says its
    number. What could not be measured has no bar and says why.
    """
    groups: dict[str, list[Bar]] = {}
    for row in rows_of(results):
        if row["benchmark"] in CHARTED:
            title = f"{CHARTED[row['benchmark']]}: {row['case']}, seconds"
            name = str(row["contender"])
            bar = Bar(name, row["median_s"], str(row.get("note") or ""), name.startswith("kldrift"))
            groups.setdefault(title, []).append(bar)
        elif row["benchmark"] == "growth" and row["contender"] in GROWTH:
            title = f"{GROWTH[row['contender']]}, ns per value read and core"
            groups.setdefault(title, []).append(Bar(str(row["case"]), row["ns_per_value"]))
    parts, top = [], 0
    for title, rows in groups.items():
        parts.append(_group(title, rows, top))
        top += HEAD + ROW * len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 12}" '
        f'width="{WIDTH}" role="img" aria-label="median seconds of the benchmarks">'
        f"<style>{STYLE}</style>{''.join(parts)}</svg>\n"
    )


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length, what stands there instead, and whether it is kldrift's."""

    label: str
    value: float
    note: str = ""
    own: bool = True


def _group(title: str, bars: Sequence[Bar], top: int) -> str:
    values = [bar.value for bar in bars if shown(bar.value)]
    longest = max(values, default=1.0) or 1.0
    head = f'<text class="head" x="8" y="{top + 28}">{escape(title)}</text>'
    return head + "".join(
        _bar(bar, longest, top + HEAD + ROW * place) for place, bar in enumerate(bars)
    )


def _bar(bar: Bar, longest: float, top: int) -> str:
    label = (
        f'<text x="{LABEL - 8}" y="{top + 12}" text-anchor="end">'
        f"{escape(_short(bar.label, 58))}</text>"
    )
    if not shown(bar.value):
        said = escape(_short(bar.note or "not measured", 58))
        return f'{label}<text x="{LABEL}" y="{top + 12}">{said}</text>'
    width = max(1.0, bar.value / longest * BAR)
    return (
        f'{label}<rect x="{LABEL}" y="{top}" width="{width:.1f}" height="{THICK}" '
        f'fill="{OWN if bar.own else OTHER}"/><text x="{LABEL + width + 8:.1f}" y="{top + 12}">'
        f"{escape(shown(float(bar.value)))}</text>"
    )


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
