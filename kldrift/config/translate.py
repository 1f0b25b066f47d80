"""From pydantic's errors to ours: the key path, what was expected and what was found."""

from __future__ import annotations

import re
from dataclasses import Field, fields, is_dataclass
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from kldrift.config.problems import KeyPath, Problems, nearest, shown_value
from kldrift.config.values import TAG_COLUMNS, TAG_CONDITION, Condition

_EXPECTED: Final = {
    "bool_type": "true or false",
    "dataclass_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "float_type": "a number",
    "int_type": "a whole number",
    "tuple_type": "a list of text",
}
_OF_PYDANTIC: Final = frozenset({"[key]", TAG_COLUMNS, TAG_CONDITION})
"""Parts of a key path that stand in no file."""
_PLAIN_KEYS: Final = frozenset({"path", "column", "kind"})
"""Keys whose value may be what was written in place of a whole section."""
_MISSING: Final = dict.fromkeys(
    ("reference", "current", "data"), "a mapping with path, table or sql, but it is missing"
)


def translate(error: ValidationError, root: type, problems: Problems) -> None:
    """Note what pydantic found wrong with a configuration."""
    # First unknown keys, as what is missed follows from them; last numbers that are out of range.
    for detail in sorted(error.errors(include_url=False), key=_rank):
        path = tuple(key for key in detail["loc"] if key not in _OF_PYDANTIC)
        written = tuple(_key(root, path[:place], key) for place, key in enumerate(path))
        problems.add(written, _text(detail, root, path))


def _rank(detail: ErrorDetails) -> int:
    if detail["type"] == "unexpected_keyword_argument":
        return 0
    return 2 if detail["type"].startswith(("greater", "less", "finite")) else 1


def _text(detail: ErrorDetails, root: type, path: KeyPath) -> str:
    value, kind = detail["input"], detail["type"]
    section, key = _class_at(root, path[:-1]), str(path[-1]) if path else ""
    match kind:
        case "kldrift":
            text = detail["msg"]
        case "dict_type" | "dataclass_type" | "float_type" if (
            "thresholds" in path and value == "learned"
        ):
            text = (
                "expected numbers for warning and critical; "
                "`thresholds: learned` stands for all of them"
            )
        case "missing":
            text = f"expected {_MISSING.get(key, 'text, but the key is missing')}"
        case "invalid_key":
            text = f"expected a key that is text, got {shown_value(value)}"
        case "unexpected_keyword_argument":
            text = unknown(section, key)
        case "literal_error":
            words = re.findall(r"'(.*?)'", str(detail["ctx"]["expected"]))
            near = nearest(value, words) if isinstance(value, str) else ""
            near = near if near.startswith("; did") else ""
            text = f"expected one of {', '.join(words)}, got {shown_value(value)}{near}"
        case _ if kind in _EXPECTED:
            text = f"expected {_EXPECTED[kind]}, got {shown_value(value)}"
            if kind == "dataclass_type":
                keys = _keys_of(_class_at(root, path))
                text += f"; the keys are {', '.join(keys)}"
                if isinstance(value, str) and keys[0] in _PLAIN_KEYS:
                    text += f": write {{{keys[0]}: {shown_value(value)}}}"
        case _:
            text = _out_of_range(section, key, value) or detail["msg"]
    return text


def unknown(section: type, key: str) -> str:
    """The error for an unknown key, with the nearest known one."""
    return f"unknown key{nearest(key, _keys_of(section))}"


def _keys_of(section: type) -> list[str]:
    return [key_of_field(f) for f in fields(section) if f.name != "source"]


def key_of_field(field: Field[Any]) -> str:
    """The key of a field in a file: its name, unless that is a word of Python's."""
    return str(field.metadata.get("key", field.name))


def _out_of_range(section: type, key: str, value: Any) -> str:
    """The error for a number out of range; the bounds are in the key's metadata."""
    match {key_of_field(f): dict(f.metadata) for f in fields(section)}[key]:
        case {"gt": above, "lt": below}:
            got = shown_value(float(value))
            return f"expected a number between {above:g} and {below:g}, got {got}"
        case {"gt": above}:
            return f"expected a finite number, more than {above:g}, got {shown_value(float(value))}"
        case {"ge": float(least)}:
            return f"expected a finite number, {least:g} or more, got {shown_value(float(value))}"
        case {"ge": least, "le": most}:
            return f"expected {least} to {most}, got {shown_value(value)}"
        case {"ge": least}:
            return f"expected {least} or more, got {shown_value(value)}"
        case _:
            return ""


def _class_at(root: type, path: KeyPath) -> Any:
    """The class of the section at a key path."""
    hint: Any = root
    for key in path:
        if is_dataclass(hint) and isinstance(key, int):  # a place in a list of columns
            hint = str
        elif is_dataclass(hint):
            names = {key_of_field(f): f.name for f in fields(hint)}
            hint = _plain(get_type_hints(hint)[names.get(str(key), str(key))])
        else:
            hint = _plain(get_args(hint)[get_origin(hint) is dict])
    return hint


def _plain(hint: Any) -> Any:
    """A type without its alias and without None; of several, the one that is a section."""
    hint = getattr(hint, "__value__", hint)
    while get_origin(hint) not in (None, dict, tuple):
        kinds = [arg for arg in get_args(hint) if arg is not NoneType]
        sections = (k for k in kinds if isinstance(k, type) and is_dataclass(k))
        hint = next(sections, kinds[0])
        hint = getattr(hint, "__value__", hint)
    return hint


def _key(root: type, above: KeyPath, key: str | int) -> str | int:
    """A key as it is spelled: a number counts places in a list, or is a wrong name."""
    kind = _class_at(root, above) if isinstance(key, int) else None
    wrong = isinstance(key, int) and kind is not Condition and get_origin(kind) is not tuple
    return str(key) if wrong else key
