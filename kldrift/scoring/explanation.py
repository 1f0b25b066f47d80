"""The reasons of verdicts: which threshold was exceeded, and what moved."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from kldrift.arrays import Ints, Texts
from kldrift.profiles.cells import CellKind
from kldrift.profiles.number_text import length_of_time
from kldrift.profiles.support import NUMBERS, CategoricalSupport, NumericSupport, Unit
from kldrift.scoring.change import Change
from kldrift.scoring.joint_result import joint_moved, joint_sentence
from kldrift.scoring.lost_names import gone, lost, moved_among, names_text, together
from kldrift.scoring.name_sentences import ALL_NEW, letters
from kldrift.scoring.new_names import new_name_text
from kldrift.scoring.number_facts import (
    NO_ENDS,
    beside_nulls,
    beside_values,
    constant,
    decided_words,
    farthest_value,
    means,
    narrowed,
    order_facts,
    range_of,
)
from kldrift.scoring.reasons import extremes, most_moved
from kldrift.scoring.sentences import SINGLE, sentence
from kldrift.scoring.shown_cells import ShownRow, shown_rows
from kldrift.scoring.size_sentence import size_sentences
from kldrift.scoring.swapped import swapped
from kldrift.scoring.threshold import RANK, Severity
from kldrift.scoring.verdict import SIZES, Subject, Verdicts
from kldrift.statistics.number_changes import Numbers, plain_text
from kldrift.statistics.what_explains import Explanation, what_explains

SHOWN_CELLS: Final = 3
MOST_EXPLAINED: Final = 200
"""Rows of which is looked at what was done to them; whole datasets come first."""
CYCLES: Final = {
    "hour(": (0, 23, "hours"),
    "weekday(": (0, 6, "days of the week"),
    "month(": (1, 12, "months"),
}
"""How features begin whose largest value is beside their smallest: they have no shift."""
NONE: Final = (0, 0, "")
LARGE_GAUSSIAN_KL: Final = 1.0
MUCH_MORE: Final = 2
"""So many times the rows of names that are new or gone are more than those that moved by these."""
ABOUT: Final = 0.1
"""How far shares of nulls in references of other windows may be apart, of how far they rose."""
FEW_CELLS: Final = 3
"""Names with more cells have lost more than others would notice, where one is left."""


def reason_texts(verdicts: Verdicts, deciding: Texts) -> Texts:
    """The reason of each row; empty if there is nothing to explain."""
    reason = verdicts.reason.copy()
    rank, scored = verdicts.severity, verdicts.scored
    alarms = np.flatnonzero(scored & (rank > RANK[Severity.UNSCORED]))
    moved = _moved(verdicts, alarms, deciding)
    sizes = size_sentences(verdicts, alarms.tolist(), deciding)
    for i, what, size in zip(alarms.tolist(), moved, sizes, strict=True):
        reason[i] = "; ".join(filter(None, (what.sentence, what.explained, size, what.cells)))
    for i in np.flatnonzero(scored & (rank == RANK[Severity.UNSCORED])).tolist():
        reason[i] = f"{deciding[i]} could not be computed"
    died = _died(verdicts, np.flatnonzero(scored & (rank == RANK[Severity.OK]) & (reason == "")))
    for i, what in zip(died.tolist(), _moved(verdicts, died, deciding), strict=True):
        if what.sentence.startswith(SINGLE):
            reason[i] = f"{what.sentence}; {what.cells}"
    gaussian, kl = verdicts.scores["gaussian_kl"], verdicts.scores["kl"]
    # Moments moved although the distribution hardly did.
    far = (gaussian >= LARGE_GAUSSIAN_KL) & (kl <= gaussian / 10)
    for i in np.flatnonzero(scored & (rank == RANK[Severity.OK]) & (reason == "")).tolist():
        reason[i] = beside_values(verdicts, i) or (_extremes(verdicts, i) if far[i] else "")
    return reason


def _died(verdicts: Verdicts, places: Ints) -> Ints:
    """Rows that may have one single value now and surely changed, though below all limits."""
    scores, kinds = verdicts.scores, [s.kind == "categorical" for s in verdicts.subjects]
    few = np.array(kinds, dtype=np.bool_)[verdicts.of] & (scores["cells"] <= FEW_CELLS)
    still = (scores["std_current"] == 0) & (scores["std_reference"] > 0)
    surely = scores["p_value"] < verdicts.rules.alpha
    return places[np.asarray((few | still) & surely, dtype=np.bool_)[places]]


class Moved(NamedTuple):
    """What changed of one row: a plain sentence, the cells that changed most, what explains it."""

    sentence: str
    cells: str
    explained: str = ""


def _moved(verdicts: Verdicts, places: Ints, deciding: Texts) -> list[Moved]:
    """What changed of each row, and the cells that changed most."""
    alike = _alike(verdicts, places)
    about = [verdicts.subjects[i] for i in verdicts.of[places].tolist()]
    texts = [_without_cells(subject) for subject in about]
    counted = np.flatnonzero([subject.comparison is not None for subject in about])
    respelt, pairs = cache(_respelt), swapped(verdicts, places[:MOST_EXPLAINED].tolist())
    rows = shown_rows(verdicts, places[counted], deciding, SHOWN_CELLS)
    for explained, row in enumerate(rows):
        subject, metric = about[counted[row.number]], deciding[row.place]
        single, single_before = _single(verdicts, row)
        why = Explanation()
        if not single and explained < MOST_EXPLAINED and row.place not in pairs:
            why = _why(verdicts, row.place)
        change = replace(
            _change(verdicts, row, metric),
            single=single,
            single_before=single_before,
            same=why.same,
            whole=why.whole,
            happened=why.happened,
            respelt=respelt(subject),
            alike=[name for name in alike.get(row.place, ()) if name != subject.name],
        )
        cells = most_moved(row.names, row.reference, row.current)
        what = pairs.get(row.place) or sentence(change)
        texts[counted[row.number]] = Moved(what, cells, why.text)
    return texts


def _single(verdicts: Verdicts, row: ShownRow) -> tuple[str, str]:
    """The only value of the current rows, and that of the reference if it has one; else empty."""
    if row.single < 0:
        return constant(verdicts, row.place, row.kind)
    if row.kind is CellKind.NULL:
        return "", ""
    return row.name(row.single) + beside_nulls(verdicts, row.place), ""


def _change(verdicts: Verdicts, row: ShownRow, metric: str) -> Change:
    """The facts of a row and its cells; ``metric`` decided its verdict."""
    comparison, place = row.comparison, row.place
    main = row.kind, row.names[0], row.reference[0], row.current[0]
    if row.kind is CellKind.BIN:
        main = narrowed(verdicts, place, row.top[0], main)
    of_gone, absent = gone(comparison, row.cells, row.at, row.name)
    return Change(
        *main,
        **_of_row(verdicts, place),
        lost=lost(comparison, row.cells, row.at, row.name),
        gone=of_gone,
        absent=absent,
        together=_of_names(verdicts, place, metric, row.kind),
        names=names_text(comparison, row.cells, row.at),
        moved=verdicts.scores["total_variation"][place],
        chance=row.chance,
        farthest=farthest_value(verdicts, place, upper=row.kind is CellKind.OVERFLOW),
        flag=row.flag,
        second=row.shown(1) if len(row.top) > 1 else None,
        decided=decided_words(verdicts, place, metric),
    )


def _of_names(verdicts: Verdicts, place: int, metric: str, kind: CellKind) -> tuple[str, float]:
    """The words for what names without a scored cell did, and the share that it is."""
    if metric != "value_share_change" and kind is not CellKind.OTHER:
        return "", 0.0
    text, share = max(
        (said(verdicts, place) for said in (together, new_name_text)), key=lambda said: said[1]
    )
    moved = moved_among(verdicts, place)
    return moved if moved[1] > MUCH_MORE * share else (text, share)


def _without_cells(subject: Subject) -> Moved:
    """What changed of joint features, or of what is no feature; nothing yet of features."""
    if subject.joint is not None:
        cells, heavy = subject.joint.cells, subject.joint.heavy
        return Moved(joint_sentence(cells, heavy), joint_moved(cells, SHOWN_CELLS, heavy))
    return Moved("" if subject.comparison is not None else subject.sentence, "")


def _why(verdicts: Verdicts, place: int) -> Explanation:
    """What explains most of the difference of numbers; nothing of all else."""
    subject, group = verdicts.subjects[verdicts.of[place]], verdicts.group[place]
    comparison = subject.comparison
    assert comparison is not None
    support, sides = comparison.support, (comparison.reference, comparison.current)
    if not isinstance(support, NumericSupport) or support.unit not in NUMBERS:
        return Explanation()
    moments = [s.moments.take([group]).summary(support.scale) for s in sides if s.moments]
    if len(moments) < len(sides) or not all(m.rows[0] for m in moments):
        return Explanation()
    q, p = (side.counts[group, : support.intervals] for side in sides)
    edges = support.edges if support.integral else support.edges[1:-1]
    if not support.integral:  # no number lies beyond the outermost doubles
        p, q = p[1:-1], q[1:-1]
    reference, current = moments

    def both(name: str) -> tuple[float, float]:
        return float(getattr(reference, name)[0]), float(getattr(current, name)[0])

    sizes = verdicts.sizes
    nulls = [
        float(sizes[f"missing_{s}"][place] / max(1, sizes[f"n_{s}"][place]))
        for s in ("reference", "current")
    ]
    return what_explains(
        Numbers(
            p,
            q,
            support.exact(edges) / support.scale,
            both("mean"),
            both("std"),
            both("minimum"),
            both("maximum"),
            (nulls[0], nulls[1]),
            1 / support.scale if support.integral else 0.0,
            length_of_time if support.unit is Unit.DURATION else plain_text,
            compared=verdicts.rules.missing == "cell",
            cycle=next((c for begin, c in CYCLES.items() if subject.name.startswith(begin)), NONE),
        )
    )


def _alike(verdicts: Verdicts, places: Ints) -> dict[int, list[str]]:
    """Of rows in which nulls became more: the features with as many now, by row.

    Of as many rows of the reference as many were null; of other windows about as large a share.
    """
    of, now, before, lost = (verdicts.sizes[name] for name in SIZES)
    share = before / np.maximum(1, of)
    near = ABOUT * (lost / np.maximum(1, now) - share)
    rows_of: dict[tuple[object, ...], list[int]] = {}
    for i in places[lost[places] > 0].tolist():
        rows_of.setdefault((verdicts.segment[i], now[i], lost[i]), []).append(i)
    names = {i: verdicts.subjects[verdicts.of[i]].name for i in places.tolist()}
    found = dict[int, list[str]]()
    for rows in rows_of.values():
        for i in rows:
            same = (of[rows] == of[i]) & (before[rows] == before[i])
            same |= (of[rows] != of[i]) & (abs(share[rows] - share[i]) <= near[i])
            found[i] = [names[j] for j in np.array(rows)[same].tolist()]
    return found


def _of_row(verdicts: Verdicts, place: int) -> dict[str, Any]:
    """Facts of a row besides its cells: new values by name, shift and spread."""
    scores, subject = verdicts.scores, verdicts.subjects[verdicts.of[place]]
    rows = int(verdicts.sizes["n_current"][place])
    unseen, whole = subject.unseen, verdicts.segment[place] is None
    before = subject.unseen_before(verdicts.group[place])
    reference, current = scores["std_reference"][place], scores["std_current"][place]
    spread = reference > 0 and current > 0 and not subject.name.startswith((*CYCLES,))
    before_mean, mean = (float(scores[f"mean_{s}"][place]) for s in ("reference", "current"))
    ends, medians = order_facts(verdicts, place) if spread else (NO_ENDS, ())
    return {
        "ends": ends,
        "medians": medians,
        "unseen": [(name, n / max(1, rows) if whole else np.nan) for name, n in unseen.named],
        "distinct_unseen": unseen.distinct,
        "unseen_before": before / max(1, int(verdicts.sizes["n_reference"][place])),
        "sampled": _sampled(subject),
        "shift": (mean - before_mean) / reference if spread else np.nan,
        "means": means(verdicts, place),
        "spread": current / reference if spread else np.nan,
        "ks": scores["ks"][place],
    }


def _respelt(subject: Subject) -> bool:
    """Whether nearly all rows of new values have one of the reference in another spelling."""
    support = None if subject.comparison is None else subject.comparison.support
    if not isinstance(support, CategoricalSupport) or not subject.unseen.named:
        return False
    known = {letters(name) for name in support.categories}
    of_known = sum(rows for name, rows in subject.unseen.named if letters(name) in known)
    return of_known >= ALL_NEW * sum(rows for _, rows in subject.unseen.named)


def _sampled(subject: Subject) -> bool:
    """Whether the reference had more names than are known."""
    support = None if subject.comparison is None else subject.comparison.support
    known = support.known if isinstance(support, CategoricalSupport) else None
    return known is not None and known.share < 1


def _extremes(verdicts: Verdicts, i: int) -> str:
    """The sentence that few rows far out moved the moments; empty for joint features."""
    comparison = verdicts.subjects[verdicts.of[i]].comparison
    if comparison is None:
        return ""
    group = verdicts.group[i : i + 1]
    now, before = (
        range_of(side.moments, group, comparison.support)
        for side in (comparison.current, comparison.reference)
    )
    return extremes(verdicts.scores["gaussian_kl"][i], now, before, comparison.support)
