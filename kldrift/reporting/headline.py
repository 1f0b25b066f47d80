"""The verdict of a page in plain sentences: what, where, since when, how sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from kldrift.reporting.causes import without_others
from kldrift.reporting.figures import in_a_row, likelihood, many
from kldrift.reporting.parts import MOVED
from kldrift.reporting.row_words import happened

if TYPE_CHECKING:
    from kldrift.reporting.entries import Entry

OTHERS: Final = 4


def verdict(counts: Mapping[str, int], noun: str = "feature") -> str:
    """The verdict in words: how many features drifted.

    Examples:
        >>> verdict({"critical": 2, "warning": 1, "unscored": 0, "ok": 21})
        '3 of 24 features drifted: 2 critical, 1 warning'
        >>> verdict({"critical": 0, "warning": 4000, "unscored": 0, "ok": 16000}, "score")
        '4,000 of 20,000 scores drifted: 4,000 warning'
        >>> verdict({"critical": 0, "warning": 0, "unscored": 1, "ok": 3})
        'no drift in 3 of 4 features; 1 could not be scored'
    """
    total, drifted = sum(counts.values()), counts["critical"] + counts["warning"]
    if not total:
        return f"no {noun} was compared"
    unscored = f"; {counts['unscored']:,} could not be scored" if counts["unscored"] else ""
    if drifted:
        kinds = ", ".join(
            f"{counts[name]:,} {name}" for name in ("critical", "warning") if counts[name]
        )
        return f"{drifted:,} of {many(total, noun)} drifted: {kinds}{unscored}"
    if counts["unscored"] == total:
        return f"none of {many(total, noun)} could be scored"
    if unscored:
        return f"no drift in {counts['ok']:,} of {many(total, noun)}{unscored}"
    return f"no drift in {many(total, noun)}"


def verdict_line(
    counts: Mapping[str, int], segments: Mapping[str, int], *, muted: bool = False
) -> str:
    """The verdict on the features, and on the segments if there are any; what drifted first.

    Args:
        counts: features by severity, over all rows.
        segments: scores of segments by severity.
        muted: whether nobody is called about any of what is critical.

    Examples:
        >>> ok, some = {"critical": 0, "warning": 0, "unscored": 0, "ok": 9}, {"warning": 1}
        >>> verdict_line(ok, ok | some)
        'by segment: 1 of 10 scores drifted: 1 warning; over all rows no drift in 9 features'
        >>> verdict_line({"critical": 2, "warning": 0, "unscored": 0, "ok": 7}, {}, muted=True)
        'all that is critical is muted: 2 of 9 features drifted: 2 critical'
    """
    whole = verdict(counts)
    if muted:
        return f"all that is critical is muted: {verdict_line(counts, segments)}"
    if not any(segments.values()):
        return whole
    parts = f"by segment: {verdict(segments, 'score')}"
    if any(segments[s] for s in MOVED) and not any(counts[s] for s in MOVED):
        return f"{parts}; over all rows {whole}"
    return f"{whole}; {parts}"


def lead(entries: Sequence[Entry], worst: Mapping[str, Any] | None, windows: int) -> str:
    """What is worst, where, since when and how sure, and what could not be scored, and why.

    Empty if nothing drifted and everything was scored.

    Args:
        entries: the rows of the page, the worst first.
        worst: the row of the scores behind the first.
        windows: how many windows are known, this one included.
    """
    if not entries or worst is None:
        return ""
    return " ".join(filter(None, (_worst(entries, worst, windows), _unscored(entries))))


def _worst(entries: Sequence[Entry], worst: Mapping[str, Any], windows: int) -> str:
    """What is worst; empty if nothing drifted."""
    first = entries[0]
    if first.severity not in MOVED:
        return ""
    drifted = [e for e in entries[1:] if e.severity in MOVED]
    same = [e.name for e in drifted if e.cause == first.name]
    what, alone = happened(first.reason), first.alone
    if same:
        alone = alone and without_others(alone)
        what = f"{without_others(what)}; the same in {_listed(same)}"
    where = f"in {first.where}" if first.where else "over all rows"
    where += f" and in {first.parts}" if first.parts else ""
    text = f"Worst is {first.name}, {where}: {what}."
    if alone is not None:
        text = f"Worst is {first.name}, in {alone}. Over all rows: {what}."
    if first.since and windows > 1:
        text += f" Drifts since {first.since}, {in_a_row(first.windows)}"
        text += ", as far back as is known" if first.windows == windows else ""
        if 0 < first.critical < first.windows:
            last = "window" if first.critical == 1 else f"{first.critical:,}"
            text += f"; critical in the last {last}"
        text += "."
    others = [e.name for e in drifted if e.cause != first.name]
    if others:
        text += f" Also drifted: {_listed(others)}."
    if worst["q_value"] is not None:
        text += (
            f" How sure: q {likelihood(worst['q_value'])}, "
            "the share of false alarms to expect among such verdicts."
        )
    return text


def _unscored(entries: Sequence[Entry]) -> str:
    """What could not be scored, and why; empty for nothing."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        if entry.severity == "unscored":
            names.setdefault(entry.reason, []).append(entry.name)
    said = [f"{_listed(some)} ({why})" for why, some in names.items()]
    return f"Not scored: {_listed(said)}." if said else ""


def _listed(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - OTHERS
    return ", ".join(names[:OTHERS]) + (f" and {more:,} more" if more > 0 else "")
