"""Where files lie: the filesystems that pyarrow opens, and beyond them those of fsspec.

A store is opened once in a process, however many files are read from it. Credentials are the
environment's or the machine's: they are in no configuration, so that they cannot get from there
into a log or a table.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyarrow import fs as pafs

from kldrift.errors import ConfigError, DatasetError

S3_SCHEMES: Final = frozenset({"s3", "s3a", "s3n"})
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
"""What pyarrow's ``S3FileSystem`` can be told, but for credentials."""
QUERY: Final = re.compile(r"\?\w+=")


@dataclass(frozen=True)
class Store:
    """A filesystem that is not the local one.

    Attributes:
        uri: its scheme and host or bucket, with what pyarrow reads from the query of a URI.
        options: the ``filesystem`` part of the configuration.
    """

    uri: str
    options: tuple[tuple[str, str], ...] = ()

    def open(self) -> Any:
        """Open it, or have it as it was opened before.

        Raises:
            DatasetError: nothing that is installed can open it.
            ConfigError: an option is not known, or has no such value.
        """
        return _opened(self)


def locate(uri: str, options: Mapping[str, str]) -> tuple[Store, str]:
    """The store of a URI, and the path in it as the store writes it.

    Raises:
        DatasetError: the URI holds a password, or nothing that is installed can open it.

    Examples:
        >>> locate("s3a://bucket/day=1", {"region": "eu-west-1"})
        (Store(uri='s3://bucket', options=(('region', 'eu-west-1'),)), 'bucket/day=1')
    """
    scheme, rest = uri.split("://", 1)
    host, _, below = rest.partition("/")
    if ":" in host.rpartition("@")[0]:
        text = f"a {scheme}:// path holds a password; credentials go into the environment"
        raise DatasetError(text)
    given = tuple(sorted(options.items()))
    if scheme in S3_SCHEMES:
        query = QUERY.search(rest)
        end = query.start() if query else len(rest)
        return Store(f"s3://{host if below else rest[:end]}{rest[end:]}", given), rest[:end]
    store = Store(f"{scheme}://{host}/", given)
    if isinstance(store.open(), pafs.PyFileSystem):
        from fsspec.core import url_to_fs  # noqa: PLC0415 - what opened it

        return store, str(url_to_fs(uri, **options)[1])
    return store, str(pafs.FileSystem.from_uri(uri)[1])


@functools.lru_cache(maxsize=64)
def _opened(store: Store) -> Any:
    scheme = store.uri.split("://", 1)[0]
    try:
        if scheme == "s3" and store.options:
            return pafs.S3FileSystem(**_s3_options(store.options))
        if not store.options:
            return pafs.FileSystem.from_uri(store.uri)[0]
    except pa.ArrowInvalid as cause:
        if "nrecognized filesystem" not in str(cause):
            raise DatasetError(f"cannot open {store.uri!r}: {cause}") from cause
    except (pa.ArrowException, OSError) as cause:
        raise DatasetError(f"cannot open {store.uri!r}: {cause}") from cause
    return _from_fsspec(scheme, store)


def _from_fsspec(scheme: str, store: Store) -> Any:
    try:
        import fsspec  # noqa: PLC0415 - only where pyarrow has no such filesystem

        opened = fsspec.filesystem(scheme, **dict(store.options))
    except ImportError as cause:
        text = f"pyarrow has no filesystem {scheme}://; install fsspec and its package for it"
        raise DatasetError(f"{text} ({cause})") from cause
    except (ValueError, TypeError) as cause:
        raise DatasetError(f"cannot open {store.uri!r} with fsspec: {cause}") from cause
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
