"""Tables of both formats that are made and asked in the same way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from iceberg_sample import sql_catalog
from pyiceberg.transforms import IdentityTransform

from kldrift.config import config_from_mapping


def rows(n: int, shift: float = 0.0) -> pa.Table:
    columns = {"n": np.arange(n) % 7, "x": np.arange(n) % 50 + shift, "p": ["u", "v"] * (n // 2)}
    return pa.table(columns)


def delta(root: Path, *tables: pa.Table) -> dict[str, str]:
    for table in tables:
        write_deltalake(root, table, mode="append", partition_by=["p"])
    return {"path": str(root), "format": "delta"}


def iceberg(root: Path, *tables: pa.Table) -> dict[str, str]:
    root.mkdir(parents=True)
    catalog = sql_catalog("lake", uri=f"sqlite:///{root}/c.db", warehouse=f"file://{root}")
    catalog.create_namespace("ns")
    made = catalog.create_table("ns.t", schema=tables[0].schema)
    with made.update_spec() as update:
        update.add_field("p", IdentityTransform(), "part")
    for table in tables:
        made.append(table)
    return {"path": f"{root}/ns/t", "format": "iceberg"}


BOTH = pytest.mark.parametrize("make", [delta, iceberg], ids=["delta", "iceberg"])


def config(reference: dict[str, object], current: dict[str, object], output: Path):
    return config_from_mapping(
        {
            "monitor": "lake",
            "reference": reference,
            "current": current,
            "output": {"path": str(output)},
            "expectations": False,
        }
    )
