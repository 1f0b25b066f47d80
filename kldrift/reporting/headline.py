"""The verdict of a page in plain sentences: what, where, since when, how sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from kldrift.errors import first_names, masked
from kldrift.reporting.figures import many, moment, shown
from kldrift.reporting.parts import MOVED
from kldrift.reporting.row_words import happened, is_learned, surety_words

if TYPE_CHECKING:
    from kldrift.reporting.entries import Card

OTHERS: Final = 4
MUTED: Final = "alert muted"


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


def verdict_line(counts: Mapping[str, int], segments: Mapping[str, int], beside: str = "") -> str:
    """The verdict on the features, and on the segments if there are any; what drifted first.

    Examples:
        >>> ok, some = {"critical": 0, "warning": 0, "unscored": 0, "ok": 9}, {"warning": 1}
        >>> verdict_line(ok, ok | some)
        'by segment: 1 of 10 scores drifted: 1 warning; over all rows no drift in 9 features'
        >>> verdict_line({"critical": 2, "warning": 0, "unscored": 0, "ok": 7}, {}, "muted")
        'muted: 2 of 9 features drifted: 2 critical'
    """
    whole = verdict(counts)
    if beside:
        return f"{beside}: {verdict_line(counts, segments)}"
    if not any(segments.values()):
        return whole
    parts = f"by segment: {verdict(segments, 'score')}"
    if any(segments[s] for s in MOVED) and not any(counts[s] for s in MOVED):
        return f"{parts}; over all rows {whole}"
    return f"{whole}; {parts}"


def lead(cards: Sequence[Card], worst: Mapping[str, Any] | None) -> str:
    """What is worst, where, since when and how sure, and what could not be scored, and why.

    Empty if nothing drifted and everything was scored.
    """
    if not cards or worst is None:
        return ""
    return " ".join(filter(None, (_worst(cards, worst), _unscored(cards))))


def _worst(cards: Sequence[Card], worst: Mapping[str, Any]) -> str:
    """What is worst; empty if nothing drifted."""
    first, *others = (card for card in cards if card.worst.severity in MOVED or card is cards[0])
    if first.worst.severity not in MOVED:
        return ""
    begin, lasting, _ = first.longest.since
    text = _what_drifted(first) + (f" Drifts since {begin}, {lasting}." if begin else "")
    if first.worst.alert.startswith(MUTED):
        text += f" A{first.worst.alert[1:]}."
    if others:
        named = [_briefly(card, first.longest.since.begin) for card in others]
        text += f" Also drifted: {first_names(named, OTHERS)}."
    if sure := surety_words(worst):
        meaning = "the share of false alarms to expect among such verdicts"
        if is_learned(worst):
            meaning = "how likely a window like those before it is so far from the others"
        text += f" How sure: {sure}, {meaning}."
    return text


def _what_drifted(card: Card) -> str:
    """Which features drifted, where, and what happened."""
    entry = card.worst
    if len(card.cause.features) > 1:
        return f"Worst are {card.cause.named}: {card.cause.what}."
    what = happened(entry.reason)
    if entry.alone is not None:
        return f"Worst is {entry.name}, in {entry.alone}. Over all rows: {what}."
    where = f"in {entry.where}" if entry.where else "over all rows"
    where += f" and in {entry.parts}" if entry.parts else ""
    whole = f" {entry.whole[0].upper()}{entry.whole[1:]}." if entry.whole else ""
    return f"Worst is {entry.name}, {where}: {what}.{whole}"


def _briefly(card: Card, known: str) -> str:
    """A card by its worst feature, where that drifted, and since when, unless it is ``known``."""
    entry, more, since = card.worst, len(card.cause.features) - 1, card.longest.since.begin
    text = entry.name + (f" and {more:,} more for one cause" if more else "")
    where = entry.where or (entry.alone or "").partition(", the only one of ")[0]
    text += f" in {where}" if where and not more else ""
    text += " (muted)" if entry.alert.startswith(MUTED) else ""
    return text + (f" since {since}" if since not in ("", known) else "")


def _unscored(cards: Sequence[Card]) -> str:
    """What could not be scored, and why; empty for nothing."""
    mine = (card for card in cards if card.worst.severity == "unscored")
    said = [f"{card.cause.named} ({card.worst.reason})" for card in mine]
    return f"Not scored: {first_names(said, OTHERS)}." if said else ""


def why_it_failed(last: Mapping[str, Any] | None, told: str | None, zone: str) -> str:
    """Why the last run failed; empty if it did not."""
    if last is None or not last.get("error"):
        return ""
    when = moment(last["finished_at"], zone)
    text = f"{when}, exit code {last['exit_code']}: {masked(str(last['error']))}"
    other = told is not None and last["run_id"] != told
    return shown(text, 600) + ("; what follows is of an earlier run" if other else "")
