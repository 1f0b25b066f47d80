"""One feature of a dataset, and a column that is none."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kldrift.errors import named_secrets
from kldrift.features.keys import KeyType
from kldrift.features.layouts import as_values, is_ml_vector, to_lists
from kldrift.features.parts import Part, part_of
from kldrift.features.rounding import UNROUNDED, Rounding, second_digits
from kldrift.features.sentinels import without_sentinels
from kldrift.profiles.support import Unit

RENAME: Final = "rename or drop all but one, or exclude them"


@dataclass(frozen=True)
class Feature:
    """One feature of one dataset.

    Attributes:
        name: as in the tables: the column, a dotted path, or ``size(c)``, ``hour(c)``.
        path: the column and, for a nested value, the struct fields below it.
        family: what its values are, so that both sides can be told apart: number, text, ...
        scale: keys per unit, see :class:`~kldrift.profiles.support.NumericSupport`.
        keep: monitored even if it looks like an identifier.
        vector: whether it is the size of a column of vectors of numbers.
        zone: by whose clock the hour, weekday or month of an instant is told.
        own_cells: categories that need a cell of their own, however few rows they have.
        stated: whether the configuration states its kind.
        precision: what numbers of its type are rounded to.
        rounding: what its values are rounded to, because the other side has another type.
    """

    name: str
    path: tuple[str, ...]
    part: Part
    family: str
    type: str
    kind: str
    key_type: KeyType
    scale: int = 1
    unit: Unit = Unit.NUMBER
    floats: bool = False
    keep: bool = False
    sql: str | None = None
    vector: bool = False
    missing: tuple[float | str, ...] = ()
    own_cells: tuple[str, ...] = ()
    zone: str = field(default="UTC", repr=False)
    stated: bool = field(default=False, repr=False)
    precision: Rounding = field(default=UNROUNDED, repr=False)
    rounding: Rounding = UNROUNDED

    def __repr__(self) -> str:
        """As tables keep it: no secret is in its expression."""
        known = (f for f in fields(self) if f.repr or (f.name == "zone" and self.zone != "UTC"))
        shown = (f"{f.name}={getattr(self, f.name)!r}" for f in known)
        return named_secrets(f"Feature({', '.join(shown)})")

    @property
    def column(self) -> str:
        """The column as configurations name it, also where only a part of it is the feature."""
        return self.name if self.part is Part.VALUE else self.name[len(self.part) + 1 : -1]

    def of(self, column: pa.Array) -> pa.Array:
        """The feature's values, from the column named first in ``path``."""
        for name in self.path[1:]:
            if pa.types.is_null(column.type):
                break
            if column.type.get_field_index(name) < 0:  # this file's struct has not gained it yet
                return self.of_value(pa.nulls(len(column)))
            column = pc.struct_field(column, name)
        return self.of_value(column)

    def of_value(self, column: pa.Array) -> pa.Array:
        """The feature's values, from the values at ``path``."""
        column = as_values(column)
        if self.type.startswith("duration") and pa.types.is_int64(column.type):
            column = column.view(self.type)  # Spark reads no unit from files, and writes none
        if is_ml_vector(column.type):
            column = to_lists(column)
        if self.part is Part.VALUE:
            column = without_sentinels(column, self.missing) if self.missing else column
            files_differ = self.rounding == UNROUNDED and second_digits(column.type)
            rounding = self.precision if files_differ else self.rounding
            return column if rounding == UNROUNDED else rounding.of(column)
        return part_of(self.part, column, self.zone)


def as_categories(feature: Feature) -> Feature:
    """A feature whose values are compared as categories."""
    return replace(feature, kind="categorical", key_type=KeyType.TEXT, scale=1)


@dataclass(frozen=True)
class Skipped:
    """A column that is no feature, and why."""

    column: str
    reason: str
    type: str = field(default="", compare=False)
    mistake: str = field(default="", compare=False)
    mixed: bool = field(default=False, compare=False)
    ambiguous: bool = field(default=False, compare=False)

    @classmethod
    def named_alike(cls, name: str, number: int, path: str = "") -> Skipped:
        """The note on columns that share a name, so that none of them can be chosen."""
        columns = f"{number} columns called {name!r}" + (f" in {path!r}" if path else "")
        return cls(name, f"{columns}; {RENAME}", columns, ambiguous=True)


def feature_named(name: str, kind: str) -> Feature:
    """A feature known only by its name and kind."""
    parts = (p for p in Part if name.startswith(f"{p}(") and name.endswith(")"))
    part = next(parts, Part.VALUE)
    return Feature(name, (name,), part, "", "", kind, KeyType.FLOAT)
