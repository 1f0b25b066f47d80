"""Exceptions that a caller can act on; every one says what to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class KldriftError(Exception):
    """Base class of all errors that kldrift raises on purpose."""


class ConfigError(KldriftError, ValueError):
    """The configuration or the arguments are wrong; nothing was read (exit code 2)."""


class DatasetError(KldriftError):
    """A dataset cannot be read: no such path, no permission, a damaged file (exit code 1)."""


class NoSuchFileError(ConfigError, DatasetError):
    """A path of the configuration leads to no file (exit code 2)."""


class OutputError(KldriftError):
    """The results cannot be written where the configuration says (exit code 1)."""


class SupportMismatchError(KldriftError, ValueError):
    """Two profiles are not on one support."""


class Mistakes:
    """The mistakes of a configuration, to be told at once."""

    def __init__(self) -> None:
        """Begin with none."""
        self._texts: list[str] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the mistake that ends a block, and go on after it."""
        try:
            yield
        except ConfigError as error:
            self._texts.append(str(error))

    def raise_any(self) -> None:
        """Raise a ``ConfigError`` with all of them, each on a line, if there are any."""
        if self._texts:
            raise ConfigError("\n".join(dict.fromkeys(self._texts)))


def first_line(error: BaseException) -> str:
    """The first line of an error's text, which may go on with plans and stack traces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
