"""The facts that the first sentence of a reason is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kldrift.profiles.cells import CellKind


@dataclass(frozen=True)
class Change:
    """The facts of one row of the scores that its sentence is made of.

    Attributes:
        kind: of the cell that changed most.
        name: of that cell.
        reference: its share of the reference's rows.
        current: its share of the current ones.
        single: the name of the only cell with current rows; empty if there are more.
        single_before: the only value of the reference where both sides have one; else empty.
        same: what was done to all values, if that explains all; else empty.
        whole: whether something that was done to all numbers explains the change.
        happened: what was done to some of them, if that explains all; else empty.
        unseen: values that the reference never had, with their shares of the current rows; NaN
            for a segment, as they are those of the whole dataset.
        distinct_unseen: how many there are of them.
        respelt: whether these are values of the reference in another spelling.
        unseen_before: the reference's share of such values, where it is not what chose the cells.
        sampled: whether some of the new values cannot be told from the reference's, which had too
            many.
        shift: of the mean, in reference deviations; NaN for what has none.
        spread: current over reference deviation; NaN for what has none.
        ks: the largest difference of the cumulated shares; NaN without an order.
        second: name and shares of the category that changed most but one, reference and current.
        means: of the reference and of the current values, as text; empty without any.
        medians: likewise, about; empty without any.
        ends: how far the shares of the rows moved that lie in the reference's lowest and in its
            highest quarter; NaN without an order.
        farthest: the smallest or the largest current value, as text, for a cell at that end.
        flag: whether there are two values at most, of which there is no spread to tell.
        decided: the words for a tail or a spike that decided the verdict; empty if none did.
        alike: other features in which as many rows as in this one became null.
        lost: single values that have no row any more, with their shares of the reference's rows.
        chance: about how much a share differs without any drift, in units of its square root.
        gone: single values that surely have no row any more, with their shares of the reference's
            rows; the most frequent first.
        absent: how many of them have no row any more, surely gone or by chance.
        together: the words for what names without a cell did, and the share of the rows that it
            is: all that are gone, rare ones too, less what chance leaves gone, or a new one.
        names: which they are of, as text: how many single values the reference has cells for.
        moved: the share of all rows that would have to be others for the sides to be alike.
    """

    kind: CellKind
    name: str
    reference: float
    current: float
    single: str = ""
    single_before: str = ""
    same: str = ""
    whole: bool = False
    happened: str = ""
    unseen: Sequence[tuple[str, float]] = ()
    distinct_unseen: int = 0
    respelt: bool = False
    unseen_before: float = 0.0
    sampled: bool = False
    shift: float = np.nan
    spread: float = np.nan
    ks: float = np.nan
    second: tuple[str, float, float] | None = None
    means: Sequence[str] = ()
    medians: Sequence[str] = ()
    ends: tuple[float, float] = (np.nan, np.nan)
    farthest: str = ""
    flag: bool = False
    decided: str = ""
    alike: Sequence[str] = ()
    lost: Sequence[tuple[str, float]] = ()
    chance: float = 0.0
    gone: Sequence[tuple[str, float]] = ()
    absent: int = 0
    together: tuple[str, float] = ("", 0.0)
    names: str = ""
    moved: float = 0.0
