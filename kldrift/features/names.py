"""Names of columns and features: patterns, quotes for SQL, and names that do not exist."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from fnmatch import translate
from functools import lru_cache
from typing import Final

from kldrift.errors import ConfigError, did_you_mean
from kldrift.features.wanted import Wanted

HINTS: Final = 10
"""A hint looks at every name: of many mistakes, the first ones tell what is wrong."""

GLOB: Final = frozenset("*?[")
ROWS_FEATURE: Final = ":rows"
"""The feature under which the number of rows itself is judged; a column of that name is quoted."""


def check_names(wanted: Wanted, names: Iterable[str], columns: Iterable[str]) -> None:
    """Check that the names in the configuration exist; those of ``exclude`` need not."""
    names = {*names, *columns}
    known = sorted(names)
    problems: list[str] = []
    for key, patterns in (
        ("include", wanted.include),
        ("override", tuple(wanted.override)),
    ):
        for pattern in patterns:
            if pattern in names or pattern == "*":
                continue
            if key == "override" or not Patterns([pattern]).match(*known):
                hint = did_you_mean(pattern, known) if len(problems) < HINTS else ""
                problems.append(f"features.{key}: no column or feature is called {pattern!r}{hint}")
    if problems:
        raise ConfigError("\n".join(problems))


def misspelt_exclusions(wanted: Wanted, names: Collection[str]) -> list[str]:
    """Messages about names in ``exclude`` that match nothing but are close to a name that exists.

    Columns that come and go may be named; what is near to none is no mistake.
    """
    known = sorted(names)
    unmet = [name for name in wanted.exclude if not Patterns([name]).match(*known)]
    hints = ((name, _hint(name, tuple(known))) for name in unmet[:HINTS])
    return [
        f"features.exclude: no column or feature is called {name!r}{hint}"
        for name, hint in hints
        if hint
    ]


@lru_cache(maxsize=HINTS)
def _hint(name: str, known: tuple[str, ...]) -> str:
    """The name that is nearly the same; windows of one monitor ask for it again and again."""
    return did_you_mean(name, known)


def backticked(name: str) -> str:
    """A name in backticks, so that Spark SQL takes any character in it.

    Examples:
        >>> backticked("a.b"), backticked("a`b")
        ('`a.b`', '`a``b`')
    """
    return "`" + name.replace("`", "``") + "`"


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
