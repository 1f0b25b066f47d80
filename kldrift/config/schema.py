"""The JSON schemas for editors and the tables of the documentation, from the dataclasses.

Types, defaults and bounds are pydantic's; what a key means stands below it in the source.  What a
file may write otherwise than the value that is kept, and what relates two keys, is added here.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Any, Final

from pydantic import TypeAdapter

from kldrift import config
from kldrift.config.dataset import SECRETS
from kldrift.config.question import MONITOR_NAME
from kldrift.config.translate import key_of_field
from kldrift.config.yaml_text import parse_yaml
from kldrift.counting.lengths import DURATION, LENGTH
from kldrift.scoring.metrics import METRICS

Node = dict[str, Any]

CONFIG_CLASSES: Final[dict[str, Any]] = {
    name: getattr(config, name) for name in config.__all__ if is_dataclass(getattr(config, name))
}
_EXAMPLE: Final = re.compile(r"(.*?)\s*Example: `(.*)`", re.DOTALL)


def _is(kind: str | list[str], key: str) -> Node:
    """Whether a key is there and of a type."""
    return {"required": [key], "properties": {key: {"type": kind}}}


_TEXT: Final = {"$ref": "#/definitions/text"}
_NULL: Final = {"type": "null"}
_PATH: Final = _is(["string", "array"], "path")
_HISTORY: Final = (_is("string", "trailing"), _is("integer", "previous"))
_MOMENTS: Final = (_is("string", "from"), _is("string", "to"))
_ROWS: Final = {"not": {"anyOf": [*_HISTORY, *_MOMENTS]}}
_ONCE: Final = {"uniqueItems": True}
_EMPTY: Final = {"maxProperties": 0}
_SECRET: Final = "|".join(
    "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in word) for word in SECRETS
)
_STATED: Final = {
    "allOf": [{"$ref": "#/definitions/thresholds"}],
    "additionalProperties": {
        "type": "object",
        "anyOf": [_is("number", "warning"), _is("number", "critical")],
    },
}
_KEYS: Final[dict[str, Node]] = {
    "monitor": {
        "type": "string",
        "pattern": rf"^(?!.*\.\.)(?!.*profiling){MONITOR_NAME.pattern}$",
    },
    "Config.segments": {
        "type": ["array", "null"],
        **_ONCE,
        "items": {
            "anyOf": [
                {"type": "array", "items": _TEXT, **_ONCE, "minItems": 1},
                {"$ref": "#/definitions/condition"},
            ]
        },
    },
    "ModelShift.segments": {
        "type": ["array", "null"],
        **_ONCE,
        "items": {**_ONCE, "minItems": 1},
    },
    "expectations": {"$ref": "#/definitions/expectations"},
    "Config.thresholds": {"anyOf": [{"const": "learned"}, _STATED]},
    "Override.thresholds": {"anyOf": [{"const": "learned"}, {"$ref": "#/definitions/thresholds"}]},
    "ModelShift.thresholds": {**_STATED, "propertyNames": {"enum": ["kl"]}},
    "Alarms.after": {"type": "string", "pattern": "^[1-9][0-9]? of [1-9][0-9]?$"},
    "Alarms.history": {"type": "string", "pattern": f"^{DURATION.pattern}$"},
    "Mute.until": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    "Time.window": {"type": "string", "pattern": f"^({LENGTH.pattern})$"},
    "Time.lateness": {"type": "string", "pattern": f"^{DURATION.pattern}$"},
    "Dataset.path": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}, _NULL]},
    "Dataset.format": {"anyOf": [_TEXT, _NULL]},
    "Expectations.path": {"anyOf": [_TEXT, _NULL], "default": None},
    "Joint.features": _ONCE,
    "Override.parts": _ONCE,
    "Scoring.stored_bins": {"minimum": 2},
}
"""What a file may write for a key."""
_SECTIONS: Final[dict[str, Node]] = {
    "Expectations": {"type": ["object", "boolean", "null"], "required": []},
    "Thresholds": {"propertyNames": {"enum": list(METRICS)}},
    "Features": {
        "if": {"properties": {"include": {"maxItems": 0}}, "required": ["include"]},
        "then": {
            "properties": {"derived": {"type": "object", "minProperties": 1}},
            "required": ["derived"],
        },
    },
    "Dataset": {
        "type": "object",
        "oneOf": [_PATH, _is("string", "table"), _is("string", "sql"), *_HISTORY],
        "allOf": [
            {"if": {"anyOf": [_is("string", "format"), _is("string", "schema")]}, "then": _PATH},
            {"if": _is("string", "sql"), "then": {"properties": {"options": _EMPTY}}},
            {"if": {"not": _PATH}, "then": {"properties": {"filesystem": _EMPTY}}},
            {"properties": {"filesystem": {"propertyNames": {"not": {"pattern": _SECRET}}}}},
        ],
    },
}
_SECTIONS["Config"] = {
    "allOf": [
        {"properties": {"current": _ROWS}},
        *(
            {"if": asks, "then": _is("object", "time")}
            for asks in (
                _is("object", "alarms"),
                {"required": ["learned"], "properties": {"learned": {"const": True}}},
                {"required": ["thresholds"], "properties": {"thresholds": {"const": "learned"}}},
            )
        ),
    ],
    "if": {"properties": {"reference": {"anyOf": list(_HISTORY)}}, "required": ["reference"]},
    "then": _is("object", "time"),
}
_SECTIONS["ModelShift"] = {"allOf": [{"properties": {"data": _ROWS}}]}
"""What relates the keys of a section."""


def json_schema(cls: type, file: str, title: str) -> Node:
    """Return the JSON schema of a configuration, draft 7, which editors understand."""
    root = TypeAdapter(cls).json_schema(ref_template="#/definitions/{model}")
    definitions = root.pop("$defs")
    for name, node in {**definitions, cls.__name__: root}.items():
        _section(name, node)
    del root["properties"]["source"]
    named = {_lower(name): node for name, node in sorted(definitions.items())}
    about = root.pop("description").partition("\n")[0]
    about += " Every text may contain ${NAME} of an environment variable."
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "$id": file, "title": title}
    schema: Node = _as_draft_7({**head, "description": about, **root, "definitions": named})
    return schema


def _section(name: str, node: Node) -> None:
    """Add to a section what pydantic does not know, in place."""
    cls = CONFIG_CLASSES.get(name)
    if cls is not None:
        shared = _meanings(config.Config) if cls is config.ModelShift else {}
        meanings = {**shared, **_meanings(cls)}
        for field in fields(cls):
            key = node["properties"][key_of_field(field)]
            given = _KEYS.get(f"{name}.{field.name}") or _KEYS.get(field.name, {})
            _merge(key, given)
            if field.default_factory is not MISSING and not is_dataclass(
                default := field.default_factory()
            ):
                key["default"] = {k: asdict(v) for k, v in default.items()}
            if name.endswith("Threshold") or field.name == "expectations":
                del key["default"]  # what is inherited; a project beside the tables
            meaning, example = meanings.get(field.name, ("", ""))
            key["description"] = meaning
            if example:
                key["examples"] = [parse_yaml(example, source=field.name)]
    _merge(node, _SECTIONS.get(name, {}))


def _merge(node: Node, given: Node) -> None:
    """Replace the type of a node by another one, or add to it."""
    if {"anyOf", "allOf", "$ref"} & given.keys() and "oneOf" not in given:
        for key in node.keys() & {"type", "items", "anyOf", "$ref"}:
            del node[key]
    if given.get("type") == "string":
        node.pop("$ref", None)
    for key, value in given.items():
        both = isinstance(value, dict) and isinstance(node.get(key), dict)
        node[key] = {**node[key], **value} if both else value


def _as_draft_7(node: Any) -> Any:
    """A node with names of definitions in lower case, without titles; a section may be null."""
    if isinstance(node, list):
        return [_as_draft_7(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {
        key: value
        for key, value in node.items()
        if key != "title" or "$schema" in node or isinstance(value, dict)
    }
    if isinstance(reference := node.get("$ref"), str):
        path, _, name = reference.rpartition("/")
        node["$ref"] = f"{path}/{_lower(name)}"
    for values in node.pop("patternProperties", {}).values():
        node = {"propertyNames": {"pattern": r"\S"}, "additionalProperties": values} | node
    holds = {"properties", "additionalProperties"} & node.keys()
    if node.get("type") == "object" and holds and not {"required", "oneOf", "anyOf"} & node.keys():
        node["type"] = ["object", "null"]
    return {
        key: value if key in ("default", "examples") else _as_draft_7(value)
        for key, value in node.items()
    }


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _meanings(cls: type) -> dict[str, tuple[str, str]]:
    """The docstring below each key in the source: its meaning, and an example."""
    meanings: dict[str, tuple[str, str]] = {}
    for base in reversed([c for c in cls.__mro__ if is_dataclass(c)]):
        body = ast.parse(inspect.getsource(base)).body[0]
        assert isinstance(body, ast.ClassDef)
        for key, below in itertools.pairwise(body.body):
            match key, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                    value=ast.Constant(value=str(text))
                ):
                    parts = _EXAMPLE.fullmatch(text)
                    meaning, example = parts.groups() if parts else (text, "")
                    meanings[name] = (" ".join(meaning.split()), " ".join(example.split()))
    return meanings
