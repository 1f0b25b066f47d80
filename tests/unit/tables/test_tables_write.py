from __future__ import annotations

import itertools
import math
import threading
from datetime import UTC, datetime, timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tables_sample import (
    DAYS,
    MONITOR,
    OF_EVERY_RUN,
    REFERENCE_ID,
    reference_tables,
    run_row,
    window_tables,
    write_two_days,
)

from kldrift.errors import OutputError
from kldrift.tables import (
    TABLES,
    Window,
    prepare_output,
    read_table,
    write_reference,
    write_run,
    write_window,
)
from kldrift.tables.conform import conform
from kldrift.tables.layout import OPTIONAL_TABLES
from kldrift.tables.parquet import to_parquet
from kldrift.tables.read import stored_runs
from kldrift.tables.store import open_store


@pytest.fixture
def output(tmp_path):
    return write_two_days(tmp_path)


def replaced(table, column, values):
    return table.set_column(table.column_names.index(column), column, values)


def test_each_table_has_one_file_per_window_and_reference_and_runs_one_per_run(output):
    files = sorted(str(path.relative_to(output)) for path in output.rglob("*.parquet"))
    keys = ("20200401T000000Z_20200402T000000Z", "20200402T000000Z_20200403T000000Z")
    assert files == [
        *(f"drift_cells/nyc_taxi--{key}.parquet" for key in keys),
        *(f"drift_scores/nyc_taxi--{key}.parquet" for key in keys),
        *(f"profiles/nyc_taxi--{key}.parquet" for key in keys),
        f"profiles/nyc_taxi--reference-{REFERENCE_ID}.parquet",
        "runs/run-1.parquet",
        "runs/run-2.parquet",
        f"supports/nyc_taxi--{REFERENCE_ID}.parquet",
    ]


@pytest.mark.parametrize("name", OF_EVERY_RUN)
def test_what_was_written_is_read_back(output, name):
    read = read_table(str(output), name)
    if name == "runs":
        wanted = [run_row(DAYS[0], "run-1"), run_row(DAYS[1], "run-2")]
    else:
        parts = [window_tables(DAYS[0], "run-1"), window_tables(DAYS[1], "run-2")]
        parts.append(reference_tables())
        wanted = [row for part in parts if name in part for row in part[name].to_pylist()]
    assert read.to_pylist() == wanted
    assert read.schema.equals(TABLES[name], check_metadata=True)


def test_a_second_run_replaces_its_window_and_leaves_the_others(output):
    shorter = {name: rows.slice(0, 1) for name, rows in window_tables(DAYS[0], "run-3").items()}
    write_window(str(output), MONITOR, DAYS[0], shorter)
    scores = read_table(str(output), "drift_scores")
    assert scores["run_id"].to_pylist() == ["run-3"] + ["run-2"] * 4


def test_worst_rows_are_written_where_there_are_any(tmp_path):
    common = {"schema_version": 2, "run_id": "r", "monitor": MONITOR, "feature": "b vs a"}
    ends = {"window_start": DAYS[0].start, "window_end": DAYS[0].end}
    row = {"segment": None, "place": 1, "key": "7", "kl": None}
    row |= common | ends | {"champion_class": 0, "challenger_class": 1}
    rows = pa.Table.from_pylist([row], schema=TABLES["worst_rows"])
    paths = write_window(str(tmp_path), MONITOR, DAYS[0], window_tables() | {"worst_rows": rows})
    assert list(paths) == ["worst_rows", "profiles", "drift_cells", "drift_scores"]
    assert read_table(str(tmp_path), "worst_rows").to_pylist() == [row]


def test_where_the_files_are_is_returned(tmp_path):
    paths = write_window(str(tmp_path), MONITOR, DAYS[0], window_tables())
    assert list(paths) == ["profiles", "drift_cells", "drift_scores"]
    assert pq.read_table(paths["drift_scores"]).num_rows == 4
    assert pq.read_table(write_run(str(tmp_path), run_row())).num_rows == 1


def test_the_last_run_is_one_after_the_clock_was_put_back(tmp_path):
    for year, run_id in ((2024, "20240601T000000Z-aa"), (2999, "29990601T000000Z-bb")):
        at = datetime(year, 6, 1, tzinfo=UTC)
        write_run(str(tmp_path), run_row(run_id=run_id) | {"started_at": at, "finished_at": at})
    runs, _ = stored_runs(open_store(str(tmp_path)), None)
    assert [run["run_id"][:4] for run in runs] == ["2024", "2999"]


def test_a_clock_that_is_a_little_ahead_writes_the_last_run(tmp_path):
    ahead = datetime.now(UTC) + timedelta(minutes=3)
    for at, run_id in ((datetime(2024, 6, 1, tzinfo=UTC), "20240601T000000Z-aa"), (ahead, "3-bb")):
        write_run(str(tmp_path), run_row(run_id=run_id) | {"started_at": at, "finished_at": at})
    runs, _ = stored_runs(open_store(str(tmp_path)), None)
    assert [run["run_id"][-2:] for run in runs] == ["bb", "aa"]


def test_pandas_and_duckdb_read_a_table_without_kldrift(output):
    (output / "drift_scores" / ".kldrift-0a.tmp").write_bytes(b"half a fi")
    frame = pd.read_parquet(output / "drift_scores")
    relation = duckdb.sql(f"select * from '{output}/drift_scores/*.parquet'").arrow().read_all()
    assert len(frame) == relation.num_rows == 8
    assert frame["kl"].sum() == pytest.approx(2 * (0.42 + 0.15 + 0.01))
    assert relation["feature"].to_pylist() == frame["feature"].to_list()


def test_pandas_and_arrow_read_whole_windows_of_a_folder_while_one_is_replaced(tmp_path):
    prepare_output(str(tmp_path))
    folder, scores = tmp_path / "drift_scores", window_tables()["drift_scores"]
    longer = pa.concat_tables([replaced(scores, "run_id", [["run-2"] * 4])] * 90)
    versions = {"run-1": scores.num_rows, "run-2": longer.num_rows}
    over = threading.Event()

    def write() -> None:
        for rows in itertools.cycle((longer, scores)):
            tables = {"drift_scores": rows, "drift_cells": TABLES["drift_cells"].empty_table()}
            write_window(str(tmp_path), MONITOR, DAYS[0], tables)
            if over.is_set():
                return

    write_window(str(tmp_path), MONITOR, DAYS[0], window_tables())
    writer = threading.Thread(target=write)
    writer.start()
    seen: list[str] = []
    try:
        while len(seen) < 80 or {*seen} != {*versions}:
            for read in (pd.read_parquet(folder), pq.read_table(folder).to_pandas()):
                (run_id,) = read["run_id"].unique()
                assert len(read) == versions[run_id]
                seen.append(run_id)
    finally:
        over.set()
        writer.join()


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_can_be_written_and_read(tmp_path, name):
    if name == "runs":
        (tmp_path / name).mkdir()
    else:
        empty = {key: rows.schema.empty_table() for key, rows in window_tables().items()}
        empty |= {key: TABLES[key].empty_table() for key in OPTIONAL_TABLES}
        write_window(str(tmp_path), MONITOR, Window(), empty)
        empty = {key: rows.schema.empty_table() for key, rows in reference_tables().items()}
        write_reference(str(tmp_path), MONITOR, REFERENCE_ID, empty)
    assert read_table(str(tmp_path), name).equals(TABLES[name].empty_table())


@pytest.mark.parametrize("name", ["drift_scores", "drift_cells", "profiles", "supports"])
def test_the_same_rows_give_the_same_bytes_however_they_are_chunked(name):
    table = (reference_tables() | window_tables())[name]
    chunked = pa.concat_tables([table.slice(0, 1), table.slice(1, 1), table.slice(2)])
    from_pandas = pa.Table.from_pandas(
        table.to_pandas().sample(frac=1, random_state=0).sort_index(), preserve_index=False
    )
    data = to_parquet(conform(name, table))
    assert to_parquet(conform(name, chunked)) == data
    assert to_parquet(conform(name, from_pandas)) == data


def test_small_parts_are_one_row_group():
    table = conform("drift_cells", window_tables()["drift_cells"])
    file = pq.ParquetFile(pa.BufferReader(to_parquet(table.slice(i, 1) for i in range(len(table)))))
    assert file.metadata.num_row_groups == 1
    assert file.read().equals(table)


def test_files_are_compressed_and_carry_statistics_and_what_a_null_means(output):
    file = pq.ParquetFile(next((output / "drift_scores").iterdir()))
    column = file.metadata.row_group(0).column(TABLES["drift_scores"].names.index("kl"))
    assert column.compression == "ZSTD"
    assert (column.statistics.min, column.statistics.max) == (0.01, 0.42)
    assert file.schema_arrow.field("kl").metadata[b"unit"] == b"nats"
    assert b"pandas" not in (file.schema_arrow.metadata or {})


def test_columns_may_come_in_any_order_and_leave_in_the_order_of_the_schema():
    table = window_tables()["drift_cells"]
    turned = table.select(table.column_names[::-1])
    assert conform("drift_cells", turned).equals(table)


def test_kindred_types_are_cast():
    table = window_tables()["drift_scores"]
    ours = table
    for column, type_ in [
        ("schema_version", pa.int64()),
        ("cells", pa.float64()),
        ("kl", pa.float32()),
        ("feature", pa.dictionary(pa.int32(), pa.string())),
        ("severity", pa.large_string()),
        ("window_end", pa.timestamp("ns", "Europe/Berlin")),
    ]:
        table = replaced(table, column, table[column].cast(type_))
    table = replaced(table, "segment", pa.nulls(table.num_rows))
    cast = conform("drift_scores", table)
    assert cast.schema.equals(TABLES["drift_scores"])
    assert cast.drop_columns("kl").equals(ours.drop_columns("kl"))


def test_what_is_not_a_number_is_stored_as_null():
    table = window_tables()["drift_scores"]
    table = replaced(table, "kl", pa.array([math.nan, math.inf, -math.inf, 0.5]))
    assert conform("drift_scores", table)["kl"].to_pylist() == [None, None, None, 0.5]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns("kl"), "missing columns of drift_scores: 'kl'"),
        (
            lambda t: t.rename_columns({"psi": "psl"}),
            "unknown columns of drift_scores: 'psl'; did you mean 'psi'",
        ),
        (lambda t: t.append_column("kl", t["kl"]), "duplicate columns of drift_scores"),
        (
            lambda t: replaced(t, "kl", pa.array(["0.4"] * 4)),
            "drift_scores.kl: expected double, got string",
        ),
        (
            lambda t: replaced(t, "feature", pa.array([1, 2, 3, 4])),
            "drift_scores.feature: expected string, got int64",
        ),
        (
            lambda t: replaced(t, "n_current", pa.array([0.5] * 4)),
            "drift_scores.n_current: cannot be stored as int64",
        ),
        (
            lambda t: replaced(t, "window_end", t["window_end"].cast(pa.timestamp("us"))),
            r"drift_scores.window_end: expected timestamp\[us, tz=UTC\], got timestamp\[us\]",
        ),
        (
            lambda t: replaced(t, "severity", pa.array(["ok", None, "ok", None])),
            "drift_scores.severity: must not be null, got 2 nulls",
        ),
        (
            lambda t: replaced(t, "monitor", pa.array([MONITOR] * 3 + ["chicago"])),
            "drift_scores.monitor: expected 'nyc_taxi' in every row, also got 'chicago'",
        ),
        (
            lambda t: replaced(t, "window_start", pa.nulls(4, t["window_start"].type)),
            "drift_scores.window_start: expected .* in every row, also got None",
        ),
    ],
    ids=[
        "missing column",
        "unknown column",
        "column twice",
        "text for a number",
        "number for a text",
        "half a row",
        "no time zone",
        "null",
        "another monitor",
        "another window",
    ],
)
def test_rows_that_are_not_of_the_table_are_refused_and_nothing_is_written(
    tmp_path, change, message
):
    tables = window_tables()
    tables["drift_scores"] = change(tables["drift_scores"])
    with pytest.raises(ValueError, match=message):
        write_window(str(tmp_path), MONITOR, DAYS[0], tables)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("supports", "reference_id", "f" * 16),
        ("profiles", "reference_id", "f" * 16),
        ("profiles", "monitor", "chicago"),
    ],
)
def test_rows_of_another_reference_are_refused_and_nothing_is_written(
    tmp_path, table, column, value
):
    tables = reference_tables()
    rows = tables[table]
    other = pa.array([value, *rows[column].to_pylist()[1:]])
    tables[table] = replaced(rows, column, other)
    with pytest.raises(ValueError, match=f"{table}.{column}: expected .* also got '{value}'"):
        write_reference(str(tmp_path), MONITOR, REFERENCE_ID, tables)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reference_id", ["", "0123", "../../0123456789", "0123456789ABCDEF"])
def test_an_id_that_is_no_fingerprint_names_no_file(tmp_path, reference_id):
    with pytest.raises(OutputError, match="expected 16 hexadecimal digits"):
        write_reference(str(tmp_path), MONITOR, reference_id, reference_tables())


def test_scores_and_cells_of_a_window_are_wanted(tmp_path):
    tables = window_tables()
    del tables["drift_cells"]
    with pytest.raises(ValueError, match="missing tables: 'drift_cells'"):
        write_window(str(tmp_path), MONITOR, DAYS[0], tables)


def test_profiles_that_are_not_given_stay_as_they_are(tmp_path):
    write_window(str(tmp_path), MONITOR, DAYS[0], window_tables())
    before = read_table(str(tmp_path), "profiles")
    again = window_tables(DAYS[0], "run-2")
    del again["profiles"]
    assert set(write_window(str(tmp_path), MONITOR, DAYS[0], again)) == {
        "drift_cells",
        "drift_scores",
    }
    assert read_table(str(tmp_path), "profiles").equals(before)
    assert set(read_table(str(tmp_path), "drift_scores")["run_id"].to_pylist()) == {"run-2"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exitcode": 0}, "unknown columns of runs: 'exitcode'; did you mean 'exit_code'"),
        ({"started_at": datetime(2020, 5, 1)}, "runs.started_at: needs a time zone"),
        ({"config_hash": None}, "runs.config_hash: must not be null"),
    ],
)
def test_a_run_that_is_not_of_the_table_is_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        write_run(str(tmp_path), run_row() | change)


def test_a_run_without_a_column_is_refused(tmp_path):
    row = run_row()
    del row["error"]
    with pytest.raises(ValueError, match="missing columns of runs: 'error'"):
        write_run(str(tmp_path), row)


@pytest.mark.parametrize("name", ["_hidden", ".hidden", "a/b", "..", "", "a\n", "ä", "x" * 129])
def test_a_name_that_readers_would_not_find_is_refused(tmp_path, name):
    with pytest.raises(OutputError, match=r"monitor .* cannot name a file"):
        write_window(str(tmp_path), name, DAYS[0], window_tables(monitor=name))
    with pytest.raises(OutputError, match=r"run_id .* cannot name a file"):
        write_run(str(tmp_path), run_row(run_id=name))


def test_only_files_of_ours_are_read(output):
    (output / "runs" / "notes.txt").write_text("x")
    (output / "runs" / "_SUCCESS").touch()
    assert read_table(str(output), "runs").num_rows == 2


def test_a_damaged_file_is_named(output):
    damaged = output / "runs" / "run-1.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(OutputError, match=r"runs/run-1\.parquet: not a table .* run its window"):
        read_table(str(output), "runs")


def test_an_unknown_table_is_refused(output):
    with pytest.raises(ValueError, match="no table 'scores'; the tables are drift_scores,"):
        read_table(str(output), "scores")


def test_a_run_id_may_hold_the_time_it_began(tmp_path):
    run_id = datetime(2020, 5, 1, tzinfo=UTC).strftime("%Y%m%dT%H%M%SZ") + "-1f3a"
    assert write_run(str(tmp_path), run_row(run_id=run_id)).endswith(f"runs/{run_id}.parquet")
