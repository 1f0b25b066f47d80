"""How the text of a configuration becomes values: YAML, the environment, ``--set``."""

from __future__ import annotations

import pytest
from config_sample import MINIMAL

from kldrift.config import Override, Threshold, config_from_mapping, load_config
from kldrift.config.overrides import read_override
from kldrift.config.problems import spell
from kldrift.config.yaml_text import parse_yaml
from kldrift.errors import ConfigError
from kldrift.scoring.metrics import DEFAULT_THRESHOLDS

TEXT = """\
monitor: trips
reference: {path: ref.parquet}
current: {path: cur.parquet}
output: {path: drift}
"""


@pytest.fixture
def load(tmp_path):
    def load(text=TEXT, *overrides):
        path = tmp_path / "m.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, overrides=overrides)

    return load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("y", "y"),
        ("True", True),
        ("false", False),
        ("'true'", "true"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("1e-3", 0.001),
        ("+.5", 0.5),
        ("1.", 1.0),
        ("-.inf", float("-inf")),
        ("~", None),
        ("", None),
        ("null", None),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("!!float 3", 3.0),
        ("!!str 3", "3"),
    ],
)
def test_plain_words_are_read_as_in_yaml_1_2(text, expected):
    value = parse_yaml(f"key: {text}", source="x")["key"]
    assert (type(value), value) == (type(expected), expected)


def test_keys_are_always_text():
    assert parse_yaml("{NO: 1, 2020: 1, null: 1, 1.10: 1, on: 1}", source="x").keys() == {
        "NO",
        "2020",
        "null",
        "1.10",
        "on",
    }


def test_a_byte_order_mark_is_no_part_of_the_first_key(load):
    assert load("\ufeff" + TEXT).monitor == "trips"


def test_a_column_called_no_is_a_column_called_no(load):
    config = load(TEXT + "features: {exclude: [NO, on], override: {NO: {keep: true}}}\n")
    assert config.features.exclude == ("NO", "on")
    assert config.features.override == {"NO": Override(keep=True)}


def test_options_reach_spark_as_they_are_written(load):
    written = "{a: true, b: TRUE, c: 1, d: 1.10, e: 010, f: no, g: '', h: .nan, i: 0x1}"
    as_text = {
        "a": "true",
        "b": "TRUE",
        "c": "1",
        "d": "1.10",
        "e": "010",
        "f": "no",
        "g": "",
        "h": ".nan",
        "i": "0x1",
    }
    config = load(
        f"monitor: m\nreference: {{path: a, options: {written}}}\n"
        f"current: {{path: a, options: {written}}}\n"
        f"output: {{path: a}}\nspark: {{conf: {written}}}\n"
    )
    assert config.reference.options == as_text
    assert config.current.options == as_text
    assert config.spark.conf == as_text


@pytest.mark.parametrize(
    "override",
    [
        "reference.options.x=1.10",
        "reference.options={x: 1.10}",
        "reference={path: a, options: {x: 1.10}}",
    ],
)
def test_options_that_are_set_reach_spark_as_they_are_written(load, override):
    assert load(TEXT, override).reference.options == {"x": "1.10"}


def test_every_key_that_stands_twice_is_named_with_its_line(load):
    with pytest.raises(ConfigError) as caught:
        load(
            TEXT + "scoring:\n  bins: 5\n  bins: 6\nscan: auto\nscan: arrow\nspark: {a: 1, a: 1}\n"
        )
    assert {line.partition("m.yaml:")[2] for line in str(caught.value).splitlines()} == {
        "7: duplicate key 'bins', first in line 6",
        "9: duplicate key 'scan', first in line 8",
        "10: duplicate key 'a', first in line 10",
    }


def test_aliases_and_merges_work(load):
    config = load(
        "monitor: m\nreference: &r {path: a.csv, options: {header: true}, where: x > 0}\n"
        "current: {<<: *r, path: b.csv}\noutput: {path: o}\n"
    )
    assert config.current.path[0].endswith("/b.csv")
    assert config.current.options == {"header": "true"}
    assert config.current.where == "x > 0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: !!python/object/apply:os.system ['true']", "x:1: could not determine a constructor"),
        ("a: !!timestamp 2020-01-01", "x:1: could not determine a constructor"),
        ("a: !!binary aGk=", "x:1: could not determine a constructor"),
        ("a: !mine 1", "x:1: could not determine a constructor"),
        ("b: 1\na: !!int word", "x:2: expected a number, got 'word'"),
        ("a: !!bool yes", "x:1: expected true or false, got 'yes'"),
        ("a: !!int [1]", "x:1: expected a scalar node"),
        (f"a: {'9' * 5000}", "x:1: expected a number, got '9999"),
        ("[a]: 1", "x:1: expected a plain key, got a list or a mapping"),
        ("a: &a [*a]", "x: its aliases expand to more than 1,000,000 values"),
    ],
)
def test_what_builds_objects_or_never_ends_is_refused(text, expected):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, source="x")
    assert str(caught.value).startswith(expected)


def test_aliases_of_aliases_are_refused_before_they_explode():
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
    )
    with pytest.raises(ConfigError, match="aliases expand to more than"):
        parse_yaml(text, source="x")


def test_text_takes_the_environment(load, monkeypatch):
    monkeypatch.setenv("LAKE", "s3://lake")
    monkeypatch.setenv("A_1", "x: [")
    config = load(
        "monitor: m\nreference: {path: ['${LAKE}/a', '${LAKE}/b']}\n"
        'current: {path: "${LAKE}/${A_1}", where: "c rlike \'^$${x}$\'", options: {k: "${LAKE}"}}\n'
        "output: {path: '$LAKE/o'}\n"
    )
    assert config.reference.path == ("s3://lake/a", "s3://lake/b")
    assert config.current.path == ("s3://lake/x: [",)
    assert config.current.where == "c rlike '^${x}$'"
    assert config.current.options == {"k": "s3://lake"}
    assert config.output.path.endswith("/$LAKE/o")


def test_a_mapping_takes_the_environment_too(monkeypatch):
    monkeypatch.setenv("LAKE", "s3://lake")
    mapping = {**MINIMAL, "output": {"path": "${LAKE}/o"}}
    assert config_from_mapping(mapping).output.path == "s3://lake/o"


def test_what_the_environment_holds_is_always_text(load, monkeypatch):
    monkeypatch.setenv("BINS", "5")
    with pytest.raises(ConfigError, match=r"bins: expected a whole number, got '\${BINS}'"):
        load(TEXT + "scoring: {bins: '${BINS}'}\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${KLDRIFT_NONE}", "the environment variable KLDRIFT_NONE is not set"),
        ("${}", "expected ${NAME} of an environment variable; $${ stands for a plain ${"),
        ("a${b-c}", "expected ${NAME} of an environment variable; $${ stands for a plain ${"),
    ],
)
def test_a_variable_that_is_not_set_is_an_error(load, text, expected):
    with pytest.raises(ConfigError) as caught:
        load(TEXT + f"features:\n  exclude: [a, '{text}']\n")
    assert str(caught.value).endswith(f"m.yaml: features.exclude[1]: {expected}")


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("scan=arrow", ("scan",), "arrow"),
        ("a.b.c=1", ("a", "b", "c"), 1),
        ("a=x=y", ("a",), "x=y"),
        ("a=", ("a",), None),
        ("a={b: [1, no]}", ("a",), {"b": [1, "no"]}),
        ('f."a.b"."c=d"."e\\"f"=1', ("f", "a.b", "c=d", 'e"f'), 1),
        ('"größe".x=1', ("größe", "x"), 1),
    ],
)
def test_an_override_is_a_key_path_and_yaml(override, path, value):
    assert read_override(override) == (path, value)


@pytest.mark.parametrize(
    "path", [("a", "b"), ("a.b", 'c"d'), ("x y", "z=", "[0]"), ("größe",), ("back\\slash",)]
)
def test_a_key_path_in_an_error_can_be_given_to_set(path):
    assert read_override(f"{spell(path)}=1") == (path, 1)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("scoring.bins", "--set scoring.bins: expected key.path=value, such as scoring.bins=40"),
        ("=1", "--set =1: expected key.path=value"),
        ("a..b=1", "--set a..b=1: expected key.path=value"),
        ("a.=1", "--set a.=1: expected key.path=value"),
        ('"a=1', '--set "a=1: expected key.path=value'),
        ("a b=1", "--set a b=1: expected key.path=value"),
        ('"\\q"=1', '--set: the quoted key "\\q" cannot be read'),
        ("a=[1", "--set a=[1:1: expected ',' or ']'"),
        ("monitor.x=1", "--set monitor.x=1: monitor is 'trips' and has no keys; set monitor as"),
        (
            "scoring.bin=1",
            "--set scoring.bin=1: scoring.bin: unknown key; did you mean 'bins'?",
        ),
        (
            "scoring={bin: 1}",
            "--set scoring={bin: 1}: scoring.bin: unknown key; did you mean 'bins'?",
        ),
    ],
)
def test_a_wrong_override_is_named_and_not_the_file(load, override, expected):
    with pytest.raises(ConfigError) as caught:
        load(TEXT, override)
    assert str(caught.value).startswith(expected)


def test_overrides_replace_values_and_the_last_one_wins(load):
    config = load(
        TEXT + "scoring: {bins: 5, min_rows: 9}\n",
        "scoring.bins=6",
        "scoring.bins=7",
        'features.override."a.b".kind=categorical',
        "output.path=other",
    )
    assert (config.scoring.bins, config.scoring.min_rows) == (7, 9)
    assert config.features.override == {"a.b": Override(kind="categorical")}
    assert config.output.path.endswith("/other")


def test_setting_one_default_threshold_keeps_the_other(load):
    js = {"js": Threshold(0.01, 0.02)}
    assert load(TEXT, "thresholds.js.warning=0.01").thresholds == DEFAULT_THRESHOLDS | js
    kl = {"kl": Threshold(0.2, None)}
    assert load(TEXT, "thresholds.kl.warning=0.2").thresholds == DEFAULT_THRESHOLDS | kl
    assert load(TEXT, "thresholds={js: {warning: 1}}").thresholds == {"js": Threshold(1.0, None)}


def test_an_override_of_one_alias_leaves_the_other_as_it_is(load):
    text = "monitor: m\nreference: &r {path: a}\ncurrent: *r\noutput: {path: o}\n"
    config = load(text, "current.path=b")
    assert config.reference.path[0].endswith("/a")
    assert config.current.path[0].endswith("/b")


def test_an_anchor_that_stands_for_two_values_is_refused():
    with pytest.raises(ConfigError, match="x:2: found duplicate anchor 'r'"):
        parse_yaml("a: &r 1\nb: &r 2\nc: *r", source="x")
    assert parse_yaml("a: &r 1\nb: *r\nc: *r", source="x") == {"a": 1, "b": 1, "c": 1}
