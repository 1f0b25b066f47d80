"""The one Spark job of a model shift: each row is read once, and one row a group comes back.

Tasks add their rows up by window and segment; grouped pandas UDFs merge what the tasks found and
turn it into the numbers of the tables.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Final

import pandas as pd

from kldrift.execution.spark_stages import Collect
from kldrift.shift.groups import Group
from kldrift.shift.program import MOST_GROUPS, SHIFTS_DDL, ShiftProgram, too_many_groups
from kldrift.shift.summary import Shift, Summary
from kldrift.sources.dataset import Source

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUMMARIES_DDL: Final = "window bigint, segment string, summary binary"


def compare_models(
    spark: SparkSession, source: Source, program: ShiftProgram, collect: Collect
) -> dict[Group, Summary]:
    """Compare two columns of every row, in one scan.

    Raises:
        DatasetError: there are more windows and segments than anyone reads.
    """
    shifts = source.map_tasks(spark, program, SHIFTS_DDL)
    rows = collect(shifts.groupBy("bucket").applyInPandas(merge_bucket, SUMMARIES_DDL))
    if len(rows) > MOST_GROUPS:
        raise too_many_groups()
    return {(row["window"], row["segment"]): pickle.loads(row["summary"]) for row in rows}


def merge_bucket(parts: pd.DataFrame) -> pd.DataFrame:
    """Merge the results of tasks for a share of the groups."""
    merged: dict[Group, Shift] = {}
    for window, segment, payload in zip(
        parts["window"], parts["segment"], parts["shift"], strict=True
    ):
        group, shift = (int(window), segment), pickle.loads(payload)
        merged[group] = merged[group] + shift if group in merged else shift
    found = [(*group, pickle.dumps(shift.summary(), 5)) for group, shift in merged.items()]
    frame = pd.DataFrame(found, columns=["window", "segment", "summary"])
    return frame.astype({"window": "int64", "segment": object})
