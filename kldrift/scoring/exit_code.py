"""The exit code of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from kldrift.errors import ConfigError, did_you_mean
from kldrift.scoring.threshold import Severity

DONE: Final = 0
DRIFT: Final = 3
NOT_SCORED: Final = 4

FATAL: Final = {
    "critical": (Severity.CRITICAL,),
    "warning": (Severity.CRITICAL, Severity.WARNING),
    "never": (),
}
"""The severities that fail a run, by what it is asked to fail on."""


def known_fail_on(asked: str) -> str:
    """Check what a run is asked to fail on."""
    if asked in FATAL:
        return asked
    hint = did_you_mean(str(asked), FATAL)
    raise ConfigError(f"fail_on: expected {', '.join(FATAL)}, got {asked!r}{hint}")


def exit_code_of(severities: Collection[Severity], *, unscored: bool, fail_on: str) -> int:
    """3 for drift, 4 for what could not be scored and should have been, else 0.

    Examples:
        >>> exit_code_of({Severity.WARNING}, unscored=True, fail_on="warning")
        3
        >>> exit_code_of({Severity.WARNING}, unscored=True, fail_on="critical")
        4
    """
    if any(severity in FATAL[fail_on] for severity in severities):
        return DRIFT
    return NOT_SCORED if unscored else DONE


def worst_exit_code(codes: Iterable[int]) -> int:
    """The exit code of several runs: drift before what could not be scored.

    Examples:
        >>> worst_exit_code([0, 4, 3]), worst_exit_code([0, 4]), worst_exit_code([])
        (3, 4, 0)
    """
    known = set(codes)
    return next((code for code in (DRIFT, NOT_SCORED) if code in known), DONE)
