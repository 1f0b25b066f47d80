"""YAML text to plain values, without surprises.

Plain words are read as in YAML 1.2: ``no``, ``on``, ``12:30`` and ``2020-01-01`` are text, ``010``
is ten, ``1e-3`` is a number.  Keys are always text.  A duplicate key is an error, and tags
that build objects are refused.
"""

from __future__ import annotations

import io
import re
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver

from kldrift.config.problems import shown_value
from kldrift.errors import ConfigError

_TAG: Final = "tag:yaml.org,2002:"
_MOST_VALUES: Final = 1_000_000
_OPTIONS: Final = (
    ("reference", "options"),
    ("current", "options"),
    ("data", "options"),
    ("spark", "conf"),
)
"""Mappings whose values Spark wants as text, so that 1.10 stays 1.10 and TRUE stays TRUE."""
_FLOAT: Final = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_WORDS: Final = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"null|Null|NULL|~|", ("n", "N", "~", "")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (rf"{_FLOAT}|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
    "merge": (r"<<", "<"),
}
_BY_LETTER: Final[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}
for _name, (_pattern, _letters) in _WORDS.items():
    for _letter in _letters:
        _known = (_TAG + _name, re.compile(rf"(?:{_pattern})\Z"))
        _BY_LETTER.setdefault(_letter, []).append(_known)


class _Resolver(VersionedResolver):
    """The YAML resolver of plain words that are not text."""

    @property
    def versioned_resolver(self) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
        """Tags and what they look like, by the first letter."""
        return _BY_LETTER


def parse_yaml(text: str, *, source: str, under: tuple[str, ...] = ()) -> Any:
    """Read one YAML document.

    Returns:
        Mappings with text keys, lists, text, numbers, booleans and ``None``.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Resolver
    yaml.composer.warn_double_anchors = False  # they are refused
    twice: list[str] = []
    try:
        node = yaml.compose(text)
        if node is None:
            return None
        _check_aliases(node, source)
        value = _value(node, under, twice)
    except MarkedYAMLError as error:
        raise ConfigError(_syntax(error, text, source)) from error
    except ReaderError as error:
        line = text.count("\n", 0, int(error.position)) + 1
        raise ConfigError(f"{source}:{line}: {error.reason}") from error
    except RecursionError:
        raise ConfigError(f"{source}: nested too deeply") from None
    if twice:
        raise ConfigError("\n".join(f"{source}:{line}" for line in dict.fromkeys(twice)))
    return value


def to_yaml(value: object) -> str:
    r"""Write a value as YAML on one line; what a terminal would not show is escaped.

    Examples:
        >>> print(to_yaml(["größe", "b"]), to_yaml("a\u202eb"))
        [größe, b] "a\u202Eb"
    """
    text = _dumped(value, plain=False)
    return text if text.isprintable() else _dumped(value, plain=True)


def _dumped(value: object, *, plain: bool) -> str:
    yaml: Any = YAML(typ="safe", pure=True)  # its attributes are typed too narrowly
    yaml.width, yaml.default_flow_style, yaml.allow_unicode = 10**9, True, not plain
    yaml.sort_base_mapping_type_on_output = False
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue().removesuffix("\n").removesuffix("\n...").strip()


def _check_aliases(node: Node, source: str) -> None:
    """Refuse aliases that contain themselves, that multiply without bound, or of two values."""
    waiting, values = [node], 0
    anchors: dict[str, Node] = {}
    while waiting and values < _MOST_VALUES:
        values += 1
        node = waiting.pop()
        if node.anchor and anchors.setdefault(node.anchor, node) is not node:
            raise _error(f"found duplicate anchor {node.anchor!r}", node)
        match node:
            case MappingNode(value=items):
                waiting += [value for _, value in reversed(items)]
            case SequenceNode(value=items):
                waiting += reversed(items)
    if waiting:
        raise ConfigError(f"{source}: its aliases expand to more than {_MOST_VALUES:,} values")


def _value(node: Node, path: tuple[str, ...], twice: list[str]) -> Any:
    """Build a value; note duplicate keys."""
    kind = str(node.tag).removeprefix(_TAG)
    match node:
        case MappingNode() if kind == "map":
            return {k: _value(v, (*path, k), twice) for k, v in _items(node, twice).items()}
        case SequenceNode(value=items) if kind == "seq":
            return [_value(item, (*path, ""), twice) for item in items]
        case ScalarNode(value=word) if kind in ("str", "merge"):
            return word
        case ScalarNode() if kind == "null":
            return None
        case ScalarNode(value=word) if kind in ("bool", "int", "float"):
            return word if path[:-1] in _OPTIONS else _word(node, kind)
        case _ if kind in ("map", "seq", "str", "null", "bool", "int", "float"):
            form = {"map": "mapping", "seq": "sequence"}.get(kind, "scalar")
            raise _error(f"expected a {form} node", node)
        case _:
            raise _error(f"could not determine a constructor for the tag {str(node.tag)!r}", node)


def _items(node: MappingNode, twice: list[str]) -> dict[str, Node]:
    """The values of a mapping by key, with what it merges from others."""
    items: dict[str, Node] = {}
    merged: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise _error("expected a plain key, got a list or a mapping", key)
        line = key.start_mark.line + 1
        if key.value in lines:
            first = lines[key.value]
            twice.append(f"{line}: duplicate key {key.value!r}, first in line {first}")
        lines.setdefault(key.value, line)
        if str(key.tag) != _TAG + "merge":
            items[key.value] = value
            continue
        for other in reversed(value.value if isinstance(value, SequenceNode) else [value]):
            if not isinstance(other, MappingNode):
                raise _error("expected a mapping or a list of mappings to merge", other)
            merged |= _items(other, [])
    return merged | items


def _word(node: ScalarNode, kind: str) -> bool | float:
    """Build a truth value or a number; a leading zero makes no octal number."""
    word = str(node.value)
    try:
        match kind:
            case "bool":
                return {"true": True, "false": False}[word.lower()]
            case "int":
                return int(word, 0 if word[:2] in ("0o", "0x") else 10)
            case _:
                return float(re.sub(r"\.(?=inf|nan)", "", word, flags=re.IGNORECASE))
    except (KeyError, ValueError):
        what = "true or false" if kind == "bool" else "a number"
        raise _error(f"expected {what}, got {shown_value(word)}", node) from None


def _error(text: str, node: Node) -> MarkedYAMLError:
    return ConstructorError(None, None, text, node.start_mark)


def _syntax(error: MarkedYAMLError, text: str, source: str) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    hint = ""
    if r"'\t'" in str(error.problem):
        hint = "; indent with spaces, not with tabs"
    elif "unknown escape character" in str(error.problem):
        hint = "; write / in paths, or text with \\ in single quotes"
    elif "${" in "".join(text.splitlines()[line : line + 1]):
        hint = '; inside { } and [ ] put "${NAME}" in quotes'
    context = f" {error.context}" if error.context else ""
    return f"{source}:{line + 1}: {error.problem}{context}{hint}"
