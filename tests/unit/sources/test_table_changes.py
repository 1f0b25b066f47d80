"""What a table gained since a version: its added files, or why that cannot be told."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from iceberg_sample import delete_positions, make, open_catalog
from iceberg_sample import rows as ice_rows
from source_values import values_of

from kldrift.config import config_from_mapping
from kldrift.errors import ConfigError, DatasetError, OnlyAsWholeError
from kldrift.sources.open import open_files
from kldrift.sources.parquet.source import ArrowSource


def numbers(path: object, kind: str, **options: object) -> list[int]:
    mapping = {
        "monitor": "test",
        "reference": {"path": str(path), "format": kind, "options": options},
        "current": {"path": str(path), "format": kind},
        "output": {"path": "unused"},
    }
    source = open_files(config_from_mapping(mapping).reference, "reference")
    assert isinstance(source, ArrowSource), source
    return sorted(values_of(source)["n"]) if source.footers.pieces else []


def some(*values: int) -> pa.Table:
    return pa.table({"n": pa.array(values, pa.int64())})


def test_a_delta_table_gives_the_rows_of_later_versions_also_after_compaction(tmp_path):
    for value in range(4):
        write_deltalake(tmp_path, some(value, 10 + value), mode="append")
    assert numbers(tmp_path, "delta", startingVersion=2) == [2, 3, 12, 13]
    assert numbers(tmp_path, "delta", startingVersion=4) == []
    DeltaTable(tmp_path).optimize.compact()
    write_deltalake(tmp_path, some(7), mode="append")
    assert numbers(tmp_path, "delta", startingVersion=2) == [2, 3, 7, 12, 13]


def test_files_that_were_merged_and_vacuumed_and_versions_that_are_gone_leave_the_whole_table(
    tmp_path,
):
    for value in range(4):
        write_deltalake(tmp_path, some(value, 10 + value), mode="append")
    DeltaTable(tmp_path).optimize.compact()
    log = tmp_path / "_delta_log"
    DeltaTable(tmp_path).create_checkpoint()
    first = log / f"{0:020}.json"
    kept = first.read_bytes()
    first.unlink()
    with pytest.raises(DatasetError, match=r"version 3 of the Delta table .* is gone") as error:
        numbers(tmp_path, "delta", startingVersion=3)
    assert isinstance(error.value.__cause__, OnlyAsWholeError)
    first.write_bytes(kept)
    assert numbers(tmp_path, "delta", startingVersion=3) == [3, 13]
    DeltaTable(tmp_path).vacuum(0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(
        DatasetError, match=r"version \d: files that were added before are gone"
    ) as error:
        numbers(tmp_path, "delta", startingVersion=3)
    assert isinstance(error.value.__cause__, OnlyAsWholeError)
    last = DeltaTable(tmp_path).version()
    write_deltalake(tmp_path, some(7), mode="append")
    assert numbers(tmp_path, "delta", startingVersion=last) == [7]


def test_a_delta_table_with_deleted_rows_or_without_its_log_is_refused_in_one_line(tmp_path):
    for value in range(3):
        write_deltalake(tmp_path, some(value, 10 + value), mode="append")
    with pytest.raises(DatasetError, match=r"at version 2, and version 8 was read before") as error:
        numbers(tmp_path, "delta", startingVersion=9)
    assert isinstance(error.value.__cause__, OnlyAsWholeError)
    DeltaTable(tmp_path).delete("n = 1")
    with pytest.raises(
        DatasetError, match=r"version 3 of the Delta table .* deleted rows"
    ) as error:
        numbers(tmp_path, "delta", startingVersion=2)
    assert isinstance(error.value.__cause__, OnlyAsWholeError)
    assert "\n" not in str(error.value)
    DeltaTable(tmp_path).create_checkpoint()
    (tmp_path / "_delta_log" / f"{3:020}.json").unlink()
    with pytest.raises(DatasetError, match=r"the log of version 3 .* is gone"):
        numbers(tmp_path, "delta", startingVersion=3)


def test_an_iceberg_table_gives_the_rows_of_later_snapshots_and_refuses_deletes(tmp_path):
    table = make(open_catalog(tmp_path), ice_rows(3))
    first = table.current_snapshot().snapshot_id
    for value in (100, 200):
        table.append(pa.table({"n": pa.array([value], pa.int32()), "s": ["x"]}))
    place = table.metadata_location.removeprefix("file://")
    assert numbers(place, "iceberg", **{"start-snapshot-id": first}) == [100, 200]
    last = table.current_snapshot().snapshot_id
    assert numbers(place, "iceberg", **{"start-snapshot-id": last}) == []
    with pytest.raises(DatasetError, match=r"snapshot 17 .* which was read before, is gone"):
        numbers(place, "iceberg", **{"start-snapshot-id": 17})
    data = next(iter(table.inspect.files()["file_path"].to_pylist()))
    deleted = delete_positions(table, data, [0])
    metadata = json.loads(Path(deleted).read_text())
    metadata["snapshots"][-1]["summary"]["operation"] = "delete"
    Path(deleted).write_text(json.dumps(metadata))
    with pytest.raises(DatasetError, match=r"snapshot \d+ of the Iceberg table .* deleted rows"):
        numbers(deleted, "iceberg", **{"start-snapshot-id": first})


def test_changes_are_those_of_a_current_table_with_windows():
    table = {"path": "t", "format": "delta", "changes": "since_last_run"}
    base = {"monitor": "m", "reference": {"path": "r"}, "output": {"path": "o"}}
    with pytest.raises(ConfigError, match=r"time: expected a column, such as .* changes add to"):
        config_from_mapping({**base, "current": table})
    time = {"column": "at", "window": "1d"}
    with pytest.raises(ConfigError, match=r"current.changes: goes with path and format: delta or"):
        config_from_mapping({**base, "current": {**table, "format": "parquet"}, "time": time})
    with pytest.raises(ConfigError, match=r"reference.changes: goes with current only"):
        config_from_mapping({**base, "reference": table, "current": table, "time": time})
    for more in (
        {"features": {"derived": {"twice": "2 * x"}}},
        {"segments": [{"name": "twice", "where": "x > 2"}]},
    ):
        with pytest.raises(ConfigError, match=r"current.changes: .* 'twice' needs Spark: let the"):
            config_from_mapping({**base, "current": table, "time": time, **more})
