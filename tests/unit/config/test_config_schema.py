"""The JSON schema, the documentation and the dataclasses say the same as the loader."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path

import jsonschema
import pytest
from config_sample import MINIMAL, minimal, placed

from kldrift import config as kldrift_config
from kldrift.config import (
    METRICS,
    CategoryLimits,
    Config,
    Joint,
    Override,
    Threshold,
    config_from_mapping,
    load_config,
)
from kldrift.config.__main__ import generated, with_tables
from kldrift.config.dataset import HISTORY, OF_HISTORY
from kldrift.config.translate import key_of_field
from kldrift.config.yaml_text import parse_yaml
from kldrift.errors import ConfigError

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "conf" / "kldrift.schema.json").read_text())
DOCUMENT = (ROOT / "docs" / "configuration.md").read_text()
WRITTEN = generated()

TIME = {"column": "t", "window": "1d"}
OVERRIDE = ("features", "override", "a.b")
ACCEPTED = {
    "the smallest": minimal(),
    "limits that are learnt": minimal(time=TIME, thresholds="learned"),
    "one feature that learns": placed(
        (*OVERRIDE, "thresholds"), "learned", minimal(time=TIME, learned=False)
    ),
    "alarms of nothing": minimal(time=TIME, alarms={}),
    "alarms": minimal(
        time=TIME,
        alarms={
            "budget": {"pages": 1, "days": 90},
            "history": "60d",
            "after": "2 of 3",
            "mute": [{"feature": "x", "until": "2020-05-01", "owner": "ana", "why": "new"}],
        },
    ),
    "a list of paths": minimal(current={"path": ["a", "b"]}),
    "a table with options": minimal(current={"table": "t", "options": {"a": 1, "b": True}}),
    "a query": minimal(current={"sql": "select 1", "options": {}, "path": None}),
    "a format of our own": placed(("current", "format"), "com.example.source"),
    "no format": placed(("current", "format"), None),
    "a schema": placed(("current", "schema"), "a int"),
    "an empty option": placed(("current", "options", "nullValue"), ""),
    "a filesystem": placed(("current", "filesystem"), {"region": "eu-west-1", "anonymous": True}),
    "no filesystem": placed(("current", "filesystem"), None),
    "sections with nothing in them": minimal(
        features=None, scoring=None, thresholds=None, significance=None, spark=None
    ),
    "no thresholds": minimal(thresholds={}),
    "every metric": minimal(thresholds={metric: {"warning": 0} for metric in METRICS}),
    "one level": minimal(thresholds={"kl": {"critical": 1, "warning": None}}),
    "a derived feature only": minimal(features={"include": [], "derived": {"a": "b + 1"}}),
    "an override of nothing": placed(OVERRIDE, None),
    "a kind": placed((*OVERRIDE, "kind"), "numeric"),
    "no kind": placed((*OVERRIDE, "kind"), None),
    "all parts": placed((*OVERRIDE, "parts"), ["hour", "weekday", "month", "whole"]),
    "a level that judges nothing": placed((*OVERRIDE, "thresholds", "kl", "critical"), None),
    "a metric that inherits": placed((*OVERRIDE, "thresholds", "kl"), None),
    "bins of 20.0": placed(("scoring", "bins"), 20.0),
    "pseudocount of 0": placed(("scoring", "pseudocount"), 0),
    "a group of two": minimal(joint={"g": {"features": ["a", "b"], "covariance": None}}),
    "no groups": minimal(joint=None),
    "segments": minimal(segments=[["a"], ["a", "b"]]),
    "no segments": minimal(segments=None),
    "no expectations": minimal(expectations=False),
    "expectations": minimal(expectations=True),
    "expectations with nothing behind": minimal(expectations=None),
    "expectations without a path": minimal(expectations={"path": None}),
    "no master": minimal(spark={"master": None}),
    "a monitor of 100 letters": minimal(monitor="a" * 100),
}
REFUSED = {
    "windows as current": placed(
        ("current",), {"trailing": "9d"}, minimal(time={"column": "t", "window": "1d"})
    ),
    "windows of no time": minimal(reference={"trailing": "9d"}),
    "windows and rows": placed(
        ("reference", "previous"), 1, minimal(time={"column": "t", "window": "1d"})
    ),
    "nothing": {},
    "no monitor": {key: MINIMAL[key] for key in ("reference", "current", "output")},
    "no reference": {key: MINIMAL[key] for key in ("monitor", "current", "output")},
    "no current": {key: MINIMAL[key] for key in ("monitor", "reference", "output")},
    "no output": {key: MINIMAL[key] for key in ("monitor", "reference", "current")},
    "no output path": minimal(output={}),
    "an empty output": minimal(output=None),
    "an unknown key": minimal(monitors="a"),
    "a time without a window": minimal(time={"column": "t"}),
    "a monitor of 101 letters": minimal(monitor="a" * 101),
    "a monitor with a slash": minimal(monitor="a/b"),
    "a monitor with two dots": minimal(monitor="a..b"),
    "a monitor of profiling": minimal(monitor="my-profiling"),
    "a monitor that begins with a dot": minimal(monitor=".a"),
    "a monitor that is a number": minimal(monitor=5),
    "no source": minimal(current={}),
    "no dataset": minimal(current=None),
    "no path in the list": minimal(current={"path": []}),
    "a blank path": minimal(current={"path": " "}),
    "a path and a table": placed(("current", "table"), "t"),
    "a format of a table": minimal(current={"table": "t", "format": "csv"}),
    "a schema of a query": minimal(current={"sql": "select 1", "schema": "a int"}),
    "a filesystem of a table": minimal(current={"table": "t", "filesystem": {"region": "x"}}),
    "a secret in a filesystem": placed(("current", "filesystem", "Secret_Key"), "x"),
    "options of a query": minimal(current={"sql": "select 1", "options": {"a": "b"}}),
    "an option of nothing": placed(("current", "options", "a"), None),
    "an option that is a list": placed(("current", "options", "a"), []),
    "a from": placed(("current", "from"), "2020-01-01"),
    "a condition that is true": placed(("current", "where"), True),
    "features that are a list": minimal(features=["a"]),
    "an include that is text": placed(("features", "include"), "a"),
    "an include of nothing": placed(("features", "include"), None),
    "an empty include": placed(("features", "include"), []),
    "a number as a pattern": placed(("features", "exclude"), [2020]),
    "a derived feature of nothing": placed(("features", "derived", "a"), None),
    "a blank feature": placed(("features", "derived", " "), "a"),
    "an unknown kind": placed((*OVERRIDE, "kind"), "numerical"),
    "an unknown part": placed((*OVERRIDE, "parts"), ["year"]),
    "a part twice": placed((*OVERRIDE, "parts"), ["hour", "hour"]),
    "an unknown metric of a feature": placed((*OVERRIDE, "thresholds", "psy"), {}),
    "a keep of nothing": placed((*OVERRIDE, "keep"), None),
    "an unknown override": placed((*OVERRIDE, "bins"), 5),
    "one bin": placed(("scoring", "bins"), 1),
    "bins of true": placed(("scoring", "bins"), True),
    "bins and a half": placed(("scoring", "bins"), 20.5),
    "bins that are text": placed(("scoring", "bins"), "20"),
    "one stored bin": minimal(scoring={"bins": 2, "stored_bins": 1}),
    "no category": placed(("scoring", "max_categories"), 0),
    "a negative pseudocount": placed(("scoring", "pseudocount"), -1),
    "an unknown missing": placed(("scoring", "missing"), "drop"),
    "no row": placed(("scoring", "min_rows"), 0),
    "an unknown metric": placed(("thresholds", "psy"), {"warning": 1}),
    "a threshold without a level": placed(("thresholds", "kl"), {}),
    "a threshold of nothing": placed(("thresholds", "kl"), None),
    "two levels of nothing": placed(("thresholds", "kl"), {"warning": None, "critical": None}),
    "a negative threshold": placed(("thresholds", "kl", "warning"), -1),
    "a threshold that is text": placed(("thresholds", "kl", "warning"), "0.1"),
    "learned thresholds without windows": minimal(thresholds="learned"),
    "alarms without windows": minimal(alarms={}),
    "a budget of nothing": minimal(time=TIME, alarms={"budget": {"pages": 0}}),
    "a mute without a reason": minimal(
        time=TIME, alarms={"mute": [{"feature": "x", "until": "2020-05-01", "owner": "ana"}]}
    ),
    "a learned level": placed(("thresholds", "kl", "warning"), "learned"),
    "an alpha of 0": placed(("significance", "alpha"), 0),
    "an alpha of 1": placed(("significance", "alpha"), 1),
    "an unknown correction": placed(("significance", "correction"), "bonferroni"),
    "tables of text": placed(("output", "format"), "csv"),
    "expectations that are text": minimal(expectations="no"),
    "data docs of text": placed(("expectations", "data_docs"), "no"),
    "a master that is a number": placed(("spark", "master"), 4),
    "a group that is a list": minimal(joint={"g": ["a", "b"]}),
    "a feature of a group twice": minimal(joint={"g": {"features": ["a", "a"]}}),
    "an unknown covariance": minimal(joint={"g": {"features": ["a", "b"], "covariance": "c"}}),
    "a negative ridge": minimal(joint={"g": {"features": ["a", "b"], "ridge": -1}}),
    "an unknown scan": minimal(scan="sql"),
    "segments that are a list of columns": minimal(segments=["a"]),
    "an empty list of segments": minimal(segments=[[]]),
    "a column of a segment twice": minimal(segments=[["a", "a"]]),
    "no segment": placed(("scoring", "max_segments"), 0),
    "too many segments": placed(("scoring", "max_segments"), 10_001),
    "a scan of nothing": minimal(scan=None),
}
# What relates two values, and numbers that JSON does not have.
ONLY_THE_LOADER_REFUSES = {
    "fewer stored bins than bins": minimal(scoring={"bins": 50, "stored_bins": 49}),
    "a warning above critical": minimal(thresholds={"kl": {"warning": 2, "critical": 1}}),
    "files of two formats": minimal(current={"path": ["a.csv", "b.json"]}),
    "a group of nothing": minimal(joint={"g": {}}),
    "a score that groups have not": minimal(
        joint={"g": {"features": ["a", "b"], "thresholds": {"js": {"warning": 1}}}}
    ),
    "an endless threshold": minimal(thresholds={"kl": {"warning": float("inf")}}),
    "a variable that is not set": minimal(output={"path": "${KLDRIFT_NONE}"}),
}


def schema_accepts(mapping):
    return jsonschema.Draft7Validator(SCHEMA).is_valid(mapping)


def loader_accepts(mapping):
    try:
        config_from_mapping(mapping)
    except ConfigError:
        return False
    return True


def test_the_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("case", ACCEPTED)
def test_schema_and_loader_accept(case):
    assert (schema_accepts(ACCEPTED[case]), loader_accepts(ACCEPTED[case])) == (True, True)


@pytest.mark.parametrize("case", REFUSED)
def test_schema_and_loader_refuse(case):
    assert (schema_accepts(REFUSED[case]), loader_accepts(REFUSED[case])) == (False, False)


@pytest.mark.parametrize("case", ONLY_THE_LOADER_REFUSES)
def test_what_a_schema_cannot_say_the_loader_refuses(case):
    mapping = ONLY_THE_LOADER_REFUSES[case]
    assert (schema_accepts(mapping), loader_accepts(mapping)) == (True, False)


def resolved(node):
    """A node of the schema with what it refers to."""
    refers = [node, *node.get("allOf", []), *node.get("anyOf", [])]
    for part in refers:
        if "$ref" in part:
            node = {**SCHEMA["definitions"][part["$ref"].rpartition("/")[2]], **node}
    return node


def schema_keys(node=SCHEMA, path=()):
    """Key paths of the schema with their nodes; names that a user chooses are <names>."""
    node = resolved(node)
    for key, below in node.get("properties", {}).items():
        yield ".".join((*path, key)), below
        yield from schema_keys(below, (*path, key))
    below = node.get("additionalProperties")
    names = {
        "override": "<feature>",
        "joint": "<group>",
        "thresholds": "<metric>",
        "categories": "<category>",
    }
    if path and path[-1] in names:
        name = names[path[-1]]
        if path[-1] == "thresholds":
            below = SCHEMA["definitions"]["thresholds"]["additionalProperties"]
        yield from schema_keys(below, (*path, name))


def class_keys(cls=Config, path=()):
    """Key paths of the dataclasses with their defaults."""
    named = {
        "override": ("<feature>", Override),
        "joint": ("<group>", Joint),
        "thresholds": ("<metric>", Threshold),
        "categories": ("<category>", CategoryLimits),
    }
    for field in fields(cls):
        default = field.default
        if field.default_factory is not MISSING:
            default = field.default_factory()
        yield ".".join((*path, key_of_field(field))), default
        kind = re.match(r"\w+", str(field.type))[0]
        below = getattr(kldrift_config, kind, None)
        if field.name in named:
            name, below = named[field.name]
            yield from class_keys(below, (*path, field.name, name))
        elif is_dataclass(below):
            yield from class_keys(below, (*path, field.name))


def plain(value):
    """A default as it would stand in a file."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return asdict(value)
    return list(value) if isinstance(value, tuple) else value


SCHEMA_KEYS = dict(schema_keys())
CLASS_KEYS = dict(class_keys())
ROW = re.compile(
    r"^\| `(?P<key>[^`]+)` \| (?P<type>.+?) \| (?P<default>.+?) \| `(?P<example>.+?)` \|"
)
ROWS = {match["key"]: match for match in map(ROW.match, DOCUMENT.splitlines()) if match}


def test_the_schema_has_the_keys_of_the_dataclasses():
    assert sorted(SCHEMA_KEYS) == sorted(CLASS_KEYS.keys() - {"source"})


def test_the_documentation_has_the_keys_of_the_schema():
    expected = {key for key in SCHEMA_KEYS if not key.startswith("current.")}
    assert sorted(ROWS) == sorted(expected)


@pytest.mark.parametrize(
    "key", [key for key, node in SCHEMA_KEYS.items() if "default" in node and key in ROWS]
)
def test_schema_documentation_and_dataclasses_have_one_default(key):
    default = SCHEMA_KEYS[key]["default"]
    if key != "expectations.path":  # follows from output.path
        assert plain(CLASS_KEYS[key]) == default
    assert parse_yaml(ROWS[key]["default"].strip("`"), source=key) == default


@pytest.mark.parametrize("key", [key for key in ROWS if ROWS[key]["default"] == "required"])
def test_what_is_documented_as_required_is_missed(key):
    assert "default" not in SCHEMA_KEYS[key]
    *sections, last = key.split(".")
    mapping = minimal(time={"column": "t", "window": "1d"}, report={"path": "page.html"})
    section = mapping
    for name in sections:
        section = section[name]
    del section[last]
    assert not loader_accepts(mapping)


@pytest.mark.parametrize("key", ROWS)
def test_the_documented_example_works(key):
    value = parse_yaml(ROWS[key]["example"], source=key)
    mapping = minimal(time={"column": "t", "window": "1d"})
    *_, last = key.split(".")
    if key.startswith("reference.") and last in ("table", "sql", *HISTORY, *OF_HISTORY):
        mapping["reference"] = {"trailing": "90d"} if last in OF_HISTORY else {}
    if last == "changes":  # the table is that of both sides, and only current has it
        key = "current.changes"
        mapping["current"] = {"path": "t", "format": "delta"}
    if key.startswith("joint."):
        mapping["joint"] = {"weather": {"features": ["a", "b"]}}
    names = {"<feature>": "a", "<metric>": "kl", "<group>": "weather"}
    mapping = placed([names.get(part, part) for part in key.split(".")], value, mapping)
    assert schema_accepts(mapping)
    config_from_mapping(mapping)


@pytest.mark.parametrize("number", range(2))
def test_the_files_of_the_documentation_work(number, tmp_path):
    text = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)[number]
    path = tmp_path / "m.yaml"
    path.write_text(text)
    load_config(path)
    assert schema_accepts(parse_yaml(text, source="x"))


def test_every_metric_is_documented_and_in_the_schema():
    metrics = SCHEMA["definitions"]["thresholds"]["propertyNames"]["enum"]
    assert tuple(metrics) == METRICS
    text = DOCUMENT[DOCUMENT.index("Metrics are") :]
    assert re.findall(r"`(\w+)`", text[: text.index(":")]) == list(METRICS)


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_schemas_and_tables_are_what_the_models_say(file):
    # After a change of the models: python -m kldrift.config, or make schemas.
    assert file.read_text() == WRITTEN[file]


def test_the_schemas_are_in_the_package_and_beside_the_examples():
    names = {"kldrift.schema.json", "kldrift-model-shift.schema.json"}
    package = Path(kldrift_config.__file__).parent
    assert {file.name for file in WRITTEN if file.parent == package} == names
    assert {file.name for file in WRITTEN if file.parent == ROOT / "conf"} == names


def test_a_table_is_written_between_its_mark_and_the_next_empty_line():
    page = "a\n\n<!-- keys of output -->\nold\nold\n\nb\n\n<!-- metrics -->\n"
    head = "| Key | Type | Default | Example | Meaning |"
    before, table, after, metrics = with_tables(page, SCHEMA).split("\n\n")
    assert (before, after) == ("a", "b")
    assert table.splitlines()[:2] == ["<!-- keys of output -->", head]
    assert [line.split("`")[1] for line in table.splitlines()[3:]] == [
        "output.path",
        "output.format",
    ]
    assert metrics.startswith("<!-- metrics -->\nMetrics are `kl`")
