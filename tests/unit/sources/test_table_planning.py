"""Tables are planned from their logs: no footer is read before the task that reads the file."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lake_sample import BOTH, delta, iceberg, rows

from kldrift.config import Dataset
from kldrift.errors import ConfigError, DatasetError
from kldrift.sources.fingerprint import version_of
from kldrift.sources.lakehouse.snapshot import time_option
from kldrift.sources.open import open_files
from kldrift.sources.parquet.files import File
from kldrift.sources.parquet.source import ArrowSource

# SQLAlchemy's engine leaves its connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


def opened(side: dict[str, str], **more: object) -> ArrowSource:
    dataset = Dataset(path=(side["path"],), format=side["format"], **more)
    source = open_files(dataset, "reference")
    assert isinstance(source, ArrowSource), source
    return source


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("a footer is read")


@BOTH
@pytest.mark.parametrize("where", [None, "n > 3 and x is not null"])
def test_no_footer_is_read_to_plan(tmp_path, monkeypatch, make, where):
    side = make(tmp_path / "t", rows(40), rows(20, 0.5))
    monkeypatch.setattr(pq, "read_metadata", refuse)
    monkeypatch.setattr(pq, "ParquetFile", refuse)
    monkeypatch.setattr(File, "open", refuse)
    source = opened(side, where=where)
    assert source.footers.rows == 60
    assert source.rows == (60 if where is None else None)
    assert source.size([]) is None
    assert "4 files, " in source.access_path


@BOTH
def test_a_table_with_a_struct_is_looked_at_file_by_file(tmp_path, monkeypatch, make):
    table = rows(4).append_column("home", pa.array([{"zip": "a"}] * 4))
    side = make(tmp_path / "t", table)
    assert {piece.row_group for piece in opened(side).footers.pieces} == {0}
    monkeypatch.setattr(File, "open", refuse)
    with pytest.raises(AssertionError, match="a footer is read"):
        opened(side)


@BOTH
def test_files_are_left_out_by_partition_and_by_bounds(tmp_path, make):
    side = make(tmp_path / "t", rows(40), rows(20, 100.0), rows(6, 7.0))
    assert len(opened(side).footers.pieces) == 6
    for where, files, kept in (
        ("p = 'u'", 3, 33),
        ("p in ('v', 'w') and n < 0", 0, 0),
        ("n = 6", 4, 30 + 30),
        ("p is null", 0, 0),
        ("n = 6 or p = 'u'", 5, 33 + 30),
    ):
        source = opened(side, where=where)
        assert (where, len(source.footers.pieces)) == (where, files)
        assert f": {files} of 6 files may hold rows to count, " in source.access_path
        assert source.footers.rows == kept


def at(seconds: int) -> str:
    return str(dt.datetime.fromtimestamp(seconds, dt.UTC))


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """A Delta table whose versions are 1,000 seconds apart, from 2001-09-09 01:46:40 on."""
    root = tmp_path / "versions"
    for i in range(3):
        delta(root, rows(10 * (i + 1)))
        log = root / "_delta_log" / f"{i:020}.json"
        os.utime(log, (10**9 + 1000 * i, 10**9 + 1000 * i))
    return root


def as_of(root: Path, **options: str) -> ArrowSource:
    return opened({"path": str(root), "format": "delta"}, options=options)


@pytest.mark.parametrize(
    ("time", "version", "count"),
    [
        (at(10**9), 0, 10),
        (at(10**9 + 999), 0, 10),
        (at(10**9 + 1000), 1, 30),
        ("2001-09-09 02:10:00", 1, 30),
        ("2001-09-09T04:10:00+02:00", 1, 30),
        ("2001-09-10", 2, 60),
    ],
)
def test_a_delta_table_is_read_as_of_a_time(versions, time, version, count):
    source = as_of(versions, timestampAsOf=time)
    assert source.access_path.startswith(f"Delta table, version {version}: ")
    assert source.rows == count


def test_a_time_at_which_there_was_no_version_is_named(versions):
    with pytest.raises(DatasetError, match=r"reference: the Delta table '.*' has no version as of"):
        as_of(versions, timestampAsOf=at(10**9 - 1))
    log = versions / "_delta_log" / f"{0:020}.json"
    noted = '"configuration":{"delta.enableInCommitTimestamps":"true"}'
    log.write_text(log.read_text().replace('"configuration":{}', noted))
    with pytest.raises(DatasetError, match="keeps the times of its versions in them; name one"):
        as_of(versions, timestampAsOf="2001-09-10")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"timestampAsOf": "yesterday"},
            r"options.timestampAsOf: expected a day or .*'yesterday'",
        ),
        ({"timestampAsOf": "2024-02-30"}, "expected a day or a time such as"),
        ({"timestampAsOf": "20240228"}, "expected a day or a time such as"),
        ({"timestampasof": "2999-01-01"}, "options.timestampasof: '2999-01-01' is in the future"),
        ({"versionAsOf": "1", "timestampAsOf": "2024-01-01"}, "versionAsOf and timestampAsOf excl"),
    ],
)
def test_an_option_that_names_no_version_says_what_it_should_be(versions, options, message):
    with pytest.raises(ConfigError, match=message):
        as_of(versions, **options)


def test_a_time_without_a_zone_is_utc():
    assert time_option("t", "2024-01-31 12:00") == dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)
    assert time_option("t", "2024-01-31") == time_option("t", "2024-01-30 19:00:00-05:00")


def test_an_iceberg_table_is_read_as_of_a_time(tmp_path):
    side = iceberg(tmp_path / "t", rows(10), rows(20), rows(30))
    names = sorted((tmp_path / "t/ns/t/metadata").glob("*.metadata.json"))
    from pyiceberg.table import StaticTable

    history = StaticTable.from_metadata(str(names[-1])).history()
    times = [entry.timestamp_ms for entry in history]
    for i, count in enumerate((10, 30, 60)):
        assert opened(side, options={"as-of-timestamp": str(times[i])}).rows == count
    with pytest.raises(DatasetError, match=f"there is no snapshot as of {times[0] - 1}"):
        opened(side, options={"as-of-timestamp": str(times[0] - 1)})
    with pytest.raises(ConfigError, match=r"options.as-of-timestamp: expected milliseconds since"):
        opened(side, options={"as-of-timestamp": "2024-01-01"})
    with pytest.raises(ConfigError, match="snapshot-id and as-of-timestamp exclude each other"):
        opened(side, options={"snapshot-id": "1", "as-of-timestamp": "1"})


def version(side: dict[str, str], **options: str) -> str | None:
    return version_of(Dataset(path=(side["path"],), format=side["format"], options=options))


def test_the_fingerprint_is_that_of_the_version_however_it_is_asked_for(tmp_path, versions):
    side = {"path": str(versions), "format": "delta"}
    first = version(side, versionAsOf="0")
    assert first == version(side, timestampAsOf=at(10**9 + 5))
    assert first != version(side, timestampAsOf=at(10**9 + 1000))
    assert version(side) == version(side, versionAsOf="2")
    other = iceberg(tmp_path / "t", rows(10), rows(20))
    assert version(other) == version(other, **{"as-of-timestamp": "9999999999999"})
    assert len({version(side), version(other), first, None}) == 4
