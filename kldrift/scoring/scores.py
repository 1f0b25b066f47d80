"""Scores of many comparisons at once: of every group of every feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kldrift.arrays import Bools, Counts, Floats, Ints
from kldrift.divergence import gaussian_kl_parts
from kldrift.divergence.probabilities import probabilities
from kldrift.divergences import DIVERGENCES
from kldrift.profiles.cells import CODES, CellKind, among
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.moments import summaries
from kldrift.profiles.support import NumericSupport, Support
from kldrift.scoring.comparison import Comparison, Rows, close_together
from kldrift.scoring.metrics import (
    CELL_METRICS,
    ORDERED_METRICS,
    SCORES,
    SPIKE_METRIC,
    TAIL_METRIC,
)
from kldrift.scoring.rare_names import (
    SURELY,
    chosen_on,
    named_blocks,
    named_cells,
    surplus_kl_of,
)
from kldrift.scoring.sentences import TAILS
from kldrift.statistics.expected_kl import expected_kl
from kldrift.statistics.named_cells import CellChoice, named_p_value
from kldrift.statistics.ordered_cells import ordered_p_value
from kldrift.statistics.spikes import largest_spike
from kldrift.statistics.tails import tail_rows
from kldrift.statistics.unbiased_kl import kl_unbiased

IN_ORDER: Final = among(CellKind.UNDERFLOW, CellKind.BIN, CellKind.VALUE, CellKind.OVERFLOW)
"""Cells that hold numbers, and have neighbours."""
INNER: Final = among(CellKind.BIN, CellKind.VALUE)
"""Cells of numbers that have neighbours on both sides."""
LEAST_NULLS: Final = 0.001
"""By how much the share of nulls must have risen to be so many times as large."""


def score(
    comparisons: Sequence[Comparison], *, pseudocount: float = 0.5, missing: str = "cell"
) -> dict[str, Floats]:
    """Score the groups of comparisons.

    Returns:
        For each name in ``SCORES`` an array of one value per group, comparison by comparison. NaN
        stands for what cannot be computed: an infinite score, an ordered metric of categories, a
        side without rows. A score is the same to the bit whatever it is computed beside.
    """
    rows = Rows.every(comparisons)
    out = {name: np.full(len(rows), np.nan) for name in SCORES}
    for places, p, q in rows.scored_blocks(missing):
        kinds, choice = cell_kinds(rows, places, p.shape), chosen_on(rows, places, p.shape)
        surplus = surplus_kl_of(p, q, kinds, choice)
        for name, values in cell_scores(p, q, pseudocount, surplus).items():
            out[name][places] = values
        whole = np.empty(len(p), dtype=np.bool_)
        for where, comparison, groups in rows.runs(places):
            whole[where] = comparison.keys.list[groups] == ALL
        for name, values in share_scores(p, q, kinds).items():
            out[name][places] = values
        out["p_value"][places] = difference_p_value(p, q, kinds, whole, choice)
    _score_gone(rows, out, missing)
    _score_order(rows, out)
    _score_moments(rows, out)
    for values in out.values():
        values[np.isinf(values)] = np.nan
    return out


def cell_scores(p: Counts, q: Counts, pseudocount: float, surplus: Floats) -> dict[str, Floats]:
    """The scores of scored cells that need no order.

    ``surplus`` of ``kl`` is there because of how the cells were chosen.
    """
    out: dict[str, Floats] = {}
    occupied = (p + q) > 0
    n, m = p.sum(-1), q.sum(-1)
    both = (n > 0) & (m > 0)
    current = probabilities(p, occupied, pseudocount=pseudocount)
    reference = probabilities(q, occupied, pseudocount=pseudocount)
    for metric in CELL_METRICS:
        divergence = DIVERGENCES[metric]
        if divergence.sum_of:
            out[metric] = np.sum([out[part] for part in divergence.sum_of], axis=0)
            continue
        out[metric] = np.where(both, divergence.fn(current, reference), np.nan)
    cells = occupied.sum(-1)
    out["cells"] = cells.astype(np.float64)
    out["kl_expected"] = expected_kl(p, q, pseudocount) + np.maximum(surplus, 0.0)
    estimate = kl_unbiased(p, q).less(surplus)
    out["kl_unbiased"], out["kl_low"] = estimate.unbiased, estimate.low
    out["kl_high"] = estimate.high
    return out


def share_scores(p: Counts, q: Counts, kinds: Ints) -> dict[str, Floats]:
    """The largest changes of shares of the rows, and the share that the reference never had.

    ``kinds`` are those of the cells, as places in ``KINDS``.

    Returns:
        For each name in ``SHARE_METRICS`` an array of shape ``(n,)``.
    """
    both = (p.sum(-1) > 0) & (q.sum(-1) > 0)
    current, reference = (side / np.maximum(1, side.sum(-1, keepdims=True)) for side in (p, q))
    moved = abs(current - reference)
    judged = judged_cells(q, kinds)
    out = {name: np.where(cells, moved, 0.0).max(-1) for name, cells in judged.items()}
    out[SPIKE_METRIC] = np.zeros(len(p))  # of numbers, their order tells
    nulls = judged["null_share_change"]
    share, usual = (np.where(nulls, side, 0.0).sum(-1) for side in (current, reference))
    ratio = np.divide(share, usual, out=np.zeros(len(p)), where=usual > 0)
    out["null_share_ratio"] = np.where(share - usual >= LEAST_NULLS, ratio, 0.0)
    unseen = unseen_cells(q, kinds)
    out["never_seen_current"] = np.where(unseen, current, 0.0).sum(-1)
    return {name: np.where(both, values, np.nan) for name, values in out.items()}


def unseen_cells(q: Counts, kinds: Ints) -> Bools:
    """The cells of values that the reference never had."""
    never = kinds == CODES[CellKind.NEVER_SEEN]
    # Where nobody kept the other values apart, the cell may hold new ones only.
    other = (kinds == CODES[CellKind.OTHER]) & (q == 0) & ~never.any(-1, keepdims=True)
    return np.asarray(never | other)


def cell_kinds(rows: Rows, places: Ints, shape: tuple[int, ...]) -> Ints:
    """The kinds of the scored cells of some rows, as places in ``KINDS``."""
    kinds = np.empty(shape, dtype=np.int64)
    for where, comparison, _ in rows.runs(places):
        kinds[where] = comparison.rebinning.codes
    return kinds


def judged_cells(q: Counts, kinds: Ints) -> dict[str, Bools]:
    """The cells whose largest change of a share is a metric, by its name.

    Cells of numbers have metrics of their own: they trade rows with their neighbours when numbers
    shift a little. But two numbers, such as 0 and 1, are a flag, whatever its type.
    """
    numbers, values = IN_ORDER[kinds], (kinds == CODES[CellKind.VALUE]) & (q > 0)
    flag = (values.sum(-1) == 2) & ~(numbers & ~values & (q > 0)).any(-1)
    return {
        "value_share_change": ~numbers | (values & flag[:, None]),
        "null_share_change": kinds == CODES[CellKind.NULL],
    }


def difference_p_value(
    p: Counts, q: Counts, kinds: Ints, whole: Bools, choice: CellChoice
) -> Floats:
    """The p-value of "there is no difference"; NaN where a side has no rows.

    ``kinds`` are those of the cells, as places in ``KINDS``; ``whole`` groups are all of the
    reference, on which the bins were chosen, and ``choice`` what names were chosen on.
    """
    out = np.full(len(p), np.nan)
    both = (p.sum(-1) > 0) & (q.sum(-1) > 0)
    inside = IN_ORDER[kinds]
    numbers = both & inside.any(-1)
    names = both & ~numbers
    if names.any():
        cells = named_cells(kinds[names])
        out[names] = named_p_value(p[names], q[names], *cells, choice.take(names))
    if numbers.any():
        below, above = (kinds[numbers] == CODES[kind] for kind in TAILS)
        fitted = (kinds[numbers] == CODES[CellKind.BIN]) & whole[numbers, None]
        sides = p[numbers], q[numbers]
        values = kinds[numbers] == CODES[CellKind.VALUE]
        out[numbers] = ordered_p_value(*sides, inside[numbers], below, above, fitted, values)
    return out


@dataclass(frozen=True, eq=False)
class Ordered:
    """The stored cells of some rows of numbers, in their order; arrays of shape ``(n, k)``.

    Attributes:
        values: current and reference rows, those of values close to one of the reference's being
            its own; the cells between that are left without any come last.
        kinds: of the cells of ``values``, as places in ``KINDS``.
    """

    p: Counts
    q: Counts
    positions: Floats
    values: tuple[Counts, Counts]
    kinds: Ints

    def spikes(self, rows: Ints | slice = slice(None)) -> tuple[Counts, Counts, Bools, Bools]:
        """What spikes of some of the rows are looked for in."""
        p, q = (side[rows] for side in self.values)
        kinds = self.kinds[rows]
        return p, q, INNER[kinds], kinds == CODES[CellKind.BIN]


def order_scores(cells: Ordered) -> dict[str, Floats]:
    """The scores of ordered stored cells, without smoothing: they need none."""
    p, q, positions = cells.p, cells.q, cells.positions
    both = (p.sum(-1) > 0) & (q.sum(-1) > 0)
    current, reference = probabilities(p, pseudocount=0), probabilities(q, pseudocount=0)
    apart = [current, reference]
    if cells.values[0] is not p:
        apart = [probabilities(side, pseudocount=0) for side in cells.values]
    out = {}
    for metric in ORDERED_METRICS:
        divergence = DIVERGENCES[metric]
        sides = (current, reference, positions) if divergence.positions else apart
        out[metric] = np.where(both, divergence.fn(*sides), np.nan)
    n, m = (np.maximum(1, side.sum(-1)) for side in (p, q))
    tails = tail_rows(*cells.values)
    rise = np.max([side / n - other / m for side, other in tails], axis=0)
    out[TAIL_METRIC] = np.where(both, np.maximum(0.0, rise), np.nan)
    out[SPIKE_METRIC] = np.where(both, largest_spike(*cells.spikes()), 0.0)
    return out


def ordered(support: Support) -> bool:
    """Whether cells have an order: those of numbers do, unless the reference had none."""
    return isinstance(support, NumericSupport) and len(support.edges) > 0


def _score_gone(rows: Rows, out: dict[str, Floats], missing: str) -> None:
    """Names that are gone together are one value that is gone, and are tested for themselves."""
    for places, named in named_blocks(rows, missing):
        change, p_value = out["value_share_change"], out["p_value"]
        every, none = np.arange(len(places)), np.zeros(len(places))
        surely = np.where(named.moved.above_p(none) < SURELY, named.moved.share, 0.0)
        change[places] = np.maximum.reduce([change[places], named.gone, surely])
        cells = out["cells"][places]
        p_value[places] = named.above_p(none, p_value[places], cells, every)


def _score_order(rows: Rows, out: dict[str, Floats]) -> None:
    for places, cells in ordered_blocks(rows):
        for name, values in order_scores(cells).items():
            out[name][places] = values


def ordered_blocks(rows: Rows) -> Iterator[tuple[Ints, Ordered]]:
    """Places of rows of numbers, and their stored cells in order."""
    which = np.flatnonzero(rows.of_each(lambda c: ordered(c.support)))
    rows = rows.take(which)
    for places, width in rows.blocks(lambda c: _intervals(c.support)):
        p, q = rows.counts(places, width, _in_order)
        positions, kinds, values = np.empty(p.shape), np.empty(p.shape, dtype=np.int64), (p, q)
        for where, comparison, _ in rows.runs(places):
            positions[where] = _positions(comparison.support)
            kinds[where] = comparison.support.codes[comparison.numbers]
            if comparison.nearest is not None:
                values = (p.copy(), q.copy()) if values[0] is p else values
                for side in values:
                    side[where] = close_together(comparison, side[where])[:, comparison.numbers]
        yield which[places], Ordered(p, q, positions, values, kinds)


def _intervals(support: Support) -> int:
    return support.intervals if isinstance(support, NumericSupport) else 0


def _in_order(comparison: Comparison, counts: Counts) -> Counts:
    """Rows of each cell that has a place in the order: those of numbers come first."""
    return counts[:, : _intervals(comparison.support)]


def _positions(support: Support) -> Floats:
    """The positions of ordered cells; cells of infinities get that of their neighbour."""
    assert isinstance(support, NumericSupport)
    at = support.positions
    finite = ~np.isnan(at)
    if finite.all():
        return at
    known = at[finite]
    return np.where(finite, at, np.where(np.arange(len(at)) == 0, known[0], known[-1]))


def _score_moments(rows: Rows, out: dict[str, Floats]) -> None:
    which: Ints = np.flatnonzero(rows.of_each(lambda c: c.current.moments is not None))
    for side in ("reference", "current"):
        profiles = [getattr(c, side) for c in rows.comparisons if c.current.moments is not None]
        summary = summaries([p.moments for p in profiles], [p.support.scale for p in profiles])
        out[f"mean_{side}"][which], out[f"std_{side}"][which] = summary.mean, summary.std
    mean_p, std_p = out["mean_current"], out["std_current"]
    mean_q, std_q = out["mean_reference"], out["std_reference"]
    # Without a spread of the reference there is no unit for a distance that is not 0.
    out["wasserstein_std"] = np.divide(
        out["wasserstein"],
        std_q,
        out=np.where(out["wasserstein"] == 0, 0.0, np.nan),
        where=np.isfinite(std_q) & (std_q > 0),
    )
    spread = (std_p > 0) & (std_q > 0) & np.isfinite(std_p) & np.isfinite(std_q)
    if spread.any():
        mean, width = gaussian_kl_parts(
            mean_p[spread], std_p[spread], mean_q[spread], std_q[spread]
        )
        out["gaussian_kl_mean"][spread] = mean
        out["gaussian_kl_spread"][spread] = width
        out["gaussian_kl"][spread] = mean + width
