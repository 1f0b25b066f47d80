"""Drift tables as Delta and Iceberg tables hold what Parquet files hold, and are replaced alike."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tables_sample import DAYS, MONITOR, REFERENCE_ID, run_row, window_tables, write_two_days

from kldrift.errors import OutputError
from kldrift.tables import TABLES, prepare_output, read_table, write_run, write_window
from kldrift.tables.iceberg_log import log_at
from kldrift.tables.read import stored_key
from kldrift.tables.store import open_store
from kldrift.tables.which_windows import stored_windows

FORMATS = ["delta", "iceberg"]


@pytest.fixture(params=FORMATS)
def format_(request):
    return request.param


def rows_of(path, table):
    return sorted(map(str, read_table(str(path), table).to_pylist()))


def as_others_read(path, format_, table):
    """A table through the format's own package."""
    if format_ == "delta":
        from deltalake import DeltaTable

        return pa.table(DeltaTable(path / table).to_pyarrow_table())
    from pyiceberg.table import StaticTable

    newest = max((path / table / "metadata").glob("*.metadata.json"))
    return StaticTable.from_metadata(str(newest)).scan().to_arrow()


def test_every_format_gives_the_same_rows_back(tmp_path, format_):
    write_two_days(tmp_path / "plain")
    write_two_days(tmp_path / "lake", format_)
    for table in TABLES:
        assert rows_of(tmp_path / "lake", table) == rows_of(tmp_path / "plain", table), table
    store = open_store(str(tmp_path / "lake"))
    assert stored_windows(store, MONITOR) == DAYS
    assert stored_key(store, MONITOR, REFERENCE_ID) == "key"


def test_other_programs_find_the_columns_of_parquet_and_the_name_of_the_file(tmp_path, format_):
    write_two_days(tmp_path, format_)
    scores = as_others_read(tmp_path, format_, "drift_scores")
    assert scores.column_names == [*TABLES["drift_scores"].names, "file"]
    assert sorted(set(scores["file"].to_pylist())) == [f"{MONITOR}--{day.key}" for day in DAYS]
    hashes = as_others_read(tmp_path, format_, "supports")["known_hashes"].combine_chunks()
    assert set(hashes.flatten().to_pylist()) == {1, -1}


def test_where_a_window_was_written_is_a_parquet_file_of_its_rows(tmp_path, format_):
    prepare_output(str(tmp_path), format_)
    wanted = window_tables()["drift_scores"]
    for _ in range(2):
        written = write_window(str(tmp_path), MONITOR, DAYS[0], window_tables())
        found = pq.read_table(written["drift_scores"], partitioning=None)
        assert found["feature"].to_pylist() == wanted["feature"].to_pylist()


def test_a_window_written_again_replaces_its_rows_alone(tmp_path, format_):
    write_two_days(tmp_path, format_)
    tables = window_tables(DAYS[0], "run-3")
    tables["drift_cells"] = tables["drift_cells"].slice(0, 0)
    write_window(str(tmp_path), MONITOR, DAYS[0], tables)
    scores = read_table(str(tmp_path), "drift_scores").to_pylist()
    assert {(row["run_id"], row["window_start"]) for row in scores} == {
        ("run-3", DAYS[0].start),
        ("run-2", DAYS[1].start),
    }
    store = open_store(str(tmp_path))
    empty = f"drift_cells/{MONITOR}--{DAYS[0].key}.parquet"
    assert store.open(empty) is not None, "a file without rows is there all the same"
    write_window(str(tmp_path), MONITOR, DAYS[0], window_tables(DAYS[0], "run-4"))
    assert len(store.names("drift_cells")) == len(DAYS)
    assert set(read_table(str(tmp_path), "drift_cells")["run_id"].to_pylist()) == {"run-2", "run-4"}


def test_writers_at_once_lose_no_row(tmp_path, format_):
    prepare_output(str(tmp_path), format_)

    def write(number):
        write_run(str(tmp_path), run_row() | {"run_id": f"run-{number}"})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))
    found = read_table(str(tmp_path), "runs")["run_id"].to_pylist()
    assert sorted(found) == [f"run-{number}" for number in range(8)]


def test_a_table_that_another_program_compacts_is_read_as_before(tmp_path):
    from deltalake import DeltaTable

    write_two_days(tmp_path, "delta")
    before = {table: rows_of(tmp_path, table) for table in TABLES}
    for table in ("drift_scores", "supports"):
        log = DeltaTable(tmp_path / table)
        log.delete("feature = 'tip_amount'")
        log.optimize.compact()
    kept = {t: [row for row in rows if "'tip_amount'" not in row] for t, rows in before.items()}
    assert rows_of(tmp_path, "drift_scores") == kept["drift_scores"]
    assert rows_of(tmp_path, "supports") == kept["supports"]


def test_a_table_made_before_a_column_was_added_gets_it(tmp_path, format_, monkeypatch):
    now = TABLES["runs"]
    older = pa.schema([field for field in now if field.name != "kldrift_version"])
    monkeypatch.setitem(TABLES, "runs", older)
    prepare_output(str(tmp_path), format_)
    row = run_row()
    version = row.pop("kldrift_version")
    write_run(str(tmp_path), row)
    monkeypatch.setitem(TABLES, "runs", now)
    write_run(str(tmp_path), row | {"run_id": "later", "kldrift_version": version})
    rows = as_others_read(tmp_path, format_, "runs").to_pylist()
    assert {r["run_id"]: r["kldrift_version"] for r in rows} == {
        row["run_id"]: None,
        "later": version,
    }


def test_a_folder_keeps_its_format(tmp_path, format_):
    prepare_output(str(tmp_path), format_)
    with pytest.raises(OutputError, match=f"format {format_}, output.format is parquet; set it to"):
        prepare_output(str(tmp_path))


def test_a_package_that_is_not_there_is_asked_for_before_anything_is_read(
    tmp_path, format_, monkeypatch
):
    modules = {"delta": "deltalake", "iceberg": "pyiceberg"}
    monkeypatch.setitem(sys.modules, modules[format_], None)
    with pytest.raises(OutputError, match=rf"pip install 'kldrift\[{format_}\]'"):
        prepare_output(str(tmp_path), format_)


def test_damaged_rows_are_told_as_those_of_parquet_files_are(tmp_path, format_):
    write_two_days(tmp_path, format_)
    (file,) = (tmp_path / "supports").rglob("*.parquet")
    data = bytearray(file.read_bytes())
    data[60:90] = bytes(30)
    file.write_bytes(data)
    with pytest.raises(OutputError, match="not a table of this kldrift"):
        read_table(str(tmp_path), "supports")
    with pytest.raises(ValueError, match="not a Parquet file of kldrift"):
        stored_key(open_store(str(tmp_path)), MONITOR, REFERENCE_ID)


def test_a_damaged_log_is_one_line_that_names_the_table(tmp_path):
    write_two_days(tmp_path, "delta")
    for log in (tmp_path / "runs" / "_delta_log").glob("*.json"):
        log.write_text("{")
    with pytest.raises(OutputError, match="runs: cannot read: "):
        read_table(str(tmp_path), "runs")


def test_the_log_of_an_iceberg_table_is_read_once_per_commit(tmp_path, monkeypatch):
    from pyiceberg import manifest

    write_two_days(tmp_path, "iceberg")
    asked = []
    whole = manifest.read_manifest_list

    def counting(file):
        asked.append(file)
        return whole(file)

    monkeypatch.setattr(manifest, "read_manifest_list", counting)
    log_at.cache_clear()
    for _ in range(2):
        store = open_store(str(tmp_path))
        for name in store.names("drift_scores"):
            assert store.open(f"drift_scores/{name}", ["feature"]) is not None
    assert len(asked) == 1
    write_window(str(tmp_path), MONITOR, DAYS[0], window_tables(DAYS[0], "run-3"))
    rows = read_table(str(tmp_path), "drift_scores")["run_id"].to_pylist()
    assert sorted(set(rows)) == ["run-2", "run-3"]


def test_rows_that_another_program_deleted_from_an_iceberg_table_are_gone(tmp_path):
    from iceberg_sample import sql_catalog

    write_two_days(tmp_path, "iceberg")
    before = rows_of(tmp_path, "drift_scores")
    catalog = sql_catalog("kldrift", uri=f"sqlite:///{tmp_path / 'catalog.db'}")
    catalog.load_table(("kldrift", "drift_scores")).delete("feature = 'tip_amount'")
    kept = [row for row in before if "'tip_amount'" not in row]
    assert len(kept) < len(before)
    assert rows_of(tmp_path, "drift_scores") == kept


@pytest.mark.parametrize("where", ["catalog.db", "runs/metadata/*.metadata.json"])
def test_a_damaged_iceberg_log_is_one_line_that_names_the_table(tmp_path, where):
    write_two_days(tmp_path, "iceberg")
    for file in tmp_path.glob(where):
        file.write_bytes(b"{" * 4096)
    log_at.cache_clear()
    with pytest.raises(OutputError, match="runs: cannot read: "):
        read_table(str(tmp_path), "runs")
