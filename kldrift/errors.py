"""Exceptions that a caller can act on; every one says what to change."""

from __future__ import annotations


class KldriftError(Exception):
    """Base class of all errors that kldrift raises on purpose."""


class ConfigError(KldriftError, ValueError):
    """The configuration or the arguments are wrong; nothing was read (exit code 2)."""


class DatasetError(KldriftError):
    """A dataset cannot be read: no such path, no permission, a damaged file (exit code 1)."""


class OutputError(KldriftError):
    """The results cannot be written where the configuration says (exit code 1)."""


class SupportMismatchError(KldriftError, ValueError):
    """Two profiles are not on one support."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text, which may go on with plans and stack traces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
