"""Adds mutes to a configuration file, keeping its comments and layout."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from kldrift.config.alarms import Mute
from kldrift.config.load import config_from_mapping
from kldrift.config.yaml_text import parse_yaml, to_yaml
from kldrift.errors import ConfigError

INDENTS: Final = ((2, 4, 2), (2, 2, 0), (4, 4, 2), (4, 6, 4), (4, 4, 0))
"""Of mappings, of what stands in lists, and of their dashes: the first that a file has is kept."""


def mute_from(values: Mapping[str, str | None]) -> Mute:
    """A mute from its keys."""
    try:
        return TypeAdapter(Mute).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from error


def mute_lines(mute: Mute) -> str:
    """A mute as the lines of a configuration.

    Examples:
        >>> print(mute_lines(Mute("tip", "2020-05-01", "ana", "new terminals")))
        alarms:
          mute:
            - {feature: tip, until: 2020-05-01, owner: ana, why: new terminals}
    """
    return f"alarms:\n  mute:\n    - {to_yaml(_stated(mute))}"


def add_mute(path: Path, mute: Mute) -> None:
    """Write a mute into a configuration file, whole or not at all."""
    path = path.resolve()  # a link stays one
    try:
        before = path.read_bytes().decode()
        after = with_mute(before, mute, str(path))
        values = parse_yaml(after, source=str(path))
        config = config_from_mapping(values, source=path, base=path.parent)
        if config.alarms is None or config.alarms.mute[-1:] != (mute,):
            raise ConfigError(f"{path}: a mute cannot be added here; write it by hand")
        _replace(path, before, after)
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ConfigError(f"{path}: cannot be changed: {error}") from error


def with_mute(text: str, mute: Mute, source: str) -> str:
    """The text of a configuration with one more mute."""
    yaml = _yaml_of(text)
    document = yaml.load(text)
    alarms = _section(document, "alarms", CommentedMap, source)
    mutes = _section(alarms, "mute", CommentedSeq, source)
    item = CommentedMap(_stated(mute))
    item.fa.set_flow_style()
    if not mutes:
        mutes.fa.set_block_style()
        if len(alarms) == 1:
            alarms.fa.set_block_style()
    mutes.append(item)
    return _dumped(yaml, document)


def _section(parent: Any, key: str, kind: type, source: str) -> Any:
    if not isinstance(parent, CommentedMap):
        raise ConfigError(f"{source}: expected a mapping, to add {key} to it")
    if parent.get(key) is None:
        parent[key] = kind()
    if not isinstance(parent[key], kind):
        raise ConfigError(
            f"{source}: {key}: expected a {'list' if kind is CommentedSeq else 'mapping'}"
        )
    return parent[key]


def _stated(mute: Mute) -> dict[str, object]:
    """The stated keys of a mute, with ``${`` escaped."""
    stated = {key: value for key, value in asdict(mute).items() if value is not None}
    texts = {key: value.replace("${", "$${") for key, value in stated.items()}
    return {**texts, "until": date.fromisoformat(mute.until)}


def _yaml_of(text: str) -> Any:
    """A YAML reader and writer with the indentation that reproduces the file."""
    for indents in INDENTS:
        yaml = _yaml(*indents)
        if _dumped(yaml, yaml.load(text)) == text:
            return _yaml(*indents)
    return _yaml(*INDENTS[0])


def _yaml(mapping: int, sequence: int, offset: int) -> Any:
    yaml: Any = YAML(typ="rt")  # its attributes are typed too narrowly
    yaml.preserve_quotes, yaml.width, yaml.allow_unicode = True, 10**9, True
    yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
    return yaml


def _dumped(yaml: Any, document: Any) -> str:
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def _replace(path: Path, before: str, after: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(after.encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o7777)
        if path.read_bytes().decode() != before:
            raise ConfigError(f"{path}: was changed meanwhile; nothing was written")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
