"""A version of a Delta or Iceberg table: the Parquet files that its log lists.

A log knows which files are part of the table, the values of its partitions, the rows that were
deleted and what columns are called now. So nothing is taken from folder names or from whatever
lies in the folder, and tasks read the files as those of any other dataset. As a rule it knows
enough to plan with, and no footer is read before the task that reads the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from kldrift.errors import ConfigError, OnlyAsWholeError
from kldrift.features.layouts import value_type
from kldrift.sources.parquet.bounds import Bounds
from kldrift.sources.parquet.byte_ranges import ranges_of
from kldrift.sources.parquet.column_mapping import ColumnMapping
from kldrift.sources.parquet.files import File, Footers
from kldrift.sources.parquet.footer_summary import ReadEach, SchemaFiles, ask_by_name, read_each
from kldrift.sources.predicates.pruning import matcher, partition_bounds
from kldrift.sources.predicates.translate import Unsupported

TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?"
)


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A data file as a log lists it: its rows that are left, where row groups begin, if known."""

    file: File
    size: int
    rows: int | None = None
    offsets: tuple[int, ...] = ()
    bounds: Mapping[str, Bounds] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """One version of a table.

    It is ``mapped`` if its files may be found by more than the mapping says, so that each is looked
    at before it is read.
    """

    what: str
    entries: tuple[ListedFile, ...]
    schema: pa.Schema
    partitions: pa.Schema
    mapping: ColumnMapping
    mapped: bool = False

    @property
    def footers_needed(self) -> bool:
        """Whether only the footers say if Arrow can read the files as a part of the table."""
        return self.mapped or any(pa.types.is_struct(f.type) for f in self.schema)

    def of_files(
        self,
        added: Mapping[str, int],
        entries_at: Callable[[int], tuple[ListedFile, ...]],
    ) -> Snapshot:
        """The table restricted to some of its files.

        ``added`` has the version that added each file, by its path; ``entries_at`` gives the files
        of a version, for those that are no longer part of this one.

        Raises:
            OnlyAsWholeError: one of these is gone, as after a vacuum.
        """
        kept = [e for e in self.entries if e.file.path in added]
        merged = {
            p: version for p, version in added.items() if p not in {e.file.path for e in kept}
        }
        for version in sorted(set(merged.values())):
            mine = [e for e in entries_at(version) if merged.get(e.file.path) == version]
            if not all(e.file.is_there for e in mine):
                raise OnlyAsWholeError(f"{self.what}: files that were added before are gone")
            kept += mine
        return replace(self, entries=tuple(sorted(kept, key=lambda e: e.file.path)))

    def only(self, where: str) -> Snapshot:
        """The files that may hold rows that a predicate keeps."""
        matches = matcher(where, self.schema)
        kept = (
            entry
            for entry in self.entries
            if matches({**entry.bounds, **partition_bounds(entry.file, self.partitions)})
        )
        return replace(self, entries=tuple(kept))

    def planned(self) -> Footers:
        """The files to read, planned from the log alone."""
        pieces = [p for e in self.entries for p in ranges_of(e.file, e.size, e.rows, e.offsets)]
        return Footers(self.schema, self.partitions, tuple(pieces), mapping=self.mapping)

    def footers(
        self, asked: Collection[str] = (), read_each: ReadEach = read_each
    ) -> Footers | Unsupported:
        """Read the footers of the files, in parallel.

        Returns:
            What they say, by the names of the table; or why Arrow cannot read one of them as a
            part of it.
        """
        files = [entry.file for entry in self.entries]
        read = read_each(files, ask_by_name(asked, self.mapping))
        sizes: dict[str, int] = {}
        for shape in read.shapes:
            names = self.mapping.inside(shape.schema)
            other = self._other_fields(shape, names)
            if other:
                return Unsupported(other)
            for name, inside in names.items():
                sizes[name] = sizes.get(name, 0) + shape.sizes.get(inside, 0)
        return Footers(self.schema, self.partitions, read.pieces, sizes, read.bounds, self.mapping)

    def _other_fields(self, shape: SchemaFiles, names: Mapping[str, str]) -> str:
        """Why files cannot be read by the table's names; empty if they can."""
        path = shape.first.path
        if self.mapping.lacks_ids(shape.schema):
            return f"the columns of {path!r} have no field ids"
        for name, inside in names.items():
            wanted, got = self.schema.field(name).type, shape.schema.field(inside).type
            if pa.types.is_struct(wanted) and _fields(wanted) != _fields(got):
                return f"the struct {name!r} has other fields in {path!r}"
        return ""


def _fields(kind: pa.DataType) -> object:
    """The names and types of a struct's fields, of structs within it too."""
    if pa.types.is_struct(kind):
        return {field.name: _fields(field.type) for field in kind}
    return "nested" if pa.types.is_nested(kind) else str(value_type(kind))


def chosen(options: Mapping[str, str], known: Collection[str]) -> tuple[str, str] | None:
    """The option that names a version, and its value; None if the newest is wanted.

    ``known`` are the options that do, in lower case; Spark compares names without regard to case.
    """
    given = [(name, value) for name, value in options.items() if name.lower() in known]
    if len(given) > 1:
        raise ConfigError(f"options: {given[0][0]} and {given[1][0]} exclude each other")
    return given[0] if given else None


def number_option(name: str, value: str, what: str) -> int:
    """The number that an option gives."""
    if not value.isdecimal():
        raise ConfigError(f"options.{name}: expected {what}, got {value!r}")
    return int(value)


def time_option(name: str, value: str) -> datetime:
    """The time that an option gives, in UTC unless it says otherwise.

    Examples:
        >>> str(time_option("timestampAsOf", "2024-02-01 12:30:00+01:00"))
        '2024-02-01 11:30:00+00:00'
    """
    try:
        parsed = datetime.fromisoformat(value) if TIME.fullmatch(value) else None
    except ValueError:  # a day or time that there is not
        parsed = None
    if parsed is None:
        text = f"options.{name}: expected a day or a time such as 2024-01-31 12:00:00"
        raise ConfigError(f"{text}, got {value!r}")
    at = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    if at > datetime.now(UTC):
        raise ConfigError(f"options.{name}: {value!r} is in the future")
    return at
