"""Files in object stores: over real HTTP to a server of S3."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from object_store import BUCKET, mapping, object_store, write_local
from pyarrow import fs as pafs
from tables_sample import write_two_days

from kldrift.cli.days_in_paths import sides_of
from kldrift.config import config_from_mapping
from kldrift.config.as_of import with_time
from kldrift.errors import ConfigError, DatasetError, NoSuchFileError, OutputError
from kldrift.monitor.before_spark import check_inputs
from kldrift.sources import filesystem
from kldrift.sources.filesystem import RemoteFilesystem, locate, open_with_pyarrow
from kldrift.sources.lakehouse import delta, iceberg
from kldrift.sources.open import open_files
from kldrift.sources.parquet.footer_summary import read_footers
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.parquet.source import ArrowSource
from kldrift.tables import prepare_output, read_table
from kldrift.tables.store import open_folder

# SQLAlchemy's engine leaves its connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with object_store() as options:
        yield options


def names(pattern: str, options: dict[str, str]) -> list[str]:
    return [
        file.path.removeprefix(f"{BUCKET}/trips/")
        for file in list_files([f"s3://{BUCKET}/{pattern}"], options)
    ]


ONE = ["month=2024-01/part-0.parquet", "month=2024-01/part-1.parquet"]
TWO = ["month=2024-02/part-0.parquet", "month=2024-02/part-1.parquet"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("trips/month=2024-01/part-0.parquet", ONE[:1]),
        ("trips/month=2024-01", ONE),
        ("trips/", ONE + TWO),
        ("trips/month=2024-01/*.parquet", ONE),
        ("trips/*/part-1.parquet", ONE[1:] + TWO[1:]),
        ("trips/month=*2", TWO),
        ("trips/**/part-?.parquet", ONE + TWO),
        ("**/part-[1-9].parquet", ONE[1:] + TWO[1:]),
        ("tr*", ONE + TWO),
    ],
)
def test_globs_are_as_on_a_local_disk(store, tmp_path, pattern, expected):
    assert names(pattern, store) == expected
    for name in (*ONE, *TWO):
        path = tmp_path / "trips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    local = list_files([str(tmp_path / pattern)])
    remote = list_files([f"s3://{BUCKET}/{pattern}"], store)
    assert [f.path.removeprefix(f"{tmp_path}/trips/") for f in local] == expected
    assert [f.partition for f in local] == [f.partition for f in remote]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("trips/*.csv", "no such file or folder"),
        ("nowhere/x.parquet", "no such file or folder"),
        ("trips/month=2024-01/_*", "holds no files"),
    ],
)
def test_what_is_not_there_is_named(store, pattern, message):
    with pytest.raises(DatasetError, match=message):
        names(pattern, store)


def test_the_options_may_stand_in_the_uri(store):
    query = "&".join(f"{k}={v}" for k, v in store.items())
    assert len(list_files([f"s3://{BUCKET}/trips/*/part-0.parquet?{query}"])) == 2


@pytest.mark.parametrize(
    ("uri", "same"),
    [
        ("s3a://b/day=1?region=eu-west-1", "s3://b/day=1?region=eu-west-1"),
        ("s3n://b/day=1?region=eu-west-1", "s3://b/day=1?region=eu-west-1"),
        ("gcs://anonymous@b/day=1", "gs://anonymous@b/day=1"),
    ],
)
def test_reading_and_writing_know_the_same_names_of_a_filesystem(uri, same):
    opened, path = open_with_pyarrow(uri)
    assert (opened, path) == open_with_pyarrow(same)
    remote, inside = locate(uri, {})
    assert (remote.open(), inside) == (opened, path)
    written = open_folder(uri)
    assert (written._filesystem, written._root) == (opened, path)


def test_delta_tables_are_written_to_an_object_store_and_iceberg_ones_are_refused(store):
    query = "&".join(f"{name}={value}" for name, value in store.items())
    output = f"s3://{BUCKET}/drift?{query}"
    write_two_days(output, "delta")
    assert read_table(output, "runs")["run_id"].to_pylist() == ["run-1", "run-2"]
    assert read_table(output, "supports").num_rows == 3
    with pytest.raises(OutputError, match="Iceberg tables need a catalog, and kldrift keeps one"):
        prepare_output(f"s3://{BUCKET}/ice?{query}", "iceberg")


def test_a_filesystem_is_opened_once_however_many_files_there_are(store, monkeypatch):
    filesystem._opened.cache_clear()
    made = []
    real = pafs.S3FileSystem
    monkeypatch.setattr(pafs, "S3FileSystem", lambda **o: made.append(o) or real(**o))
    files = list_files([f"s3://{BUCKET}/trips"], store)
    assert read_footers(files).rows == 800
    assert len(made) == 1


def test_options_are_read_as_what_they_are():
    options = (("anonymous", "true"), ("request_timeout", "1.5"), ("region", "x"))
    assert filesystem._s3_options(options) == {
        "anonymous": True,
        "request_timeout": 1.5,
        "region": "x",
    }
    with pytest.raises(ConfigError, match=r"filesystem.endpoint: unknown for s3; expected one of"):
        filesystem._s3_options((("endpoint", "x"),))
    with pytest.raises(ConfigError, match=r"filesystem.request_timeout: expected a number"):
        filesystem._s3_options((("request_timeout", "soon"),))


def test_a_secret_is_refused_without_being_shown():
    side = {"path": "s3://b/k", "filesystem": {"access_key": "AKIA-HUSH", "region": "x"}}
    with pytest.raises(ConfigError, match=r"reference.filesystem.access_key: credentials") as found:
        config_from_mapping(mapping(side, {"path": "x"}, "o"))
    assert "HUSH" not in str(found.value)
    with pytest.raises(DatasetError, match="holds a password") as shown:
        locate("s3://AKIA:HUSH@bucket/key", {})
    assert "HUSH" not in str(shown.value)


def test_where_files_lie_is_no_part_of_the_question():
    hashes = {
        config_from_mapping(
            mapping({"path": "s3://b/k", "filesystem": options}, {"path": "/x"}, "o")
        ).config_hash
        for options in ({}, {"region": "eu-west-1"})
    }
    assert len(hashes) == 1


def test_a_scheme_that_nothing_opens_says_what_to_install(monkeypatch):
    with pytest.raises(DatasetError, match=r"cannot open 'nowhere://b/' with fsspec"):
        RemoteFilesystem("nowhere://b/").open()
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(DatasetError, match=r"no filesystem nowhere2://; install fsspec"):
        RemoteFilesystem("nowhere2://b/").open()


def test_a_delta_table_lies_in_a_store_too(store, monkeypatch):
    from deltalake import DeltaTable, write_deltalake

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    uri = f"s3://{BUCKET}/a delta/table"
    told = {
        "AWS_ENDPOINT_URL": f"http://{store['endpoint_override']}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
    }
    for n in (20, 10):
        table = pa.table({"n": np.arange(n), "p": ["a b", "c"] * (n // 2)})
        write_deltalake(uri, table, partition_by=["p"], mode="overwrite", storage_options=told)
    assert DeltaTable(uri, storage_options=told).version() == 1
    side = {"path": uri, "format": "delta", "filesystem": store, "where": "p = 'a b'"}
    config = config_from_mapping(mapping(side, side, "o"))
    source = open_files(config.reference, "reference")
    assert isinstance(source, ArrowSource)
    assert source.rows is None
    assert source.footers.rows == 5
    assert source.access_path.startswith(
        "Delta table, version 1: 1 of 2 files may hold rows to count"
    )


def test_an_iceberg_table_lies_in_a_store_too(store, tmp_path):
    from iceberg_sample import sql_catalog

    told = iceberg._storage(store)
    catalog = sql_catalog(
        "lake", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"s3://{BUCKET}/ice", **told
    )
    catalog.create_namespace("ns")
    tables = [pa.table({"n": pa.array(np.arange(k) + 100 * k)}) for k in (20, 10)]
    made = catalog.create_table("ns.t", schema=tables[0].schema)
    for table in tables:
        made.append(table)
    for path in (f"s3://{BUCKET}/ice/ns/t/", made.metadata_location):
        side = {"path": path, "format": "iceberg", "filesystem": store, "where": "n >= 2000"}
        config = config_from_mapping(mapping(side, side, "o"))
        source = open_files(config.reference, "reference")
        assert isinstance(source, ArrowSource)
        assert ": 1 of 2 files may hold rows to count, " in source.access_path
        (piece,) = source.footers.pieces
        assert (piece.rows, piece.file.remote) == (20, locate(path, store)[0])
        with piece.file.open() as parquet:
            assert parquet.metadata.num_rows == 20
    missing = {"path": f"s3://{BUCKET}/ice/ns/u", "format": "iceberg", "filesystem": store}
    config = config_from_mapping(mapping(missing, missing, "o"))
    with pytest.raises(DatasetError, match="reference: no Iceberg table at 's3://"):
        open_files(config.reference, "reference")


def test_a_store_is_told_to_pyiceberg_as_it_wants_it():
    assert iceberg._storage({"endpoint_override": "h:9000", "region": "x"}) == {
        "s3.endpoint": "https://h:9000",
        "s3.region": "x",
    }
    assert iceberg._storage({"endpoint_override": "http://h", "scheme": "https"}) == {
        "s3.endpoint": "http://h"
    }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"endpoint_override": "h:9000"}, ("https://h:9000", "false")),
        ({"endpoint_override": "h:9000", "scheme": "http"}, ("http://h:9000", "true")),
        ({"endpoint_override": "http://h:9000"}, ("http://h:9000", "true")),
    ],
    ids=["https", "http", "whole"],
)
def test_an_endpoint_is_told_to_deltalake_as_it_wants_it(options, told):
    found = delta.storage_options(options)
    assert (found["AWS_ENDPOINT_URL"], found["AWS_ALLOW_HTTP"]) == told


def test_a_scheme_that_pyarrow_lacks_is_opened_with_fsspec(tmp_path):
    root = write_local(tmp_path / "data")
    files = list_files([f"local://{root}/*.parquet"])
    assert [f.path for f in files] == [str(root / "0.parquet"), str(root / "1.parquet")]
    assert read_footers(files).rows == 200


def test_a_missing_folder_of_a_store_is_told_before_spark_starts(store):
    there = {"path": f"s3://{BUCKET}/trips/month=2024-01/*.parquet", "filesystem": store}
    gone = {"path": f"s3://{BUCKET}/trips/month={{as_of:%Y-%m}}/*.parquet", "filesystem": store}
    config = config_from_mapping(mapping(there, gone, "drift"))
    read, _ = with_time(config, datetime(2024, 9, 1, tzinfo=UTC))
    with pytest.raises(NoSuchFileError) as caught:
        check_inputs(read, config)
    assert str(caught.value).startswith(
        f"current.path: 's3://{BUCKET}/trips/month=2024-09/*.parquet': no such file or folder; "
    )
    assert "which --as-of names" in str(caught.value)


def test_days_in_a_store_are_found_as_on_a_local_disk(store, monkeypatch):
    endpoint = f"{store['scheme']}://{store['endpoint_override']}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    filesystem._opened.cache_clear()
    s3, _ = pafs.FileSystem.from_uri(f"s3://{BUCKET}")
    for day in ("2024-01-01", "2024-01-02"):
        with s3.open_output_stream(f"{BUCKET}/days/{day}/0.parquet") as file:
            file.write(b"")
    found = sides_of(f"s3://{BUCKET}/days/", None, None)
    assert found.reference == [f"s3://{BUCKET}/days/2024-01-01/*.parquet"]
    assert found.current == [f"s3://{BUCKET}/days/2024-01-02/*.parquet"]
    filesystem._opened.cache_clear()
