"""``${NAME}`` in the text of a configuration is the environment variable of that name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from kldrift.config.problems import KeyPath, Problems
from kldrift.errors import keep_secret

_REFERENCE: Final = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


def substitute(
    value: object, environment: Mapping[str, str], problems: Problems, path: KeyPath = ()
) -> object:
    """Return a value with the environment in its text, also inside lists and mappings.

    ``$${`` stands for ``${``.  A variable that is not set is a problem, never an empty text.  What
    comes from the environment is always text.  Paths and tuples, which only Python can give, become
    text and lists.

    Examples:
        >>> substitute(["${DATA}/x", "$${DATA}"], {"DATA": "/d"}, Problems("x.yaml"))
        ['/d/x', '${DATA}']
    """
    match value:
        case str():
            made = _REFERENCE.sub(lambda match: _value(match, environment, problems, path), value)
            problems.filled(path, value, made)
            return made
        case os.PathLike():
            return os.fspath(value)
        case Mapping():
            return {
                key: substitute(item, environment, problems, (*path, str(key)))
                for key, item in value.items()
            }
        case list() | tuple():
            return [
                substitute(item, environment, problems, (*path, place))
                for place, item in enumerate(value)
            ]
        case _:
            return value


def _value(
    match: re.Match[str], environment: Mapping[str, str], problems: Problems, path: KeyPath
) -> str:
    name = match["name"]
    if match[0] == "$${":
        return "${"
    if name is None:
        problems.add(path, "expected ${NAME} of an environment variable; $${ stands for a plain ${")
    elif name not in environment:
        problems.add(path, f"the environment variable {name} is not set")
    else:
        keep_secret(name, environment[name])
    return environment.get(name or "", match[0])
