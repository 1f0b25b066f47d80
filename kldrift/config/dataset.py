"""Where rows come from: files, a table of the catalog, or a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from pydantic import (
    BeforeValidator,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from kldrift.config.values import TEXT_NODE, Options, Place, Text, about, as_text, refuse, wrong

_COMPRESSION: Final = frozenset({".gz", ".bz2", ".zst", ".xz", ".lz4", ".snappy", ".deflate"})
_FORMATS: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".orc": "orc",
}
_SECRETS: Final = (
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


Paths = Annotated[
    tuple[Place, ...],
    BeforeValidator(_several),
    WithJsonSchema(
        {
            "anyOf": [
                TEXT_NODE,
                {"type": "array", "items": TEXT_NODE, "minItems": 1},
                {"type": "null"},
            ]
        }
    ),
]


@dataclass(frozen=True)
class Dataset:
    """Where rows come from: files, a table of the catalog, or a query; exactly one of the three."""

    path: Paths = field(
        default=(),
        metadata=about(
            "Files or folders, relative to this file, with `*` as usual, or URIs; one or a list.",
            ["trips/a.parquet", "trips/b.parquet"],
        ),
    )
    table: Text | None = field(
        default=None, metadata=about("A table of Spark's catalog.", "lake.trips")
    )
    sql: Text | None = field(
        default=None, metadata=about("A Spark SQL query.", "select * from lake.trips")
    )
    format: Annotated[Text, WithJsonSchema({"anyOf": [TEXT_NODE, {"type": "null"}]})] = field(
        default="parquet",
        metadata=about(
            "With `path`: `parquet`, `csv`, `json`, `orc`, `delta`, `iceberg` or another source of "
            "Spark. Without it the ending of the files decides (`.parquet`, `.pq`, `.csv`, `.tsv`, "
            "`.json`, `.jsonl`, `.orc`, also compressed as in `.csv.gz`; `.tsv` sets the option "
            "`sep` too).",
            "csv",
        ),
    )
    options: Options = field(
        default_factory=dict,
        metadata=about(
            "Options of Spark's reader, for `path` and `table`. A Delta table takes "
            "`versionAsOf: 3` or `timestampAsOf: 2024-01-31 12:00:00`, and an Iceberg table "
            "`snapshot-id: 12345` or `as-of-timestamp: 1706702400000`, without Spark's reader too.",
            {"header": True, "nullValue": "NA"},
        ),
    )
    where: Text | None = field(
        default=None,
        metadata=about(
            "A Spark SQL condition; only rows that meet it are compared.", "trip_distance >= 0"
        ),
    )
    schema: Text | None = field(
        default=None,
        metadata=about(
            "With `path`: names and types of the columns as Spark DDL, so that text files need no "
            "pass to infer them.",
            "pickup timestamp, fare double",
        ),
    )
    filesystem: Options = field(
        default_factory=dict,
        metadata=about(
            "How to open the store of a URI, as below; credentials come from the environment. Not "
            "part of `config_hash`.",
            {"region": "eu-west-1", "endpoint_override": "minio:9000", "scheme": "http"},
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _with_format(cls, values: object) -> object:
        """See to it that the format of a file's section is always asked for."""
        return {"format": None, **values} if isinstance(values, Mapping) else values

    @field_validator("format", mode="before")
    @classmethod
    def _format(cls, value: object, info: ValidationInfo) -> object:
        if info.context and value is not None and (info.data.get("table") or info.data.get("sql")):
            raise wrong("goes with path only")
        if value is not None:
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
        if schema is not None and not info.data.get("path", True):
            raise wrong("goes with path only; a table or a query has its own schema")
        return schema

    @field_validator("filesystem")
    @classmethod
    def _filesystem(cls, options: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if options and not info.data.get("path", True):
            raise wrong("goes with path only")
        # The value is not shown: it would be in every log.
        text = "credentials are taken from the environment, not from the configuration"
        secret = (name for name in options if any(word in name.lower() for word in _SECRETS))
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

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add what relates keys to each other."""
        node: dict[str, Any] = handler.resolve_ref_schema(handler(core))
        paths = {"required": ["path"], "properties": {"path": {"type": ["string", "array"]}}}
        texts = {
            key: {"required": [key], "properties": {key: {"type": "string"}}}
            for key in ("table", "sql", "format", "schema")
        }
        letters = ("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in w) for w in _SECRETS)
        named = {"propertyNames": {"not": {"pattern": "|".join(letters)}}}
        node["oneOf"] = [paths, texts["table"], texts["sql"]]
        node["allOf"] = [
            {"if": {"anyOf": [texts["format"], texts["schema"]]}, "then": paths},
            {"if": texts["sql"], "then": {"properties": {"options": {"maxProperties": 0}}}},
            {"if": {"not": paths}, "then": {"properties": {"filesystem": {"maxProperties": 0}}}},
            {"properties": {"filesystem": named}},
        ]
        return node


def _ending(path: str) -> str:
    file = PurePosixPath(path.lower())
    return PurePosixPath(file.stem).suffix if file.suffix in _COMPRESSION else file.suffix
