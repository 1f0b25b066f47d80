"""The one Spark job of a model shift: each row is read once, and a few numbers a group come back.

Tasks add their rows up by window and segment; grouped pandas UDFs merge what the tasks found and
turn it into the numbers of the tables.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Final

import pandas as pd

from kldrift.execution.spark_stages import Collect
from kldrift.shift.part import Part
from kldrift.shift.program import PARTS_DDL, ShiftProgram, too_many_groups
from kldrift.shift.summary import Summaries
from kldrift.sources.dataset import Source

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUMMARIES_DDL: Final = "summaries binary"


def compare_models(
    spark: SparkSession, source: Source, program: ShiftProgram, collect: Collect
) -> Summaries:
    """Compare two columns of every row, in one scan.

    Raises:
        DatasetError: there are more windows and segments than anyone reads.
    """
    parts = source.through(spark, program, PARTS_DDL)
    rows = collect(parts.groupBy("bucket").applyInPandas(merge_bucket, SUMMARIES_DDL))
    if not rows:
        return Summaries.without_rows()
    found = Summaries.joined([pickle.loads(row["summaries"]) for row in rows])
    if len(found) > program.most_groups:
        raise too_many_groups(program.most_groups)
    return found


def merge_bucket(parts: pd.DataFrame) -> pd.DataFrame:
    """Merge what tasks found of a share of the groups."""
    first, *others = (Part.unpacked(payload) for payload in parts["part"])
    found = Summaries.of(sum(others, first))
    return pd.DataFrame({"summaries": [pickle.dumps(found, 5)]})
