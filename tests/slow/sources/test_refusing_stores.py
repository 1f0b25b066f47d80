"""A store that refuses, or lacks what is asked for: one line, before Spark starts."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest
from object_store import BUCKET, object_store

import kldrift
from kldrift.cli import main as command_line
from kldrift.config import config_from_mapping
from kldrift.errors import (
    ConfigError,
    DatasetError,
    NoSuchFileError,
    NoSuchOutputError,
    OutputError,
)
from kldrift.execution import session as session_module
from kldrift.sources import filesystem
from kldrift.sources.open import open_files
from kldrift.tables.read import read_table


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with object_store() as options:
        yield options


@pytest.fixture
def nobody() -> dict[str, str]:
    """The options of a port that nobody listens at."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {"endpoint_override": f"127.0.0.1:{port}", "scheme": "http", "region": "us-east-1"}


@pytest.fixture
def refusing(store) -> Iterator[dict[str, str]]:
    """A store that looks at credentials, and knows none."""
    _look_at_credentials_after(store, "0")
    filesystem._opened.cache_clear()
    yield store
    _look_at_credentials_after(store, "inf")


def _look_at_credentials_after(store: dict[str, str], requests: str) -> None:
    where = f"http://{store['endpoint_override']}/moto-api/reset-auth"
    kind = {"Content-Type": "text/plain"}
    urllib.request.urlopen(urllib.request.Request(where, requests.encode(), kind)).close()


@pytest.fixture(autouse=True)
def no_spark(monkeypatch):
    """A session would start only after what is looked at here."""

    def open_session(*_: object) -> None:
        raise AssertionError("Spark is started")

    monkeypatch.setattr(session_module, "open_session", open_session)
    for name in ("HADOOP_CONF_DIR", "PYSPARK_GATEWAY_PORT", "SPARK_CONF_DIR", "SPARK_REMOTE"):
        monkeypatch.delenv(name, raising=False)


def mapping(tmp_path, form: str, path: str, options: dict[str, str], **more: object):
    side = {"path": path, "format": form, "filesystem": options}
    return {
        "monitor": "store",
        "reference": side,
        "current": dict(side),
        "output": {"path": str(tmp_path / "out")},
        "expectations": False,
        **more,
    }


FORMATS = ["parquet", "csv", "json", "delta"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "path",
    [
        f"s3://{BUCKET}/nothing/here",
        f"s3://{BUCKET}/nothing/*.parquet",
        f"s3://{BUCKET}/trips/year=*/x",
        "s3://no-such-bucket/x",
    ],
)
def test_what_is_not_there_is_said_of_both_sides(tmp_path, store, form, path):
    with pytest.raises(NoSuchFileError) as caught:
        kldrift.run(mapping(tmp_path, form, path, store))
    missing = f"path: {path!r}: no such file or folder; check the path in the configuration"
    assert str(caught.value) == f"reference.{missing}\ncurrent.{missing}"
    (row,) = read_table(str(tmp_path / "out"), "runs").to_pylist()
    assert (row["exit_code"], row["error"]) == (2, str(caught.value))


@pytest.mark.parametrize("form", FORMATS)
def test_a_store_that_does_not_answer_is_asked_once_and_not_for_long(tmp_path, nobody, form):
    began = time.monotonic()
    with pytest.raises(NoSuchFileError) as caught:
        kldrift.run(mapping(tmp_path, form, f"s3://{BUCKET}/x", nobody))
    assert time.monotonic() - began < 5  # no more than some attempts
    (line,) = str(caught.value).splitlines()
    why = "no answer; check the endpoint, its scheme and the network"
    assert line == f"reference.path: cannot list 's3://{BUCKET}/x': {why}"


@pytest.mark.parametrize("form", FORMATS)
def test_a_store_that_refuses_credentials_is_said_in_one_line(tmp_path, refusing, form):
    with pytest.raises(NoSuchFileError) as caught:
        kldrift.run(mapping(tmp_path, form, f"s3://{BUCKET}/trips", refusing))
    (line,) = str(caught.value).splitlines()
    why = "access is denied; check the credentials of the environment and what they allow"
    assert line == f"reference.path: cannot list 's3://{BUCKET}/trips': {why}"


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize("known", ["conf", "environment"])
def test_spark_alone_is_asked_where_it_has_settings_of_its_own(
    tmp_path, nobody, form, known, monkeypatch
):
    more = {}
    if known == "conf":
        more = {"spark": {"conf": {"spark.hadoop.fs.s3a.endpoint": "minio:9000"}}}
    else:
        monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    with pytest.raises(AssertionError, match="Spark is started"):
        kldrift.run(mapping(tmp_path, form, f"s3://{BUCKET}/x", nobody, **more))


def uri(options: dict[str, str], bucket: str = BUCKET) -> str:
    query = "&".join(f"{k}={v}" for k, v in options.items())
    return f"s3://{bucket}/drift?{query}"


WINDOWS = {"time": {"column": "at", "window": "1d"}}


@pytest.mark.parametrize("more", [{}, WINDOWS], ids=["whole", "windows"])
@pytest.mark.parametrize("what", ["nobody", "refusing", "no bucket"])
def test_an_output_that_cannot_be_reached_is_said_in_one_line(tmp_path, store, what, more, request):
    options = store if what == "no bucket" else request.getfixturevalue(what)
    place = uri(options, "no-such-bucket" if what == "no bucket" else BUCKET)
    config = mapping(tmp_path, "parquet", f"s3://{BUCKET}/trips", store, **more)
    config["output"] = {"path": place}
    began = time.monotonic()
    with pytest.raises(NoSuchOutputError) as caught:
        kldrift.run(config)
    assert time.monotonic() - began < 5
    assert isinstance(caught.value, ConfigError | OutputError)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"output.path: {place.partition('?')[0]}")
    why = {"nobody": "no answer; check", "refusing": "access is denied; check"}
    assert f": {why.get(what, 'there is no such bucket; check')}" in line
    if what == "nobody":
        with pytest.raises(NoSuchOutputError):
            kldrift.rescore(config)
        if more:
            with pytest.raises(NoSuchOutputError):
                kldrift.backfill(config, "2024-01-01", "2024-01-03")


@pytest.mark.parametrize("command", ["run", "check"])
def test_the_command_line_ends_with_2_and_one_line(tmp_path, nobody, command, capsys):
    options = ", ".join(f"{k}: '{v}'" for k, v in nobody.items())
    side = f"{{path: 's3://{BUCKET}/x/*.csv', format: csv, filesystem: {{{options}}}}}"
    (tmp_path / "kldrift.yaml").write_text(
        f"monitor: m\nreference: {side}\ncurrent: {side}\noutput: {{path: out}}\n"
    )
    quiet = ["--quiet"] if command == "run" else []
    assert command_line.main([command, str(tmp_path / "kldrift.yaml"), *quiet]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"kldrift: error: reference.path: cannot list 's3://{BUCKET}/x/*.csv': ")
    assert issubclass(NoSuchFileError, DatasetError)


def test_what_is_found_missing_only_when_files_are_listed_is_the_same_error(store):
    below = {"path": f"s3://{BUCKET}/trips/month=*/none-*.parquet", "filesystem": store}
    config = config_from_mapping(
        {"monitor": "m", "reference": below, "current": below, "output": {"path": "out"}}
    )
    with pytest.raises(NoSuchFileError, match=r"^reference: .s3:.* no such file"):
        open_files(config.reference, "reference")
