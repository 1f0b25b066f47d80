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
    """

    reference: Feature | None
    current: Feature | None
    changed: str = ""

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
    if reference.family != current.family:
        presence: dict[str, Any] = {
            "key_type": KeyType.PRESENCE,
            "kind": "categorical",
            "unit": Unit.NUMBER,
        }
        return Pair(
            replace(reference, **presence),
            replace(current, **presence),
            f"{reference.type} in the reference, {current.type} in the current dataset",
        )
    same = (reference.key_type, reference.scale) == (current.key_type, current.scale)
    if not same:
        both: dict[str, Any] = {"key_type": KeyType.FLOAT, "scale": 1}
        reference, current = replace(reference, **both), replace(current, **both)
    if reference.floats == current.floats:
        return Pair(reference, current)
    floats = reference.floats or current.floats
    return Pair(replace(reference, floats=floats), replace(current, floats=floats))


def _explain(found: Pair, lost: Mapping[str, Skipped]) -> Pair:
    if found.reference and found.current:
        return found
    path = found.feature.path
    prefixes = [".".join(path[:i]) for i in range(len(path), 0, -1)]
    gone = next((lost[name] for name in prefixes if name in lost), None)
    if gone is None or gone.reason.startswith("excluded"):
        return found
    return replace(found, changed=f"on one side {gone.reason}")
