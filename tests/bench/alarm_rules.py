"""Rules that page, on streams with known truth: what is measured for ``tests.bench.alarms``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.special import rel_entr

from kldrift.config import Alarms, Budget, Time
from kldrift.monitor.learned_rule import LearnedRule, Replay, Shown
from kldrift.statistics.learned_limits import FEWEST_WINDOWS
from kldrift.tables.window import Window
from tests.bench.peers.days import Flags
from tests.bench.peers.days import flagged as flagged_by_others
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
)

PAGES, BUDGET_DAYS = 1, 90
MONDAY: Final = datetime(2001, 1, 1, tzinfo=UTC)
WINDOWS: Final = [
    Window(MONDAY + timedelta(days=d), MONDAY + timedelta(days=d + 1)) for d in range(DAYS)
]
JUDGED: Final = DAYS - FEWEST_WINDOWS
FIRST: Final = 120
"""The day on which a drift is planted."""
WITHIN: Final = 10
PLANTED_ON: Final = (0, 30, 45)
"""A number, and two texts."""
HOW_MANY: Final = {"1": 1, "3": 3, "all": FEATURES}
WIDE: Final = 200
"""Features of a second round, without planted drifts."""
OTHERS_SEE: Final = (0, 6, 12, 18, 24, 30, 36, 45)
OTHERS_DAYS: Final = 60
"""What other tools are shown: some features, and so many days after those that are learnt from."""
OTHERS_STREAMS: Final = (
    "days alike",
    "a weekly season of 0.3 sd, half of the features",
    "states of 0.3 sd that follow each other",
    "season, states of 0.1 sd and clusters",
)
RULES: Final = ("learned", "js > 0.02", "mean + 3 sd")
BY_CHANCE: Final = "learned, by chance"
"""Pages on days on which nothing happens that a page is right about."""
Change = Callable[[Floats, Floats], Floats]
Pages = Mapping[str, Mapping[str, Sequence[int]]]
Delays = Mapping[str, Mapping[tuple[str, str], Sequence[float]]]
Measured = tuple[Pages, Delays]


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


def planted_on(features: int) -> list[int]:
    """The features that a drift is planted in."""
    return list(range(FEATURES) if features == FEATURES else PLANTED_ON[:features])


def on(change: Change, features: int) -> Change:
    """A change of some features only."""
    places = np.array(planted_on(features))

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


def page_days(flags: Floats) -> list[int]:
    """The days on which a feature is flagged that was not the day before."""
    new = flags[1:] & ~flags[:-1]
    return [int(day) + 1 for day in np.flatnonzero(new.any(1))]


def quiet(found: Stream) -> tuple[list[Shown], list[Replay]]:
    """The learnt rule over a stream, and its state before each day."""
    rule = LearnedRule(Time("at", "1d"), Alarms(Budget(PAGES, BUDGET_DAYS)))
    now, shown, states = Replay(rule), list[Shown](), list[Replay]()
    for window, counts in zip(WINDOWS, found.counts, strict=True):
        states.append(now)
        one, now = now.step(window, counts)
        shown.append(one)
    return shown, states


def caught(
    found: Stream, state: Replay, change: Change, features: int, seed: int
) -> dict[str, float]:
    """After how many days each rule flags a feature that moved; infinite if it never does."""
    rng = np.random.default_rng([seed, features])
    counts = found.changed(rng, FIRST, WITHIN, on(change, features))
    moved = set(planted_on(features))
    shown, _ = state.over(WINDOWS[FIRST : FIRST + WITHIN], list(counts))
    delays = {"learned": [bool(one.raised & moved) for one in shown]}
    together = found.counts.copy()
    together[FIRST : FIRST + WITHIN] = counts
    for rule, flags in flagged(found, together).items():
        some = flags[FIRST : FIRST + WITHIN][:, sorted(moved)]
        delays[rule] = list(some.any(1))
    return {rule: first_of(days) for rule, days in delays.items()}


def first_of(days: Sequence[bool]) -> float:
    """After how many days something is flagged; infinite if it never is."""
    return list(days).index(True) if any(days) else np.inf


def measured_piece(name: str, seed: int, features: int, *, plant: bool) -> dict[str, Any]:
    """Pages of each rule on one stream, and the delays of each rule and planted drift."""
    found = stream(KINDS[name], seed, features=features)
    shown, states = quiet(found)
    flags = flagged(found, found.counts)
    piece: dict[str, Any] = {
        "pages": {"learned": [day for day, one in enumerate(shown) if one.page]}
        | {rule: page_days(of) for rule, of in flags.items()},
        "level": max(state.rule.level or 0.0 for state in states),
    }
    if plant:
        piece["delays"] = {
            f"{drift}, {number}": caught(found, states[FIRST], change, some, seed)
            for drift, change in DRIFTS.items()
            for number, some in HOW_MANY.items()
        }
    return piece


def measured_others(envs: Path) -> dict[str, Any]:
    """Pages of other tools on a few streams, and their delays where days are alike."""
    last = FEWEST_WINDOWS + OTHERS_DAYS
    streams = []
    for name in OTHERS_STREAMS:
        counts = stream(KINDS[name], 0).counts[:last, list(OTHERS_SEE)]
        streams.append((counts, [place < PLANTED_ON[1] for place in OTHERS_SEE]))
    alike = stream(KINDS["days alike"], 0)
    learnt, some = alike.counts[:FEWEST_WINDOWS], planted_on(3)
    for drift in DRIFTS.values():
        counts = alike.changed(np.random.default_rng(0), FEWEST_WINDOWS, WITHIN, on(drift, 3))
        both = np.concatenate([learnt, counts])[:, some]
        streams.append((both, [place < PLANTED_ON[1] for place in some]))
    said = flagged_by_others(streams, FEWEST_WINDOWS, envs)
    return {
        tool: flags if isinstance(flags, str) else _of_tool(flags) for tool, flags in said.items()
    }


def _of_tool(flags: Sequence[Flags]) -> dict[str, Any]:
    number = len(OTHERS_STREAMS)
    found = (len(page_days(of)) for of in flags[:number])
    pages = dict(zip(OTHERS_STREAMS, found, strict=True))
    delays = {
        f"{drift}, {many}": first_of(of[FEWEST_WINDOWS:, :many].any(1).tolist())
        for drift, of in zip(DRIFTS, flags[number:], strict=True)
        for many in (1, 3)
    }
    return {"pages": pages, "delays": delays}


Results = dict[str, dict[str, Any]]


def key_of(name: str, seed: int, features: int) -> str:
    """What a piece is called in the file of results."""
    return f"{features} {seed} {name}"


def wanted(seeds: int, planted: int, wide: int) -> Iterator[tuple[str, int, int, bool]]:
    """Streams, seeds and features to measure, and whether drifts are planted; a seed at a time."""
    for seed in range(max(seeds, wide)):
        for name in KINDS:
            if seed < seeds:
                yield name, seed, FEATURES, seed < planted
            if seed < wide:
                yield name, seed, WIDE, False


def measure(
    results: Results, pieces: Sequence[tuple[str, int, int, bool]], until: float
) -> Iterator[Results]:
    """The results with one piece more, until a time; pieces that are there are not measured."""
    for name, seed, features, plant in pieces:
        key = key_of(name, seed, features)
        if key in results and (not plant or "delays" in results[key]):
            continue
        if time.monotonic() >= until:
            return
        results = results | {key: measured_piece(name, seed, features, plant=plant)}
        yield results


def collected(results: Results, features: int) -> Measured:
    """Pages of each stream and rule, seed by seed, and delays of each rule and planted drift."""
    pages: dict[str, dict[str, list[int]]] = {}
    delays: dict[str, dict[tuple[str, str], list[float]]] = {}
    for name in KINDS:
        seeds = [
            r
            for key, r in results.items()
            if key.partition(" ")[0] == str(features) and key.split(" ", 2)[2] == name
        ]
        if seeds:
            events = set(KINDS[name].events)
            pages[name] = {rule: [len(r["pages"][rule]) for r in seeds] for rule in RULES}
            pages[name][BY_CHANCE] = [len(set(r["pages"]["learned"]) - events) for r in seeds]
        for piece in seeds:
            for drift, when in piece.get("delays", {}).items():
                for rule, delay in when.items():
                    delays.setdefault(name, {}).setdefault((rule, drift), []).append(delay)
    return pages, delays
