"""The source of rows: files, a table of the catalog, or a query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from kldrift.config.problems import shown_value
from kldrift.config.time import Days, Duration, Moment
from kldrift.config.values import Options, Place, Text, Whole, as_text, refuse, wrong
from kldrift.errors import did_you_mean

SOURCES: Final = ("path", "table", "sql")
HISTORY: Final = ("trailing", "previous")
OF_HISTORY: Final = ("same", "exclude")
RANGE_KEYS: Final = {"from": "since", "to": "until"}
"""Of a reference of rows: the keys of a file, and the names that Python allows."""
ONLY_REFERENCE: Final = {key: key for key in (*HISTORY, *OF_HISTORY)} | RANGE_KEYS
"""Keys that only a reference has, and their names."""
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


TEXTS: Final = frozenset({"csv", "json"})
"""Formats of text files, whose values get their types as they are read."""
OF_TEXTS: Final = """
sep delimiter encoding charset quote escape comment header inferSchema preferDate enforceSchema
ignoreLeadingWhiteSpace ignoreTrailingWhiteSpace nullValue nanValue positiveInf negativeInf
dateFormat timestampFormat timestampNTZFormat timestampLTZFormat timeFormat
enableDateTimeParsingFallback maxColumns
maxCharsPerColumn mode columnNameOfCorruptRecord multiLine charToEscapeQuoteEscaping
samplingRatio emptyValue locale lineSep unescapedQuoteHandling compression columnPruning
recursiveFileLookup pathGlobFilter modifiedBefore modifiedAfter ignoreCorruptFiles
ignoreMissingFiles basePath extension timeZone primitivesAsString prefersDecimal allowComments
allowUnquotedFieldNames allowSingleQuotes allowNumericLeadingZeros
allowBackslashEscapingAnyCharacter allowUnquotedControlChars allowNonNumericNumbers
dropFieldIfAllNull inferTimestamp singleVariantColumn rowTag escapeQuotes quoteAll
ignoreNullFields
"""
"""Options of Spark's readers of text files."""
AS_OF: Final = re.compile(
    r"\{as_of\s*(?:(?P<sign>[-+])\s*(?P<number>\d{1,5})\s*(?P<unit>[hdw])\s*)?"
    r"(?::(?P<format>(?:%-?[YmdHMSjGVuyFT%]|[^{}%])+))?\}"
)
"""A place for the time that a run is for."""
ALMOST_AS_OF: Final = re.compile(r"(?i)(?:\{\s*as_?of|\bas_?of\s*:\s*%)[^{}]*\}?")


def _several(value: object) -> object:
    """Return a list of paths for one path; none for nothing."""
    if isinstance(value, list | tuple):
        return value
    return () if value is None else (as_text(value),)


@dataclass(frozen=True)
class Dataset:
    """The source of rows: files, a table of the catalog, or a query; exactly one of the three.

    A reference may be windows that the tables have, too.
    """

    path: Annotated[tuple[Place, ...], BeforeValidator(_several)] = ()
    """Files or folders, relative to this file, with `*` as usual, or URIs; one or a list.
    `{as_of:%Y-%m-%d}` stands for the time that the run is for (`--as-of`, or else today in UTC),
    `{as_of - 1d}` for the day before, `%-m` for a month without a zero; in `where` and `sql` too.
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
    since: Annotated[Moment | None, Field(validation_alias=AliasChoices("from", "since"))] = field(
        default=None, metadata={"key": "from"}
    )
    """Only of `reference`, with `time`: the first moment of the rows by the time column, in
    `time.zone` unless it says otherwise. Example: `2019-01-01`"""
    until: Annotated[Moment | None, Field(validation_alias=AliasChoices("to", "until"))] = field(
        default=None, metadata={"key": "to"}
    )
    """Only of `reference`, with `time`: where they end; the moment itself is left out.
    Example: `2020-01-01`"""
    trailing: Duration | None = None
    """Only of `reference`, with `time`: the windows of so long before the one that is judged, as
    the tables have them, instead of rows. Example: `90d`"""
    previous: Whole | None = field(default=None, metadata={"ge": 1})
    """Only of `reference`, with `time`: so many windows before the one that is judged.
    Example: `1`"""
    same: Literal["hour", "weekday", "month"] | None = None
    """With `trailing`: only windows of the same hour of the day, weekday or month.
    Example: `weekday`"""
    exclude: tuple[Days, ...] = ()
    """With `trailing` or `previous`: windows that touch such days are left out, and nobody is
    called about what is new in them; a day, or two with a slash between.
    Example: `[2019-12-24/2019-12-27]`"""
    changes: Literal["since_last_run"] | None = None
    """Only of `current`, with `time` and a Delta or Iceberg table at a `path`: `since_last_run`
    reads only what was added to the table since the version that the last run read.
    Example: `since_last_run`"""
    filesystem: Options = field(default_factory=dict)
    """How to open the store of a URI; credentials come from the environment. Not part of
    `config_hash`. Example: `{region: eu-west-1, endpoint_override: "minio:9000", scheme: http}`"""

    def asked(self) -> dict[str, Any]:
        """Return the settings as JSON values; keys added in later versions only where set."""
        later = (*ONLY_REFERENCE.values(), "changes")
        stated = {k: v for k, v in asdict(self).items() if k not in later or v}
        del stated["filesystem"]
        return stated

    @property
    def is_history(self) -> bool:
        """Whether windows of the tables are meant, and not rows of a source."""
        return self.trailing is not None or self.previous is not None

    @model_validator(mode="before")
    @classmethod
    def _with_format(cls, values: object) -> object:
        """Make sure that the format is always validated when a file is read."""
        return {"format": None, **values} if isinstance(values, Mapping) else values

    @field_validator("format", mode="before")
    @classmethod
    def _format(cls, value: object, info: ValidationInfo) -> object:
        if value is not None:
            if info.context and (info.data.get("table") or info.data.get("sql")):
                raise wrong("goes with path only")
            return value
        formats = sorted({format_of(path) or "parquet" for path in info.data.get("path", ())})
        if len(formats) > 1:
            raise wrong(f"the files end in {' and '.join(formats)}; state one format")
        return formats[0] if formats else "parquet"

    @field_validator("path", "where", "sql")
    @classmethod
    def _placeholders(cls, value: object) -> object:
        texts = value if isinstance(value, tuple) else (value,)
        for text in texts:
            wrongly = ALMOST_AS_OF.search(AS_OF.sub("", text or ""))
            if wrongly:
                right = "{as_of}, {as_of:%Y-%m-%d} or {as_of - 1d:%Y/%m/%d}"
                raise wrong(f"expected {right} (h, d or w), got {shown_value(wrongly[0])}")
        return value

    @field_validator("options")
    @classmethod
    def _options(cls, options: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if options and info.data.get("sql"):
            raise wrong("go with path or table; a query takes none")
        if info.data.get("format") in TEXTS:  # Spark is silent about names that it does not know
            known = {one.lower() for one in OF_TEXTS.split()}
            near = {
                name: did_you_mean(re.sub("(?i)^sep.*", "sep", name), OF_TEXTS.split(), 0.8)
                for name in options
                if name.lower() not in known
            }
            refuse(((name,), f"unknown option{end}") for name, end in near.items() if end)
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
        given = [key for key in (*SOURCES, *HISTORY) if getattr(self, key)]
        if not self.is_history:
            refuse(
                ((k,), f"goes with {' or '.join(HISTORY)} only")
                for k in OF_HISTORY
                if getattr(self, k)
            )
        else:
            refuse(
                ((key,), "goes with path, table or sql only")
                for key, moment in (("from", self.since), ("to", self.until))
                if moment
            )
        if self.since and self.until:
            first, last = (datetime.fromisoformat(m) for m in (self.since, self.until))
            if (first.tzinfo is None) == (last.tzinfo is None) and first >= last:
                refuse([(("to",), f"expected a moment after {self.since}, got {self.until}")])
        if self.previous and self.same:
            refuse([(("same",), "goes with trailing only")])
        if len(given) != 1:
            got = " and ".join(given) or "none"
            raise wrong(f"expected exactly one of path, table and sql, got {got}")
        if self.changes and (self.format not in ("delta", "iceberg") or not self.path):
            refuse([(("changes",), "goes with path and format: delta or iceberg only")])
        if self.format != "tsv":
            return self
        stated = {"sep", "delimiter"} & {name.lower() for name in self.options}
        options = self.options if stated else {**self.options, "sep": "\t"}
        return replace(self, format="csv", options=options)


def _elsewhere(info: ValidationInfo) -> bool:
    """Whether rows come from a table or a query only."""
    path, table, sql = (info.data.get(key) for key in ("path", "table", "sql"))
    return not path and bool(table or sql)


def format_of(path: str) -> str | None:
    """The format that the ending of a file's name states, if it states one."""
    file = PurePosixPath(path.lower())
    ending = PurePosixPath(file.stem).suffix if file.suffix in _COMPRESSION else file.suffix
    return _FORMATS.get(ending)
