"""Names and glob patterns of the columns that a configuration selects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from typing import Final

GLOB: Final = frozenset("*?[")


class Patterns:
    """A set of names and patterns; looking a name up costs the same for one and for thousands.

    Examples:
        >>> Patterns(["age", "f_*"]).match("f_1"), Patterns(["a[0]"]).match("a[0]")
        (True, True)
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._names = frozenset(patterns)  # a name may hold brackets and stars
        globs = [translate(p) for p in sorted(self._names) if not GLOB.isdisjoint(p)]
        self._globs = re.compile("|".join(globs)) if globs else None

    def match(self, *names: str) -> bool:
        """Whether any of these names is in the set or fits a pattern."""
        if not self._names.isdisjoint(names):
            return True
        return self._globs is not None and any(map(self._globs.match, names))
