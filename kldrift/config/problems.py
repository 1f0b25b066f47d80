"""The problems of a configuration: all of them at once, each with its key path."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Iterable, Mapping
from typing import Final

from kldrift.errors import ConfigError, did_you_mean

KeyPath = tuple[str | int, ...]
"""Keys from the top of the configuration; a number is a place in a list."""

_SHORT: Final = reprlib.Repr()
_SHORT.maxstring = 60
_BARE_KEY: Final = re.compile(r"[^\s.=\"\[\]]+")


LEAST_HIDDEN: Final = 8
"""Characters of a value from the environment that is looked for within the text of a problem."""


class Problems:
    """Collects problems, so that a user can fix a file in one go.

    Only the first problem of a key path is kept, and none below it: what follows is no news.
    """

    def __init__(self, source: str, set_by: Mapping[KeyPath, str] | None = None) -> None:
        self.source = source
        self.set_by = dict(set_by or {})
        self._texts: dict[KeyPath, str] = {}
        self._filled: list[tuple[KeyPath, str, str]] = []

    def add(self, path: KeyPath, text: str) -> None:
        """Note what is wrong at a key path."""
        if not any(path[:length] in self._texts for length in range(len(path) + 1)):
            self._texts[path] = text

    def filled(self, path: KeyPath, written: str, value: str) -> None:
        """Note that a text was filled in from the environment and must not be shown."""
        if value != written:
            self._filled.append((path, shown_value(value), shown_value(written)))
            if len(value) >= LEAST_HIDDEN:
                self._filled.append((path, value, written))

    def raise_any(self) -> None:
        """Raise a ``ConfigError`` with one line per problem, if there is one."""
        if self._texts:
            raise ConfigError("\n".join(self._line(*problem) for problem in self._texts.items()))

    def _line(self, path: KeyPath, text: str) -> str:
        lengths = range(len(path), 0, -1)
        by = (self.set_by[path[:n]] for n in lengths if path[:n] in self.set_by)
        place = f"{spell(path)}: " if path else ""
        for there, value, written in self._filled:
            if there[: len(path)] == path[: len(there)]:
                text = text.replace(value, written)
        return f"{next(by, self.source)}: {place}{text}"


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


def shown_value(value: object) -> str:
    """A value as an error message shows it: as in YAML, and shortened.

    Examples:
        >>> [shown_value(v) for v in (None, True, 1e-3, "a", ["x"], {})]
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
    return did_you_mean(name, names) or f"; expected one of {', '.join(names)}"
