"""Delta tables are read as their log says, and give what the same rows give as Parquet files."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta_sample import add, deletion_vector, rows, write_log
from deltalake import write_deltalake
from source_values import values_of

from kldrift.cli.init import init
from kldrift.config import Features, Override, config_from_mapping
from kldrift.errors import ConfigError, DatasetError
from kldrift.execution.programs import SketchProgram
from kldrift.features.plan import plan_features
from kldrift.sources.lakehouse.snapshot import Snapshot
from kldrift.sources.open import open_files
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.predicates.translate import Unsupported


def dataset(path: Path, **more: object):
    mapping = {
        "monitor": "test",
        "reference": {"path": str(path), "format": "delta", **more},
        "current": {"path": str(path), "format": "delta"},
        "output": {"path": "unused"},
    }
    return config_from_mapping(mapping).reference


def opened(path: Path, **more: object) -> ArrowSource:
    source = open_files(dataset(path, **more), "reference")
    assert isinstance(source, ArrowSource), source
    return source


def read(source: ArrowSource) -> dict[str, list[object]]:
    """All values of a source, by feature, as a task reads them."""
    override = {
        f.name: Override(parts=("whole",)) for f in source.schema if pa.types.is_temporal(f.type)
    }
    return values_of(source, Features(override=override))


def by_footers(path: Path, **more: object) -> ArrowSource:
    """The same table as if its log did not know enough to plan with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Snapshot, "footers_needed", True)
        return opened(path, **more)


def row_groups_read(source: ArrowSource) -> list[int]:
    """The row groups that a task decodes."""
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        decode = pq.ParquetFile.iter_batches
        patch.setattr(
            pq.ParquetFile,
            "iter_batches",
            lambda self, size, groups=(), *a, **k: (
                seen.extend(groups) or decode(self, size, groups or None, *a, **k)
            ),
        )
        read(source)
    return seen


def sorted_rows(table: pa.Table) -> list[tuple[object, ...]]:
    columns = [table[n].to_pylist() for n in sorted(table.column_names)]
    return sorted(zip(*columns, strict=True), key=repr)


def test_the_rows_are_those_of_the_table_with_partition_values_typed_by_the_log(tmp_path):
    write_deltalake(tmp_path, rows(90), partition_by=["day", "place"])
    source = opened(tmp_path)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    assert source.access_path == (
        f"Delta table, version 0: 3 files, {size:,} bytes with all columns, "
        "read with Arrow in the tasks"
    )
    assert source.rows == 90
    assert source.schema.field("day").type == pa.date32()
    assert sorted_rows(pa.table(read(source))) == sorted_rows(rows(90))


def test_files_that_are_no_longer_part_of_the_table_are_not_read_but_older_versions_are(tmp_path):
    write_deltalake(tmp_path, rows(30))
    write_deltalake(tmp_path, rows(12, shift=0.5), mode="overwrite")
    assert opened(tmp_path).rows == 12
    assert min(read(opened(tmp_path))["x"]) == 0.5
    older = opened(tmp_path, options={"versionAsOf": 0})
    assert (older.rows, older.access_path.split(":")[0]) == (30, "Delta table, version 0")


def test_a_column_that_was_added_is_null_in_older_files_and_a_wider_type_holds_for_all(tmp_path):
    one = pa.table({"n": pa.array([1, 2], pa.int32()), "f": pa.array([0.5, 1.5], pa.float32())})
    two = pa.table({"n": [2**40], "f": [0.1], "new": ["a"]})
    adds = [add(tmp_path, "1.parquet", one), add(tmp_path, "2.parquet", two)]
    fields = [("n", "long"), ("f", "double"), ("new", "string")]
    write_log(tmp_path, fields, adds, features=["typeWidening"])
    source = opened(tmp_path, where="n >= 2")
    assert read(source) == {"n": [2, 2**40], "f": [1.5, 0.1], "new": [None, "a"]}
    features = plan_features(source.schema, Features(include=("n", "f"))).features
    reader = replace(source, where=None, predicate="").reader(SketchProgram(features))
    batches = reader.batches(source.footers.pieces)
    types = {str(column.type) for batch in batches for _, (column,) in batch.sets}
    assert types == {"int64", "double"}
    assert opened(tmp_path, where="new is null").where is not None
    assert read(opened(tmp_path, where="new is null"))["n"] == [1, 2]


@pytest.mark.parametrize("mapping", ["name", "id"])
def test_renamed_columns_and_deletion_vectors_are_honoured(tmp_path, mapping):
    ids = [{b"PARQUET:field_id": str(i).encode()} for i in (1, 2)]
    names = ["col-1", "col-2"] if mapping == "name" else ["old n", "n"]
    schema = pa.schema(
        [
            pa.field(name, kind, metadata=i)
            for name, kind, i in zip(names, [pa.int64(), pa.string()], ids, strict=True)
        ]
    )
    data = pa.table([list(range(10)), list("abcdefghij")], schema=schema)
    file = add(
        tmp_path,
        "a b/f%1.parquet",
        data,
        partitionValues={"col-3": "2024-01-02"},
        deletionVector=deletion_vector([1, 5, 9]),
    )
    fields = [("n", "long"), ("text", "string"), ("day", "date"), ("new", "double")]
    features = ["columnMapping", "deletionVectors"]
    write_log(tmp_path, fields, [file], partitions=["day"], mapping=mapping, features=features)
    source = opened(tmp_path)
    assert source.rows == 7
    assert [p.rows for p in source.footers.pieces] == [7]
    assert [p.rows for p in by_footers(tmp_path).footers.pieces] == [3, 3, 1]
    assert read(source) == {
        "n": [0, 2, 3, 4, 6, 7, 8],
        "text": list("acdeghi"),
        "day": [dt.date(2024, 1, 2)] * 7,
        "new": [None] * 7,
    }
    filtered = read(opened(tmp_path, where="n > 3 and day = '2024-01-02' and new is null"))
    assert filtered["text"] == list("eghi")
    # The last row group alone: positions count from the file's first row.
    footers = by_footers(tmp_path).footers
    last = ArrowSource(replace(footers, pieces=footers.pieces[2:]))
    assert read(last)["n"] == [8]


def test_a_table_that_may_have_variants_is_read_without_them(tmp_path):
    """deltalake names the feature in the log of each table with deletion vectors."""
    binary = pa.field("value", pa.binary(), nullable=False)
    variant = pa.struct([binary.with_name("metadata"), binary])
    rows = pa.table({"n": [1, 2], "v": pa.array([{"metadata": b"1", "value": b"2"}] * 2, variant)})
    file = add(tmp_path, "f.parquet", rows)
    write_log(tmp_path, [("n", "long"), ("v", "variant")], [file], features=["variantType"])
    assert values_of(opened(tmp_path)) == {"n": [1, 2]}


def test_a_feature_that_is_a_partition_alone_counts_no_deleted_rows(tmp_path):
    file = add(
        tmp_path,
        "f.parquet",
        pa.table({"n": list(range(10))}),
        partitionValues={"p": "7"},
        deletionVector=deletion_vector([0, 9]),
    )
    fields = [("n", "long"), ("p", "integer")]
    write_log(tmp_path, fields, [file], partitions=["p"], features=["deletionVectors"])
    assert values_of(opened(tmp_path), Features(include=("p",))) == {"p": [7] * 8}


def test_a_table_that_arrow_cannot_read_says_why(tmp_path):
    struct = {"type": "struct", "fields": []}
    inner = {"name": "zip", "type": "string", "nullable": True, "metadata": {
        "delta.columnMapping.id": 9, "delta.columnMapping.physicalName": "col-9"}}  # fmt: skip
    struct["fields"] = [inner]
    write_log(
        tmp_path / "a", [("n", "long"), ("home", struct)], [],
        mapping="name", features=["columnMapping"],
    )  # fmt: skip
    assert open_files(dataset(tmp_path / "a"), "reference") == Unsupported(
        "column mapping renames the fields of the struct 'home'"
    )
    data = pa.table({"home": [{"zip": "a"}]})
    two = {**struct, "fields": [{**inner, "metadata": {}}, {**inner, "name": "b", "metadata": {}}]}
    write_log(tmp_path / "b", [("home", two)], [add(tmp_path / "b", "f.parquet", data)])
    found = open_files(dataset(tmp_path / "b"), "reference")
    assert isinstance(found, Unsupported)
    assert found.reason.startswith("the struct 'home' has other fields in ")


def test_a_text_column_with_rules_of_its_own_is_not_compared_by_arrow(tmp_path):
    root = write_log(
        tmp_path, [("s", "string")], [add(tmp_path, "f.parquet", rows(5).select(["s"]))]
    )
    log = next((root / "_delta_log").iterdir())
    noted = r"\"metadata\": {\"__CHAR_VARCHAR_TYPE_STRING\": \"char(3)\"}"
    log.write_text(log.read_text().replace(r"\"metadata\": {}", noted))
    found = open_files(dataset(root, where="s = 'a'"), "reference")
    assert isinstance(found, Unsupported)
    assert "fixed length" in found.reason


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"versionAsOf": 7}, DatasetError, r"reference: cannot read .* at version 7"),
        ({"versionAsOf": "x"}, ConfigError, "options.versionAsOf: .* got 'x'"),
    ],
    ids=["version", "word"],
)  # fmt: skip
def test_a_version_that_is_not_there_is_named(tmp_path, options, error, message):
    write_deltalake(tmp_path, rows(3))
    with pytest.raises(error, match=message) as found:
        open_files(dataset(tmp_path, options=options), "reference")
    assert "\n" not in str(found.value)


def test_a_folder_that_is_no_table_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"reference: no Delta table at '.*nowhere'"):
        open_files(dataset(tmp_path / "nowhere"), "reference")


@pytest.mark.parametrize(
    ("happens", "message"),
    [
        (Path.unlink, r"cannot read '.*\.parquet' as Parquet: there is no such file any more$"),
        (lambda path: path.write_bytes(b"PAR1"), r"cannot read '.*\.parquet' as Parquet"),
        (
            lambda path: pq.write_table(rows(4), path),
            r"'.*\.parquet' has 4 rows but 3 by the log of its table; was it written again\?",
        ),
    ],
    ids=["gone", "damaged", "written again"],
)
def test_a_file_that_is_not_what_the_log_says_is_named_by_the_task(tmp_path, happens, message):
    write_deltalake(tmp_path, rows(3))
    happens(next(tmp_path.glob("*.parquet")))
    with pytest.raises(DatasetError, match=message) as found:
        read(opened(tmp_path))
    assert "\n" not in str(found.value)


def test_a_table_is_not_read_as_the_files_in_its_folder(tmp_path):
    write_deltalake(tmp_path, rows(3))
    with pytest.raises(DatasetError, match="is a Delta table; state format: delta"):
        open_files(dataset(tmp_path, format="parquet"), "reference")


def test_a_configuration_is_drafted_for_a_table(tmp_path):
    write_deltalake(tmp_path, rows(9), mode="append")
    write_deltalake(tmp_path, rows(9), mode="append")
    text = init(str(tmp_path), format="delta")
    assert "format: delta" in text
    assert "n: numeric (int64)" in text


def test_files_whose_partition_or_bounds_cannot_match_are_not_read(tmp_path):
    write_deltalake(tmp_path, rows(90), partition_by=["day"])
    for piece in opened(tmp_path).footers.pieces:
        if "day=2024-01-02" not in piece.file.path:
            Path(piece.file.path).unlink()
    source = opened(tmp_path, where="day = '2024-01-02'")
    assert source.footers.rows == 30
    assert source.access_path.startswith(
        "Delta table, version 0: 1 of 3 files may hold rows to count, "
    )
    assert len(read(source)["n"]) == 30
    assert opened(tmp_path, where="day > '2024-01-01' and n < 0").footers.rows == 0


@pytest.mark.parametrize("mapping", ["name", "id"])
def test_bounds_of_renamed_columns_are_those_of_the_file(tmp_path, mapping):
    schema = pa.schema([pa.field("col-1", pa.int64(), metadata={b"PARQUET:field_id": b"1"})])
    file = add(tmp_path, "f.parquet", pa.table([list(range(10))], schema=schema))
    write_log(tmp_path, [("N", "long"), ("new", "long")], [file], mapping=mapping,
              features=["columnMapping"])  # fmt: skip
    source = by_footers(tmp_path, where="n >= 8")
    assert [p.row_group for p in source.footers.pieces] == [2]
    assert by_footers(tmp_path, where="new = 1").footers.pieces == ()
    for where, groups in (("n >= 8", [2]), ("n >= 4", [1, 2]), ("new = 1", []), ("n > 9", [])):
        assert row_groups_read(opened(tmp_path, where=where)) == groups
