"""Errors on the way to a dataset say which side it is; faults of ours stay what they are."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import (
    AnalysisException,
    PySparkAttributeError,
    PySparkNotImplementedError,
)

from kldrift.config import Dataset
from kldrift.errors import ConfigError, DatasetError, first_line
from kldrift.sources import open as opening
from kldrift.sources.dataframe import load
from kldrift.sources.parquet.source import CORES_IF_UNKNOWN, parallelism


class OneOfManyError(ConfigError):
    """An error that is not made of its text."""

    def __init__(self, number, *, of):
        super().__init__(f"{of}: {number} mistakes")


class Session:
    """As much of a session as is asked how many tasks run at once."""

    def __init__(self, context, settings=()):
        self.conf = SimpleNamespace(get=dict(settings).get)
        self.context = context

    @property
    def sparkContext(self):
        if isinstance(self.context, Exception):
            raise self.context
        return self.context


def test_tasks_at_once_are_those_of_the_setting_or_of_the_context():
    context = SimpleNamespace(defaultParallelism=5)
    assert parallelism(Session(context)) == 5
    assert parallelism(Session(context, {"spark.default.parallelism": "7"})) == 7


@pytest.mark.parametrize("kind", [PySparkAttributeError, PySparkNotImplementedError])
def test_spark_connect_which_has_no_context_counts_as_sixteen_cores(kind):
    assert parallelism(Session(kind("no context"))) == CORES_IF_UNKNOWN == 16


def test_a_context_that_has_stopped_is_an_error_and_not_sixteen_cores():
    with pytest.raises(RuntimeError, match="stopped"):
        parallelism(Session(RuntimeError("SparkContext was stopped")))


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (OneOfManyError(2, of="x.yaml"), ConfigError),
        (ConfigError("version: expected a number"), ConfigError),
        (DatasetError("is damaged"), DatasetError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_an_error_of_a_dataset_says_which_side_it_is_whatever_its_constructor(
    monkeypatch, raised, kind
):
    def fail(*_):
        raise raised

    monkeypatch.setattr(opening, "_footers", fail)
    with pytest.raises(kind, match=f"^current: {raised}$"):
        opening.open_files(Dataset(path=("x.parquet",)), "current")


@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (
            AnalysisException("no such path"),
            DatasetError,
            "^current: Spark cannot read it: no such",
        ),
        (ConnectionError("no host"), DatasetError, "^current: Spark cannot read it: no host"),
        (TypeError("a fault of ours"), TypeError, "^a fault of ours$"),
    ],
    ids=["Spark's", "of the connection", "ours"],
)
def test_only_what_spark_raises_is_blamed_on_the_data(monkeypatch, raised, kind, message):
    def fail(*_):
        raise raised

    monkeypatch.setattr(load, "_load", fail)
    with pytest.raises(kind, match=message):
        load.read_frame(
            SimpleNamespace(), Dataset(path=("x.csv",), format="csv"), "current", "", None
        )


@pytest.mark.parametrize(
    ("dataset", "raised", "told"),
    [
        ({"table": "lake.x"}, "[TABLE_OR_VIEW_NOT_FOUND] No `x`.", r"^current.table: .* No `x`.$"),
        ({"sql": "select y"}, "[UNRESOLVED_COLUMN] No `y`.", r"^current.sql: .* No `y`.$"),
        (
            {"path": ("x",), "format": "paquet"},
            "[DATA_SOURCE_NOT_FOUND] Failed to find the data source: paquet.",
            r"^current.format: this Spark has no reader for paquet; did you mean 'parquet'\?$",
        ),
    ],
    ids=["table", "sql", "format"],
)
def test_what_spark_does_not_know_is_a_mistake_of_the_configuration(
    monkeypatch, dataset, raised, told
):
    def fail(*_):
        raise AnalysisException(raised)

    monkeypatch.setattr(load, "_load", fail)
    with pytest.raises(ConfigError, match=told):
        load.read_frame(SimpleNamespace(), Dataset(**dataset), "current", "", None)


@pytest.mark.parametrize("form", ["csv", "json", "orc"])
def test_a_file_of_another_format_is_told_before_it_is_read(tmp_path, form):
    pq.write_table(pa.table({"x": [1]}), tmp_path / "x")
    told = rf"^current.format: '{tmp_path}/x' is parquet, not {form}$"
    with pytest.raises(ConfigError, match=told):
        opening.open_source(
            SimpleNamespace(),
            Dataset((str(tmp_path),), format=form),
            {},
            way="auto",
            side="current",
        )


def test_files_that_spark_does_not_read_together_are_named_with_the_column(monkeypatch, tmp_path):
    """As Spark 3.5 fails over files of int32 and int64, naming neither."""

    def fail(*_):
        raise AnalysisException("Job aborted: [CANNOT_MERGE_SCHEMAS] Failed merging schemas:\n a b")

    for i, kind in enumerate((pa.int32(), pa.int64())):
        rows = pa.table({"y": [1.5], "x": pa.array([1], kind)})
        pq.write_table(rows, tmp_path / f"{i}.parquet")
    monkeypatch.setattr(load, "_load", fail)
    told = r"^current: the column 'x' is int32 in '.*/0.parquet' and int64 in '.*/1.parquet', which"
    with pytest.raises(DatasetError, match=told):
        load.read_frame(
            SimpleNamespace(), Dataset(path=(str(tmp_path),), format="parquet"), "current", "", None
        )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "ValueError"),
        ("\n \n one \n two", "one"),
        (
            "An error occurred while calling o1.load.\n: org.x.BadException: Illegal type\n\tat a",
            "Illegal type",
        ),
        ("[A_B] No `x`. SQLSTATE: 42703; line 1 pos 0;\n'Project", "[A_B] No `x`."),
        ("x" * 700, "x" * 600 + " ..."),
    ],
    ids=["empty", "lines", "Java", "Spark", "long"],
)
def test_the_first_line_of_an_error_says_something(text, line):
    assert first_line(ValueError(text)) == line
