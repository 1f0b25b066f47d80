"""``--set key.path=value``: one value of a configuration, given on the command line."""

from __future__ import annotations

import json
import re
from typing import Final

from kldrift.config.problems import found, spell
from kldrift.config.yaml_text import parse_yaml
from kldrift.errors import ConfigError

_KEY: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s.="]+')


def read_override(text: str) -> tuple[tuple[str, ...], object]:
    """Split ``key.path=value`` into its keys and its value, which is YAML.

    Examples:
        >>> read_override('features.override."a.b".kind=categorical')
        (('features', 'override', 'a.b', 'kind'), 'categorical')
        >>> read_override("scoring.bins=40")
        (('scoring', 'bins'), 40)
    """
    keys: list[str] = []
    place = 0
    while match := _KEY.match(text, place):
        keys.append(_unquoted(match[0]))
        place = match.end() + 1
        if text[place - 1 : place] != ".":
            break
    if not keys or text[place - 1 : place] != "=":
        example = 'scoring.bins=40 or features.override."a.b".kind=categorical'
        raise ConfigError(f"--set {text}: expected key.path=value, such as {example}")
    path = tuple(keys)
    return path, parse_yaml(text[place:], source=f"--set {text}", under=path)


def apply_override(mapping: dict[str, object], path: tuple[str, ...], value: object) -> None:
    """Set the value at a key path, in place; mappings on the way are made where there are none."""
    for depth, key in enumerate(path[:-1], start=1):
        below = mapping.get(key)
        if not isinstance(below, dict | None):
            here = spell(path[:depth])
            text = f"{here} is {found(below)} and has no keys; set {here} as a whole"
            raise ConfigError(f"--set {spell(path)}: {text}")
        # A copy: with a YAML alias the same mapping may stand in a second place.
        mapping[key] = mapping = dict(below or {})
    mapping[path[-1]] = value


def _unquoted(key: str) -> str:
    if not key.startswith('"'):
        return key
    try:
        return str(json.loads(key))
    except ValueError as error:
        raise ConfigError(f"--set: the quoted key {key} cannot be read: {error}") from error
