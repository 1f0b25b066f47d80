"""What a configuration means: defaults, paths, formats, thresholds, the hash."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from config_sample import minimal, placed

from kldrift.config import (
    METRICS,
    Alarms,
    Config,
    Dataset,
    Expectations,
    Features,
    Joint,
    Output,
    Override,
    Report,
    Scoring,
    Significance,
    Spark,
    Threshold,
    Time,
    config_from_mapping,
    load_config,
)
from kldrift.errors import ConfigError
from kldrift.features.feature import feature_named
from kldrift.features.pairs import Pair
from kldrift.monitor.judging import thresholds_of
from kldrift.scoring.metrics import DEFAULT_THRESHOLDS
from kldrift.tables.schema import DRIFT_SCORES

BASE = Path("/conf")


def read(mapping):
    return config_from_mapping(mapping, base=BASE)


def test_the_smallest_configuration_has_every_default():
    assert read(minimal()) == Config(
        monitor="trips",
        reference=Dataset(path=("/conf/ref.parquet",)),
        current=Dataset(path=("/conf/cur.parquet",)),
        features=Features(include=("*",), exclude=(), derived={}, override={}),
        scoring=Scoring(20, 128, 1000, 0.5, "cell", 2),
        thresholds=DEFAULT_THRESHOLDS,
        significance=Significance(0.01, "benjamini-hochberg"),
        output=Output("/conf/drift", "parquet"),
        expectations=Expectations("/conf/drift/gx", data_docs=True),
        spark=Spark(None, {}),
        scan="auto",
        source=None,
    )


def test_every_value_arrives_where_it_belongs():
    config = read(
        {
            "monitor": "m-1",
            "reference": {"table": "lake.trips", "options": {"a": True, "b": 1, "c": 1.5}},
            "current": {"path": ["a.csv", "b.csv"], "where": "x > 0", "schema": "x int"},
            "features": {
                "include": ["a*"],
                "exclude": ["ab"],
                "derived": {"d": "a + 1"},
                "override": {
                    "a": {"kind": "numeric", "keep": True},
                    "t": {"parts": ["hour", "whole"], "thresholds": {"js": {"critical": 1}}},
                },
            },
            "scoring": {
                "bins": 5,
                "stored_bins": 6.0,
                "max_categories": 7,
                "pseudocount": 0,
                "missing": "exclude",
                "min_rows": 8,
                "max_segments": 9,
            },
            "segments": [["a"], ["a", "t"]],
            "thresholds": {"ks": {"warning": 0.3}},
            "significance": {"alpha": 0.5, "correction": "none"},
            "output": {"path": "s3://lake/drift/"},
            "expectations": {"data_docs": False},
            "spark": {"master": "local[2]", "conf": {"spark.ui.enabled": False}},
            "scan": "arrow",
        }
    )
    assert config == Config(
        monitor="m-1",
        reference=Dataset(table="lake.trips", options={"a": "true", "b": "1", "c": "1.5"}),
        current=Dataset(
            path=("/conf/a.csv", "/conf/b.csv"), format="csv", where="x > 0", schema="x int"
        ),
        features=Features(
            ("a*",),
            ("ab",),
            {"d": "a + 1"},
            {
                "a": Override(kind="numeric", keep=True),
                "t": Override(parts=("hour", "whole"), thresholds={"js": Threshold(None, 1.0)}),
            },
        ),
        segments=(("a",), ("a", "t")),
        scoring=Scoring(5, 6, 7, 0.0, "exclude", 8, 9),
        thresholds={"ks": Threshold(0.3, None)},
        significance=Significance(0.5, "none"),
        output=Output("s3://lake/drift/"),
        expectations=Expectations("s3://lake/drift/gx", data_docs=False),
        spark=Spark("local[2]", {"spark.ui.enabled": "false"}),
        scan="arrow",
    )
    assert isinstance(config.scoring.stored_bins, int)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (False, None),
        (True, Expectations("/conf/drift/gx")),
        (None, Expectations("/conf/drift/gx")),
        ({}, Expectations("/conf/drift/gx")),
        ({"path": "gx"}, Expectations("/conf/gx")),
    ],
)
def test_expectations_are_on_unless_they_are_false(value, expected):
    assert read(minimal(expectations=value)).expectations == expected


@pytest.mark.parametrize("stated", [{}, {"expectations": None}, {"expectations": False}])
def test_beside_tables_in_an_object_store_there_are_no_expectations_unless_a_folder_is_stated(
    stated,
):
    asked = minimal(output={"path": "s3://lake/drift"}) | stated
    assert read(asked).expectations is None
    placed_apart = read(asked | {"expectations": {"path": "gx"}})
    assert placed_apart.expectations == Expectations("/conf/gx", data_docs=True)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.parquet", "/conf/a/b.parquet"),
        ("../b/*.parquet", "/b/*.parquet"),
        ("/abs/b", "/abs/b"),
        ("s3a://bucket/../b", "s3a://bucket/../b"),
        ("file:/x", "file:/x"),
        ("dbfs:/x", "dbfs:/x"),
        (Path("p"), "/conf/p"),
    ],
)
def test_relative_paths_are_relative_to_the_file_and_uris_stay(path, expected):
    assert read(minimal(reference={"path": path})).reference.path == (expected,)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.parquet", "parquet"),
        ("a.pq", "parquet"),
        ("a.csv", "csv"),
        ("A.CSV.GZ", "csv"),
        ("a/*.json", "json"),
        ("a.jsonl.zst", "json"),
        ("a.orc", "orc"),
        ("folder", "parquet"),
        ("s3://b/v1.2/x", "parquet"),
        (["a.csv", "b.csv.bz2"], "csv"),
    ],
)
def test_the_ending_of_a_path_decides_its_format(path, expected):
    assert read(minimal(current={"path": path})).current.format == expected


def test_a_stated_format_wins_over_the_ending():
    assert read(minimal(current={"path": "a.csv", "format": "text"})).current.format == "text"


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, {"sep": "\t"}), ({"sep": ";"}, {"sep": ";"}), ({"Delimiter": ";"}, {"Delimiter": ";"})],
    ids=["none stated", "sep stated", "delimiter stated"],
)
def test_tsv_files_are_separated_by_tabs_unless_an_option_says_otherwise(options, expected):
    dataset = read(minimal(current={"path": "a.tsv", "options": options})).current
    assert (dataset.format, dataset.options) == ("csv", expected)


def test_an_override_inherits_the_levels_that_it_does_not_state():
    config = read(
        minimal(
            thresholds={"kl": {"warning": 0.1, "critical": 0.25}, "js": {"warning": 0.2}},
            features={
                "override": {
                    "a": {"thresholds": {"kl": {"warning": 0.05}}},
                    "b": {"thresholds": {"kl": {"critical": None}, "ks": {"critical": 0.5}}},
                    "c": {"thresholds": {"kl": {"warning": None, "critical": None}}},
                }
            },
        )
    )

    def thresholds(name):
        return thresholds_of(Pair(feature_named(name, "numeric"), None), config)

    js = Threshold(0.2, None)
    assert thresholds("a") == {"kl": Threshold(0.05, 0.25), "js": js}
    assert thresholds("b") == {
        "kl": Threshold(0.1, None),
        "js": js,
        "ks": Threshold(None, 0.5),
    }
    assert thresholds("c") == {"kl": Threshold(None, None), "js": js}
    assert thresholds("other") == config.thresholds


def test_every_threshold_metric_is_a_column_of_the_scores():
    assert set(METRICS) <= set(DRIFT_SCORES.names)


HASHED = {
    "monitor": "other",
    "reference": Dataset(table="t"),
    "current": Dataset(table="t"),
    "features": Features(exclude=("x",)),
    "scoring": Scoring(bins=21),
    "thresholds": {"kl": Threshold(0.1, 0.26)},
    "significance": Significance(alpha=0.02),
    "joint": {"g": Joint(features=("a", "b"))},
    "segments": (("a",),),
    "time": Time("t", "1d"),
    "learned": True,
    "alarms": Alarms(),
}
NOT_HASHED = {
    "output": Output("/elsewhere"),
    "expectations": None,
    "report": Report("page.html"),
    "spark": Spark("local[1]"),
    "scan": "arrow",
    "source": Path("x.yaml"),
}


@pytest.mark.parametrize("key", HASHED)
def test_the_hash_changes_with_what_is_asked(key):
    config = read(minimal(time={"column": "t", "window": "1h"}))
    assert replace(config, **{key: HASHED[key]}).config_hash != config.config_hash


@pytest.mark.parametrize("key", NOT_HASHED)
def test_the_hash_does_not_change_with_how_and_where(key):
    config = read(minimal())
    changed = replace(config, **{key: NOT_HASHED[key]})
    assert changed != config
    assert changed.config_hash == config.config_hash


def test_every_key_is_known_to_be_hashed_or_not():
    assert {*HASHED, *NOT_HASHED} == set(Config.__dataclass_fields__)


def test_the_hash_is_the_same_in_every_version_of_kldrift():
    # A change here makes old and new rows of one monitor look like two questions: say so in the
    # changelog.
    assert read(minimal()).config_hash == "0aee856b918f8318"


def test_the_hash_does_not_depend_on_how_a_file_is_written(tmp_path):
    config = """
    monitor: trips
    reference: {path: ref.parquet}
    current: {path: cur.parquet}
    output: {path: drift}
    """
    stated = """
    output: {path: drift}
    scoring: {pseudocount: 5e-1, bins: 20}
    current: {format: parquet, path: [./cur.parquet]}
    reference: {path: [ref.parquet], where: }
    thresholds:
      js: {critical: 0.020, warning: 4e-3}
      value_share_change: {warning: 0.005, critical: 0.02}
      null_share_change: {warning: 0.005, critical: 0.02}
      null_share_ratio: {warning: 2.0}
      bin_share_change: {warning: 0.01, critical: 0.015}
      tail_share_rise: {warning: 0.003, critical: 0.02}
      wasserstein_std: {warning: 0.1, critical: 0.3}
    monitor: "trips"
    """
    hashes = set()
    for number, text in enumerate((config, stated)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        hashes.add(load_config(path).config_hash)
    assert len(hashes) == 1
    assert all(len(value) == 16 for value in hashes)


def test_a_configuration_built_in_python_is_checked_too():
    dataset = Dataset(path=("/x",))
    with pytest.raises(ConfigError, match=r"scoring\.bins: expected 2 or more, got 1") as caught:
        Config("..", dataset, Dataset(), Output("/o"), scoring=Scoring(bins=1))
    assert len(str(caught.value).splitlines()) == 3


def test_a_configuration_built_in_python_cannot_name_a_metric_that_is_none():
    dataset = Dataset(path=("/x",))
    with pytest.raises(ConfigError, match=r"thresholds\.kll: unknown metric; did you mean 'kl'"):
        Config("m", dataset, dataset, Output("/o"), thresholds={"kll": Threshold(1, 2)})


def test_relative_paths_of_a_loaded_file_are_relative_to_its_folder(tmp_path, monkeypatch):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "m.yaml").write_text(
        "monitor: m\nreference: {path: ../r}\ncurrent: {path: c}\noutput: {path: o}\n"
    )
    monkeypatch.chdir(tmp_path)
    config = load_config("conf/m.yaml")
    assert config.reference.path == (str(tmp_path / "r"),)
    assert config.output.path == str(tmp_path / "conf" / "o")
    assert config.source == Path("conf/m.yaml")


def test_values_of_a_mapping_are_not_changed_in_place():
    mapping = placed(("reference", "options"), {"a": 1})
    read(mapping)
    assert mapping == placed(("reference", "options"), {"a": 1})


def test_reading_a_configuration_imports_only_yaml():
    heavy = "numpy", "pandas", "pyarrow", "pyspark", "scipy", "great_expectations", "rich"
    code = f"import sys, kldrift.config; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_a_path_may_begin_at_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    mapping = {**minimal(), "output": {"path": "~/drift"}}
    assert config_from_mapping(mapping).output.path == str(tmp_path / "drift")


@pytest.mark.parametrize("name", ["timeFormat", "timestampLTZFormat", "mine"])
def test_an_option_that_newer_sparks_may_know_is_handed_to_spark(name):
    current = {"path": "b.csv", "options": {name: "HH:mm"}}
    assert read({**minimal(), "current": current}).current.options == {name: "HH:mm"}
