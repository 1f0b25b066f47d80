"""Pages on streams with known truth: ``python -m tests.bench.alarms`` writes ``docs/alarms.md``.

Each stream has 180 days of 50 features (``tests/bench/streams.py``); the first 28 are learnt from.
Beside the learnt rule stand a fixed limit and the usual mean plus three deviations of the windows
before. A rule pages on a day on which a feature is flagged that was not flagged the day before.
Seeds are fixed, so that the same command gives the same page.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import rel_entr

from kldrift.monitor.replay import Replay, Shown
from kldrift.statistics.learned_limits import FEWEST_WINDOWS
from tests.bench.calibration import table
from tests.bench.streams import (
    DAYS,
    FEATURES,
    KINDS,
    NEW,
    NULL,
    Counts,
    Floats,
    Stream,
    stream,
    weekdays,
)

PAGE: Final = Path("docs/alarms.md")
CHART: Final = Path("docs/alarms.svg")
PAGES, BUDGET_DAYS = 1, 90
JUDGED: Final = DAYS - FEWEST_WINDOWS
FIRST: Final = 120
"""The day on which a drift is planted."""
WITHIN: Final = 10
PLANTED_ON: Final = (0, 30, 45)
"""A number, and two texts."""
NUMBERS: Final = {"1": 1, "3": 3, "all": FEATURES}
RULES: Final = ("learned", "js > 0.02", "mean + 3 sd")
Change = Callable[[Floats, Floats], Floats]


def shifted(size: float) -> Change:
    """All rows move by so many deviations."""

    def change(p: Floats, places: Floats) -> Floats:
        moved = p * np.exp(size * places)
        return np.asarray(moved / moved.sum(-1, keepdims=True))

    return change


def into(cell: int, share: float) -> Change:
    """A share of the rows comes to lie in one cell."""

    def change(p: Floats, places: Floats) -> Floats:  # noqa: ARG001 - as the others
        moved = (1 - share) * p
        moved[..., cell] += share
        return moved

    return change


DRIFTS: Final = {
    "+0.1 sd": shifted(0.1),
    "+0.3 sd": shifted(0.3),
    "+0.6 sd": shifted(0.6),
    "1 % of a new category": into(NEW, 0.01),
    "+1 point of nulls": into(NULL, 0.01),
}


def on(change: Change, features: int) -> Change:
    """A change of some features only."""
    places = np.arange(FEATURES) if features == FEATURES else np.array(PLANTED_ON[:features])

    def changed(p: Floats, of: Floats) -> Floats:
        moved = p.copy()
        moved[:, places] = change(p, of)[:, places]
        return moved

    return changed


def divergences(found: Stream, counts: Counts) -> tuple[Floats, Floats]:
    """``kl`` and ``js`` of each day and feature from the true distribution."""
    p = counts / counts.sum(-1, keepdims=True)
    q = np.broadcast_to((found.base + 1e-6) / (1 + 1e-6 * p.shape[-1]), p.shape)
    middle = (p + q) / 2
    js = (rel_entr(p, middle) + rel_entr(q, middle)).sum(-1) / 2
    return rel_entr(p, q).sum(-1), js


def flagged(found: Stream, counts: Counts) -> dict[str, Floats]:
    """What the other rules flag, by day and feature; nothing while they learn."""
    kl, js = divergences(found, counts)
    beyond = np.zeros(kl.shape, dtype=np.bool_)
    for day in range(FEWEST_WINDOWS, len(kl)):
        past = kl[max(0, day - BUDGET_DAYS) : day]
        beyond[day] = kl[day] > past.mean(0) + 3 * past.std(0)
    flags = {"js > 0.02": js > 0.02, "mean + 3 sd": beyond}
    return {
        rule: np.where(np.arange(len(kl))[:, None] >= FEWEST_WINDOWS, f, False)
        for rule, f in flags.items()
    }


def paged(flags: Floats) -> int:
    """Days on which a feature is flagged that was not the day before."""
    new = flags[1:] & ~flags[:-1]
    return int(new.any(1).sum())


def quiet(found: Stream) -> tuple[list[Shown], list[Replay]]:
    """The learnt rule over a stream, and its state before each day."""
    now, shown, states = Replay(PAGES, BUDGET_DAYS), list[Shown](), list[Replay]()
    for day, season in enumerate(weekdays().tolist()):
        states.append(now)
        one, now = now.step(found.counts[day], season)
        shown.append(one)
    return shown, states


def caught(
    found: Stream, state: Replay, change: Change, features: int, seed: int
) -> dict[str, float]:
    """After how many days each rule flags a feature that moved; infinite if it never does."""
    rng = np.random.default_rng([seed, features])
    counts = found.changed(rng, FIRST, WITHIN, on(change, features))
    moved = set(range(FEATURES)) if features == FEATURES else set(PLANTED_ON[:features])
    seasons = weekdays()[FIRST : FIRST + WITHIN].tolist()
    shown, _ = state.over(list(counts), seasons)
    delays = {"learned": [bool(one.raised & moved) for one in shown]}
    together = found.counts.copy()
    together[FIRST : FIRST + WITHIN] = counts
    for rule, flags in flagged(found, together).items():
        some = flags[FIRST : FIRST + WITHIN][:, sorted(moved)]
        delays[rule] = list(some.any(1))
    return {rule: days.index(True) if True in days else np.inf for rule, days in delays.items()}


Measured = tuple[dict[str, dict[str, list[int]]], dict[str, dict[tuple[str, str], list[float]]]]


def measure(seeds: int, planted_seeds: int, names: Sequence[str] = tuple(KINDS)) -> Measured:
    """Pages of each rule and stream, and the delays of each rule and planted drift."""
    pages: dict[str, dict[str, list[int]]] = {}
    delays: dict[str, dict[tuple[str, str], list[float]]] = {}
    for name, kind in ((name, KINDS[name]) for name in names):
        own = pages.setdefault(name, {rule: [] for rule in RULES})
        for seed in range(seeds):
            found = stream(kind, seed)
            shown, states = quiet(found)
            own["learned"].append(sum(one.page for one in shown))
            for rule, flags in flagged(found, found.counts).items():
                own[rule].append(paged(flags))
            if seed >= planted_seeds:
                continue
            for drift, change in DRIFTS.items():
                for number, features in NUMBERS.items():
                    when = caught(found, states[FIRST], change, features, seed)
                    place = delays.setdefault(name, {})
                    for rule, delay in when.items():
                        place.setdefault((rule, f"{drift}, {number}"), []).append(delay)
        print(name, {rule: np.mean(found) for rule, found in own.items()}, flush=True)
    return pages, delays


def per_budget(pages: Sequence[int]) -> float:
    """Pages in the days of the budget."""
    return float(np.mean(pages)) * BUDGET_DAYS / JUDGED


def shares(delays: Sequence[float]) -> str:
    """How many were found on the day, and within ten."""
    found = np.array(delays)
    return f"{(found == 0).mean():.0%} / {np.isfinite(found).mean():.0%}"


def page(measured: Measured, seeds: int, planted_seeds: int) -> str:
    """The page, measured."""
    pages, delays = measured
    rows = (
        [name, *(f"{per_budget(own[rule]):.1f}" for rule in RULES)] for name, own in pages.items()
    )
    quiet_table = table(("stream", *RULES), rows)
    parts = []
    for name, found in delays.items():
        drifts = list(dict.fromkeys(drift for _, drift in found))
        body = ([drift, *(shares(found[rule, drift]) for rule in RULES)] for drift in drifts)
        parts.append(f"### {name.capitalize()}\n\n{table(('planted', *RULES), body)}")
    return f"""# Pages on days of known truth

Made by `python -m tests.bench.alarms`: {seeds} seeds of 180 days with 5,000 rows of 50 features;
the first {FEWEST_WINDOWS} days are learnt from. The budget is {PAGES} page in {BUDGET_DAYS} days,
over all features. A rule pages on a day on which a feature is flagged that was not flagged the day
before. Beside the [learnt limits](windows.md#limits-that-are-learnt) stand a fixed limit,
Jensen-Shannon above 0.02 nats against the true reference, and mean plus three deviations of `kl`
over the 90 days before, per feature.

## Pages in {BUDGET_DAYS} days

![Pages in 90 days by rule and stream](alarms.svg)

{quiet_table}

What is no chance pages as well: holidays each time, and features that move for good once. Where
states have heavy tails, days that are far out go on to surprise: about twice the budget is paged
([why](decisions/pages-that-are-no-chance.md)).

## What is found, and when

Drifts that begin on day {FIRST}, on one number, on it and two texts, and on all features: the share
that is found on its day, and within {WITHIN} days; {planted_seeds} seeds each. A rule that
pages on every third quiet day finds much by chance.

{chr(10).join(f"{part}{chr(10)}" for part in parts)}"""


def chart(pages: dict[str, dict[str, list[int]]]) -> str:
    """Pages in 90 days as dots on a scale of logarithms; the grey band is what was asked for."""
    left, width, step, top = 360, 860, 26, 50
    low, high = 0.1, 100.0

    def at(value: float) -> float:
        share = np.log(max(low, value) / low) / np.log(high / low)
        return float(left + share * (width - left - 40))

    height = top + step * len(pages) + 20
    colours = dict(zip(RULES, ("#1f6fb4", "#999999", "#d0803a"), strict=True))
    first, last = at(PAGES / 1.5), at(1.5 * PAGES)
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
    """Measure, and write the page and its chart."""
    parser = argparse.ArgumentParser("python -m tests.bench.alarms", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="of each stream (5)")
    parser.add_argument("--planted", type=int, default=2, help="of these with planted drifts (2)")
    asked = parser.parse_args()
    measured = measure(asked.seeds, asked.planted)
    PAGE.write_text(page(measured, asked.seeds, asked.planted), encoding="utf-8")
    CHART.write_text(chart(measured[0]), encoding="utf-8")


if __name__ == "__main__":
    main()
