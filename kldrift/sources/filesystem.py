"""Filesystems to read from: those of pyarrow, and for other schemes those of fsspec.

A filesystem is opened once in a process, however many files are read from it. Credentials are the
environment's or the machine's: they are in no configuration, so that they cannot get from there
into a log or a table.
"""

from __future__ import annotations

import functools
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyarrow import fs as pafs

from kldrift.errors import ConfigError, DatasetError, first_line

AS_IN_PYARROW: Final = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "abfss": "abfs"}
"""Other names of schemes, by which Hadoop and fsspec know them."""
S3_OPTIONS: Final[Mapping[str, type]] = {
    "anonymous": bool,
    "connect_timeout": float,
    "endpoint_override": str,
    "force_virtual_addressing": bool,
    "region": str,
    "request_timeout": float,
    "role_arn": str,
    "scheme": str,
    "session_name": str,
}
"""The options of pyarrow's ``S3FileSystem``, but for credentials."""
RETRIES: Final = "retry_limit_seconds"
RETRY_SECONDS: Final = 10
QUERY: Final = re.compile(r"\?\w+=")


@dataclass(frozen=True)
class RemoteFilesystem:
    """A filesystem that is not the local one, and how to open it.

    ``uri`` is its scheme and host or bucket, with what pyarrow reads from the query of a URI.
    """

    uri: str
    options: tuple[tuple[str, str], ...] = ()

    def open(self) -> Any:
        """The open filesystem; each is opened once in a process.

        Raises:
            DatasetError: nothing that is installed can open it.
            ConfigError: an option is not known, or has no such value.
        """
        return _opened(self)


def open_with_pyarrow(uri: str) -> tuple[pafs.FileSystem, str]:
    """Open the filesystem of a URI with pyarrow alone; also the path in it.

    A store that does not answer is asked again for seconds, not for the quarter of an hour that is
    the default of Google's.

    Raises:
        OSError, pyarrow.ArrowException: pyarrow has no such filesystem, or cannot open it.
    """
    scheme, rest = uri.split(":", 1)
    scheme = AS_IN_PYARROW.get(scheme, scheme)
    if scheme == "gs" and RETRIES not in rest:
        rest += f"{'&' if '?' in rest else '?'}{RETRIES}={RETRY_SECONDS}"
    filesystem, path = pafs.FileSystem.from_uri(f"{scheme}:{rest}")
    if scheme == "s3":  # one that is restored has pyarrow's own retries, a quarter of those of URIs
        filesystem = pickle.loads(pickle.dumps(filesystem))
    return filesystem, str(path)


def locate(uri: str, options: Mapping[str, str]) -> tuple[RemoteFilesystem, str]:
    """The filesystem of a URI, and the path in it as the filesystem writes it.

    Examples:
        >>> locate("s3a://bucket/day=1", {"region": "eu-west-1"})
        (RemoteFilesystem(uri='s3://bucket', options=(('region', 'eu-west-1'),)), 'bucket/day=1')
    """
    scheme, rest = uri.split("://", 1)
    host, _, below = rest.partition("/")
    if ":" in host.rpartition("@")[0]:
        text = f"a {scheme}:// path holds a password; credentials go into the environment"
        raise DatasetError(text)
    given = tuple(sorted(options.items()))
    if AS_IN_PYARROW.get(scheme, scheme) == "s3":
        query = QUERY.search(rest)
        end = query.start() if query else len(rest)
        return RemoteFilesystem(f"s3://{host if below else rest[:end]}{rest[end:]}", given), rest[
            :end
        ]
    remote = RemoteFilesystem(f"{scheme}://{host}/", given)
    if isinstance(remote.open(), pafs.PyFileSystem):
        from fsspec.core import url_to_fs  # noqa: PLC0415 - what opened it

        return remote, str(url_to_fs(uri, **options)[1])
    return remote, open_with_pyarrow(uri)[1]


@functools.lru_cache(maxsize=64)
def _opened(remote: RemoteFilesystem) -> Any:
    scheme = remote.uri.split("://", 1)[0]
    try:
        if scheme == "s3" and remote.options:
            return pafs.S3FileSystem(**_s3_options(remote.options))
        if not remote.options:
            return open_with_pyarrow(remote.uri)[0]
    except pa.ArrowInvalid as cause:
        if "nrecognized filesystem" not in str(cause):
            raise DatasetError(f"cannot open {remote.uri!r}: {first_line(cause)}") from cause
    except (pa.ArrowException, OSError) as cause:
        raise DatasetError(f"cannot open {remote.uri!r}: {first_line(cause)}") from cause
    return _from_fsspec(scheme, remote)


def _from_fsspec(scheme: str, remote: RemoteFilesystem) -> Any:
    try:
        import fsspec  # noqa: PLC0415 - only where pyarrow has no such filesystem

        opened = fsspec.filesystem(scheme, **dict(remote.options))
    except ImportError as cause:
        text = f"pyarrow has no filesystem {scheme}://; install fsspec and its package for it"
        raise DatasetError(f"{text} ({first_line(cause)})") from cause
    except (ValueError, TypeError) as cause:
        raise DatasetError(
            f"cannot open {remote.uri!r} with fsspec: {first_line(cause)}"
        ) from cause
    return pafs.PyFileSystem(pafs.FSSpecHandler(opened))


def _s3_options(options: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in options:
        if name not in S3_OPTIONS:
            known = ", ".join(S3_OPTIONS)
            raise ConfigError(f"filesystem.{name}: unknown for s3; expected one of {known}")
        kind = S3_OPTIONS[name]
        try:
            read[name] = value == "true" if kind is bool else kind(value)
        except ValueError:
            raise ConfigError(f"filesystem.{name}: expected a number, got {value!r}") from None
    return read
