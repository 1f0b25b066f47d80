"""What a reader finds while writers run, and after they were killed."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from tables_sample import DAYS, MONITOR, window_tables

from kldrift.errors import OutputError
from kldrift.tables import prepare_output, read_table, write_window
from kldrift.tables.layout import WINDOW_TABLES
from kldrift.tables.local import LocalStore

# Rows that do not compress, so that a file takes more than one write to disk.
WRITER = """
import random, sys, pyarrow as pa
from tables_sample import DAYS, MONITOR, window_tables
from kldrift.tables import write_window

def tables(run_id, times=2000):
    for name, rows in window_tables(run_id=run_id).items():
        rows = pa.concat_tables([rows] * times)
        column = {"drift_scores": "js", "drift_cells": "contribution", "profiles": "sum1"}[name]
        noise = pa.array([random.random() for _ in range(rows.num_rows)])
        yield name, rows.set_column(rows.column_names.index(column), column, noise)

path, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
for i in range(rounds):
    write_window(path, MONITOR, DAYS[0], dict(tables(f"{name}-{i}")))
    print(i, flush=True)
"""
ROWS = {name: rows.num_rows * 2000 for name, rows in window_tables().items()}

# Kills a hundred writers at random moments and looks at what each left.  Forked, so that a kill
# costs milliseconds; without fsync, so that it lands while bytes are written: what a killed
# process wrote is in the kernel's cache anyway.
KILLER = """
import itertools, os, pathlib, random, signal, sys, time
from kldrift.tables.local import LocalStore

os.fsync = lambda descriptor: None
store = LocalStore(pathlib.Path(sys.argv[1]))
moments = random.Random(11)
seen = set()
store.put({"runs/one": b"a" * 999_999, "runs/two": b"a" * 999_999})
for _ in range(100):
    writer = os.fork()
    if not writer:
        for byte in itertools.cycle(b"abcdefgh"):
            store.put({f"runs/{name}": bytes([byte]) * 999_999 for name in ("one", "two")})
    time.sleep(moments.uniform(0, 0.02))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    for name in ("one", "two"):
        data = store.open(f"runs/{name}").read()
        assert data == data[:1] * 999_999, f"{len(data)} bytes, {len(set(data))} writers"
        seen.add(data[:1])
assert len(seen) > 1, "no writer wrote"
"""

# Kills itself before the n-th rename.
SUICIDE = """
import os, signal, sys
from tables_sample import DAYS, MONITOR, window_tables
from kldrift.tables import write_window

left = int(sys.argv[2])

def hook(event, arguments):
    global left
    if event == "os.rename":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
write_window(sys.argv[1], MONITOR, DAYS[0], window_tables(run_id="new"))
"""


@pytest.fixture
def output(tmp_path):
    prepare_output(str(tmp_path))
    return str(tmp_path)


def start(program, *arguments):
    here = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": f"{here}:{here.parent}"},
    )


def assert_whole(output, name):
    """One run's rows, all of them."""
    rows = read_table(output, name)
    assert len(rows["run_id"].unique()) == 1
    assert rows.num_rows == ROWS[name]
    return rows["run_id"][0].as_py()


def rows_in_duckdb(output, name):
    return duckdb.sql(f"select count(*) from '{output}/{name}/*.parquet'").fetchall()


def test_a_killed_writer_leaves_old_rows_or_new_ones(output):
    moments = random.Random(7)
    for round_ in range(4):
        with start(WRITER, output, f"round{round_}", 1000) as process:
            process.stdout.readline()  # a first window stands
            time.sleep(moments.uniform(0, 0.3))
            process.kill()
        for name in WINDOW_TABLES:
            assert assert_whole(output, name).startswith(f"round{round_}-")
            assert rows_in_duckdb(output, name) == [(ROWS[name],)]


def test_a_writer_killed_while_bytes_leave_it_leaves_old_bytes_or_new_ones(output):
    with start(KILLER, output) as process:
        assert process.wait() == 0


@pytest.mark.parametrize("rename", [1, 2, 3])
def test_a_writer_killed_between_tables_leaves_each_of_them_whole(output, rename):
    write_window(output, MONITOR, DAYS[0], window_tables(run_id="old"))
    with start(SUICIDE, output, rename) as process:
        assert process.wait() == -signal.SIGKILL
    runs = [set(read_table(output, name)["run_id"].to_pylist()) for name in WINDOW_TABLES]
    assert runs == [{"new"}] * (rename - 1) + [{"old"}] * (4 - rename)
    left = list(Path(output).rglob(".kldrift-*"))
    assert len(left) == 4 - rename  # there is something to trip over
    for name in WINDOW_TABLES:
        assert rows_in_duckdb(output, name) == [(window_tables()[name].num_rows,)]
        assert len(pd.read_parquet(Path(output) / name)) == window_tables()[name].num_rows
    prepare_output(output)  # and it does not stop the next run
    write_window(output, MONITOR, DAYS[0], window_tables(run_id="next"))


def test_of_two_writers_at_once_one_wins_in_every_table(output):
    with start(WRITER, output, "one", 6) as one, start(WRITER, output, "other", 6) as other:
        for process in (one, other):
            process.stdout.readline()
        while one.poll() is None or other.poll() is None:
            for name in WINDOW_TABLES:
                assert_whole(output, name)
    assert (one.returncode, other.returncode) == (0, 0)
    assert len({assert_whole(output, name) for name in WINDOW_TABLES}) == 1
    hidden = [path.name for path in Path(output).rglob(".*")]
    assert hidden == []


def test_a_second_writer_waits_until_the_first_has_replaced_all_its_files(output):
    store = LocalStore(Path(output))
    second = threading.Thread(target=store.put, args=({"runs/a": b"a", "runs/b": b"b"},))
    descriptor = os.open(output, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # as a first writer does
        second.start()
        second.join(0.3)
        assert second.is_alive()
        assert store.open("runs/a") is None
    finally:
        os.close(descriptor)
    second.join(10)
    assert [store.open(f"runs/{name}").read() for name in "ab"] == [b"a", b"b"]


def test_a_failed_write_keeps_the_old_rows_and_leaves_nothing_behind(output):
    write_window(output, MONITOR, DAYS[0], window_tables(run_id="old"))
    (Path(output) / "drift_scores").rename(Path(output) / "aside")
    (Path(output) / "drift_scores").touch()
    with pytest.raises(OutputError, match=r"drift_scores/nyc_taxi--\w+\.parquet: cannot write"):
        write_window(output, MONITOR, DAYS[0], window_tables(run_id="new"))
    (Path(output) / "drift_scores").unlink()
    (Path(output) / "aside").rename(Path(output) / "drift_scores")
    for name in WINDOW_TABLES:
        assert set(read_table(output, name)["run_id"].to_pylist()) == {"old"}
        assert [path.suffix for path in (Path(output) / name).iterdir()] == [".parquet"]
