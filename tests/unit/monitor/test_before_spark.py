"""What is wrong with places and names is told at once, and before Spark starts where it can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deltalake
import iceberg_sample
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldrift import compare, model_shift
from kldrift.config import Condition, Features, Override, Time, config_from_mapping
from kldrift.errors import ConfigError, DatasetError
from kldrift.monitor import run as job
from kldrift.monitor.due import Due
from kldrift.monitor.inputs import with_times
from kldrift.tables import Window


@pytest.fixture(autouse=True)
def _no_spark(monkeypatch):
    def refuse(*_):
        raise AssertionError("Spark was started")

    monkeypatch.setattr("kldrift.execution.session.session_in_use", refuse)


def config(tmp_path, reference="ref.parquet", current="cur.parquet", output="drift"):
    mapping = {
        "monitor": "m",
        "reference": {"path": reference},
        "current": {"path": current},
        "output": {"path": output},
    }
    return config_from_mapping(mapping, base=tmp_path)


def test_all_missing_files_are_named_before_spark_starts(tmp_path):
    for call in (job.check, job.run):
        with pytest.raises(ConfigError) as caught:
            call(config(tmp_path))
        assert isinstance(caught.value, DatasetError)
        first, second = str(caught.value).split("\n")
        assert first.startswith(f"reference.path: '{tmp_path}/ref.parquet': no such file or folder")
        assert second.startswith(f"current.path: '{tmp_path}/cur.parquet': no such file or folder")


def test_a_file_of_a_day_that_is_missing_says_which_time_was_asked_for(tmp_path):
    (tmp_path / "ref.parquet").touch()
    asked = config(tmp_path, current="{as_of:%Y-%m-%d}.parquet")
    with pytest.raises(ConfigError, match=r"2024-01-02\.parquet': no such .*which --as-of names"):
        job.run(asked, as_of=datetime(2024, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("data/{{ ds }}", "the day of a run is written {as_of:%Y-%m-%d}"),
        ("data/$(date +%F)", "the day of a run is written {as_of:%Y-%m-%d}"),
        ("data/YYYY-MM-DD/*.parquet", "the day of a run is written {as_of:%Y-%m-%d}"),
        (r"data\2024\x.parquet", "write / and not \\"),
        ("data/x", "check the path in the configuration"),
    ],
)
def test_a_path_as_others_write_them_says_how_it_is_written(tmp_path, path, advice):
    (tmp_path / "ref.parquet").touch()
    with pytest.raises(ConfigError) as caught:
        job.run(config(tmp_path, current=path))
    assert str(caught.value).endswith(f": no such file or folder; {advice}")


def test_an_empty_folder_is_told_before_spark_starts(tmp_path):
    (tmp_path / "ref.parquet").touch()
    (tmp_path / "days").mkdir()
    with pytest.raises(ConfigError, match=r"^current.path: '.*/days' holds no files; check"):
        job.run(config(tmp_path, current="days"))


def test_an_earlier_day_without_a_file_does_not_keep_the_next_from_being_run(tmp_path):
    for day in (1, 3):
        (tmp_path / f"2024-01-0{day}.parquet").touch()
    asked = replace(
        config(tmp_path, current="{as_of:%Y-%m-%d}.parquet"), time=Time("at", window="1d")
    )
    starts = [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    windows = tuple(Window(day, day + timedelta(days=1)) for day in starts)
    read, _ = with_times(asked, None, Due(windows))
    assert [path[-13:-8] for path in read.current.path] == ["01-01", "01-03"]
    read, _ = with_times(asked, None, Due(windows[:2]))  # that which is due is told of
    assert [path[-13:-8] for path in read.current.path] == ["01-01", "01-02"]


@pytest.mark.parametrize("path", [".", "../*", "../**", "[l]ake"])
def test_an_output_below_a_folder_that_is_read_is_refused(tmp_path, path):
    base = tmp_path / "lake"
    base.mkdir()
    for call in (job.check, job.run):
        asked = config(base, current=path.replace("[l]ake", "../[l]ake"))
        with pytest.raises(ConfigError, match=r"output\.path: .* which current\.path reads") as e:
            call(asked)
        assert "expectations.path" in str(e.value)
    assert not (base / "drift").exists()


@pytest.mark.parametrize("output", ["../lake/drift", "../link/drift", "file://{}/drift"])
def test_an_output_below_a_folder_that_is_read_is_refused_however_it_is_spelt(tmp_path, output):
    base = tmp_path / "lake"
    base.mkdir()
    (tmp_path / "link").symlink_to(base)
    places = (".", "../link", f"file://{base}/")
    for place in places:
        with pytest.raises(ConfigError, match=r"output\.path: .* which current\.path reads"):
            job.check(config(base, current=place, output=output.format(base)))


def test_an_output_beside_the_files_that_are_read_is_fine(tmp_path):
    (tmp_path / "a.parquet").touch()
    for path in ("*.parquet", "a.parquet"):
        with pytest.raises(AssertionError, match="Spark was started"):
            job.check(config(tmp_path, path, path))
    with pytest.raises(AssertionError, match="Spark was started"):
        job.check(config(tmp_path, ".", ".", "_drift"))  # such folders are not read


def test_all_names_that_are_misspelt_are_told_at_once():
    frame = pd.DataFrame({"age": [1, 2, 3], "fare": [1.0, 2, 3], "city": ["a", "b", "c"]})
    with pytest.raises(ConfigError) as caught:
        compare(
            frame,
            frame,
            include=["agee", "fare"],
            override={"fares": {"keep": True}},
            joint={"j": ["agee", "fares"], "k": ["citi", "fare"]},
            segments=[["citi"], ["city", "ages"]],
        )
    lines = str(caught.value).split("\n")
    for words in (
        "features.include: no column or feature is called 'agee'; did you mean 'age'?",
        "features.override: no column or feature is called 'fares'; did you mean 'fare'?",
        "joint.j.features: no feature is called 'agee'",
        "joint.j.features: no feature is called 'fares'; did you mean 'fare'?",
        "joint.k.features: no feature is called 'citi'",
        "segments[0][0]: the reference has no column 'citi'; did you mean 'city'?",
        "segments[1][1]: the reference has no column 'ages'; did you mean 'age'?",
    ):
        assert any(line.startswith(words) for line in lines), words
    assert len(lines) == 7


def test_names_that_no_parquet_file_has_are_told_before_spark_starts(tmp_path):
    pq.write_table(pa.table({"age": [1, 2], "city": ["a", "b"]}), tmp_path / "ref.parquet")
    (tmp_path / "days").mkdir()
    for day, names in enumerate((["age"], ["age", "city"])):
        table = pa.table({"age": [1, 2], "city": ["a", "b"]}).select(names)
        pq.write_table(table, tmp_path / "days" / f"{day}.parquet")
    right = replace(config(tmp_path, current="days"), segments=(("city",),))
    wrong = replace(right, segments=(("citi",),), features=Features(include=("agee",)))
    for call in (job.check, job.run):
        with pytest.raises(ConfigError) as caught:
            call(wrong)
        assert [line.split(":")[0] for line in str(caught.value).split("\n")] == [
            "features.include",
            "segments[0][0]",
        ]
        with pytest.raises(AssertionError, match="Spark was started"):
            call(right)


def test_names_are_told_before_spark_starts_beside_those_that_it_computes(tmp_path):
    pq.write_table(pa.table({"age": [1, 2], "city": ["a", "b"]}), tmp_path / "x.parquet")
    features = Features(
        derived={"at": "timestamp_seconds(age)"}, override={"at": Override(parts=("hour",))}
    )
    right = replace(
        config(tmp_path, "x.parquet", "x.parquet"),
        features=features,
        segments=(("city",), Condition("old", "age > 50")),
    )
    wrong = replace(right, segments=(("citi",), ("at",)), time=Time("aged", window="1d"))
    for call in (job.check, job.run):
        with pytest.raises(ConfigError) as caught:
            call(wrong, as_of=datetime(2024, 1, 2, tzinfo=UTC))
        assert str(caught.value).split("\n") == [
            "segments[0][0]: the reference has no column 'citi'; did you mean 'city'?",
            "time.column: the data has no column 'aged'; did you mean 'age'?",
        ]
        with pytest.raises(AssertionError, match="Spark was started"):
            call(right)


def test_names_that_the_file_of_two_models_has_not_are_told_before_spark_starts(tmp_path):
    pq.write_table(pa.table({"a": [[0.5, 0.5]], "b": [[0.4, 0.6]]}), tmp_path / "both.parquet")
    asked = {
        "monitor": "m",
        "data": {"path": str(tmp_path / "both.parquet")},
        "champion": "a",
        "output": {"path": str(tmp_path / "drift")},
    }
    with pytest.raises(ConfigError, match="'c'"):
        model_shift(asked | {"challenger": "c"})
    with pytest.raises(AssertionError, match="Spark was started"):
        model_shift(asked | {"challenger": "b"})


def written_as(form: str, folder: Path) -> dict[str, str]:
    """A small table on disk, as a dataset of a configuration."""
    table = pa.table({"age": [1, 2], "city": ["a", "b"]})
    folder.mkdir()
    if form == "delta":
        deltalake.write_deltalake(str(folder), table)
    elif form == "iceberg":
        path = iceberg_sample.make(iceberg_sample.open_catalog(folder), table).metadata_location
        return {"path": path, "format": form}
    elif form == "csv":
        (folder / "0.csv").write_text("age\n1\n")
        (folder / "1.csv").write_text("city,age\nb,2\n")
    else:
        pq.write_table(table, folder / "0.parquet")
    return {"path": str(folder), "format": form}


@pytest.mark.parametrize("form", ["csv", "delta", "iceberg", "parquet"])
@pytest.mark.parametrize("other", ["csv", "parquet"])
@pytest.mark.parametrize("way", ["auto", "dataframe"])
def test_misspelt_names_are_told_before_spark_starts_whatever_the_format(
    tmp_path, form, other, way
):
    right = {
        "monitor": "m",
        "reference": written_as(form, tmp_path / "reference"),
        "current": written_as(other, tmp_path / "current"),
        "segments": [["city"]],
        "joint": {"j": {"features": ["age", "n"]}},
        "features": {"override": {"age": {"kind": "numeric"}}, "derived": {"n": "age + 1"}},
        "scan": way,
        "output": {"path": str(tmp_path / "drift")},
    }
    wrong = right | {
        "segments": [["citi"]],
        "features": {"include": ["agee"], "override": {"aged": {"keep": True}}},
        "joint": {"j": {"features": ["age", "agees"]}},
    }
    for call in (job.check, job.run):
        with pytest.raises(ConfigError) as caught:
            call(config_from_mapping(wrong))
        keys = [line.split(":")[0] for line in str(caught.value).split("\n")]
        assert keys[:2] == ["features.include", "features.override"]
        assert {"joint.j.features", "segments[0][0]"} <= set(keys)
        with pytest.raises(AssertionError, match="Spark was started"):
            call(config_from_mapping(right))


@pytest.mark.parametrize(
    ("header", "options"),
    [
        ('"a\nb",age', {}),
        ("age", {"header": "false"}),
        (" age", {"ignoreLeadingWhiteSpace": "true"}),
        ("'age'", {"quote": "'"}),
        ("a::age", {"sep": "::"}),
        ("AGE", {"schema": "age bigint"}),
    ],
    ids=["over lines", "none", "spaces", "other quotes", "long separator", "other letters"],
)
def test_names_in_a_header_that_spark_reads_otherwise_are_left_to_it(tmp_path, header, options):
    (tmp_path / "x.csv").write_text(f"{header}\n1,2\n")
    options = dict(options)
    data = {"path": str(tmp_path / "x.csv"), "format": "csv"}
    data |= {"schema": options.pop("schema")} if "schema" in options else {}
    asked = {
        "monitor": "m",
        "reference": data | {"options": options},
        "current": data | {"options": options},
        "features": {"include": ["age"]},
        "output": {"path": str(tmp_path / "drift")},
    }
    with pytest.raises(AssertionError, match="Spark was started"):
        job.check(config_from_mapping(asked))
