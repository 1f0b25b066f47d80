"""The configuration of a model shift: what is read, what is refused and how, schema and page."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import fields, replace
from pathlib import Path

import jsonschema
import pytest

from kldrift.config import (
    Dataset,
    ModelShift,
    Spark,
    Threshold,
    Time,
    configured,
    load_model_shift,
)
from kldrift.config.yaml_text import parse_yaml
from kldrift.counting.windows import Windows
from kldrift.errors import ConfigError

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "conf" / "kldrift-model-shift.schema.json").read_text())
OF_MONITORS = json.loads((ROOT / "conf" / "kldrift.schema.json").read_text())
PAGE = (ROOT / "docs" / "model-shift.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| .+? \| `?(.+?)`? \|", PAGE, re.MULTILINE))


def minimal(**changes):
    base = {
        "monitor": "models",
        "data": {"path": "judged.parquet"},
        "champion": "old",
        "challenger": "new",
        "output": {"path": "drift"},
    }
    return {**copy.deepcopy(base), **changes}


ACCEPTED = {
    "the smallest": minimal(),
    "a query": minimal(data={"sql": "select 1"}),
    "probabilities": minimal(inputs="probabilities"),
    "a key": minimal(key="id"),
    "hours": minimal(time={"column": "t", "window": "12h"}),
    "weeks": minimal(time={"column": "t", "window": "2w"}),
    "no time": minimal(time=None),
    "segments": minimal(segments=[["a"], ["a", "b"]]),
    "no segments": minimal(segments=[]),
    "one level": minimal(thresholds={"kl": {"critical": 1}}),
    "no thresholds": minimal(thresholds={}),
    "no expectations": minimal(expectations=False),
}
REFUSED = {
    "an unknown key": (minimal(reference={}), "reference: unknown key"),
    "no challenger": ({k: v for k, v in minimal().items() if k != "challenger"}, "challenger: exp"),
    "no data": ({k: v for k, v in minimal().items() if k != "data"}, "data: expected a mapping"),
    "a blank column": (minimal(champion=" "), "champion: expected text, got ' '"),
    "an unknown input": (
        minimal(inputs="logit"),
        "inputs: expected one of logits, probabilities, got 'logit'; did you mean 'logits'?",
    ),
    "a window of seconds": (
        minimal(time={"column": "t", "window": "5s"}),
        "time.window: expected minutes, hours, days, weeks or months, such as 15m, 1h, 1d or 1mo, "
        "got '5s'",
    ),
    "no window": (minimal(time={"column": "t"}), "time.window: expected text, but the key is"),
    "a list of columns": (minimal(segments=["a"]), "segments: expected a list of lists of columns"),
    "an empty list": (minimal(segments=[[]]), "segments: expected one column or more in each list"),
    "a column twice": (minimal(segments=[["a", "a"]]), "segments: expected each column of a list"),
    "a list twice": (minimal(segments=[["a"], ["a"]]), "segments: expected each list once"),
    "a number as a column": (minimal(segments=[[5]]), "expected text, got 5; put it in quotes"),
    "one row": (minimal(min_rows=1), "min_rows: expected 2 or more, got 1"),
    "another metric": (
        minimal(thresholds={"js": {"warning": 1}}),
        "thresholds.js: model shift is judged by kl only; remove it",
    ),
    "a threshold of nothing": (minimal(thresholds={"kl": {}}), "thresholds.kl: expected a number"),
    "an alpha of 1": (minimal(significance={"alpha": 1}), "significance.alpha: expected a number"),
}


def schema_accepts(mapping):
    return jsonschema.Draft7Validator(SCHEMA).is_valid(mapping)


@pytest.mark.parametrize("case", ACCEPTED)
def test_schema_and_loader_accept(case):
    assert schema_accepts(ACCEPTED[case])
    configured(ModelShift, ACCEPTED[case])


@pytest.mark.parametrize("case", REFUSED)
def test_schema_and_loader_refuse_and_the_loader_says_why(case):
    mapping, expected = REFUSED[case]
    assert not schema_accepts(mapping)
    with pytest.raises(ConfigError) as caught:
        configured(ModelShift, mapping)
    assert expected in str(caught.value)


def test_two_models_are_two_columns():
    with pytest.raises(ConfigError, match="challenger: expected another column than champion"):
        configured(ModelShift, minimal(challenger="old"))


def test_everything_that_is_wrong_is_told_at_once_with_the_file_or_the_option(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("monitor: m\ndata: {path: a}\nchampion: a\nkeys: b\noutput: {path: o}\n")
    with pytest.raises(ConfigError) as caught:
        load_model_shift(path, overrides=["inputs=odds"])
    first, second, third = str(caught.value).splitlines()
    assert first == f"{path}: keys: unknown key; did you mean 'key'?"
    assert second.startswith(f"{path}: challenger: expected text")
    assert third.startswith("--set inputs=odds: inputs: expected one of logits")


def test_a_file_is_read_with_paths_beside_it_and_defaults(tmp_path, monkeypatch):
    monkeypatch.setenv("NEW", "new_logits")
    path = tmp_path / "m.yaml"
    path.write_text(
        "monitor: m\ndata: {path: a.csv, options: {x: 1.10}}\nchampion: a\nchallenger: ${NEW}\n"
        "time: {column: t, window: 2w}\nsegments: [[s, r]]\noutput: {path: o}\n"
    )
    found = load_model_shift(path, overrides=["thresholds.kl.critical=9"])
    assert found.data == Dataset(
        path=(str(tmp_path / "a.csv"),), format="csv", options={"x": "1.10"}
    )
    assert found.feature == "new_logits vs a"
    assert found.time.windows == Windows(2, "w")
    assert found.segments == (("s", "r"),)
    assert found.thresholds == {"kl": Threshold(0.1, 9)}
    assert found.expectations.path == str(tmp_path / "o" / "gx")


def test_the_hash_changes_with_the_question_only():
    config = configured(ModelShift, minimal())
    for change in ({"champion": "x"}, {"segments": (("a",),)}, {"time": Time("t", "1d")}):
        assert replace(config, **change).config_hash != config.config_hash
    for change in ({"scan": "arrow"}, {"spark": Spark("local[1]")}):
        assert replace(config, **change).config_hash == config.config_hash


def test_schema_page_and_dataclass_have_the_same_keys_and_defaults():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    keys = {f.name for f in fields(ModelShift)} - {"source"}
    assert set(SCHEMA["properties"]) == set(ROWS) == keys
    assert {key for key, default in ROWS.items() if default == "required"} == set(
        SCHEMA["required"]
    )
    for key, node in SCHEMA["properties"].items():
        if "default" in node:
            assert parse_yaml(ROWS[key], source=key) == node["default"]
            assert configured(ModelShift, minimal(**{key: node["default"]})) == (
                configured(ModelShift, minimal())
            )


@pytest.mark.parametrize(
    "key", ["monitor", "significance", "output", "expectations", "spark", "scan"]
)
def test_what_monitors_have_too_is_the_same_in_both_schemas(key):
    assert SCHEMA["properties"][key] == OF_MONITORS["properties"][key]
    for name in ("text", "options", "dataset"):
        assert SCHEMA["definitions"][name] == OF_MONITORS["definitions"][name]
