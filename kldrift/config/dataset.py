"""Where rows come from: files, a table of the catalog, or a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Annotated, Final

from pydantic import BeforeValidator, ValidationInfo, field_validator, model_validator

from kldrift.config.values import Options, Place, Text, as_text, refuse, wrong

_COMPRESSION: Final = frozenset({".gz", ".bz2", ".zst", ".xz", ".lz4", ".snappy", ".deflate"})
_FORMATS: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".orc": "orc",
}
SECRETS: Final = (
    "access",
    "auth",
    "connection_string",
    "credential",
    "key",
    "password",
    "sas_",
    "secret",
    "token",
)
"""What names of options for filesystems have in them that hold a secret."""


def _several(value: object) -> object:
    """Return a list of paths for one path; none for nothing."""
    if isinstance(value, list | tuple):
        return value
    return () if value is None else (as_text(value),)


@dataclass(frozen=True)
class Dataset:
    """Where rows come from: files, a table of the catalog, or a query; exactly one of the three."""

    path: Annotated[tuple[Place, ...], BeforeValidator(_several)] = ()
    """Files or folders, relative to this file, with `*` as usual, or URIs; one or a list.
    Example: `[trips/a.parquet, trips/b.parquet]`"""
    table: Text | None = None
    """A table of Spark's catalog. Example: `lake.trips`"""
    sql: Text | None = None
    """A Spark SQL query. Example: `select * from lake.trips`"""
    format: Text = "parquet"
    """With `path`: `parquet`, `csv`, `json`, `orc`, `delta`, `iceberg` or another source of Spark.
    Without it the ending of the files decides (`.parquet`, `.pq`, `.csv`, `.tsv`, `.json`,
    `.jsonl`, `.ndjson`, `.orc`, also compressed as in `.csv.gz`; `.tsv` sets the option `sep` too).
    Example: `csv`"""
    options: Options = field(default_factory=dict)
    """Options of Spark's reader, for `path` and `table`. A Delta table takes `versionAsOf: 3` or
    `timestampAsOf: 2024-01-31 12:00:00`, and an Iceberg table `snapshot-id: 12345` or
    `as-of-timestamp: 1706702400000`, without Spark's reader too.
    Example: `{header: true, nullValue: NA}`"""
    where: Text | None = None
    """A Spark SQL condition; only rows that meet it are compared. Example: `trip_distance >= 0`"""
    schema: Text | None = None
    """With `path`: names and types of the columns as Spark DDL, so that text files need no pass to
    infer them. Example: `pickup timestamp, fare double`"""
    filesystem: Options = field(default_factory=dict)
    """How to open the store of a URI; credentials come from the environment. Not part of
    `config_hash`. Example: `{region: eu-west-1, endpoint_override: "minio:9000", scheme: http}`"""

    @model_validator(mode="before")
    @classmethod
    def _with_format(cls, values: object) -> object:
        """See to it that the format of a file's section is always looked at."""
        return {"format": None, **values} if isinstance(values, Mapping) else values

    @field_validator("format", mode="before")
    @classmethod
    def _format(cls, value: object, info: ValidationInfo) -> object:
        if value is not None:
            if info.context and (info.data.get("table") or info.data.get("sql")):
                raise wrong("goes with path only")
            return value
        endings = {_ending(path) for path in info.data.get("path", ())}
        formats = sorted({_FORMATS.get(ending, "parquet") for ending in endings})
        if len(formats) > 1:
            raise wrong(f"the files end like {' and '.join(formats)}; state one format")
        return formats[0] if formats else "parquet"

    @field_validator("options")
    @classmethod
    def _options(cls, options: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if options and info.data.get("sql"):
            raise wrong("go with path or table; a query takes none")
        return options

    @field_validator("schema")
    @classmethod
    def _schema(cls, schema: str | None, info: ValidationInfo) -> str | None:
        if schema is not None and _elsewhere(info):
            raise wrong("goes with path only; a table or a query has its own schema")
        return schema

    @field_validator("filesystem")
    @classmethod
    def _filesystem(cls, options: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if options and _elsewhere(info):
            raise wrong("goes with path only")
        # The value is not shown: it would be in every log.
        text = "credentials are taken from the environment, not from the configuration"
        secret = (name for name in options if any(word in name.lower() for word in SECRETS))
        refuse(((name,), text) for name in secret)
        return options

    @model_validator(mode="after")
    def _one_source(self) -> Dataset:
        given = [key for key in ("path", "table", "sql") if getattr(self, key)]
        if len(given) != 1:
            got = " and ".join(given) or "none"
            raise wrong(f"expected exactly one of path, table and sql, got {got}")
        if self.format != "tsv":
            return self
        stated = {"sep", "delimiter"} & {name.lower() for name in self.options}
        options = self.options if stated else {**self.options, "sep": "\t"}
        return replace(self, format="csv", options=options)


def _elsewhere(info: ValidationInfo) -> bool:
    """Whether rows come from a table or a query only."""
    path, table, sql = (info.data.get(key) for key in ("path", "table", "sql"))
    return not path and bool(table or sql)


def _ending(path: str) -> str:
    file = PurePosixPath(path.lower())
    return PurePosixPath(file.stem).suffix if file.suffix in _COMPRESSION else file.suffix
