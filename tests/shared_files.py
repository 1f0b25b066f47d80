"""Small files that other projects use to test their readers, and what is right of each.

Why it is right stands in SOURCES.md beside them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kldrift.config import Dataset

FILES = Path(__file__).parents[2] / "shared" / "files"
NEEDED = pytest.mark.skipif(
    not FILES.is_dir(), reason=f"the files of other projects are not there: no folder {FILES}"
)
TABLES = "iceberg/data/persistent"
ROWS: dict[str, int | str] = {
    "parquet/delta_byte_array.parquet": 1000,
    "parquet/delta_length_byte_array.parquet": 1000,
    "parquet/spark-store.parquet": 12,
    "parquet/encrypt_columns_plaintext_footer.parquet.encrypted": "has encrypted columns",
    "parquet/bug13053-2.parquet": 3,
    "parquet/ci-column-names": 2,
    "damaged/ARROW-GH-41317.parquet": "columns do not have the same size",
    "damaged/parquet_column_num_values_mismatch.parquet": "a column ends after 0 of 8 rows",
    f"{TABLES}/hive_partitioned_table": 6,
    f"{TABLES}/iceberg_v1_deprecated/default/legacy_v1": "has no manifest list",
    "delta/table-with-dv-small": 8,
    "text/quoted_newline.csv": 1,
    "text/csv_quoted_newline_odd.csv": "1 row does not fit the columns",
    "text/anscombe.json": 44,
}
"""The rows of each dataset, or why it is refused."""


def dataset(name: str, **more: str) -> Dataset:
    """A dataset of the shared files; the paths in an Iceberg table are relative to ``iceberg/``."""
    kind = name.split("/", maxsplit=1)[0]
    form = {"text": Path(name).suffix[1:], "damaged": "parquet"}.get(kind, kind)
    return Dataset(path=(str(FILES / name),), format=form, **more)
