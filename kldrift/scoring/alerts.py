"""From severities of windows to alerts: raised and cleared after some windows, or muted.

One critical window may be chance and one quiet window a pause. So a row is raised when ``k`` of its
last ``n`` windows were critical, and cleared when as many were not. Windows in which it has no
score, such as weekends without rows, are no evidence either way and are passed over. What is muted
or pending is scored and stored like everything else; only nobody is called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kldrift.scoring.threshold import Severity
from kldrift.scoring.verdict import Verdicts

Key = tuple[str, str | None]
"""A feature and a segment of it; None for all rows."""


class Alert(StrEnum):
    """Whether somebody should be called about a row."""

    NONE = "none"
    PENDING = "pending"
    RAISED = "raised"
    MUTED = "muted"


@dataclass(frozen=True)
class State:
    """The alert of a row, and the start of its first window."""

    alert: Alert
    since: datetime | None = None


TOLD: Final = {
    Alert.RAISED: Severity.CRITICAL,
    Alert.PENDING: Severity.WARNING,
    Alert.MUTED: Severity.OK,
}
"""The severities of rows that are not quiet, for exit codes."""
QUIET: Final = State(Alert.NONE)
OPEN: Final = (Alert.RAISED, Alert.MUTED)
WEEK: Final = timedelta(hours=7 * 24 - 1)
"""Without the hour that the clock may be moved by."""
LASTING: Final = 7
"""Windows, or those of a week where these are more, most of which must be critical for an alert of
a row that is no further from its history than usual (docs/decisions/slow-drift.md).
"""


@dataclass(frozen=True)
class Seen:
    """The judgement of one window; ``undecided`` rows neither raise an alert nor clear it."""

    start: datetime
    critical: Collection[Key] = frozenset()
    unscored: Collection[Key] = frozenset()
    undecided: Collection[Key] = frozenset()
    usual: Collection[Key] = frozenset()

    def quiet(self, key: Key) -> bool:
        """Whether a row clears its alert."""
        return not any(key in rows for rows in (self.critical, self.unscored, self.undecided))


@dataclass(frozen=True)
class Alerts:
    """The alerts of a monitor after a window.

    The latest of the ``recent`` windows comes last; ``muted`` says whether nobody is to be called
    about a row of it.
    """

    states: Mapping[Key, State] = field(default_factory=dict)
    recent: tuple[Seen, ...] = ()
    muted: Callable[[Key], bool] = field(default=lambda _: False, repr=False, compare=False)

    def of(self, key: Key) -> State:
        """The state of a row."""
        return self.states.get(key, QUIET)

    @property
    def open(self) -> list[Key]:
        """The rows that are raised, or muted."""
        return [key for key, state in self.states.items() if state.alert in OPEN]

    def after(
        self,
        seen: Seen,
        windows: tuple[int, int],
        muted: Callable[[Key], bool],
        waits: Callable[[Key, datetime], bool] = lambda _key, _since: False,
    ) -> Alerts:
        """The alerts after one more window.

        ``windows`` says how many critical ones, of how many, make an alert; ``muted`` whether
        nobody is to be called about a row, and ``waits`` whether it is not to be raised yet.

        Examples:
            >>> critical = Seen(datetime(2024, 3, 1), {("x", None)})
            >>> Alerts().after(critical, (1, 1), lambda key: False).of(("x", None)).alert
            <Alert.RAISED: 'raised'>
            >>> Alerts().after(critical, (2, 3), lambda key: False).of(("x", None)).alert
            <Alert.PENDING: 'pending'>
        """
        _, last = windows
        recent = (*self.recent, seen)
        week = sum(window.start > seen.start - WEEK for window in recent)
        lately = max(last, LASTING, week)
        recent = recent[-2 * lately :]
        known = {*seen.critical, *self.open}
        states = {}
        for key in sorted(known, key=lambda key: (key[0], key[1] or "")):
            state = self._of_row(key, recent, lately, windows, waits)
            if state.alert is Alert.RAISED and muted(key):
                state = State(Alert.MUTED, state.since)
            if state.alert is not Alert.NONE:
                states[key] = state
        return Alerts(states, recent, muted)

    def severities(self, verdicts: Verdicts) -> list[Severity]:
        """The severities after alerts: raised is critical, muted is ok."""
        judged = verdicts.severities()
        return [self._severity_told(verdicts.key(i), one) for i, one in enumerate(judged)]

    def _severity_told(self, key: Key, severity: Severity) -> Severity:
        told = TOLD.get(self.of(key).alert, severity)
        return Severity.OK if told is Severity.WARNING and self.muted(key) else told

    def _of_row(
        self,
        key: Key,
        recent: tuple[Seen, ...],
        lately: int,
        windows: tuple[int, int],
        waits: Callable[[Key, datetime], bool],
    ) -> State:
        before, newest, (enough, last) = self.of(key), recent[-1], windows
        critical = [window for window in recent[-lately:] if key in window.critical]
        usual = bool(critical) and key in critical[-1].usual
        most = 2 * len(critical) > max(LASTING, len(recent[-lately:]))
        scored = [window for window in recent if key not in window.unscored][-last:]
        if before.alert in OPEN:
            quiet = sum(window.quiet(key) for window in scored)
            cleared = newest.quiet(key) and quiet >= enough and not (usual and most)
            return QUIET if cleared else State(Alert.RAISED, before.since)
        if key not in newest.critical:
            return QUIET
        hits = [window.start for window in scored if key in window.critical]
        since = before.since or hits[0]
        raised = len(hits) >= enough and (most or not usual) and not waits(key, since)
        return State(Alert.RAISED if raised else Alert.PENDING, since)
