"""Names of columns and features in a configuration, which must be there."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

from kldrift.errors import ConfigError
from kldrift.features.patterns import Patterns
from kldrift.features.wanted import Wanted

HINTS: Final = 10
"""A hint looks at every name: of many mistakes, the first ones tell what is wrong."""


def check_names(wanted: Wanted, names: Iterable[str], columns: Iterable[str]) -> None:
    """Check that the names in the configuration exist; those of ``exclude`` need not.

    Raises:
        ConfigError: an include or an override matches nothing in either dataset.
    """
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
                asked = len(problems) < HINTS
                near = difflib.get_close_matches(pattern, known, 1) if asked else []
                hint = f"; did you mean {near[0]!r}?" if near else ""
                problems.append(f"features.{key}: no column or feature is called {pattern!r}{hint}")
    if problems:
        raise ConfigError("\n".join(problems))


def misspelt_exclusions(wanted: Wanted, names: Collection[str]) -> list[str]:
    """Messages about names in ``exclude`` that match nothing but are close to a name that exists.

    Columns that come and go may be named; what is near to none is no mistake.
    """
    known = sorted(names)
    unmet = [name for name in wanted.exclude if not Patterns([name]).match(*known)]
    near = ((name, _nearest(name, tuple(known))) for name in unmet[:HINTS])
    return [
        f"features.exclude: no column or feature is called {name!r}; did you mean {nearest!r}?"
        for name, nearest in near
        if nearest
    ]


@lru_cache(maxsize=HINTS)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    """The name that is nearly the same; windows of one monitor ask for it again and again."""
    return next(iter(difflib.get_close_matches(name, known, 1)), None)
