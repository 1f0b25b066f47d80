"""kldrift in this process, on Arrow tables."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
from stopwatch import clock

import kldrift
import kldrift.monitor.compare  # the package itself imports by name, when it is asked


def compare(reference: pa.Table, current: pa.Table) -> int:
    """The scores of all columns."""
    return int(kldrift.compare(reference, current).scores["kl"].notna().sum())


clock(pq.read_table, compare)
