"""Whose fault an error is, and what is said of those that come out of Spark."""

from __future__ import annotations

import pytest

from kldrift.config import Dataset
from kldrift.execution.engine import explained
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
    ],
    ids=["own", "own without text", "own with an empty text", "of Python", "of Spark", "no text"],
)
def test_an_error_of_a_task_is_one_line(text, expected):
    assert explained(RuntimeError(text)) == expected


def test_a_mistake_in_the_program_is_not_called_a_dataset_that_spark_cannot_read():
    no_session = object()
    with pytest.raises(AttributeError, match="sql"):
        open_source(no_session, Dataset(sql="select 1"), {}, way="auto", side="reference")
