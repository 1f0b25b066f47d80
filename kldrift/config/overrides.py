"""``--set key.path=value`` and ``set={"key.path": value}``: one value of a configuration."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from kldrift.config.problems import shown_value, spell
from kldrift.config.yaml_text import parse_yaml
from kldrift.errors import ConfigError

_EXAMPLE: Final = 'scoring.bins=40 or features.override."a.b".kind=categorical'
_KEY: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s.="]+')
_PATH: Final = re.compile(rf"(?:{_KEY.pattern})(?:\.(?:{_KEY.pattern}))*")


def read_override(text: str) -> tuple[tuple[str, ...], object]:
    """Split ``key.path=value`` into its keys and its value, which is YAML.

    Examples:
        >>> read_override('features.override."a.b".kind=categorical')
        (('features', 'override', 'a.b', 'kind'), 'categorical')
        >>> read_override("scoring.bins=40")
        (('scoring', 'bins'), 40)
    """
    path, rest = _split(text)
    if not path or not rest.startswith("="):
        raise ConfigError(f"--set {text}: expected key.path=value, such as {_EXAMPLE}")
    return path, parse_yaml(rest[1:], source=f"--set {text}", under=path)


def read_keys(text: object) -> tuple[str, ...]:
    """Split the keys of a key path, where the value is given apart.

    Examples:
        >>> read_keys('features.override."a.b".kind')
        ('features', 'override', 'a.b', 'kind')
    """
    path, rest = _split(text) if isinstance(text, str) else ((), "")
    if not path or rest:
        raise ConfigError(f"set: {text!r}: expected a key path, such as 'scoring.bins'")
    return path


def _split(text: str) -> tuple[tuple[str, ...], str]:
    """The keys that a text begins with, and the rest of it."""
    match = _PATH.match(text)
    if match is None:
        return (), text
    return tuple(map(_unquoted, _KEY.findall(match[0]))), text[match.end() :]


def apply_override(
    mapping: dict[str, object], path: tuple[str, ...], value: object, given: str
) -> None:
    """Set the value at a key path, in place; mappings on the way are made where there are none."""
    for depth, key in enumerate(path[:-1], start=1):
        below = mapping.get(key)
        if not isinstance(below, Mapping | None):
            above = spell(path[:depth])
            text = f"{above} is {shown_value(below)} and has no keys; set {above} as a whole"
            raise ConfigError(f"{given}: {text}")
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
