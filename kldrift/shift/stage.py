"""The one Spark job of a model shift: each row is read once, and a few numbers a group come back.

Tasks add their rows up by window and segment; grouped pandas UDFs merge what the tasks found and
turn it into the numbers of the tables.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa

from kldrift.execution.spark_stages import Collect
from kldrift.shift.list_counts import ListCounts
from kldrift.shift.program import PARTS_DDL, ShiftProgram, too_many_groups
from kldrift.shift.summary import Summaries
from kldrift.sources.dataset import Source

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FOUND_DDL: Final = "found binary"


def compare_models(
    spark: SparkSession, source: Source, program: ShiftProgram, collect: Collect
) -> tuple[Summaries, pa.Table, pa.Table]:
    """Compare two columns of every row in one scan: numbers, worst rows, pairs of classes."""
    parts = source.map_tasks(spark, program, PARTS_DDL)
    rows = collect(parts.groupBy("share").applyInPandas(merge_bucket, FOUND_DDL))
    results = [pickle.loads(row["found"]) for row in rows]
    if not results:
        nothing = next(program.start().parts())
        results = [(Summaries.without_rows(), nothing.worst_rows(), nothing.pairs.top())]
    each, worst, pairs = zip(*results, strict=True)
    summaries = Summaries.joined(each)
    if len(summaries) > program.most_groups:
        raise too_many_groups(program.most_groups)
    return summaries, pa.concat_tables(worst), pa.concat_tables(pairs)


def merge_bucket(parts: pd.DataFrame) -> pd.DataFrame:
    """Merge what tasks found of a share of the groups."""
    first, *others = (ListCounts.unpacked(payload) for payload in parts["part"])
    merged = sum(others, first)
    result = Summaries.of(merged), merged.worst_rows(), merged.pairs.top()
    return pd.DataFrame({"found": [pickle.dumps(result, 5)]})
