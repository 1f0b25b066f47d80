"""Which features a dataset has: from its schema and the configuration, before any row is read."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kldrift.errors import ConfigError
from kldrift.features.keys import EXACT_DECIMAL_DIGITS, KeyType
from kldrift.features.layouts import as_values, value_type
from kldrift.features.ml_vectors import is_ml_vector, to_lists
from kldrift.features.parts import Part, is_bytes, is_list, part_of, parts_of
from kldrift.features.patterns import Patterns
from kldrift.features.rounding import EXACT, Rounding, rounding_of
from kldrift.features.sentinels import is_number, is_text, without_sentinels
from kldrift.features.wanted import Choice, Wanted
from kldrift.profiles.support import Unit

AS_IT_IS: Final = Choice()
EXCLUDED: Final = "excluded by the configuration"
RENAME: Final = "rename or drop all but one, or exclude them"
MICROSECONDS: Final = 1_000_000
"""Keys per second of a time."""


@dataclass(frozen=True)
class Feature:
    """One feature of one dataset.

    Attributes:
        name: as in the tables: the column, a dotted path, or ``size(c)``, ``hour(c)``.
        path: the column and, for a nested value, the struct fields below it.
        part: what of the column is counted.
        family: what its values are, so that both sides can be told apart: number, text, ...
        type: the column's type, for messages.
        kind: ``numeric`` or ``categorical``.
        key_type: how values become keys.
        scale: keys per unit, see :class:`~kldrift.profiles.support.NumericSupport`.
        unit: what a key stands for.
        floats: whether categories were floats.
        keep: monitored even if it looks like an identifier.
        sql: the Spark SQL expression of a derived feature.
        vector: whether it is the size of a column of vectors of numbers.
        missing: values that stand for a missing one.
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
    stated: bool = dataclasses.field(default=False, repr=False)
    precision: Rounding = dataclasses.field(default=EXACT, repr=False)
    rounding: Rounding = EXACT

    @property
    def column(self) -> str:
        """The column as configurations name it, also where only a part of it is the feature."""
        return self.name if self.part is Part.VALUE else self.name[len(self.part) + 1 : -1]

    def of(self, column: pa.Array) -> pa.Array:
        """The feature's values, from the column named first in ``path``."""
        for field in self.path[1:]:
            if pa.types.is_null(column.type):
                break
            if column.type.get_field_index(field) < 0:  # this file's struct has not gained it yet
                return self.of_value(pa.nulls(len(column)))
            column = pc.struct_field(column, field)
        return self.of_value(column)

    def of_value(self, column: pa.Array) -> pa.Array:
        """The feature's values, from the values at ``path``."""
        column = as_values(column)
        if is_ml_vector(column.type):
            column = to_lists(column)
        if self.part is Part.VALUE:
            column = without_sentinels(column, self.missing) if self.missing else column
            return column if self.rounding == EXACT else self.rounding.of(column)
        return part_of(self.part, column)


@dataclass(frozen=True)
class Skipped:
    """A column that is no feature, and why.

    Attributes:
        column: its name.
        reason: why it is none.
        type: its type, for messages.
        mistake: what the configuration asks of it that its type cannot give; empty if nothing is.
        mixed: whether the files of its dataset have it in types that do not fit together.
        ambiguous: whether several columns of its dataset have its name.
    """

    column: str
    reason: str
    type: str = dataclasses.field(default="", compare=False)
    mistake: str = dataclasses.field(default="", compare=False)
    mixed: bool = dataclasses.field(default=False, compare=False)
    ambiguous: bool = dataclasses.field(default=False, compare=False)

    @classmethod
    def named_alike(cls, name: str, number: int, path: str = "") -> Skipped:
        """Several columns of one name, in a file: nobody can tell which one is meant."""
        columns = f"{number} columns called {name!r}" + (f" in {path!r}" if path else "")
        return cls(name, f"{columns}; {RENAME}", columns, ambiguous=True)


def named(name: str, kind: str) -> Feature:
    """A feature of which only the name and the kind are known."""
    parts = (p for p in Part if name.startswith(f"{p}(") and name.endswith(")"))
    part = next(parts, Part.VALUE)
    return Feature(name, (name,), part, "", "", kind, KeyType.FLOAT)


@dataclass(frozen=True)
class FeaturePlan:
    """The features of one dataset and what was left out."""

    features: tuple[Feature, ...]
    skipped: tuple[Skipped, ...]


def plan_features(schema: pa.Schema, wanted: Wanted) -> FeaturePlan:
    """Plan the features of a dataset that is looked at alone.

    Raises:
        ConfigError: as :func:`plan_side`, or an override asks for what the column's type cannot
            give.
    """
    plan = plan_side(schema, wanted)
    for skipped in plan.skipped:
        if skipped.mistake:
            raise ConfigError(skipped.mistake)
    return plan


def plan_side(schema: pa.Schema, wanted: Wanted, derived: pa.Schema | None = None) -> FeaturePlan:
    """Plan the features of one of two datasets.

    A column whose override asks for what its type cannot give is skipped: it may be that the other
    side has the type that was meant.

    Args:
        schema: its columns.
        wanted: the ``features`` part of the configuration.
        derived: the types of the derived features, by name.

    Raises:
        ConfigError: a derived feature has the name of a column, or is no feature.
    """
    features: list[Feature] = []
    skipped: list[Skipped] = []
    nested = list(_leaves((), schema))
    names = [".".join(path) for path, _ in nested]
    times = Counter(names)
    included, excluded = Patterns(wanted.include), Patterns(wanted.exclude)
    tops = Counter(schema.names).items()
    alike: dict[tuple[str, ...], int] = {(name,): n for name, n in tops if n > 1}
    alike |= {path: n for path, n in Counter(path for path, _ in nested).items() if n > 1}
    for (path, kind), dotted in zip(nested, names, strict=True):
        name = dotted if times[dotted] == 1 else ".".join(f"`{p}`" for p in path)
        same = next((path[:i] for i in range(1, len(path) + 1) if path[:i] in alike), None)
        name = ".".join(same) if same else name
        if not included.match(name, path[0]):
            continue
        if excluded.match(name, path[0]):
            skipped.append(Skipped(name, EXCLUDED))
            continue
        if same:
            skipped.append(Skipped.named_alike(name, alike[same]))
            continue
        override = wanted.override.get(name, AS_IT_IS)
        try:
            planned = _of_type(name, path, kind, override)
        except ConfigError as error:
            planned = Skipped(name, str(error), mistake=str(error))
        if isinstance(planned, Skipped):
            skipped.append(replace(planned, type=str(value_type(kind))))
        else:
            features.extend(planned)
    taken = {name for f in features for name in (f.name, f.path[0])}
    taken |= {s.column for s in skipped if s.ambiguous}
    for field in derived or ():
        if field.name in taken:
            raise ConfigError(
                f"features.derived.{field.name}: a column of that name is a feature too; "
                "give the derived one another name, or exclude the column"
            )
        override = wanted.override.get(field.name, AS_IT_IS)
        planned = _of_type(field.name, (field.name,), field.type, override)
        if isinstance(planned, Skipped):
            raise ConfigError(f"features.derived.{field.name}: {planned.reason}")
        features.extend(replace(f, sql=wanted.derived[field.name]) for f in planned)
    return FeaturePlan(tuple(features), tuple(dict.fromkeys(skipped)))


def _leaves(
    parents: tuple[str, ...], fields: Iterable[pa.Field]
) -> Iterator[tuple[tuple[str, ...], pa.DataType]]:
    for field in fields:
        path = (*parents, field.name)
        struct = pa.types.is_struct(field.type) and not is_ml_vector(field.type)
        if struct and field.type.num_fields:
            yield from _leaves(path, (field.type.field(i) for i in range(field.type.num_fields)))
        else:
            yield path, field.type


def _of_type(
    name: str, path: tuple[str, ...], kind: pa.DataType, override: Choice
) -> tuple[Feature, ...] | Skipped:
    kind = value_type(kind)
    if is_ml_vector(kind):
        kind = pa.list_(pa.float64())
    if override.missing and not (is_number(kind) or is_text(kind)):
        raise ConfigError(
            f"features.override.{name}.missing: expected a column of numbers or text, got {kind}"
        )
    possible = parts_of(kind)
    wrong = [part for part in override.parts if part not in possible]
    if wrong:
        has = f"its parts are {', '.join(possible)}" if possible else "it has no parts"
        raise ConfigError(
            f"features.override.{name}.parts: {wrong[0]!r} is no part of a {kind} column; {has}"
        )
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _of_time(name, path, kind, override)
    parts = tuple(_part(name, path, kind, part, override) for part in override.parts)
    if is_list(kind):
        base = _part(name, path, kind, Part.SIZE, override)
        vector = not pa.types.is_map(kind) and pa.types.is_floating(kind.value_type)
        return (replace(base, vector=vector), *parts)
    plain = _plain(name, path, kind)
    if isinstance(plain, Skipped):
        return parts or plain
    stated = override.kind is not None
    plain = replace(plain, missing=override.missing, stated=stated, precision=rounding_of(kind))
    if override.keep or stated or override.own_cells:
        plain = replace(plain, keep=True, own_cells=override.own_cells)
    if override.kind == "categorical":
        floats = pa.types.is_floating(kind)
        plain = replace(plain, kind="categorical", key_type=KeyType.TEXT, scale=1, floats=floats)
    if override.kind == "numeric" and plain.kind != "numeric":
        if plain.family != "boolean":
            raise ConfigError(
                f"features.override.{name}.kind: a {kind} column cannot be numeric; "
                f'add a derived feature such as {name}_number: "cast({name} as double)"'
            )
        plain = replace(plain, kind="numeric", key_type=KeyType.INTEGER, unit=Unit.NUMBER)
    return (plain, *parts)


def _part(
    name: str, path: tuple[str, ...], kind: pa.DataType, part: str, override: Choice
) -> Feature:
    """A number that is a part of each value."""
    whole = part in (Part.SIZE, Part.LENGTH, Part.NULLS)
    key_type = KeyType.INTEGER if whole else KeyType.FLOAT
    family = "size" if part == Part.SIZE else "part"
    named = f"{part}({name})"
    return Feature(
        named, path, Part(part), family, str(kind), "numeric", key_type, keep=override.keep
    )


def _plain(  # noqa: PLR0911 - one line per type
    name: str, path: tuple[str, ...], kind: pa.DataType
) -> Feature | Skipped:
    def feature(family: str, kind_name: str, key_type: KeyType, scale: int = 1) -> Feature:
        return Feature(name, path, Part.VALUE, family, str(kind), kind_name, key_type, scale)

    types = pa.types
    if types.is_boolean(kind):
        return replace(feature("boolean", "categorical", KeyType.TEXT), unit=Unit.BOOLEAN)
    if kind == pa.uint64():
        return replace(feature("number", "numeric", KeyType.UNSIGNED), unit=Unit.UNSIGNED)
    if types.is_integer(kind):
        return feature("number", "numeric", KeyType.INTEGER)
    if types.is_floating(kind):
        return feature("number", "numeric", KeyType.FLOAT)
    if types.is_decimal(kind):
        if kind.precision <= EXACT_DECIMAL_DIGITS and kind.scale >= 0:
            return feature("number", "numeric", KeyType.INTEGER, scale=10**kind.scale)
        return feature("number", "numeric", KeyType.FLOAT)
    if types.is_string(kind) or types.is_large_string(kind):
        return feature("text", "categorical", KeyType.TEXT)
    if types.is_null(kind):
        return feature("void", "categorical", KeyType.PRESENCE)
    if types.is_time(kind):
        return feature("time of day", "numeric", KeyType.INTEGER, MICROSECONDS)
    if types.is_duration(kind):
        return feature("duration", "numeric", KeyType.INTEGER, MICROSECONDS)
    if is_bytes(kind):
        ask = f"ask for features.override.{name}.parts: [length]"
        return Skipped(name, f"binary values are no feature; {ask}, or add a derived one")
    return Skipped(name, f"values of type {kind} are no feature; add a derived one")


def _of_time(
    name: str, path: tuple[str, ...], kind: pa.DataType, override: Choice
) -> tuple[Feature, ...] | Skipped:
    date = pa.types.is_date(kind)
    if not override.parts:
        what = "dates" if date else "timestamps"
        return Skipped(
            name,
            f"{what} always move; ask for features.override.{name}.parts: "
            f"[{'weekday' if date else 'hour, weekday'}] or [whole]",
        )
    base = Feature(name, path, Part.VALUE, "part", str(kind), "numeric", KeyType.INTEGER)
    features = []
    for part in override.parts:
        if part == "whole":
            unit, scale = (Unit.DAYS, 1) if date else (Unit.SECONDS, MICROSECONDS)
            family = "date" if date else "timestamp"
            features.append(replace(base, family=family, scale=scale, unit=unit))
            continue
        features.append(replace(base, name=f"{part}({name})", part=Part(part)))
    return tuple(features)
