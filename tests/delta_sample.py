"""Delta tables: rows for them, and logs written by hand, as deltalake reads but does not write."""

from __future__ import annotations

import datetime as dt
import json
import struct
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.config import config_from_mapping

Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data: bytes) -> str:
    """ZeroMQ's base 85 (RFC 32), as deletion vectors within the log are written."""
    data += bytes(-len(data) % 4)
    words = [int.from_bytes(data[i : i + 4], "big") for i in range(0, len(data), 4)]
    return "".join(Z85[word // 85**k % 85] for word in words for k in (4, 3, 2, 1, 0))


def deletion_vector(positions: Sequence[int]) -> dict[str, object]:
    """A deletion vector of positions below 65,536: one array container of a roaring bitmap.

    https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-format
    """
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(positions) - 1, 16)
    bitmap += struct.pack(f"<{len(positions)}H", *positions)
    data = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    return {
        "storageType": "i",
        "pathOrInlineDv": z85(data),
        "sizeInBytes": len(data),
        "cardinality": len(positions),
    }


def write_log(
    root: Path,
    fields: Sequence[tuple[str, object]],
    adds: Sequence[dict[str, object]],
    *,
    partitions: Sequence[str] = (),
    mapping: str = "none",
    features: Sequence[str] = (),
) -> Path:
    """Write version 0 of a table: columns and types, and the files that are part of it.

    With column mapping, column number i, from 1 on, is called ``col-i`` in the files.
    """
    described = [
        {
            "name": name,
            "type": kind,
            "nullable": True,
            "metadata": {}
            if mapping == "none"
            else {"delta.columnMapping.id": i, "delta.columnMapping.physicalName": f"col-{i}"},
        }
        for i, (name, kind) in enumerate(fields, 1)
    ]
    configuration = {} if mapping == "none" else {"delta.columnMapping.mode": mapping}
    protocol = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": list(features),
        "writerFeatures": list(features),
    }
    table = {
        "id": "by-hand",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps({"type": "struct", "fields": described}),
        "partitionColumns": list(partitions),
        "createdTime": 0,
        "configuration": configuration,
    }
    actions = [{"protocol": protocol}, {"metaData": table}, *({"add": add} for add in adds)]
    log = root / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{0:020}.json").write_text("\n".join(json.dumps(action) for action in actions))
    return root


def add(root: Path, name: str, table: pa.Table, **more: object) -> dict[str, object]:
    """Write a data file and give the action that adds it to the table."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=4)
    return {
        "path": name.replace("%", "%25").replace(" ", "%20"),
        "partitionValues": {},
        "size": path.stat().st_size,
        "modificationTime": 0,
        "dataChange": True,
        "stats": json.dumps({"numRecords": table.num_rows}),
        **more,
    }


DAYS = [dt.date(2024, 1, 1), dt.date(2024, 1, 2), None]


def rows(n: int, shift: float = 0.0) -> pa.Table:
    return pa.table(
        {
            "n": pa.array([i % 7 for i in range(n)], pa.int64()),
            "x": [i % 11 + shift for i in range(n)],
            "s": [None if i % 13 == 0 else "abc"[i % 3] for i in range(n)],
            "day": pa.array([DAYS[i % 3] for i in range(n)]),
            "place": [["a b", "c=d", "e/f%20"][i % 3] for i in range(n)],
        }
    )


def config(left: Path | str, right: Path | str, output: Path, **more):
    mapping = {
        "monitor": "lake",
        "reference": {"path": str(left)},
        "current": {"path": str(right)},
        "features": {"override": {"day": {"parts": ["weekday"]}}},
        "output": {"path": str(output)},
        "expectations": False,
    }
    return config_from_mapping(mapping | more)
