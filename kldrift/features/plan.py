"""Which features a dataset has: from its schema and the configuration, before any row is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from kldrift.errors import ConfigError
from kldrift.features.feature import Feature, Skipped, as_categories
from kldrift.features.keys import EXACT_DECIMAL_DIGITS, KeyType
from kldrift.features.layouts import is_coded, is_ml_vector, is_variant, value_type
from kldrift.features.names import ROWS_FEATURE, Patterns
from kldrift.features.parts import Part, is_bytes, is_list, parts_of
from kldrift.features.rounding import rounding_of, second_digits
from kldrift.features.sentinels import is_number, is_text
from kldrift.features.wanted import Choice, Wanted
from kldrift.profiles.support import Unit

AS_IT_IS: Final = Choice()
EXCLUDED: Final = "excluded by the configuration"
NO_FEATURE: Final = "values of type {} are no feature; add a derived one"
MICROSECONDS: Final = 1_000_000
"""Keys per second of a time."""


@dataclass(frozen=True)
class FeaturePlan:
    """The features of one dataset and what was left out."""

    features: tuple[Feature, ...]
    skipped: tuple[Skipped, ...]


def plan_features(schema: pa.Schema, wanted: Wanted) -> FeaturePlan:
    """Plan the features of a dataset that is looked at alone."""
    plan = plan_side(schema, wanted)
    for skipped in plan.skipped:
        if skipped.mistake:
            raise ConfigError(skipped.mistake)
    return plan


def plan_side(
    schema: pa.Schema, wanted: Wanted, derived: pa.Schema | None = None, zone: str = "UTC"
) -> FeaturePlan:
    """Plan the features of one of two datasets.

    A column whose override asks for what its type cannot give is skipped: it may be that the other
    side has the type that was meant. Hours, weekdays and months of instants are told by the clock
    of ``zone``.
    """
    features: list[Feature] = []
    skipped: list[Skipped] = []
    included, excluded = Patterns(wanted.include), Patterns(wanted.exclude)
    for name, path, kind, times in _named_columns(schema):
        if not included.match(name, path[0]):
            continue
        if excluded.match(name, path[0]):
            skipped.append(Skipped(name, EXCLUDED))
            continue
        if times > 1:
            skipped.append(Skipped.named_alike(name, times))
            continue
        try:
            planned = _of_type(name, path, kind, wanted.override.get(name, AS_IT_IS), zone)
        except ConfigError as error:
            planned = Skipped(name, str(error), mistake=str(error))
        if isinstance(planned, Skipped):
            skipped.append(replace(planned, type=str(value_type(kind))))
        else:
            features.extend(planned)
    taken = {ROWS_FEATURE} | {name for f in features for name in (f.name, f.path[0])}
    taken |= {s.column for s in skipped if s.ambiguous}
    for field in derived or ():
        if field.name in taken:
            raise ConfigError(
                f"features.derived.{field.name}: a column of that name is a feature too; "
                "give the derived one another name, or exclude the column"
            )
        features.extend(_derived(field, wanted, zone))
    return FeaturePlan(tuple(features), tuple(dict.fromkeys(skipped)))


def _named_columns(
    schema: pa.Schema,
) -> Iterator[tuple[str, tuple[str, ...], pa.DataType, int]]:
    """The columns and the fields of structs: name, path, type, and how many have that path.

    A name is the path with dots, in quotes where another path looks alike; of what cannot be told
    apart, it is what several are called.
    """
    nested = list(_leaves((), schema))
    looks = Counter([ROWS_FEATURE, *(".".join(path) for path, _ in nested)])
    alike = Counter((name,) for name in schema.names) | Counter(path for path, _ in nested)
    for path, kind in nested:
        dotted = ".".join(path)
        heads = (path[:i] for i in range(1, len(path) + 1))
        same = next((head for head in heads if alike[head] > 1), None)
        if same:
            yield ".".join(same), path, kind, alike[same]
        else:
            yield dotted if looks[dotted] == 1 else ".".join(f"`{p}`" for p in path), path, kind, 1


def _derived(field: pa.Field, wanted: Wanted, zone: str) -> Iterator[Feature]:
    """The features of a derived column."""
    override = wanted.override.get(field.name, AS_IT_IS)
    planned = _of_type(field.name, (field.name,), field.type, override, zone)
    if isinstance(planned, Skipped):
        raise ConfigError(f"features.derived.{field.name}: {planned.reason}")
    yield from (replace(f, sql=wanted.derived[field.name]) for f in planned)


def _leaves(
    parents: tuple[str, ...], fields: Iterable[pa.Field]
) -> Iterator[tuple[tuple[str, ...], pa.DataType]]:
    for field in fields:
        path = (*parents, field.name)
        whole = is_ml_vector(field.type) or is_variant(field.type)
        if pa.types.is_struct(field.type) and field.type.num_fields and not whole:
            yield from _leaves(path, (field.type.field(i) for i in range(field.type.num_fields)))
        else:
            yield path, field.type


def _of_type(
    name: str, path: tuple[str, ...], kind: pa.DataType, override: Choice, zone: str
) -> tuple[Feature, ...] | Skipped:
    """The features of a column of a type, as its override asks for; or why there are none."""
    coded = is_coded(kind)
    kind = value_type(kind)
    if is_ml_vector(kind):
        kind = pa.list_(pa.float64())
    if pa.types.is_null(kind):  # whatever is asked for: the other side has the type
        return (
            Feature(name, path, Part.VALUE, "void", str(kind), "categorical", KeyType.PRESENCE),
        )
    _check_override(name, kind, override)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _of_time(name, path, kind, override, zone)
    parts = tuple(_part(name, path, kind, part, override) for part in override.parts)
    if is_list(kind):
        base = _part(name, path, kind, Part.SIZE, override)
        vector = not pa.types.is_map(kind) and pa.types.is_floating(kind.value_type)
        return (replace(base, vector=vector), *parts)
    plain = _plain(name, path, kind)
    if isinstance(plain, Skipped):
        return parts or plain
    if coded and override.kind is None:
        plain = replace(as_categories(plain), type=f"dictionary of {kind}")
    return (_overridden(plain, kind, override), *parts)


def _check_override(name: str, kind: pa.DataType, override: Choice) -> None:
    """Raise a ``ConfigError`` for values or parts that a column of this type does not have."""
    if override.missing and not (is_number(kind) or is_text(kind)):
        raise ConfigError(
            f"features.override.{name}.missing: expected a column of numbers or text, got {kind}"
        )
    possible = parts_of(kind)
    wrong = [part for part in override.parts if part not in possible]
    if wrong:
        has = f"its parts are {', '.join(possible)}" if possible else "it has no parts"
        raise ConfigError(
            f"features.override.{name}.parts: a column of {kind} has no part {wrong[0]!r}; {has}"
        )


def _overridden(plain: Feature, kind: pa.DataType, override: Choice) -> Feature:
    """The feature of a column's own values, as its override asks for."""
    stated = override.kind is not None
    plain = replace(plain, missing=override.missing, stated=stated, precision=rounding_of(kind))
    if override.keep or stated or override.own_cells:
        plain = replace(plain, keep=True, own_cells=override.own_cells)
    if override.kind == "categorical":
        return replace(as_categories(plain), floats=pa.types.is_floating(kind))
    if override.kind == "numeric" and plain.kind != "numeric":
        name = plain.name
        if plain.family != "boolean":
            raise ConfigError(
                f"features.override.{name}.kind: a {kind} column cannot be numeric; "
                f'add a derived feature such as {name}_number: "cast({name} as double)"'
            )
        return replace(plain, kind="numeric", key_type=KeyType.INTEGER, unit=Unit.NUMBER)
    return plain


def _part(
    name: str, path: tuple[str, ...], kind: pa.DataType, part: str, override: Choice
) -> Feature:
    """The feature of one part of a column, which is a number."""
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
    if types.is_time(kind):
        clock = feature("time of day", "numeric", KeyType.INTEGER, 10 ** second_digits(kind))
        return replace(clock, unit=Unit.CLOCK)
    if types.is_duration(kind):
        length = feature("duration", "numeric", KeyType.INTEGER, 10 ** second_digits(kind))
        return replace(length, unit=Unit.DURATION)
    if is_bytes(kind):
        ask = f"ask for features.override.{name}.parts: [length]"
        return Skipped(name, f"binary values are no feature; {ask}, or add a derived one")
    return Skipped(name, NO_FEATURE.format("variant" if is_variant(kind) else kind))


def _of_time(
    name: str, path: tuple[str, ...], kind: pa.DataType, override: Choice, zone: str
) -> tuple[Feature, ...] | Skipped:
    date = pa.types.is_date(kind)
    if not override.parts:
        what = "dates" if date else "timestamps"
        return Skipped(
            name,
            f"{what} always move; ask for features.override.{name}.parts: "
            f"[{'weekday' if date else 'hour, weekday'}] or [whole] (a day has one weekday)",
        )
    base = Feature(name, path, Part.VALUE, "part", str(kind), "numeric", KeyType.INTEGER)
    features = []
    for part in override.parts:
        if part == "whole":
            unit, scale = (Unit.DAYS, 1) if date else (Unit.SECONDS, MICROSECONDS)
            family = "date" if date else "timestamp"
            features.append(replace(base, family=family, scale=scale, unit=unit))
            continue
        by_clock = replace(base, name=f"{part}({name})", part=Part(part))
        features.append(by_clock if date or kind.tz is None else replace(by_clock, zone=zone))
    return tuple(features)
