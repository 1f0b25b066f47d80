"""What is wrong with a configuration: all of it at once, each with the key path it stands at."""

from __future__ import annotations

import difflib
import json
import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import Final, NoReturn

from kldrift.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Keys from the top of the configuration; a number is a place in a list."""

Problem = tuple[tuple[str, ...], str]
"""A key path, and what was expected and found there."""

_SHORT: Final = reprlib.Repr()
_SHORT.maxstring = 60
_BARE_KEY: Final = re.compile(r"[^\s.=\"\[\]]+")


class ImpossibleConfigError(ConfigError):
    """One problem or more; ``problems`` has them apart, the message one per line."""

    def __init__(self, problems: Iterable[Problem], *, source: str) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(_line(source, path, text) for path, text in self.problems))


class Problems:
    """Gathers what is wrong, so that a user mends a file in one go.

    Only the first problem of a key path is kept, and none below it: what follows is no news.
    """

    def __init__(self, source: str, set_by: Mapping[KeyPath, str] | None = None) -> None:
        self.source = source
        self.set_by = dict(set_by or {})
        self._texts: dict[KeyPath, str] = {}

    def add(self, path: KeyPath, text: str) -> None:
        """Note what is wrong at a key path."""
        if not any(path[:length] in self._texts for length in range(len(path) + 1)):
            self._texts[path] = text

    def add_rule(self, path: KeyPath, text: str) -> None:
        """Note that values do not make sense, unless one of them could not even be read."""
        if not any(noted[: len(path)] == path for noted in self._texts):
            self.add(path, text)

    def expected(self, path: KeyPath, what: str, got: object) -> None:
        """Note that a value is not what it must be."""
        self.add(path, f"expected {what}, got {found(got)}")

    def raise_any(self) -> None:
        """Raise a ``ConfigError`` with one line per problem, if there is one."""
        if self._texts:
            self.report()

    def report(self) -> NoReturn:
        """Raise a ``ConfigError`` with one line per problem."""
        raise ConfigError("\n".join(self._line(*problem) for problem in self._texts.items()))

    def _line(self, path: KeyPath, text: str) -> str:
        for length in range(len(path), 0, -1):
            if path[:length] in self.set_by:
                return _line(self.set_by[path[:length]], path, text)
        return _line(self.source, path, text)


def spell(path: KeyPath) -> str:
    """Write a key path as ``--set`` reads it.

    Examples:
        >>> spell(("features", "override", "a.b", "kind"))
        'features.override."a.b".kind'
        >>> spell(("features", "include", 2))
        'features.include[2]'
    """
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            bare = _BARE_KEY.fullmatch(key)
            text += ("." if text else "") + (key if bare else json.dumps(key, ensure_ascii=False))
    return text


def found(value: object) -> str:
    """Say what a value is, in the words of the file and never at length.

    Examples:
        >>> [found(v) for v in (None, True, 1e-3, "a", ["x"], {})]
        ['nothing', 'true', '0.001', "'a'", 'a list', 'a mapping']
    """
    match value:
        case None | bool():
            return {None: "nothing", True: "true", False: "false"}[value]
        case str() | int() | float():
            return _SHORT.repr(value)
        case list() | tuple():
            return "a list"
        case Mapping():
            return "a mapping"
        case _:
            return f"a {type(value).__name__}"


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the end of an error about an unknown name.

    Examples:
        >>> nearest("bin", ["bins", "missing"])
        "; did you mean 'bins'?"
        >>> nearest("zzz", ["bins", "missing"])
        '; expected one of bins, missing'
    """
    names = list(names)
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; expected one of {', '.join(names)}"


def _line(source: str, path: KeyPath, text: str) -> str:
    return f"{source}: {spell(path)}: {text}" if path else f"{source}: {text}"
