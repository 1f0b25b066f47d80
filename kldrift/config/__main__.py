"""Write what follows from the models: ``python -m kldrift.config``, in a checkout.

The JSON schemas, in the package and beside the examples in ``conf/``, and the tables of keys and
the list of metrics in ``docs/``, each between a comment that names it and the next empty line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kldrift.config import Config, ModelShift
from kldrift.config.schema import Node, json_schema
from kldrift.config.yaml_text import to_yaml
from kldrift.scoring.metrics import METRICS

ROOT: Final = Path(__file__).parents[2]
SCHEMAS: Final = {
    "kldrift.schema.json": json_schema(Config, "kldrift.schema.json", "kldrift monitor"),
    "kldrift-model-shift.schema.json": json_schema(
        ModelShift, "kldrift-model-shift.schema.json", "kldrift model shift"
    ),
}
PAGES: Final = {
    "docs/configuration.md": "kldrift.schema.json",
    "docs/model-shift.md": "kldrift-model-shift.schema.json",
}
_MARKED: Final = re.compile(
    r"(?<=<!-- )(keys|metrics)( of (\w+))?( -->\n).*?(?=\n\n|\Z)", re.DOTALL
)
_NAMES: Final = {
    "override": "<feature>",
    "joint": "<group>",
    "thresholds": "<metric>",
    "categories": "<category>",
}
_HEAD: Final = "| Key | Type | Default | Example | Meaning |\n| --- | --- | --- | --- | --- |"
_TYPES: Final = {
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "string": "text",
}


def generated() -> dict[Path, str]:
    """Return every file that follows from the models, with its text."""
    files: dict[Path, str] = {}
    for name, schema in SCHEMAS.items():
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        files |= {folder / name: text for folder in (Path(__file__).parent, ROOT / "conf")}
    for page, name in PAGES.items():
        files[ROOT / page] = with_tables((ROOT / page).read_text(encoding="utf-8"), SCHEMAS[name])
    return files


def with_tables(page: str, schema: Node) -> str:
    """Return a page with its tables of keys, and its list of metrics, written anew."""
    table = dict(key_rows(schema, schema))

    def block(mark: re.Match[str]) -> str:
        what, _, section, _ = mark.groups()
        if what == "metrics":
            *names, last = (f"`{name}`" for name in METRICS)
            body = f"Metrics are {', '.join(names)} and\n{last}: columns of `drift_scores`."
        else:
            keys = [k for k in table if (k.startswith(f"{section}.") if section else "." not in k)]
            body = "\n".join([_HEAD, *(table[key] for key in keys)])
        return f"{what}{mark[2] or ''}{mark[4]}{body}"

    return _MARKED.sub(block, page)


def key_rows(schema: Node, node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield key paths with their rows of the table; names that a user chooses are <names>."""
    node = _resolved(schema, node)
    for key, below in node.get("properties", {}).items():
        place = (*path, key)
        cells = (
            f"`{'.'.join(place)}`",
            _type(schema, below),
            _default(below, place, required=key in node.get("required", ())),
            f"`{to_yaml(below['examples'][0])}`",
            below["description"],
        )
        yield ".".join(place), f"| {' | '.join(cells)} |"
        yield from key_rows(schema, below, place)
    if path and path[-1] in _NAMES:
        values = schema["definitions"]["thresholds"] if path[-1] == "thresholds" else node
        yield from key_rows(schema, values["additionalProperties"], (*path, _NAMES[path[-1]]))


def _resolved(schema: Node, node: Node) -> Node:
    for part in (node, *node.get("allOf", ()), *node.get("anyOf", ())):
        if "$ref" in part:
            return {**schema["definitions"][part["$ref"].rpartition("/")[2]], **node}
    return node


def _default(node: Node, path: tuple[str, ...], *, required: bool) -> str:
    if required:
        return "required"
    if path[-1] in ("warning", "critical"):
        return "as for all features" if len(path) > 3 and "thresholds" in path else "none"
    return f"`{to_yaml(node.get('default', {}))}`"


def _type(schema: Node, node: Node) -> str:
    """Say in words what a node of the schema takes."""
    node = _resolved(schema, node)
    kinds = node.get("type", [])
    first, *more = [kinds] if isinstance(kinds, str) else [*kinds, ""]
    if "enum" in node or "const" in node:
        *words, last = (f"`{word}`" for word in node.get("enum", [node.get("const")]))
        text = f"{', '.join(words)} or {last}" if words else last
    elif "anyOf" in node and not first:
        either = [_type(schema, kind) for kind in node["anyOf"] if kind != {"type": "null"}]
        text = ", or ".join([*either, "null"] if either[0].startswith("number") else either)
    elif first == "array":
        kinds = node["items"].get("anyOf", [node["items"]])
        items = " or ".join(_type(schema, kind) for kind in kinds)
        text = f"list of {items}".replace("of list", "of lists").replace("section", "sections")
    elif first == "object" and ("properties" in node or "allOf" in node):
        text = "section, or true or false" if "boolean" in more else "section"
    elif first == "object":
        of = _type(schema, node["additionalProperties"])
        text = f"names and {of.replace('section', 'sections')}"
    else:
        text = "values" if "boolean" in more else _TYPES[first] + _bounds(node)
    return text


def _bounds(node: Node) -> str:
    match node:
        case {"exclusiveMinimum": above, "exclusiveMaximum": below}:
            return f" between {above:g} and {below:g}"
        case {"exclusiveMinimum": above}:
            return f", more than {above:g}"
        case {"minimum": least, "maximum": most}:
            return f", {least:,g} to {most:,g}"
        case {"minimum": least}:
            return f", {least:g} or more"
        case _:
            return ""


if __name__ == "__main__":
    for file, text in generated().items():
        file.write_text(text, encoding="utf-8")
