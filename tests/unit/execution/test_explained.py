"""Whose fault an error is, and what is said of those that come out of Spark."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pyarrow as pa
import pytest

from kldrift.config import Dataset
from kldrift.errors import DatasetError
from kldrift.execution.engine import error_line, errors_of_reading
from kldrift.sources.dataframe.frame import FrameSource
from kldrift.sources.open import open_source

IN_A_TASK = """An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "kldrift/sources/parquet/reader.py", line 90, in read
    raise DatasetError(text)
{}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (IN_A_TASK.format("kldrift.errors.DatasetError: a.pq: cut: short"), "a.pq: cut: short"),
        (IN_A_TASK.format("kldrift.errors.DatasetError"), "DatasetError"),
        (IN_A_TASK.format("kldrift.errors.DatasetError: "), "DatasetError"),
        (IN_A_TASK.format("KeyError: 'x'"), "Spark failed: KeyError: 'x'"),
        ("\n  Job aborted.\n\tat org.apache", "Spark failed: Job aborted."),
        ("", "Spark failed: RuntimeError"),
        (
            "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:///a.b/x.parquet."
            "  SQLSTATE: KD001\n\tat x\nCaused by: java.io.IOException: totalValueCount == 0",
            "cannot read 'file:///a.b/x.parquet': java.io.IOException: totalValueCount == 0",
        ),
    ],
    ids=["own", "own without text", "own with an empty text", "Python", "Spark", "none", "a file"],
)
def test_an_error_of_a_task_is_one_line(text, expected):
    assert error_line(RuntimeError(text)) == expected


def test_a_mistake_in_the_program_is_not_called_a_dataset_that_spark_cannot_read():
    no_session = object()
    with pytest.raises(AttributeError, match="sql"):
        open_source(no_session, Dataset(sql="select 1"), {}, way="auto", side="reference")


@pytest.mark.parametrize(
    "text",
    [
        "Job aborted.\nCaused by: java.net.SocketException: Broken pipe",
        "Job aborted.\nCaused by: java.net.SocketException: Connection reset by peer",
        "org.apache.spark.SparkException: Python worker exited unexpectedly (crashed)\n"
        "Caused by: java.io.EOFException",
    ],
    ids=["broken pipe", "connection reset", "crashed"],
)
def test_a_python_worker_that_was_killed_is_named_and_not_the_pipe_it_left(text):
    said = error_line(RuntimeError(text))
    assert said.startswith("a Python worker was killed, most likely out of memory: ")
    assert "spark.executor.memoryOverhead" in said
    assert "\n" not in said


def test_an_error_of_python_behind_a_broken_pipe_stays_the_error():
    text = "KeyError: 'x'\nCaused by: java.net.SocketException: Broken pipe"
    assert error_line(RuntimeError(text)) == "Spark failed: KeyError: 'x'"


@pytest.mark.parametrize(
    "text",
    [
        "Job aborted: org.apache.spark.SparkException: Encountered error while reading file "
        "file:///d/a.parquet. Details:\nCaused by: java.io.IOException: totalValueCount == 0",
        "[FAILED_READ_FILE.NO_HINT] Encountered error while reading file file:///d/a.parquet. \n"
        "Caused by: java.io.IOException: totalValueCount == 0",
    ],
    ids=["Spark 3.5", "Spark 4"],
)
def test_a_damaged_file_is_named(text):
    said = error_line(RuntimeError(text))
    assert said == ("cannot read 'file:///d/a.parquet': java.io.IOException: totalValueCount == 0")


@pytest.mark.parametrize(
    "text",
    [
        "Job aborted.\nCaused by: java.io.FileNotFoundException: File file:/d/a b.parquet does not "
        "exist\nIt is possible the underlying files have been updated.",
        "[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file "
        "file:/d/a b.parquet. File does not exist.",
    ],
    ids=["Spark 3.5", "Spark 4"],
)
def test_a_file_that_went_away_while_it_was_read_is_named(text):
    said = error_line(RuntimeError(text))
    assert said == (
        "file:/d/a b.parquet was removed or replaced while it was read; "
        "run again when nothing writes to the dataset"
    )


@pytest.mark.parametrize("module", ["pyarrow", "kldrift"])
def test_a_python_of_the_workers_that_lacks_a_package_is_named_with_what_to_set(module):
    """A session that somebody else started runs whichever python is on the path."""
    text = f"Traceback\nModuleNotFoundError: No module named '{module}.lib'\n\n\tat org.apache"
    said = error_line(RuntimeError(text))
    assert said.startswith(f"the Python that Spark starts for its tasks has no {module}: ")
    assert "PYSPARK_PYTHON" in said
    assert sys.executable in said


class OfSparkError(Exception):
    """As one of Spark's own."""

    __module__ = "pyspark.errors"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Job aborted.\nCaused by: x not found {", "x not found {; it read 'a', 'b' and 1 more"),
        ("Encountered error while reading file a. Details:\nCaused by: x", "cannot read 'a': x"),
    ],
    ids=["without a file", "with one"],
)
def test_an_error_of_spark_s_readers_names_files(text, told):
    none = pa.schema([])
    frame = SimpleNamespace(inputFiles=lambda: ["a", "b", "c"])
    with (
        pytest.raises(DatasetError) as caught,
        errors_of_reading(FrameSource(frame, none, none, (), "")),
    ):
        raise OfSparkError(text)
    assert str(caught.value).endswith(told)
