"""One mapping of a configuration, read key by key; what is wrong is noted and reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from kldrift.config.problems import KeyPath, Problems, found, nearest

Word = TypeVar("Word", bound=str)
Value = TypeVar("Value")

_QUOTE: Final = "; put it in quotes"


class Section:
    """Typed access to a mapping.

    A key that is absent has its default.  A value of a wrong type is noted among the problems and
    has its default too, so that the rest of the file is still read.
    """

    def __init__(
        self,
        value: object,
        path: KeyPath,
        problems: Problems,
        *,
        keys: Iterable[str] | None = None,
        later: Mapping[str, str] | None = None,
    ) -> None:
        """Check the keys.

        Args:
            value: what stands in the file; ``None`` (a key with nothing behind it) is empty.
            path: where it stands.
            problems: where to note what is wrong.
            keys: the keys there are; None if the keys are names that the user chooses.
            later: keys that are planned but do not work yet, and what to do instead.
        """
        self.path, self.problems = path, problems
        if value is not None and not isinstance(value, Mapping):
            problems.expected(path, "a mapping of keys", value)
            value = None
        self._values: dict[str, object] = {}
        known, planned = None if keys is None else tuple(keys), later or {}
        for key, item in (value or {}).items():
            if not isinstance(key, str) or not key.strip():
                problems.add((*path, str(key)), f"expected a key that is text, got {found(key)}")
            elif key in planned:
                problems.add((*path, key), planned[key])
            elif known is not None and key not in known:
                problems.add((*path, key), f"unknown key{nearest(key, known)}")
            else:
                self._values[key] = item

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def value(self, key: str) -> object:
        """Return what stands there, unchecked; None if nothing does."""
        return self._values.get(key)

    def at(self, *keys: str | int) -> KeyPath:
        """Return the full path of a key."""
        return (*self.path, *keys)

    def text(self, key: str) -> str | None:
        """Return text that is not blank; None if the key is absent or null."""
        return None if self.value(key) is None else self._text(self._values[key], self.at(key))

    def required_text(self, key: str) -> str:
        """Return text that must be there."""
        if key not in self:
            self.problems.add(self.at(key), "expected text, but the key is missing")
            return ""
        return self._text(self._values[key], self.at(key)) or ""

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of text."""
        if key not in self:
            return default
        items = self._values[key]
        if not isinstance(items, list):
            self.problems.expected(self.at(key), "a list of text", items)
            return default
        read = (self._text(item, self.at(key, place)) for place, item in enumerate(items))
        return tuple(text for text in read if text is not None)

    def whole(self, key: str, default: int) -> int:
        """Return a whole number; 20.0 is one, true is none."""
        value = self._values.get(key, default)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.problems.expected(self.at(key), "a whole number", value)
        return default

    def number(self, key: str, default: float) -> float:
        """Return a number."""
        value = self._values.get(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        self.problems.expected(self.at(key), "a number", value)
        return default

    def level(self, key: str, inherited: float | None) -> float | None:
        """Return a number or None, which is written null."""
        if key not in self:
            return inherited
        return None if self.value(key) is None else self.number(key, 0.0)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._values.get(key, default)
        if isinstance(value, bool):
            return value
        self.problems.expected(self.at(key), "true or false", value)
        return default

    def word(self, key: str, words: tuple[Word, ...], default: Word) -> Word:
        """Return one of a few words."""
        return self._word(self._values.get(key, default), words, self.at(key)) or default

    def words(self, key: str, words: tuple[Word, ...]) -> tuple[Word, ...]:
        """Return a list of a few words; empty if the key is absent."""
        texts = enumerate(self.texts(key, ()))
        read = (self._word(text, words, self.at(key, place)) for place, text in texts)
        return tuple(word for word in read if word is not None)

    def strings(self, key: str) -> dict[str, str]:
        """Return a mapping of options; numbers and truth values become the text Spark expects."""
        options = {}
        section = Section(self.value(key), self.at(key), self.problems)
        for name in section.names():
            value = section.value(name)
            if isinstance(value, str | bool | int | float):
                options[name] = str(value).lower() if isinstance(value, bool) else str(value)
            else:
                self.problems.expected(section.at(name), "text, a number or true/false", value)
        return options

    def each(self, key: str, read: Callable[[Section, str], Value]) -> dict[str, Value]:
        """Return a mapping of names that the user chooses, each value read by a function."""
        section = Section(self.value(key), self.at(key), self.problems)
        return {name: read(section, name) for name in section.names()}

    def names(self) -> tuple[str, ...]:
        """Return the keys that stand there."""
        return tuple(self._values)

    def _text(self, value: object, path: KeyPath) -> str | None:
        if isinstance(value, str) and value.strip():
            return value
        hint = _QUOTE if isinstance(value, bool | int | float) else ""
        self.problems.add(path, f"expected text, got {found(value)}{hint}")
        return None

    def _word(self, value: object, words: tuple[Word, ...], path: KeyPath) -> Word | None:
        for word in words:
            if value == word:
                return word
        end = nearest(value, words) if isinstance(value, str) else ""
        if not end.startswith("; did"):
            end = ""
        self.problems.add(path, f"expected one of {', '.join(words)}, got {found(value)}{end}")
        return None
