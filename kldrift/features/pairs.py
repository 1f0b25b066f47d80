"""The features of two datasets side by side: which are compared, and on which types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kldrift.errors import ConfigError
from kldrift.features.feature import RENAME, Feature
from kldrift.features.keys import KeyType
from kldrift.features.parts import Part
from kldrift.features.plan import EXCLUDED, FeaturePlan
from kldrift.features.text_looks import OF_BOTH_TYPES, read_by
from kldrift.profiles.support import Unit


@dataclass(frozen=True)
class Pair:
    """One feature on both sides; None where a dataset does not have it.

    Attributes:
        changed: how the types differ, if they cannot be compared; empty otherwise.
        retyped: how they differ, if they can.
        ambiguous: on which side several columns have its name; empty if on none.
    """

    reference: Feature | None
    current: Feature | None
    changed: str = ""
    retyped: str = ""
    ambiguous: str = ""

    @property
    def feature(self) -> Feature:
        """The feature as the reference has it, or else as the current dataset has it."""
        side = self.reference or self.current
        assert side is not None
        return side

    @property
    def both(self) -> bool:
        """Whether both sides have the feature."""
        return self.reference is not None and self.current is not None


def pair(reference: FeaturePlan, current: FeaturePlan) -> tuple[Pair, ...]:
    """Match the features of both sides by column and part, in the order of the reference.

    Raises:
        ConfigError: an override asks for what the column's type cannot give on any side.
    """
    _refuse_mistakes(reference, current)
    pairs = _with_differences(_matched(reference, current), reference, current)
    gone = {p.feature.path for p in pairs if p.changed and p.reference}
    return _named([p for p in pairs if p.reference or not p.changed or not _below(p, gone)])


def _matched(reference: FeaturePlan, current: FeaturePlan) -> list[Pair]:
    """The features of both sides; a column of nulls alone stands for what the other side has."""
    mine, theirs = ({(f.path, f.part): f for f in p.features} for p in (reference, current))
    pairs = [_match(f, theirs.get(key) or _all_null(key[0], theirs)) for key, f in mine.items()]
    for key, feature in theirs.items():
        if key not in mine:
            void = _all_null(key[0], mine)
            pairs.append(_match(void, feature) if void else Pair(None, feature))
    met = {f.path for p in pairs if p.both for f in (p.reference, p.current) if f is not None}
    return [p for p in pairs if p.both or p.feature.family != "void" or p.feature.path not in met]


def _with_differences(
    pairs: Sequence[Pair], reference: FeaturePlan, current: FeaturePlan
) -> list[Pair]:
    """The pairs with what differs between the sides, and more for columns that nobody can read."""
    types = _types(reference), _types(current)
    alike, mixed = (_told_by_side(reference, current, what) for what in ("ambiguous", "mixed"))
    noted = [p if p.both else _explain(p, *types) for p in pairs]
    noted = [replace(p, ambiguous=_at_or_above(p, alike)) for p in noted]
    told = {".".join(p.feature.path) for p in noted}
    noted += [Pair(_unread(n), None, changed=text) for n, text in mixed.items() if n not in told]
    noted += [
        Pair(_unread(n), None, ambiguous=f"{text}; {RENAME}")
        for n, text in alike.items()
        if n not in told
    ]
    return noted


def _below(pair: Pair, gone: Container[tuple[str, ...]]) -> bool:
    """Whether a feature is, or lies in, a column that is reported already."""
    path = pair.feature.path
    return any(path[:i] in gone for i in range(1, len(path) + 1))


def _all_null(
    path: tuple[str, ...], features: Mapping[tuple[tuple[str, ...], Part], Feature]
) -> Feature | None:
    """The column of type null at a path or above it."""
    above = (features.get((path[:i], Part.VALUE)) for i in range(len(path), 0, -1))
    return next((f for f in above if f is not None and f.family == "void"), None)


def _match(reference: Feature, current: Feature | None) -> Pair:
    if current is None:
        return Pair(reference, None)
    if reference.family == "void":
        return Pair(replace(current, path=reference.path), current)
    if current.family == "void":
        return Pair(reference, replace(reference, path=current.path))
    types = f"{reference.type} in the reference, {current.type} in the current dataset"
    if reference.family != current.family and not _of_one_kind(reference, current):
        presence: dict[str, Any] = {
            "key_type": KeyType.PRESENCE,
            "kind": "categorical",
            "unit": Unit.NUMBER,
        }
        if {reference.family, current.family} == {"number", "text"}:
            types += f"; if texts are numbers: {read_by(reference.name, OF_BOTH_TYPES)}"
        return Pair(replace(reference, **presence), replace(current, **presence), types)
    same = reference.family == current.family and reference.scale == current.scale
    numbers = "number" in (reference.family, current.family)
    if reference.type == current.type or (same and not numbers):
        return Pair(reference, current)
    both = _on_one_type(reference, current)
    return Pair(replace(reference, **both), replace(current, **both), retyped=types)


def _of_one_kind(reference: Feature, current: Feature) -> bool:
    """Whether values of two families are compared because the configuration states their kind."""
    families = {reference.family, current.family}
    alike = families <= {"number", "boolean", "text"} and reference.kind == current.kind
    return alike and reference.stated and current.stated


def _on_one_type(reference: Feature, current: Feature) -> dict[str, Any]:
    """How both sides of a feature are read, so that the same values have the same keys."""
    both: dict[str, Any] = {"floats": reference.floats or current.floats}
    keys = {(f.key_type, f.scale) for f in (reference, current)}
    categories = KeyType.TEXT in (reference.key_type, current.key_type)
    if categories or len(keys) > 1 or reference.key_type is KeyType.FLOAT:
        rounding = reference.precision.coarser(current.precision)
        both["rounding"] = replace(rounding, floats=rounding.floats or not categories)
    if categories and {reference.family, current.family} == {"number", "boolean"}:
        both["rounding"] = replace(both["rounding"], whole=True)
    if reference.family != current.family:
        both["unit"] = Unit.NUMBER
    if reference.kind != current.kind:  # codes on one side alone
        floats = any(f.floats or f.key_type is KeyType.FLOAT for f in (reference, current))
        both |= {"key_type": KeyType.TEXT, "scale": 1, "kind": "categorical", "floats": floats}
    elif len(keys) > 1 and reference.family in ("time of day", "duration"):
        both["scale"] = min(reference.scale, current.scale)
    elif len(keys) > 1:
        both |= {"key_type": KeyType.FLOAT, "scale": 1, "unit": Unit.NUMBER}
    return both


def _refuse_mistakes(reference: FeaturePlan, current: FeaturePlan) -> None:
    """Refuse an override that fits the type of no side."""
    for side, other in ((reference, current), (current, reference)):
        fits = {".".join(f.path) for f in other.features}
        for skipped in side.skipped:
            if skipped.mistake and skipped.column not in fits:
                raise ConfigError(skipped.mistake)


def _types(side: FeaturePlan) -> dict[str, tuple[str, str]]:
    """The type of each column and field of a side, and why it is no feature."""
    types = {".".join(f.path): (f.type, "") for f in side.features}
    for s in side.skipped:
        if s.type and s.reason != EXCLUDED and not s.ambiguous:
            types[s.column] = s.type, "" if s.mistake or s.mixed else s.reason
    for name in list(types):
        parts = name.split(".")
        for i in range(1, len(parts)):
            types.setdefault(".".join(parts[:i]), ("struct", ""))
    return types


def _explain(
    pair: Pair,
    reference: Mapping[str, tuple[str, str]],
    current: Mapping[str, tuple[str, str]],
) -> Pair:
    """Say that a feature of one side has another type on the other, if it is there."""
    there = reference if pair.reference is None else current
    path = pair.feature.path
    for i in range(len(path), 0, -1):
        name = ".".join(path[:i])
        if name in there:
            other, reason = there[name]
            own = pair.feature.type if i == len(path) else "struct"
            if other == own:
                return pair
            sides = (own, other) if pair.reference else (other, own)
            text = "{} in the reference, {} in the current dataset".format(*sides)
            return replace(pair, changed=f"{text}: {reason}" if reason else text)
    return pair


def _told_by_side(reference: FeaturePlan, current: FeaturePlan, what: str) -> dict[str, str]:
    """The columns of the plans that are skipped as ``what``, by name: their types, side by side."""
    sides: dict[str, list[str]] = {}
    for plan, side in ((reference, "reference"), (current, "current dataset")):
        for skipped in plan.skipped:
            if getattr(skipped, what):
                sides.setdefault(skipped.column, []).append(f"{skipped.type} in the {side}")
    return {name: ", ".join(texts) for name, texts in sides.items()}


def _at_or_above(pair: Pair, alike: Mapping[str, str]) -> str:
    """The note on the column of a feature, or on a struct that it lies in."""
    path = pair.feature.path
    above = (".".join(path[:i]) for i in range(1, len(path) + 1))
    return next((f"{alike[name]}; {RENAME}" for name in above if name in alike), "")


def _unread(name: str) -> Feature:
    """A stand-in for a column whose values are never read."""
    path = tuple(name.split("."))
    return Feature(name, path, Part.VALUE, "mixed", "mixed", "categorical", KeyType.PRESENCE)


def _named(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Pairs with distinct names: a column named like a part of another one is quoted."""
    times = Counter(p.feature.name for p in pairs)
    named = []
    for p in pairs:
        sides = [f for f in (p.reference, p.current) if f is not None]
        name = max((f.name for f in sides), key=len)  # one side may have had to quote it
        if times[name] > 1 and p.feature.part is Part.VALUE and p.feature.sql is None:
            name = ".".join(f"`{part}`" for part in p.feature.path)
        reference, current = (f and replace(f, name=name) for f in (p.reference, p.current))
        same = all(f.name == name for f in sides)
        named.append(p if same else replace(p, reference=reference, current=current))
    return tuple(named)
