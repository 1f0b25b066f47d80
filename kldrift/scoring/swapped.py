"""Pairs of columns that were swapped: each now has the values that the other one had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from itertools import combinations
from typing import Final

import numpy as np

from kldrift.arrays import Floats
from kldrift.profiles.support import CategoricalSupport, NumericSupport
from kldrift.scoring.verdict import Verdicts

MOST: Final = 30
"""Features that drifted: of more, another cause is likelier."""
SWAPPED: Final = " look swapped: each has the values that the other had"
CLOSE: Final = 4.0
"""Standard errors up to which two shares or means are the same."""
ALIKE: Final = 0.2
"""The most that the logarithms of two deviations may differ: few values make up most of some."""
LEAST: Final = 0.5
"""Of the rows, what the names that are compared must have."""

Names = Callable[[int, str], Mapping[str, float]]
"""The shares of the names of a row, on one side."""


def swapped(verdicts: Verdicts, drifted: Iterable[int]) -> dict[int, str]:
    """By row of those that drifted, that its feature looks swapped with another, which is named.

    One now looks as the other did, and vice versa. None where a feature could be one of several
    pairs.
    """
    of_segment: dict[str | None, list[int]] = {}
    for i in drifted:
        if verdicts.subjects[verdicts.of[i]].comparison is not None:
            of_segment.setdefault(verdicts.segment[i], []).append(i)
    names, said = cache(partial(_shares, verdicts)), dict[int, str]()
    for places in of_segment.values():
        pairs = [
            (a, b)
            for a, b in combinations(places if len(places) <= MOST else [], 2)
            if _as(verdicts, a, b, names) and _as(verdicts, b, a, names)
        ]
        for pair in pairs:
            if all(sum(i in other for other in pairs) == 1 for i in pair):
                one, other = sorted(verdicts.subjects[verdicts.of[i]].name for i in pair)
                said |= dict.fromkeys(pair, f"{one!r} and {other!r}{SWAPPED}")
    return said


def _as(verdicts: Verdicts, now: int, before: int, names: Names) -> bool:
    """Whether the current rows of one feature are as the reference's of another."""
    n, m = verdicts.sizes["n_current"][now], verdicts.sizes["n_reference"][before]
    unit = float(np.sqrt(1 / n + 1 / m))
    kinds = {verdicts.subjects[verdicts.of[i]].kind for i in (now, before)}
    if kinds == {"categorical"}:
        return _same_names(names(before, "reference"), names(now, "current"), unit)
    nulls = verdicts.sizes["missing_current"][now] / n
    usual = verdicts.sizes["missing_reference"][before] / m
    same_nulls = abs(nulls - usual) <= CLOSE * unit * max(nulls, usual) ** 0.5
    return kinds == {"numeric"} and same_nulls and _same_numbers(verdicts, now, before, unit)


def _same_numbers(verdicts: Verdicts, now: int, before: int, unit: float) -> bool:
    mean, std, usual_mean, usual_std = (
        float(verdicts.scores[f"{name}_{side}"][i])
        for side, i in (("current", now), ("reference", before))
        for name in ("mean", "std")
    )
    if not (std > 0 and usual_std > 0) or abs(np.log(std / usual_std)) > ALIKE:
        return False
    if abs(mean - usual_mean) > CLOSE * unit * max(std, usual_std):
        return False
    (edges, upto), (usual_edges, usual_upto) = (
        _cumulated(verdicts, i, side) for i, side in ((now, "current"), (before, "reference"))
    )
    after = np.searchsorted(usual_edges, edges)
    behind = np.searchsorted(usual_edges, edges, "right") - 1
    most = np.append(usual_upto, 1.0)[after]
    least = np.where(behind >= 0, usual_upto[behind], 0.0)
    return bool((np.maximum(upto - most, least - upto) <= CLOSE / 2 * unit).all())


def _cumulated(verdicts: Verdicts, place: int, side: str) -> tuple[Floats, Floats]:
    """The edges of the stored cells, and the shares of the numbers below each."""
    comparison = verdicts.subjects[verdicts.of[place]].comparison
    assert comparison is not None
    support = comparison.support
    assert isinstance(support, NumericSupport)
    counts = getattr(comparison, side).counts[verdicts.group[place], : support.intervals]
    edges = support.exact(support.edges) / support.scale
    if not support.integral:
        counts, edges = counts[1:-1], edges[1:-1]
    return edges, (np.cumsum(counts) / max(1, counts.sum()))[:-1]


def _same_names(usual: Mapping[str, float], shares: Mapping[str, float], unit: float) -> bool:
    frequent = {name: share for name, share in usual.items() if share >= CLOSE * unit**2}
    close = (
        abs(shares.get(name, 0.0) - share) <= CLOSE * unit * share**0.5
        for name, share in frequent.items()
    )
    return sum(frequent.values()) >= LEAST and all(close)


def _shares(verdicts: Verdicts, place: int, side: str) -> dict[str, float]:
    """Names of one side, with their shares of the rows; new ones as far as they are known."""
    subject = verdicts.subjects[verdicts.of[place]]
    assert subject.comparison is not None
    support = subject.comparison.support
    assert isinstance(support, CategoricalSupport)
    counts = getattr(subject.comparison, side).counts[verdicts.group[place]]
    rows = dict(zip(support.categories, counts.tolist(), strict=False))
    rows |= dict(subject.unseen.named) if side == "current" else {}
    return {name: n / max(1, int(counts.sum())) for name, n in rows.items()}
