"""Facts of a row of numbers besides its cells, as text: constants, ends, means, medians."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from kldrift.arrays import Counts, Floats, Ints
from kldrift.profiles.cells import CODES, CellKind
from kldrift.profiles.moments import Moments
from kldrift.profiles.number_text import percent, plain
from kldrift.profiles.numeric_support import LARGEST_EXACT
from kldrift.profiles.support import NUMBERS, CategoricalSupport, NumericSupport, Unit
from kldrift.scoring.comparison import MISSING, close_together
from kldrift.scoring.metrics import SPIKE_METRIC, TAIL_METRIC
from kldrift.scoring.name_sentences import MOSTLY, quoted
from kldrift.scoring.reasons import (
    WEEKDAYS,
    Range,
    beyond_text,
    cell_text,
    mean_texts,
    stored_cell_name,
    value_text,
)
from kldrift.scoring.scores import INNER
from kldrift.scoring.sentences import cell_sentence, ends_at
from kldrift.scoring.verdict import Verdicts
from kldrift.statistics.spikes import spikes
from kldrift.statistics.tails import tail_edge, tail_rows

QUARTER: Final = 0.25
LEAST_BESIDE: Final = 0.02
"""Share of the rows from which it is said that they are right beside the value they had."""
WHERE_ALONE: Final = {"reference": CellKind.CATEGORY, "current": CellKind.NEVER_SEEN}
"""The kind of cell that a name is alone in, of which the other side has none."""
NO_ENDS: Final = (np.nan, np.nan)


def decided_words(verdicts: Verdicts, place: int, metric: str) -> str:
    """The words for the spike, or the tail, that decided a verdict; empty if neither did."""
    subject, group = verdicts.subjects[verdicts.of[place]], verdicts.group[place]
    comparison = subject.comparison
    if metric not in (SPIKE_METRIC, TAIL_METRIC) or comparison is None:
        return ""
    support = comparison.support
    assert isinstance(support, NumericSupport)
    sides = (comparison.current, comparison.reference)
    p, q = (close_together(comparison, side.counts[[group], : support.intervals]) for side in sides)
    if metric == TAIL_METRIC:
        return _tail(support, p, q, partial(farthest_value, verdicts, place))
    order = comparison.numbers
    kinds = support.codes[order]
    changes = spikes(p[:, order], q[:, order], kinds[None] == CODES[CellKind.BIN])[0]
    at = int(order[np.where(INNER[kinds], changes, 0.0).argmax()])
    cell = stored_cell_name(support.cells[at], support, weekday=subject.name.startswith("weekday("))
    before, now = (float(side[0, at] / max(1, side.sum())) for side in (q, p))
    return cell_sentence(CellKind(support.kinds[at]), cell, before, now)


Named = tuple[CellKind, str, float, float]
"""A cell for a reader: its kind, its name, its shares of the reference's and of the current rows.
"""


def narrowed(verdicts: Verdicts, place: int, cell: int, scored: Named) -> Named:
    """The stored cell that makes up most of the change of a scored one of numbers; else that one.

    Args:
        verdicts: of all rows.
        place: of the row.
        cell: the scored cell.
        scored: the same for a reader.
    """
    subject, group = verdicts.subjects[verdicts.of[place]], verdicts.group[place]
    comparison = subject.comparison
    assert comparison is not None
    support = comparison.support
    inside = comparison.rebinning.target == cell
    q, p = (
        close_together(comparison, side.counts[[group]])[0, inside]
        for side in (comparison.reference, comparison.current)
    )
    before, now = (x * share / max(1, x.sum()) for x, share in zip((q, p), scored[2:], strict=True))
    change = (now - before) * np.sign(scored[3] - scored[2])
    most = int(
        np.where(before > 0, change, 0.0).argmax()
    )  # those between its values have no bounds
    if change[most] < MOSTLY * abs(scored[3] - scored[2]) or not isinstance(
        support, NumericSupport
    ):
        return scored
    found = support.cells[int(np.flatnonzero(inside)[most])]
    name = stored_cell_name(found, support, weekday=subject.name.startswith("weekday("))
    return CellKind(found.kind), name, float(before[most]), float(now[most])


def beside_values(verdicts: Verdicts, place: int) -> str:
    """The sentence that rows of a value lie right beside it now, which is no drift; mostly empty.

    Of a whole dataset alone.
    """
    subject, group = verdicts.subjects[verdicts.of[place]], verdicts.group[place]
    comparison = subject.comparison
    if comparison is None or comparison.nearest is None or verdicts.segment[place] is not None:
        return ""
    p, q = (s.counts[group].astype(float) for s in (comparison.current, comparison.reference))
    change = p / max(1, p.sum()) - q / max(1, q.sum())
    to = comparison.nearest[: len(change)]
    beside = np.flatnonzero(to != np.arange(len(change)))
    came = np.bincount(to[beside], np.maximum(0.0, change[beside]), len(change))
    moved = np.minimum(came, np.maximum(0.0, -change))
    most, share = int(moved.argmax()), float(moved.sum())
    if share < LEAST_BESIDE:
        return ""
    value = stored_cell_name(comparison.support.cells[most], comparison.support)
    more = " and others" * (int((moved >= LEAST_BESIDE).sum()) > 1)
    return (
        f"{percent(share)} of the rows are no longer at {value}{more} but right beside, "
        "which is judged as the same value"
    )


def farthest_value(verdicts: Verdicts, place: int, *, upper: bool) -> str:
    """The smallest or the largest current number, as text; empty if there is none."""
    comparison = verdicts.subjects[verdicts.of[place]].comparison
    if comparison is None or comparison.current.moments is None:
        return ""
    support = comparison.support
    assert isinstance(support, NumericSupport)
    if verdicts.subjects[verdicts.of[place]].name.startswith("weekday("):
        return ""
    group = verdicts.group[place : place + 1]
    value = range_of(comparison.current.moments, group, support)[upper]
    return _written(support, value) if abs(value) < LARGEST_EXACT else ""


def _written(support: NumericSupport, value: float) -> str:
    if support.unit is Unit.UNSIGNED:  # whose keys are others
        return plain(value, 15)
    return value_text(support, round(value * support.scale) if support.integral else value)


def _tail(support: NumericSupport, p: Counts, q: Counts, farthest: Callable[..., str]) -> str:
    """The sentence about the tail that has more rows than it had."""
    (below, usually_below), (above_it, usually_above) = tail_rows(p, q)
    n, m = int(p.sum()), int(q.sum())
    upper = above_it[0] / n - usually_above[0] / m >= below[0] / n - usually_below[0] / m
    now, before = (above_it, usually_above) if upper else (below, usually_below)
    ends_with = ends_at(farthest(upper=bool(upper)), upper=bool(upper))
    if not before[0]:
        beyond = beyond_text(support, upper=bool(upper))
        return f"{percent(now[0] / n)} of the values are {beyond}{ends_with}"
    value = value_text(support, tail_edge(q[0], support.edges, upper=bool(upper)))
    where = f"{value} or larger" if upper else f"below {value}"
    of_reference = percent(before[0] / m)
    return (
        f"{percent(now[0] / n)} of the values are {where}, and {of_reference} of the reference's"
        f"{ends_with}"
    )


def constant(verdicts: Verdicts, place: int, moved: CellKind) -> tuple[str, str]:
    """The only value of the current rows, as text, and that of the reference if it has one, too.

    Empty if there are several, or more nulls, or the same one.
    """
    if moved is CellKind.NULL or verdicts.scores["std_current"][place] > 0:
        return "", ""
    before, now = (_alone(verdicts, place, side) for side in ("reference", "current"))
    if not now or before == now:
        return "", ""
    return now + beside_nulls(verdicts, place), before


def beside_nulls(verdicts: Verdicts, place: int) -> str:
    """What is added to the only value of the current rows where others are null."""
    missing, rows = (verdicts.sizes[f"{name}_current"][place] for name in ("missing", "n"))
    return f", beside {percent(missing / rows)} nulls" if 0 < missing < rows else ""


def _alone(verdicts: Verdicts, place: int, side: str) -> str:
    """The only number of one side, or its only name if that is new now, as text; else empty."""
    subject = verdicts.subjects[verdicts.of[place]]
    comparison = subject.comparison
    if comparison is None:
        return ""
    profile, group = getattr(comparison, side), verdicts.group[place : place + 1]
    support, names = profile.support, subject.unseen.named
    if isinstance(support, CategoricalSupport):
        there = profile.counts[group[0]] * ~MISSING[support.codes]
        cells = [support.cells[i] for i in np.flatnonzero(there).tolist()]
        if [cell.kind for cell in cells] != [WHERE_ALONE[side]]:
            return ""
        known = side == "reference"
        return cell_text(cells[0]) if known else quoted(names[0][0]) if len(names) == 1 else ""
    if profile.moments is None:
        return ""
    least, value = range_of(profile.moments, group, support)
    whole = support.integral and abs(value) >= LARGEST_EXACT  # several are one double
    if whole or least != value:  # a deviation of 0 may be one whose square is no double
        return ""
    day = str(int(value)) if subject.name.startswith("weekday(") else ""
    return WEEKDAYS.get(day, _written(support, value))


def order_facts(verdicts: Verdicts, place: int) -> tuple[tuple[float, float], tuple[str, ...]]:
    """How far both ends of the numbers moved, and the medians of both sides, as text.

    By how much the shares of the rows rose in the reference's lowest and highest quarter; no
    medians of times.
    """
    comparison = verdicts.subjects[verdicts.of[place]].comparison
    if comparison is None or not isinstance(comparison.support, NumericSupport):
        return NO_ENDS, ()
    support, group = comparison.support, verdicts.group[place]
    q, p = (
        side.counts[group, : support.intervals]
        / max(1, side.counts[group, : support.intervals].sum())
        for side in (comparison.reference, comparison.current)
    )
    upto = np.cumsum(q)
    low, high = upto <= QUARTER, upto - q >= 1 - QUARTER
    if not low.any() or not high.any() or len(support.edges) < 2:
        return NO_ENDS, ()
    ends = float((p - q)[low].sum()), float((p - q)[high].sum())
    edges = support.exact(support.edges) / support.scale if support.integral else support.edges
    middle = [_median(support, edges, side) for side in (q, p)]
    # The middle of a cell says little of where its rows lie.
    agree = (middle[1] - middle[0]) * (ends[1] - ends[0]) > 0
    if support.unit not in NUMBERS or not agree:
        return ends, ()
    return ends, mean_texts(support, *middle)


def _median(support: NumericSupport, edges: Floats, shares: Floats) -> float:
    """About the median of the numbers; NaN beyond all that the reference has."""
    upto = np.cumsum(shares)
    at = int(np.searchsorted(upto, 0.5))
    if support.codes[at] not in (CODES[CellKind.BIN], CODES[CellKind.VALUE]):
        return np.nan
    low, high = edges[at - 1], edges[min(at, len(edges) - 1)]  # nothing lies above the largest key
    part = 1 - (upto[at] - 0.5) / shares[at] if support.codes[at] == CODES[CellKind.BIN] else 0.0
    return float(low + part * (high - low))


def means(verdicts: Verdicts, place: int) -> tuple[str, ...]:
    """The means of both sides, for a reader; none where they cannot be told."""
    comparison = verdicts.subjects[verdicts.of[place]].comparison
    before, now = (float(verdicts.scores[f"mean_{s}"][place]) for s in ("reference", "current"))
    if comparison is None or not np.isfinite([before, now]).all():
        return ()
    return mean_texts(comparison.support, before, now)


def range_of(moments: Moments | None, group: Ints, support: object) -> Range:
    """The smallest and the largest value of a group."""
    assert moments is not None
    assert isinstance(support, NumericSupport)
    found = moments.take(group).summary(support.scale)
    return float(found.minimum[0]), float(found.maximum[0])
