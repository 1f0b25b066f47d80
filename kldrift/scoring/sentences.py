"""The first sentence of a reason: what happened, for someone who reads nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kldrift.profiles.cells import CellKind
from kldrift.profiles.number_text import grouped, percent, rose_or_fell
from kldrift.scoring.change import Change
from kldrift.scoring.name_sentences import (
    ALL_NEW,
    EXCHANGED,
    FEWER_THAN,
    MOSTLY,
    NAMED,
    NULL,
    all_unseen,
    exchanged,
    gone_names,
    merged_names,
    new_names,
    renamed,
    some_of,
)
from kldrift.scoring.number_sentences import (
    CARRIED,
    at_both_ends,
    few_far_out,
    moments_sentence,
    spread_sentence,
)

TAILS: Final = (CellKind.UNDERFLOW, CellKind.OVERFLOW)
ALONE: Final = (
    CellKind.VALUE,
    CellKind.NAN,
    CellKind.NEGATIVE_INFINITY,
    CellKind.POSITIVE_INFINITY,
)
"""Cells of one value, whose rows have not shifted with all others."""
BY_SHIFT: Final = 0.6
"""The most that a shift by one deviation shows in the order of the rows: 0.4 of normal ones."""
SINGLE: Final = "now one single value"
AS_MANY: Final = ", as many as in "
"""Before the other features that have as many nulls."""
DOUBLED: Final = 1.9
NARROW, WIDE = 0.1, 0.4
"""Shares of the reference's and of the current rows up to which a range is looked at as a value."""
HARDLY: Final = 0.01
"""Of the current share beyond an end, the most that a reference of other windows may have there."""
SURELY_MORE: Final = 1.5
"""How many times as large as a change of one cell another change is to be said in its place."""


def sentence(change: Change) -> str:  # noqa: PLR0911 - one line per kind of change
    """What happened, in one plain sentence.

    Examples:
        >>> sentence(Change(CellKind.NULL, "null", 0.0, 0.05))
        'nulls rose from 0.0 % to 5.0 % of the rows'
        >>> sentence(Change(CellKind.BIN, "1 to 2", 0.05, 0.1, shift=0.5, spread=1.0, ks=0.19))
        'shifted up by 0.5 standard deviations'
        >>> sentence(Change(CellKind.BIN, "", 0, 0, shift=1, spread=1, ks=0.3, means=("2", "3")))
        'shifted up by 1 standard deviation: the mean rose from 2 to 3'
        >>> sentence(Change(CellKind.CATEGORY, "'x'", 0.1, 0.0))
        "'x' is gone: it had 10.0 % of the rows"
        >>> sentence(Change(CellKind.OVERFLOW, "above 50, the reference's largest", 0.0, 0.87))
        "87.0 % of the values are above 50, the reference's largest"
    """
    if change.single_before:
        return f"all values are {change.single} now, and all were {change.single_before}"
    if change.single:
        return f"{SINGLE}: {change.single}"
    if change.lost[-1:] and change.lost[-1][0] == NULL and change.lost[-1][1] >= ALL_NEW:
        return f"values are there, where {percent(change.lost[-1][1])} were null before"
    if change.happened:
        return change.happened
    change = of_nulls(change)
    if change.kind is CellKind.NULL and not change.decided:
        return _nulls(change)
    if other_names := renamed(change):
        return other_names
    gone, share = change.together
    least = MOSTLY if change.kind is CellKind.OTHER else SURELY_MORE
    if gone and share > least * abs(change.current - change.reference):
        return gone
    if change.kind is CellKind.NEVER_SEEN or (
        change.kind is CellKind.OTHER and not change.reference
    ):
        return new_names(change)
    # Where all numbers moved, the cell or the end whose score decided is the least of it.
    moved = moments_sentence(change) if change.whole and not change.flag else ""
    if told := change.same or moved or change.decided:
        return told
    if change.kind is CellKind.OTHER and all_unseen(change):
        return new_names(change)
    if of_names := gone_names(change) or exchanged(change) or merged_names(change):
        return of_names
    beyond = change.kind in TAILS and change.reference <= HARDLY * change.current
    if at_both_ends(change) and not (beyond and change.current >= FEWER_THAN):
        return spread_sentence(change)
    few = change.current < FEWER_THAN or change.ks > BY_SHIFT * abs(change.shift)
    beyond &= few and (change.current >= FEWER_THAN * change.ks or few_far_out(change))
    narrow = change.kind is CellKind.BIN and change.reference <= NARROW and change.current < WIDE
    beside = narrow or change.kind in ALONE
    beside &= change.current - change.reference >= MOSTLY * change.ks
    left = change.kind is CellKind.VALUE and not change.current
    left &= change.reference >= MOSTLY * change.moved
    shown = beyond or beside or left or change.flag
    return ("" if shown else moments_sentence(change)) or _of_cell(change)


def _of_cell(change: Change) -> str:
    if not change.reference and change.moved >= ALL_NEW and change.ks < CARRIED:
        return "nearly all values are new to the reference, and lie between its own"
    cell = cell_sentence(change.kind, change.name, change.reference, change.current)
    if change.kind in TAILS and change.reference <= HARDLY * change.current:
        cell += ends_at(change.farthest, upper=change.kind is CellKind.OVERFLOW)
    return cell


def ends_at(farthest: str, *, upper: bool) -> str:
    """What is added to a sentence about an end of the numbers: the current value farthest out."""
    end = "largest" if upper else "smallest"
    return f": the {end} is {farthest} now" if farthest else ""


def cell_sentence(kind: CellKind, name: str, reference: float, current: float) -> str:
    """How a cell changed, from its shares of the rows."""
    if kind in TAILS and not reference:
        return f"{'all' if current == 1 else f'{percent(current)} of the'} values are {name}"
    several = kind in (CellKind.BIN, CellKind.OTHER, *TAILS)
    if kind is CellKind.OTHER:
        name = "rare values"
    elif several and not reference:
        name = f"values between {name.replace(' to ', ' and ')}"
    elif several:
        name = f"values {name}," if kind in TAILS else f"values from {name}"
    elif kind is CellKind.VALUE and not name[:1].isalpha():  # days of the week are names
        name = f"the value {name}"
    if not current:
        had = "are gone: they" if several else "is gone: it"
        return f"{name} {had} had {percent(reference)} of the rows"
    if not reference:
        return f"{name} {'are' if several else 'is'} new, with {percent(current)} of the rows"
    return f"{name} {rose_or_fell(reference, current)} of the rows"


def of_nulls(change: Change) -> Change:
    """The change of the nulls, where the value that lost most rows lost them to nulls."""
    name, before, after = change.second or ("", 0.0, 0.0)
    fell = change.reference - change.current
    if name != NULL or fell <= 0 or after - before < MOSTLY * fell:
        return change
    return replace(change, kind=CellKind.NULL, name=NULL, reference=before, current=after)


def _nulls(change: Change) -> str:
    """Nulls that became more or fewer, and where else they did."""
    text = f"nulls {rose_or_fell(change.reference, change.current)} of the rows"
    if change.reference and change.current >= DOUBLED * change.reference:
        text = f"{grouped(change.current / change.reference, 2)} times as many nulls: {text[11:]}"
    rise = change.current - change.reference
    for name, share in change.lost:
        value = "" if name[:1] in "'\"" else "the value "
        if rise > 0 and abs(share - rise) <= EXCHANGED * share:
            return f"{text}, and {value}{name} is gone: it had {percent(share)}"
        if share > rise > 0:
            return cell_sentence(CellKind.CATEGORY, f"{value}{name}", share, 0.0)
    if not change.alike:
        return text
    return f"{text}{AS_MANY}{some_of([*map(repr, change.alike[:NAMED])], len(change.alike))}"
