"""The numbers of windows and segments, as columns: what leaves the executors and is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np

from kldrift.arrays import Floats, Ints, OfRows, Texts
from kldrift.profiles.group_keys import NO_WINDOW, GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.shift.list_counts import ListCounts
from kldrift.shift.row_divergence import RowOutcome
from kldrift.shift.row_kinds import (
    MIDDLES,
    NUMBER_CELLS,
    octaves_of,
    outcomes_of,
    scaled,
    without_kinds,
)

FIRST_OCTAVE: Final = -10
"""Octave whose end, 2 ** -10 nats or about 0.001, is the first bound of the written cells."""
LAST_OCTAVE: Final = 6
"""Octave whose end, 64 nats, is the last one; each cell between is twice as wide as the last."""
WRITTEN_CELLS: Final = LAST_OCTAVE - FIRST_OCTAVE + 2
QUANTILE_SHARES: Final = (0.5, 0.9, 0.99)


@dataclass(frozen=True, eq=False)
class Summaries(OfRows):
    """The numbers of groups; arrays of shape ``(n,)`` or ``(n, ...)``.

    Attributes:
        outcomes: rows of each :class:`~kldrift.shift.row_divergence.RowOutcome`, ``(n, 7)``.
        changed: compared rows whose top class differs.
        kl: mean divergence of the finite rows, in nats; NaN without one, as what follows.
        variance: sample variance of their divergences, squared nats; NaN for fewer than two.
        quantiles: their median, and what 90 % and 99 % of them do not exceed, ``(n, 3)``; nats.
        rows: finite rows in each written cell, ``(n, CELLS)``.
        contributions: the sum of their divergences divided by all finite rows, ``(n, CELLS)``.
    """

    window: Ints
    segment: Texts
    outcomes: Ints
    changed: Ints
    kl: Floats
    variance: Floats
    quantiles: Floats
    rows: Ints
    contributions: Floats

    @classmethod
    def of(cls, part: ListCounts) -> Self:
        """The numbers of the groups of a part, in the order of windows and names."""
        keys, segment = part.changed.keys, part.segments(part.changed.keys)
        order = np.lexsort((segment.astype(str), keys.window))
        keys, segment, changed = keys.take(order), segment[order], part.changed.counts[order, 1]
        kinds = _Kinds.of(part, keys)
        n, outcomes = len(keys), kinds.outcomes(len(keys))
        finite = np.maximum(outcomes[:, RowOutcome.FINITE], 1)
        written = np.clip(kinds.octave, FIRST_OCTAVE, LAST_OCTAVE + 1) - FIRST_OCTAVE
        summary = kinds.moments.added_up(kinds.at, n).summary()
        sums = kinds.moments.added_up(kinds.at * WRITTEN_CELLS + written, n * WRITTEN_CELLS)
        variance = np.where(summary.rows > 1, summary.m2 / np.maximum(finite - 1, 1), np.nan)
        return cls(
            keys.window,
            segment,
            outcomes,
            changed,
            summary.mean,
            variance,
            kinds.quantiles(n),
            sums.rows.reshape(n, WRITTEN_CELLS),
            sums.sum1.reshape(n, WRITTEN_CELLS) / finite[:, None],
        )

    @classmethod
    def without_rows(cls) -> Self:
        """One group that has no rows."""
        return cls(
            window=np.full(1, NO_WINDOW),
            segment=np.full(1, None, dtype=object),
            outcomes=np.zeros((1, len(RowOutcome)), dtype=np.int64),
            changed=np.zeros(1, dtype=np.int64),
            kl=np.full(1, np.nan),
            variance=np.full(1, np.nan),
            quantiles=np.full((1, len(QUANTILE_SHARES)), np.nan),
            rows=np.zeros((1, WRITTEN_CELLS), dtype=np.int64),
            contributions=np.zeros((1, WRITTEN_CELLS)),
        )

    @classmethod
    def joined(cls, several: Sequence[Summaries]) -> Self:
        """The groups of several, one after the other; of one at least."""
        columns = {f.name: [getattr(s, f.name) for s in several] for f in fields(cls)}
        return cls(**{name: np.concatenate(values) for name, values in columns.items()})

    def __len__(self) -> int:
        return len(self.window)

    @property
    def total(self) -> Ints:
        """All rows, also those left out."""
        return np.asarray(self.outcomes.sum(-1))

    @property
    def finite(self) -> Ints:
        """Rows of a finite divergence."""
        return self.outcomes[:, RowOutcome.FINITE]

    @property
    def infinite(self) -> Ints:
        """Rows of an infinite divergence: compared, but not in the mean."""
        return self.outcomes[:, RowOutcome.INFINITE]

    @property
    def compared(self) -> Ints:
        """Rows that could be compared."""
        return self.finite + self.infinite

    @property
    def left_out(self) -> Ints:
        """Rows that could not be compared."""
        return self.total - self.compared


@dataclass(frozen=True, eq=False)
class _Kinds:
    """The kinds of rows of groups, group by group; arrays of shape ``(m,)``.

    Attributes:
        at: the place of the group.
        octave: of the kind, increasing in each group.
        outcome: of the kind.
        counts: rows of each cell, shape ``(m, cells)``.
        mantissas: their moments.
        moments: those of the divergences.
    """

    at: Ints
    octave: Ints
    outcome: Ints
    counts: Ints
    mantissas: Moments
    moments: Moments

    @classmethod
    def of(cls, part: ListCounts, keys: GroupKeys) -> Self:
        base, kinds = without_kinds(part.divergence.keys)
        at = keys.find(base)
        order = np.lexsort((kinds, at))
        at, kinds = at[order], kinds[order]
        assert part.divergence.moments is not None
        mantissas = part.divergence.moments.take(order)
        octave = octaves_of(kinds)
        moments = scaled(mantissas, octave)
        counts = part.divergence.counts[order]
        return cls(at, octave, outcomes_of(kinds), counts, mantissas, moments)

    def outcomes(self, groups: int) -> Ints:
        """Rows of each outcome, shape ``(groups, outcomes)``."""
        rows = np.zeros((groups, len(RowOutcome)), dtype=np.int64)
        np.add.at(rows, (self.at, self.outcome), self.counts.sum(-1))
        return rows

    def quantiles(self, groups: int) -> Floats:
        """The divergence that at least a share of the finite rows does not exceed, ``(n, 3)``.

        Within 0.8 % of the row's own value; NaN without a row.
        """
        reached = np.append(0, np.cumsum(self.counts[:, NUMBER_CELLS]))
        ends = np.searchsorted(self.at, np.arange(groups + 1)) * len(MIDDLES)
        before, rows = reached[ends[:-1]], np.diff(reached[ends])
        quantiles = np.full((groups, len(QUANTILE_SHARES)), np.nan)
        filled = np.flatnonzero(rows)
        for i, share in enumerate(QUANTILE_SHARES):
            rank = before[filled] + np.ceil(share * rows[filled]).astype(np.int64)
            place = np.searchsorted(reached, rank) - 1
            octave, cell = np.divmod(place, len(MIDDLES))
            least, most = self.mantissas.minimum[octave], self.mantissas.maximum[octave]
            middle = np.clip(MIDDLES[cell], least, most)  # no row lies beyond
            quantiles[filled, i] = np.ldexp(middle, self.octave[octave].astype(np.int32))
        return quantiles
