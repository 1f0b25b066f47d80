"""Rows of two models whose divergence is known."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, softmax

from kldrift.features.feature import Feature
from kldrift.features.keys import KeyType
from kldrift.features.parts import Part
from kldrift.profiles.group_keys import NO_WINDOW
from kldrift.shift.list_counts import ListCounts
from kldrift.shift.program import ShiftProgram
from kldrift.shift.row_divergence import Compared, RowOutcome
from kldrift.shift.summary import Summaries


def column(name):
    return Feature(name, (name,), Part.VALUE, "row", "any", "categorical", KeyType.TEXT)


MODELS = ShiftProgram(
    champion=column("champion"),
    challenger=column("challenger"),
    probabilities=False,
    key=None,
    time=None,
    windows=None,
    lists=(),
    buckets=1,
)
"""Two models, without windows and segments."""


def row_kl(challenger, champion):
    """The divergence of each row, by the formula of the documentation."""
    p, q = np.asarray(challenger, float), np.asarray(champion, float)
    return (softmax(p, -1) * (log_softmax(p, -1) - log_softmax(q, -1))).sum(-1)


def compared(kl=(), left_out=None) -> Compared:
    """Rows of these divergences, and so many that were left out by their outcome."""
    kl = np.asarray(kl, dtype=np.float64)
    outcome = np.where(np.isinf(kl), RowOutcome.INFINITE, RowOutcome.FINITE).astype(np.int64)
    for which, rows in (left_out or {}).items():
        outcome = np.append(outcome, np.full(rows, which, dtype=np.int64))
        kl = np.append(kl, np.full(rows, np.nan))
    same = np.where(outcome > RowOutcome.INFINITE, -1, 0)
    return Compared(outcome, kl, same, same)


def added(kl=(), left_out=None) -> ListCounts:
    """What a task makes of such rows."""
    counts = MODELS.start()
    rows = compared(kl, left_out)
    counts.add_compared(rows, np.full(len(rows.kl), NO_WINDOW))
    return next(counts.parts())


def summed(kl=(), left_out=None) -> Summaries:
    """Their numbers, as one group also where there are no rows."""
    found = Summaries.of(added(kl, left_out))
    return found if len(found) else Summaries.without_rows()


def same_numbers(a: ListCounts, b: ListCounts) -> None:
    """Check that two parts have the same counts, and the same sums but for the last digit."""
    ours, theirs = Summaries.of(a), Summaries.of(b)
    for name in ("outcomes", "changed", "rows", "quantiles", "segment", "window"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for name in ("kl", "variance", "contributions"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=1e-14, atol=5e-324
        )
