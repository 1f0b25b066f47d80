"""Iceberg tables are read as their metadata says, without JARs."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from iceberg_sample import config, delete_equal, delete_positions, make, open_catalog, rows
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.types import DoubleType, LongType
from source_values import values_of

from kldrift.errors import ConfigError, DatasetError
from kldrift.sources.open import open_files
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.predicates.translate import Unsupported

# SQLAlchemy's engine leaves its connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


@pytest.fixture
def catalog(tmp_path: Path) -> SqlCatalog:
    return open_catalog(tmp_path)


def look(path: object, **more: object) -> ArrowSource | Unsupported:
    return open_files(config(path, **more).reference, "reference")


def opened(path: object, **more: object) -> ArrowSource:
    source = look(path, **more)
    assert isinstance(source, ArrowSource), source
    return source


def test_a_table_is_read_from_its_folder_and_from_a_metadata_file(catalog, tmp_path):
    table = make(catalog, rows(9))
    for path in (tmp_path / "ns" / "t", table.metadata_location.removeprefix("file://")):
        source = opened(path)
        (task,) = table.scan().plan_files()
        assert source.access_path == (
            f"Iceberg table, snapshot {table.current_snapshot().snapshot_id}: 1 file, "
            f"{task.file.file_size_in_bytes:,} bytes with all columns, read with Arrow in the tasks"
        )
        assert values_of(source) == rows(9).to_pydict()


def test_a_catalog_of_pyiceberg_s_own_configuration_is_asked(catalog, tmp_path, monkeypatch):
    make(catalog, rows(9))
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__URI", f"sqlite:///{tmp_path}/c.db")
    from pyiceberg import catalog as module
    from pyiceberg.utils.config import Config

    monkeypatch.setattr(module, "_ENV_CONFIG", Config())  # it is read at the import
    assert opened("iceberg://lake/ns.t").rows == 9
    with pytest.raises(DatasetError, match=r"reference: no Iceberg table at 'iceberg://lake/ns.u'"):
        look("iceberg://lake/ns.u")


def test_renamed_added_swapped_and_widened_columns_are_those_of_the_table(catalog, tmp_path):
    table = make(catalog, rows(3))
    with table.update_schema() as update:
        update.rename_column("s", "old")
        update.update_column("n", LongType())
    with table.update_schema() as update:
        update.add_column("s", DoubleType())
    table.append(pa.table({"n": [2**40], "old": ["z"], "s": [0.5]}))
    source = opened(tmp_path / "ns" / "t")
    assert sorted(zip(*values_of(source).values(), strict=True), key=str) == [
        (0, "a", None),
        (1, "b", None),
        (1099511627776, "z", 0.5),
        (2, "c", None),
    ]
    assert values_of(opened(tmp_path / "ns" / "t", where="n > 1 and s is null"))["old"] == ["c"]


def test_a_snapshot_is_read_with_the_columns_that_it_had(catalog, tmp_path):
    table = make(catalog, rows(3))
    first = table.current_snapshot().snapshot_id
    with table.update_schema() as update:
        update.rename_column("s", "t")
    table.append(pa.table({"n": pa.array([7], pa.int32()), "t": ["z"]}))
    path = tmp_path / "ns" / "t"
    assert opened(path).rows == 4
    older = opened(path, options={"snapshot-id": str(first)})
    assert values_of(older) == rows(3).to_pydict()
    with pytest.raises(DatasetError, match="there is no snapshot 7"):
        look(path, options={"snapshot-id": "7"})
    with pytest.raises(ConfigError, match=r"options.snapshot-id: expected a snapshot's number"):
        look(path, options={"snapshot-id": "main"})


def test_position_deletes_are_honoured(catalog):
    table = make(catalog, rows(9))
    (task,) = table.scan().plan_files()
    source = opened(delete_positions(table, task.file.file_path, [0, 4, 8]))
    assert source.rows == 6
    assert values_of(source)["n"] == [1, 2, 3, 5, 6, 7]
    other = opened(delete_positions(table, "file:///another.parquet", [0]))
    assert other.rows == 9


def test_equality_deletes_are_left_to_spark(catalog):
    table = make(catalog, rows(9))
    path = delete_equal(table, pa.table({"n": pa.array([3], pa.int32())}), [1])
    assert look(path) == Unsupported("the Iceberg table has equality deletes")


def test_files_without_field_ids_are_left_to_spark(catalog, tmp_path):
    table = make(catalog, rows(9))
    pq.write_table(rows(9), tmp_path / "f.parquet")
    table.add_files([f"file://{tmp_path}/f.parquet"])  # notes in the table that there may be such
    found = look(tmp_path / "ns" / "t")
    assert isinstance(found, Unsupported)
    assert found.reason.endswith("f.parquet' have no field ids")


def test_a_file_without_field_ids_that_no_table_would_have_is_named_by_the_task(catalog, tmp_path):
    table = make(catalog, rows(9))
    (task,) = table.scan().plan_files()
    pq.write_table(rows(9), task.file.file_path.removeprefix("file://"))
    with pytest.raises(DatasetError, match=r"have no field ids; scan: dataframe leaves them"):
        values_of(opened(tmp_path / "ns" / "t"))


def test_a_struct_of_a_schema_that_changed_is_left_to_spark(catalog, tmp_path):
    table = make(catalog, pa.table({"home": [{"zip": "a"}]}))
    assert values_of(opened(tmp_path / "ns" / "t")) == {"home.zip": ["a"]}
    with table.update_schema() as update:
        update.add_column("x", LongType())
    assert look(tmp_path / "ns" / "t") == Unsupported("the schema changed, and 'home' is a struct")


def test_a_folder_that_is_no_table_or_two_newest_metadata_files_are_named(catalog, tmp_path):
    with pytest.raises(DatasetError, match=r"reference: no Iceberg table at '.*nowhere'"):
        look(tmp_path / "nowhere")
    make(catalog, rows(3))
    folder = tmp_path / "ns" / "t" / "metadata"
    for name in ("00009-a", "00009-b"):
        (folder / f"{name}.metadata.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"not certain; name a metadata.json file"):
        look(tmp_path / "ns" / "t")
    (folder / "version-hint.text").write_text("1")
    assert opened(tmp_path / "ns" / "t").rows == 3


def test_a_snapshot_without_a_manifest_list_is_refused_with_what_to_do(catalog):
    """The first tables of format version 1 name their manifests in the metadata."""
    first = {"format-version": "1"}
    table = catalog.create_table("ns.old", schema=rows(1).schema, properties=first)
    table.append(rows(9))
    metadata = Path(table.metadata_location.removeprefix("file://"))
    told = json.loads(metadata.read_text())
    told["snapshots"][0]["manifests"] = [told["snapshots"][0].pop("manifest-list")]
    metadata.write_text(json.dumps(told))
    with pytest.raises(DatasetError, match=r"no manifest list, .*; write the table again, or read"):
        look(metadata)
