"""YAML text to plain values, without the surprises of YAML 1.1.

Plain words are read as in YAML 1.2: ``no``, ``on``, ``12:30`` and ``2020-01-01`` are text, ``010``
is ten, ``1e-3`` is a number.  Keys are always text.  A key that stands twice is an error, and tags
that build objects are refused.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, ClassVar, Final

import yaml

from kldrift.config.problems import found
from kldrift.errors import ConfigError

_TAG: Final = "tag:yaml.org,2002:"
_MOST_VALUES: Final = 1_000_000
_OPTIONS: Final[tuple[tuple[str, ...], ...]] = (
    ("reference", "options"),
    ("current", "options"),
    ("data", "options"),
    ("spark", "conf"),
)
"""Mappings whose values Spark wants as text, so that 1.10 stays 1.10 and TRUE stays TRUE."""


def parse_yaml(text: str, *, source: str, under: tuple[str, ...] = ()) -> object:
    """Read one YAML document.

    Args:
        text: the document.
        source: what to call it in errors.
        under: where in a configuration the value will stand.

    Returns:
        Mappings with text keys, lists, text, numbers, booleans and ``None``.

    Raises:
        ConfigError: on a syntax error, a tag, or a key that stands twice; with its line.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_endless(node, source)
        value: Any = loader.construct_document(_with_options_as_text(node, under))
        for key in under:
            value = value[key]
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_syntax(error, text, source)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise ConfigError(f"{source}:{line}: {error.reason}") from error
    except RecursionError:
        raise ConfigError(f"{source}: nested too deeply") from None
    if loader.twice:
        raise ConfigError("\n".join(f"{source}:{line}: {text}" for line, text in loader.twice))
    return value


def _refuse_endless(node: yaml.Node, source: str) -> None:
    """Refuse aliases that contain themselves or that multiply without bound."""
    waiting, values = [node], 0
    while waiting and values < _MOST_VALUES:
        values += 1
        match waiting.pop():
            case yaml.MappingNode(value=items):
                waiting += [value for _, value in items]
            case yaml.SequenceNode(value=items):
                waiting += items
    if waiting:
        raise ConfigError(f"{source}: its aliases expand to more than {_MOST_VALUES:,} values")


def _syntax(error: yaml.MarkedYAMLError, text: str, source: str) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    hint = ""
    if r"'\t'" in str(error.problem):
        hint = "; indent with spaces, not with tabs"
    elif "${" in "".join(text.splitlines()[line : line + 1]):
        hint = '; inside { } and [ ] put "${NAME}" in quotes'
    context = f" {error.context}" if error.context else ""
    return f"{source}:{line + 1}: {error.problem}{context}{hint}"


def _with_options_as_text(node: yaml.Node, under: tuple[str, ...]) -> yaml.Node:
    """Return the document with the node in its place and options as they are written."""
    for key in reversed(under):
        node = yaml.MappingNode(_TAG + "map", [(_text(key, node), node)], node.start_mark)
    for path in _OPTIONS:
        _keep_text(node, path)
    return node


def _keep_text(node: yaml.Node, path: tuple[str, ...]) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for place, (key, value) in enumerate(node.value):
        if path and key.value == path[0]:
            _keep_text(value, path[1:])
        elif not path and value.tag in (_TAG + "int", _TAG + "float", _TAG + "bool"):
            node.value[place] = (key, _text(value.value, value))


def _text(text: str, like: yaml.Node) -> yaml.ScalarNode:
    return yaml.ScalarNode(_TAG + "str", text, like.start_mark, like.end_mark)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the words of YAML 1.2 and without tags that build objects."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012
    yaml_constructors: ClassVar[Any] = {
        _TAG + "null": yaml.SafeLoader.construct_yaml_null,
        _TAG + "str": yaml.SafeLoader.construct_yaml_str,
        _TAG + "seq": yaml.SafeLoader.construct_yaml_seq,
        _TAG + "map": yaml.SafeLoader.construct_yaml_map,
        None: yaml.SafeLoader.construct_undefined,
    }

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.twice: list[tuple[int, str]] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping with text keys; note keys that stand twice."""
        first: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _error("expected a plain key, got a list or a mapping", key)
            if first.setdefault(key.value, key) is not key:
                line = first[key.value].start_mark.line + 1
                note = f"the key {key.value!r} stands twice, first in line {line}"
                self.twice.append((key.start_mark.line + 1, note))
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}

    def construct_word(self, node: yaml.ScalarNode) -> bool | int | float:
        """Build a truth value or a number; a leading zero makes no octal number."""
        word = str(self.construct_scalar(node))
        try:
            match node.tag.removeprefix(_TAG):
                case "bool":
                    return {"true": True, "false": False}[word.lower()]
                case "int":
                    return int(word, 0 if word[:2] in ("0o", "0x") else 10)
                case _:
                    return float(self.construct_yaml_float(node))
        except (KeyError, ValueError):
            kind = "true or false" if node.tag == _TAG + "bool" else "a number"
            raise _error(f"expected {kind}, got {found(word)}", node) from None


def _error(text: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, text, node.start_mark)


for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), list(_first))
for _name in ("bool", "int", "float"):
    _Loader.add_constructor(_TAG + _name, _Loader.construct_word)
