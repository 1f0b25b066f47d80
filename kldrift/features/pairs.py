"""The features of two datasets side by side: which are compared, and on which types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kldrift.features.keys import KeyType
from kldrift.features.plan import Feature, FeaturePlan, Skipped
from kldrift.profiles.support import Unit


@dataclass(frozen=True)
class Pair:
    """One feature on both sides; None where a dataset does not have it.

    Attributes:
        reference: in the reference.
        current: in the current dataset.
        changed: how the types differ, if they cannot be compared; empty otherwise.
        retyped: how they differ, if they can.
    """

    reference: Feature | None
    current: Feature | None
    changed: str = ""
    retyped: str = ""

    @property
    def feature(self) -> Feature:
        """The feature as the reference has it, or else as the current dataset has it."""
        found = self.reference or self.current
        assert found is not None
        return found


def pair(reference: FeaturePlan, current: FeaturePlan) -> tuple[Pair, ...]:
    """Match the features of both sides by name, in the order of the reference."""
    sides = {f.name: f for f in current.features}
    # A column that is skipped on one side only has changed its type there.
    lost = {s.column: s for s in (*reference.skipped, *current.skipped)}
    pairs = [_match(f, sides.pop(f.name, None)) for f in reference.features]
    pairs += [Pair(None, f) for f in sides.values()]
    return tuple(_explain(p, lost) for p in pairs)


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
        return Pair(replace(reference, **presence), replace(current, **presence), types)
    numbers = "number" in (reference.family, current.family)
    if reference.type == current.type or (reference.family == current.family and not numbers):
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
    categories = reference.key_type is KeyType.TEXT
    if categories or len(keys) > 1 or reference.key_type is KeyType.FLOAT:
        both["rounding"] = reference.precision.coarser(current.precision)
    if categories and {reference.family, current.family} == {"number", "boolean"}:
        both["rounding"] = replace(both["rounding"], whole=True)
    if reference.family != current.family:
        both["unit"] = Unit.NUMBER
    if len(keys) > 1:
        both |= {"key_type": KeyType.FLOAT, "scale": 1}
    return both


def _explain(found: Pair, lost: Mapping[str, Skipped]) -> Pair:
    if found.reference and found.current:
        return found
    path = found.feature.path
    prefixes = [".".join(path[:i]) for i in range(len(path), 0, -1)]
    gone = next((lost[name] for name in prefixes if name in lost), None)
    if gone is None or gone.reason.startswith("excluded"):
        return found
    return replace(found, changed=f"on one side {gone.reason}")
