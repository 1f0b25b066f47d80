"""Two columns of logits to a divergence per row, batch by batch, without Python per row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Bools, Floats, Ints
from kldrift.divergence import categorical_kl

VALUES_AT_ONCE: Final = 2**17
"""Logits that are compared together: they stay in a core's cache."""
ONE: Final = 1e-3
"""How far from 1 a row of probabilities may add up to: half floats of many classes do."""


class RowOutcome(IntEnum):
    """What became of a row."""

    FINITE = 0
    INFINITE = 1  # the challenger allows a class that the champion masks
    NULL = 2
    LENGTH = 3
    NUMBER = 4
    MASKED = 5
    PROBABILITY = 6


@dataclass(frozen=True, eq=False)
class Compared:
    """The rows of one batch; each array has shape ``(n,)``.

    Attributes:
        outcome: an :class:`RowOutcome`.
        kl: D(challenger || champion) in nats; inf where it is infinite, NaN where left out.
        champion: the champion's top class by number, the first of equals; -1 where left out.
        challenger: the challenger's.
    """

    outcome: Ints
    kl: Floats
    champion: Ints
    challenger: Ints

    @property
    def changed(self) -> Bools:
        """Whether the top class differs."""
        return np.asarray(self.champion != self.challenger)


def compare_rows(champion: pa.Array, challenger: pa.Array, *, probabilities: bool) -> Compared:
    """Compare two columns of lists of numbers, row by row.

    They hold logits, or probabilities, which are scaled to add up to 1.

    Examples:
        >>> lists = pa.list_(pa.float64())
        >>> champion = pa.array([[0.0, 0.0], [0.0, 0.0], None], lists)
        >>> challenger = pa.array([[0.0, 0.0], [2.0, 0.0], [1.0]], lists)
        >>> found = compare_rows(champion, challenger, probabilities=False)
        >>> found.kl.round(4).tolist(), found.outcome.tolist()
        ([0.0, 0.3278, nan], [0, 0, 2])
    """
    before, after = _Lists(champion), _Lists(challenger)
    n = len(champion)
    out = Compared(
        np.full(n, RowOutcome.LENGTH, dtype=np.int64),
        np.full(n, np.nan),
        np.full(n, -1, dtype=np.int64),
        np.full(n, -1, dtype=np.int64),
    )
    out.outcome[(before.lengths < 0) | (after.lengths < 0)] = RowOutcome.NULL
    fit = np.flatnonzero((before.lengths == after.lengths) & (after.lengths > 0))
    nothing = 0.0 if probabilities else -np.inf
    for rows, width in _blocks(fit, after.lengths):
        sides = (side.table(rows, width, nothing) for side in (before, after))
        _compare(out, rows, *sides, probabilities=probabilities)
    return out


def _compare(out: Compared, rows: Ints, q: Floats, p: Floats, *, probabilities: bool) -> None:
    outcome = np.full(len(rows), RowOutcome.FINITE, dtype=np.int64)
    for side in (q, p):
        if probabilities:
            total = side.sum(-1)
            outcome[(side < 0).any(-1) | (np.abs(total - 1) > ONE)] = RowOutcome.PROBABILITY
            outcome[~np.isfinite(total)] = RowOutcome.NUMBER
            with np.errstate(divide="ignore", invalid="ignore"):
                np.log(side, out=side)
        else:
            outcome[np.isneginf(side.max(-1))] = RowOutcome.MASKED
            outcome[~(side < np.inf).all(-1)] = RowOutcome.NUMBER
    good = outcome == RowOutcome.FINITE
    if good.any():
        p, q, which = p[good], q[good], rows[good]
        kl = np.asarray(categorical_kl(p, q, reduction="none"))
        outcome[good] = np.where(np.isinf(kl), RowOutcome.INFINITE, RowOutcome.FINITE)
        out.kl[which] = kl
        out.champion[which] = q.argmax(-1)
        out.challenger[which] = p.argmax(-1)
    out.outcome[rows] = outcome


def _blocks(rows: Ints, lengths: Ints) -> Iterator[tuple[Ints, int]]:
    """Rows of about one length, few enough to be compared together, and the longest length."""
    doubling = np.frexp(lengths[rows] - 0.5)[1]
    for bucket in np.unique(doubling).tolist():
        same = rows[doubling == bucket]
        width = int(lengths[same].max())
        step = max(1, VALUES_AT_ONCE // width)
        for start in range(0, len(same), step):
            yield same[start : start + step], width


class _Lists:
    """A column of lists as one flat array."""

    def __init__(self, column: pa.Array) -> None:
        if pa.types.is_null(column.type):
            column = column.cast(pa.list_(pa.float64()))
        lengths = pc.list_value_length(column).fill_null(-1)
        self.lengths: Ints = lengths.to_numpy(zero_copy_only=False).astype(np.int64)
        kept = np.maximum(self.lengths, 0)
        self._starts = np.cumsum(kept) - kept
        flat = column.flatten().cast(pa.float64())
        self._flat: Floats = flat.to_numpy(zero_copy_only=False)  # a null becomes NaN

    def table(self, rows: Ints, width: int, nothing: float) -> Floats:
        """These rows, shape ``(n, width)``; shorter ones are filled up."""
        places = self._starts[rows, None] + np.arange(width)
        lengths = self.lengths[rows]
        if (lengths == width).all():
            return np.asarray(self._flat[places])
        inside = np.arange(width) < lengths[:, None]
        return np.where(inside, self._flat[np.where(inside, places, 0)], nothing)
