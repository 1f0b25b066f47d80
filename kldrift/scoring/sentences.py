"""The first sentence of a reason: what happened, for someone who reads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from kldrift.profiles.cells import CellKind
from kldrift.profiles.number_text import grouped, plain
from kldrift.scoring.change import Change

TAILS: Final = (CellKind.UNDERFLOW, CellKind.OVERFLOW)
LEAST_SHIFT: Final = 0.1
"""Reference deviations from which a mean has moved."""
LEAST_SPREAD: Final = 1.1
"""From so many times as wide, or as narrow, a spread has changed."""
CARRIED: Final = 0.1
"""Of the distance that a shift of all rows gives, what must show in the order of the rows: a few
values far out move the mean as well, and nothing else."""
BY_SHIFT: Final = 0.6
"""The most that a shift by one deviation shows in the order of the rows: 0.4 of normal ones."""
ALL_NEW: Final = 0.95
NAMED: Final = 3
NULL: Final = "null"
SINGLE: Final = "now one single value"
UNSEEN: Final = "values never seen in the reference"
AS_MANY: Final = ", as many as in "
"""Before the other features that have as many nulls."""
DOUBLED: Final = 1.9
FEWER_THAN: Final = 0.5
LEAST_END: Final = 0.02
"""Share of the rows by which both ends must have changed, for most values to be said to have."""
CLEAR_SPREAD: Final = 1.2
"""From so many times as wide, or as narrow, a spread is told before a shift."""
ABOUT_ALIKE: Final = 1 / 3
"""Of the larger change of an end, the least that the other changed for a spread to have changed."""
MOSTLY: Final = 0.8
"""Of the change in the order of the rows, what rows beyond all that the reference had make up, or
those of one value that became more: not all have shifted then."""
NARROW, WIDE = 0.1, 0.4
"""Shares of the reference's and of the current rows up to which a range is looked at as a value."""
SURELY_MORE: Final = 1.5
"""How many times as large as a change of one cell another change is to be said in its place."""
EXCHANGED: Final = 0.15
"""Of the change of a share, how far from it another may be to have taken its place."""


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
    if change.kind is CellKind.NULL and not change.decided:
        return _nulls(change)
    if renamed := _renamed(change):
        return renamed
    gone, share = change.together
    least = MOSTLY if change.kind is CellKind.OTHER else SURELY_MORE
    if gone and share > least * abs(change.current - change.reference):
        return gone
    if change.kind is CellKind.NEVER_SEEN or (
        change.kind is CellKind.OTHER and not change.reference
    ):
        return _new(change)
    if change.decided:
        return change.same or change.decided
    if change.kind is CellKind.OTHER and _all_unseen(change):
        return _new(change)
    if exchanged := _gone(change) or _swapped(change) or _merged(change):
        return exchanged
    beyond = change.kind in TAILS and not change.reference
    if _at_both_ends(change) and not change.same and not (beyond and change.current >= FEWER_THAN):
        return _spread(change)
    few = change.current < FEWER_THAN or change.ks > BY_SHIFT * abs(change.shift)
    beyond &= few and (change.current >= FEWER_THAN * change.ks or _far_out(change))
    narrow = change.kind is CellKind.BIN and change.reference <= NARROW and change.current < WIDE
    beside = narrow or change.kind is CellKind.VALUE
    beside &= change.current - change.reference >= MOSTLY * change.ks
    left = change.kind is CellKind.VALUE and not change.current
    left &= change.reference >= MOSTLY * change.moved
    shown = beyond or beside or left or change.flag
    return ("" if shown else _moments(change)) or change.same or _of_cell(change)


def _of_cell(change: Change) -> str:
    if not change.reference and change.moved >= ALL_NEW and change.ks < CARRIED:
        return "nearly all values are new to the reference, and lie between its own"
    cell = cell_sentence(change.kind, change.name, change.reference, change.current)
    if change.kind in TAILS and not change.reference:
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
    several = kind in (CellKind.BIN, CellKind.OTHER)
    if kind is CellKind.OTHER:
        name = "rare values"
    elif several:
        name = (
            f"values from {name}"
            if reference
            else f"values between {name.replace(' to ', ' and ')}"
        )
    elif kind is CellKind.VALUE and not name[:1].isalpha():  # days of the week are names
        name = f"the value {name}"
    if not current:
        had = "are gone: they" if several else "is gone: it"
        return f"{name} {had} had {percent(reference)} of the rows"
    if not reference:
        return f"{name} {'are' if several else 'is'} new, with {percent(current)} of the rows"
    return f"{name} {_moved(reference, current)} of the rows"


def _nulls(change: Change) -> str:
    """Nulls that became more or fewer, and where else they did."""
    text = f"nulls {_moved(change.reference, change.current)} of the rows"
    if change.reference and change.current >= DOUBLED * change.reference:
        text = f"{_figure(change.current / change.reference)} times as many nulls: {text[11:]}"
    rise = change.current - change.reference
    for name, share in change.lost:
        if rise > 0 and abs(share - rise) <= EXCHANGED * share:
            return f"{text}, and {name} is gone: it had {percent(share)}"
        if share > rise > 0:
            return cell_sentence(CellKind.CATEGORY, name, share, 0.0)
    if not change.alike:
        return text
    return f"{text}{AS_MANY}{some_of([*map(repr, change.alike[:NAMED])], len(change.alike))}"


def _gone(change: Change) -> str:
    """Several categories without rows now; empty if that is not most of the change."""
    share = sum(before for _, before in change.gone)
    names = change.kind in (CellKind.CATEGORY, CellKind.OTHER)
    if not names or len(change.gone) < 2 or share < FEWER_THAN * change.moved:
        return ""
    named = some_of([name for name, _ in change.gone[:NAMED]], len(change.gone))
    of = f"{len(change.gone):,} of {change.names} are gone"
    return f"{of}: {named}; they had {percent(share)} of the rows"


def _swapped(change: Change) -> str:
    """Two categories with each other's shares; empty if they have not."""
    if change.second is None or change.kind is not CellKind.CATEGORY:
        return ""
    name, reference, current = change.second
    close = EXCHANGED * abs(change.current - change.reference)
    if abs(change.current - reference) > close or abs(current - change.reference) > close:
        return ""
    shares = f"{percent(change.reference)} and {percent(reference)}"
    return f"{change.name} and {name} have exchanged their shares: {shares} before"


def _renamed(change: Change) -> str:
    """Categories that are gone beside new ones of the same shares; empty if there are none."""
    if change.unseen_before:  # then they are not new
        return ""
    written: dict[str, list[tuple[str, float]]] = {}
    for one in change.unseen:
        written.setdefault(_letters(one[0]), []).append(one)
    sure, renamed, gained, new = [], 0, 0.0, list(change.unseen)
    for name, share in dict([*change.lost, *change.gone]).items():
        like = written.get(_letters(name[1:-1]), []) if name != NULL else []
        if not like and (name, share) in change.lost:
            like = [n for n in change.unseen if abs(n[1] - share) <= 3 * change.chance * share**0.5]
            spelt = [n for n in like if _spelt_alike(name, n[0])]
            like = spelt if len(spelt) == 1 else like
        elif not like:
            continue
        left = [n for n in like if n in new]
        if not left:
            return ""
        nearest = min(left, key=lambda n: abs(n[1] - share))
        new.remove(nearest)
        gained, renamed = gained + np.nan_to_num(nearest[1], nan=share), renamed + 1
        if len(like) == 1:  # of several with about its share, none is sure to be it
            sure.append((name, *nearest))
    every = change.moved >= ALL_NEW  # so are names that are too rare to be known
    others = not every and np.nansum([share for _, share in new]) > EXCHANGED * gained
    least = (FEWER_THAN if every else MOSTLY) * abs(change.current - change.reference)
    if not sure or others or gained < least:  # something else moved more
        return ""
    shares = [f" ({percent(n[2])})" * (n[2] == n[2]) for n in sure]  # unknown in a segment
    named = [f"{n[0]} is now {n[1]!r}{s}" for n, s in zip(sure[:NAMED], shares, strict=False)]
    return f"renamed: {some_of(named, renamed)}"


def _letters(name: str) -> str:
    return name.strip().casefold()


def _spelt_alike(quoted: str, name: str) -> bool:
    """Whether one of two names is in the other, whatever the case; nulls have no quotes."""
    one, other = _letters(quoted[1:-1]), _letters(name)
    return quoted != NULL and bool(one and other) and (one in other or other in one)


def _merged(change: Change) -> str:
    """A category that is gone and another that has its rows; empty if there is none."""
    if change.second is None or change.kind is not CellKind.CATEGORY or change.current:
        return ""
    name, reference, current = change.second
    if (
        name[:1] not in "'\""
        or abs(current - reference - change.reference) > EXCHANGED * change.reference
    ):
        return ""  # other cells than those of categories have no quotes
    shares = f"{percent(reference)} to {percent(current)}"
    return f"{change.name} is gone, and {name} rose by as much, from {shares} of the rows"


def _new(change: Change) -> str:
    named = [
        repr(name) if np.isnan(share) else f"{name!r} {percent(share)}"
        for name, share in change.unseen[:NAMED]
    ]
    what = f": {some_of(named, change.distinct_unseen)}" if named else ""
    if any(np.isnan(share) for _, share in change.unseen[:1]):
        what = f" (in the whole dataset{what})"
    if change.unseen_before:
        moved = _moved(change.unseen_before, change.current)
        return f"values without a cell of their own {moved} of the rows{what}"
    if change.kind is CellKind.OTHER and change.second is not None and change.reference:
        usual = f", and {percent(change.second[1])} of them were to be expected"
        return f"nearly all values are new to the reference{usual}{what}"
    if change.current >= ALL_NEW:
        return f"nearly all values are new to the reference{what}"
    least = "at least " * change.sampled
    return (
        f"{least}{percent(change.current)} of the rows have values that the reference never had"
        f"{what}"
    )


def _all_unseen(change: Change) -> bool:
    """Whether nearly all rows have values that were never seen, instead of rare ones."""
    return change.second is not None and change.second[0] == UNSEEN and change.second[2] >= ALL_NEW


def _moments(change: Change) -> str:
    """A shift or another spread, if it is one of the rows and not of a few values far out."""
    if not np.isfinite(change.shift) or not np.isfinite(change.spread):
        return ""
    if abs(change.shift) >= LEAST_SHIFT and change.ks >= CARRIED * min(abs(change.shift), 2.0):
        return _shifted(change)
    if change.same or change.ks < CARRIED * LEAST_SHIFT:
        return ""
    low, high = change.ends
    if low * high < 0:  # lower ones became fewer, and higher ones more, or the other way round
        return _median(change)
    return _spread(change)


def _far_out(change: Change) -> bool:
    """Whether a few values far out move the mean by more than the order of the rows shows."""
    return abs(change.shift) >= 1 and change.ks < CARRIED * min(abs(change.shift), 2.0)


def _at_both_ends(change: Change) -> bool:
    """Whether both ends have more rows, or both fewer, about alike: the middle hardly moved."""
    smaller, larger = sorted(map(abs, change.ends))
    alike = smaller >= LEAST_END and smaller >= ABOUT_ALIKE * larger
    clear = max(change.spread, 1 / change.spread) >= CLEAR_SPREAD if change.spread else False
    return alike and clear and change.ends[0] * change.ends[1] > 0 and not change.flag


def _spread(change: Change) -> str:
    if change.spread >= LEAST_SPREAD and change.ks >= CARRIED * min(change.spread - 1, 2.0):
        return f"spread {_figure(change.spread)} times as wide"
    if change.spread <= 1 / LEAST_SPREAD:
        return f"spread narrowed to {percent(change.spread)} of what it was"
    return ""


def _median(change: Change) -> str:
    """A shift of most rows that a few far out hide in the mean; empty if medians do not tell."""
    if len({*change.medians}) < 2 or min(map(abs, change.ends)) < LEAST_END:
        return ""
    way, verb = ("larger", "rose") if change.ends[1] > 0 else ("smaller", "fell")
    text = f"most values are {way}: the median {verb} from {change.medians[0]}"
    return f"{text} to {change.medians[1]}"


def _shifted(change: Change) -> str:
    way, verb = ("up", "rose") if change.shift > 0 else ("down", "fell")
    size = _figure(abs(change.shift))
    text = f"shifted {way} by {size} standard deviation{'s' if size != '1' else ''}"
    if len({*change.means}) < 2:
        return text
    return f"{text}: the mean {verb} from {change.means[0]} to {change.means[1]}"


def _figure(times: float) -> str:
    return grouped(times, 2)


def _moved(reference: float, current: float) -> str:
    way = "rose" if current > reference else "fell"
    return f"{way} from {percent(reference)} to {percent(current)}"


def some_of(named: Sequence[str], total: int) -> str:
    """The first of some values, and how many more there are: of very many it is an estimate.

    Examples:
        >>> some_of(["'a'", "'b'"], 2), some_of(["'a'", "'b'"], 3), some_of(["'a'"], 4988)
        ("'a', 'b'", "'a', 'b' and 1 more", "'a' and about 4,990 more")
    """
    more = total - len(named)
    about = f"about {float(f'{more:.3g}'):,.0f}" if more >= 1000 else f"{more}"
    return ", ".join(named) + (f" and {about} more" if more > 0 else "")


def percent(share: float) -> str:
    """A share as a reader writes it: to a tenth, and below 1 % with two digits.

    Examples:
        >>> percent(0.331), percent(0.0), percent(0.00748), percent(0.00996), percent(0.00012)
        ('33.1 %', '0.0 %', '0.75 %', '1.0 %', '0.012 %')
        >>> percent(1.2e-7)
        '0.000012 %'
    """
    part = 100 * share
    return f"{part:.1f} %" if part == 0 or part >= 0.995 else f"{plain(part, 2)} %"
