"""Sentences about names: gone, new, renamed, merged, with exchanged shares."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np

from kldrift.profiles.cells import CellKind
from kldrift.profiles.number_text import percent, rose_or_fell
from kldrift.scoring.change import Change
from kldrift.scoring.number_sentences import LEAST_SHIFT

ALL_NEW: Final = 0.95
NAMED: Final = 3
NULL: Final = "null"
NEW: Final = "values that the reference never had"
UNSEEN: Final = "values never seen in the reference"
WITHOUT_CELL: Final = "values without a cell of their own"
FEWER_THAN: Final = 0.5
MOSTLY: Final = 0.8
"""Of the change in the order of the rows, what rows beyond all that the reference had make up, or
those of one value that became more: not all have shifted then."""
EXPECTED: Final = 0.05
"""Of the rows of new names, the part from which it is said that it was to be expected."""
EXCHANGED: Final = 0.15
"""Of the change of a share, how far from it another may be to have taken its place."""


def gone_names(change: Change) -> str:
    """Several values without rows now; empty if that is not most of the change."""
    share = sum(before for _, before in change.gone)
    names = change.kind in (CellKind.CATEGORY, CellKind.OTHER)
    # Numbers that are shifted leave values behind as well.
    names |= change.kind is CellKind.VALUE and not abs(change.shift) >= LEAST_SHIFT
    if not names or len(change.gone) < 2 or share < FEWER_THAN * change.moved:
        return ""
    named = some_of([name for name, _ in change.gone[:NAMED]], len(change.gone))
    least = "at least " * (change.absent > len(change.gone))
    of = f"{least}{len(change.gone):,} of {change.names} are gone"
    return f"{of}: {named}; they had {percent(share)} of the rows"


def exchanged(change: Change) -> str:
    """Two categories with each other's shares; empty if they have not."""
    if change.second is None or change.kind is not CellKind.CATEGORY:
        return ""
    name, reference, current = change.second
    close = EXCHANGED * abs(change.current - change.reference)
    if abs(change.current - reference) > close or abs(current - change.reference) > close:
        return ""
    if abs(change.current - change.reference) < FEWER_THAN * change.moved:
        return ""  # of many shares that changed, two are alike by chance
    shares = f"{percent(change.reference)} and {percent(reference)}"
    return f"{change.name} and {name} have exchanged their shares: {shares} before"


def renamed(change: Change) -> str:
    """Categories that are gone beside new ones of the same shares; empty if there are none."""
    if change.unseen_before:  # then they are not new
        return ""
    written: dict[str, list[tuple[str, float]]] = {}
    for one in change.unseen:
        written.setdefault(letters(one[0]), []).append(one)
    sure, renamed, gained, new = [], 0, 0.0, list(change.unseen)
    for name, share in dict([*change.lost, *change.gone]).items():
        like = written.get(letters(name[1:-1]), []) if name != NULL else []
        if not like and (name, share) in change.lost:
            like = [n for n in change.unseen if abs(n[1] - share) <= 3 * change.chance * share**0.5]
            spelt = [n for n in like if _spelt_alike(name, n[0])]
            like = spelt if len(spelt) == 1 else like
        elif not like:
            like = [n for n in change.unseen if _spelt_alike(name, n[0])]
            if len(like) != 1:
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
    least = max(least, FEWER_THAN * change.moved)
    if not sure or others or gained < least:  # something else moved more
        return ""
    shares = [f" ({percent(n[2])})" * (n[2] == n[2]) for n in sure]  # unknown in a segment
    named = [f"{n[0]} is now {quoted(n[1])}{s}" for n, s in zip(sure[:NAMED], shares, strict=False)]
    return f"renamed: {some_of(named, renamed)}"


def letters(name: str) -> str:
    """A name without what other spellings of it differ in: spaces around it, case, Unicode forms.

    Examples:
        >>> letters(" Côte "), letters("CO\u0302TE")
        ('côte', 'côte')
    """
    return unicodedata.normalize("NFKC", name).strip().casefold()


def quoted(name: str) -> str:
    """A new name, whose letters and accents are told apart where they look like one."""
    return repr(name) if unicodedata.is_normalized("NFC", name) else ascii(name)


def _spelt_alike(quoted: str, name: str) -> bool:
    """Whether one of two names is in the other, whatever the case; nulls have no quotes."""
    one, other = letters(quoted[1:-1]), letters(name)
    return quoted != NULL and bool(one and other) and (one in other or other in one)


def merged_names(change: Change) -> str:
    """A single value that is gone and another cell that has its rows; empty if there is none."""
    if change.second is None or abs(change.shift) >= LEAST_SHIFT:
        return ""
    first = (change.name, change.reference, change.current)
    swap = change.current and change.kind is not CellKind.CATEGORY
    (gone, had, left), (name, reference, current) = (
        (change.second, first) if swap else (first, change.second)
    )
    gone, name = (_cell_words(cell, change.kind) for cell in (gone, name))
    if (
        not (gone and name)
        or gone.startswith("values")
        or left
        or had < FEWER_THAN * change.moved
        or abs(current - reference - had) > EXCHANGED * had
    ):
        return ""
    shares = f"{percent(reference)} to {percent(current)}"
    return f"{gone} is gone, and {name} rose by as much, from {shares} of the rows"


def _cell_words(name: str, kind: CellKind) -> str:
    """A category, a number or a range of numbers in a sentence; empty for other cells."""
    if kind is CellKind.CATEGORY:
        return name if name[:1] in "'\"" else ""  # other cells than those of categories
    if kind not in (CellKind.VALUE, CellKind.BIN) or not name.lstrip("-")[:1].isdigit():
        return ""
    return f"values from {name}" if " to " in name else f"the value {name}"


def new_names(change: Change) -> str:
    """Rows with values that the reference never had, the most frequent by name."""
    named = [
        quoted(name) if np.isnan(share) else f"{quoted(name)} {percent(share)}"
        for name, share in change.unseen[:NAMED]
    ]
    what = f": {some_of(named, change.distinct_unseen)}" if named else ""
    if any(np.isnan(share) for _, share in change.unseen[:1]):
        what = f" (in the whole dataset{what})"
    if change.unseen_before:
        moved = rose_or_fell(change.unseen_before, change.current)
        return f"{WITHOUT_CELL} {moved} of the rows{what}"
    if change.kind is CellKind.OTHER and change.second is not None and change.reference:
        usual = f", and {percent(change.second[1])} of them were to be expected"
        return f"nearly all values are new to the reference{usual}{what}"
    if change.current >= ALL_NEW:
        return f"nearly all values are new to the reference{what}"
    least = "at least " * change.sampled
    expected = f", and {percent(change.reference)} were to be expected"
    expected *= change.reference > EXPECTED * change.current
    new = "known values in another spelling" if change.respelt else NEW
    return f"{least}{percent(change.current)} of the rows have {new}{expected}{what}"


def all_unseen(change: Change) -> bool:
    """Whether nearly all rows have values that were never seen, instead of rare ones."""
    name, _, after = change.second or ("", 0.0, 0.0)
    return name in (UNSEEN, WITHOUT_CELL) and after >= ALL_NEW


def some_of(named: Sequence[str], total: int) -> str:
    """The first of some values, and how many more there are: of very many it is an estimate.

    Examples:
        >>> some_of(["'a'", "'b'"], 2), some_of(["'a'", "'b'"], 3), some_of(["'a'"], 4988)
        ("'a', 'b'", "'a', 'b' and 1 more", "'a' and about 4,990 more")
    """
    more = total - len(named)
    about = f"about {float(f'{more:.3g}'):,.0f}" if more >= 1000 else f"{more}"
    return ", ".join(named) + (f" and {about} more" if more > 0 else "")
