"""Pages on streams with known truth: ``python -m tests.bench.alarms`` writes ``docs/alarms.md``.

Each stream has 180 days of 50 or 200 features (``tests/bench/streams.py``); the first 28 are learnt
from. Beside the learnt rule stand a fixed limit, the usual mean plus three deviations of the days
before, and what other tools do. A rule pages on a day on which a feature is flagged that was not
flagged the day before. Seeds are fixed, so that the same command gives the same page; what is
measured is kept in a file, so that it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from kldrift.statistics.learned_limits import FEWEST_WINDOWS
from tests.bench.alarm_rules import (
    BUDGET_DAYS,
    BY_CHANCE,
    DRIFTS,
    FIRST,
    JUDGED,
    OTHERS_DAYS,
    OTHERS_SEE,
    OTHERS_STREAMS,
    PAGES,
    RULES,
    WIDE,
    WITHIN,
    Delays,
    Measured,
    Pages,
    Results,
    collected,
    key_of,
    measure,
    measured_others,
    wanted,
)
from tests.bench.calibration import table
from tests.bench.streams import FEATURES

PAGE: Final = Path("docs/alarms.md")
CHART: Final = Path("docs/alarms.svg")
RESULTS: Final = Path("bench-alarms.json")
OTHERS: Final = "other tools"
MOST: Final = 1.5
"""Times the budget that is claimed at most."""
COLUMNS: Final = (RULES[0], BY_CHANCE, *RULES[1:])


def per_budget(pages: Sequence[int]) -> float:
    """Pages in the days of the budget."""
    return float(np.mean(pages)) * BUDGET_DAYS / JUDGED


def claimed(pages: Pages) -> str:
    """Where pages by chance stay within what is claimed."""
    over = [name for name, own in pages.items() if per_budget(own[BY_CHANCE]) > MOST * PAGES]
    return f"on {len(pages) - len(over)} of {len(pages)} streams" + (
        f" (not on: {'; '.join(over)})" if over else ""
    )


def shares(found: Mapping[tuple[str, str], Sequence[float]], drift: str) -> str:
    """Per cent found: by the first rule on the day and within ten, by the others within ten."""
    within = [f"{100 * np.isfinite(found[rule, drift]).mean():.0f}" for rule in RULES]
    on_its_day = 100 * (np.array(found[RULES[0], drift]) == 0).mean()
    return f"{on_its_day:.0f}, {' / '.join(within)}"


def found_table(delays: Delays, number: str) -> str:
    """What was found of drifts in so many features, by stream."""
    drifts = [
        drift
        for drift in dict.fromkeys(drift for found in delays.values() for _, drift in found)
        if drift.rpartition(", ")[2] == number
    ]
    body = ([name, *(shares(found, d) for d in drifts)] for name, found in delays.items())
    return table(("stream", *(drift.rpartition(", ")[0] for drift in drifts)), body)


def page(measured: Measured, wide: Pages, others: Mapping[str, Any]) -> str:
    """The page, measured."""
    pages, delays = measured
    seeds, planted_seeds, wide_seeds = (
        max((len(of) for own in found.values() for of in own.values()), default=0)
        for found in (pages, delays, wide)
    )
    rows = (
        [
            name,
            *(f"{per_budget(own[rule]):.1f}" for rule in COLUMNS),
            *(f"{per_budget(wide[name][rule]):.1f}" for rule in COLUMNS if name in wide),
        ]
        for name, own in pages.items()
    )
    heads = ("stream", *COLUMNS, *(f"{rule}, {WIDE}" for rule in COLUMNS if wide))
    quiet_table = table(heads, rows)
    return f"""# How often learnt limits page

How often learnt limits call somebody, and which drifts they find, on days of known truth.

Made by `python -m tests.bench.alarms`: {seeds} seeds of 180 days with 5,000 rows of {FEATURES}
features, and {wide_seeds} of {WIDE} features; the first {FEWEST_WINDOWS} days are learnt from. The
budget is {PAGES} page in {BUDGET_DAYS} days, over all features. A rule pages on a day on which a
feature is flagged that was not flagged the day before. Beside the
[learnt limits](windows.md#limits-that-are-learnt) stand a fixed limit,
Jensen-Shannon above 0.02 nats against the true reference, and mean plus three deviations of `kl`
over the 90 days before, per feature.

## Pages in {BUDGET_DAYS} days

![Pages in 90 days by rule and stream](alarms.svg)

{quiet_table}

*Learned, by chance* leaves out the days on which something happens that a page is right about:
holidays, outages, and the day on which features move for good. At most {MOST:g} times the budget is
claimed of these pages; it holds {claimed(pages)}.
It is not claimed of all pages: three holidays are three pages, which use the budget up, so that
none by chance is left and small drifts pass unseen for longer. Nor is it claimed where states have
heavy tails: days that are further out than any before go on to surprise
([why](decisions/pages-that-are-no-chance.md)).

{of_others(others)}## What is found, and when

Drifts that begin on day {FIRST}, {planted_seeds} seeds each: per cent that the learnt limits
find on its day, then within {WITHIN} days the learnt limits / {" / ".join(RULES[1:])}.
A rule that pages on every third quiet day finds much by chance.

In one number:

{found_table(delays, "1")}

In it and two texts:

{found_table(delays, "3")}

In all features:

{found_table(delays, "all")}
"""


def of_others(others: Mapping[str, Any]) -> str:
    """What NannyML and Evidently do on some of the days."""
    if not others:
        return ""
    known = {tool: found for tool, found in others.items() if not isinstance(found, str)}
    missing = [f"\n{tool}: {why}.\n" for tool, why in others.items() if tool not in known]
    pages = ([name, *(str(of["pages"][name]) for of in known.values())] for name in OTHERS_STREAMS)
    drifts = [f"{drift}, {many}" for drift in DRIFTS for many in (1, 3)]
    found = ([drift, *(after(of["delays"][drift]) for of in known.values())] for drift in drifts)
    allowed = PAGES * OTHERS_DAYS / BUDGET_DAYS
    return f"""## Beside NannyML and Evidently

The tools themselves, on the rows of {len(OTHERS_SEE)} of the features of one seed. The first
{FEWEST_WINDOWS} days are their reference; each of the {OTHERS_DAYS} days after it is a chunk for
NannyML, which alerts where its Jensen-Shannon distance is above mean plus three deviations of the
reference's days, and a dataset for Evidently, which flags a normed Wasserstein or Jensen-Shannon
distance from 0.1 on. Pages in these {OTHERS_DAYS} days, in which the learnt limits may send
{allowed:.1f} over all {FEATURES} features:

{table(("stream", *known), pages)}

When they find what is planted in days that are alike, in one number or in it and two texts:

{table(("planted", *known), found)}
{"".join(missing)}
"""


def after(days: float) -> str:
    """When something was found."""
    if not np.isfinite(days):
        return f"not in {WITHIN} days"
    return "on its day" if days == 0 else f"after {days:.0f} days"


def chart(pages: Pages) -> str:
    """Pages in 90 days as dots on a scale of logarithms; the grey band is what was asked for."""
    left, width, step, top = 360, 860, 26, 50
    low, high = 0.1, 100.0

    def at(value: float) -> float:
        share = np.log(max(low, value) / low) / np.log(high / low)
        return float(left + share * (width - left - 40))

    height = top + step * len(pages) + 20
    colours = dict(zip(RULES, ("#1f6fb4", "#999999", "#d0803a"), strict=True))
    first, last = at(PAGES / MOST), at(MOST * PAGES)
    parts = [
        f'<rect x="{first:.0f}" y="{top - 12}" width="{last - first:.0f}" '
        f'height="{height - top}" fill="#e4e4e4"/>'
    ]
    for tick in (0.1, 1, 10, 100):
        label = "none" if tick == low else f"{tick:g}"
        parts.append(_text(at(tick), top - 18, label, "middle"))
    for place, (rule, colour) in enumerate(colours.items()):
        x = left + 150 * place
        parts += [_dot(x, 12, colour), _text(x + 10, 16, rule)]
    for row, (name, own) in enumerate(pages.items()):
        y = top + step * row
        parts.append(_text(left - 20, y + 4, name, "end"))
        parts += [_dot(at(per_budget(own[rule])), y, colours[rule]) for rule in reversed(RULES)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        'role="img" aria-label="pages in 90 days by rule and stream">'
        "<style>text{font:13px sans-serif;fill:#222}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>"
        f"{''.join(parts)}</svg>\n"
    )


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="6" fill="{colour}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(words)}</text>'


def main() -> None:
    """Measure what is not measured yet, and write the page and its chart."""
    parser = argparse.ArgumentParser("python -m tests.bench.alarms", description=__doc__)
    parser.add_argument("--seeds", type=int, default=8, help="of each stream (8)")
    parser.add_argument("--planted", type=int, default=3, help="of these with planted drifts (3)")
    parser.add_argument("--wide", type=int, default=2, help=f"of streams with {WIDE} features (2)")
    parser.add_argument("--minutes", type=float, default=np.inf, help="stop after so many")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS})")
    parser.add_argument("--envs", type=Path, help="environments of other tools, to measure them")
    asked = parser.parse_args()
    results: Results = json.loads(asked.results.read_text()) if asked.results.exists() else {}
    pieces = list(wanted(asked.seeds, asked.planted, asked.wide))
    if asked.envs:
        results[OTHERS] = measured_others(asked.envs)
        asked.results.write_text(json.dumps(results))
    for more in measure(results, pieces, time.monotonic() + 60 * asked.minutes):
        results = more
        asked.results.write_text(json.dumps(results))
    done = sum(key_of(*piece[:3]) in results for piece in pieces)
    print(f"{done} of {len(pieces)} streams are measured", flush=True)
    measured, wide = collected(results, FEATURES), collected(results, WIDE)[0]
    PAGE.write_text(page(measured, wide, results.get(OTHERS, {})), encoding="utf-8")
    CHART.write_text(chart(measured[0]), encoding="utf-8")


if __name__ == "__main__":
    main()
