"""The table ``supports``: what a reference decided, exactly, and what it was made from.

One row per feature, then one per joint group, then one per list of segments. With them and the
rows of ``profiles`` every score can be computed again without the data.

See docs/decisions/one-store.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from kldrift.profiles.cells import KINDS
from kldrift.profiles.rebinning import Rebinning
from kldrift.profiles.support import (
    CategoricalSupport,
    KnownNames,
    NumericSupport,
    Support,
    Unit,
)
from kldrift.tables.conform import conform
from kldrift.tables.lists import FlatLists, list_column_of
from kldrift.tables.schema import SCHEMA_VERSION, SUPPORTS

JOINT_KIND: Final = "joint"
SEGMENTS_KIND: Final = "segments"
FOR_READERS: Final = ("cell_kind", "lower", "upper", "label")
"""Columns that follow from the others; they are there for SQL."""


@dataclass(frozen=True)
class Origin:
    """The origin of a reference: what it was made from, and by which run.

    ``key`` is a digest of all that its numbers depend on, if that can be known.
    """

    key: str | None
    rows: int
    run_id: str
    read_at: datetime


OF_NOTHING: Final = Origin(None, 0, "", datetime.min.replace(tzinfo=UTC))
"""The origin of a reference of which no feature could be compared, so that it has no rows."""


@dataclass(frozen=True, eq=False)
class FeatureSupport:
    """The support of a feature, and how its cells are merged for scoring.

    ``joint_pivot`` is what joint groups take it about; there is no ``rebinning`` if it is skipped.
    """

    name: str
    kind: str
    made_from: str
    joint_pivot: float
    rebinning: Rebinning | None
    skipped: str = ""
    note: str = ""


@dataclass(frozen=True)
class JointSupport:
    """The pivots and the form of a joint group; of a vector there is one pivot for all elements."""

    name: str
    made_from: str
    pivots: tuple[float, ...]
    diagonal: bool


@dataclass(frozen=True)
class SegmentsSupport:
    """The segments of one list that the reference chose."""

    made_from: str
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Supports:
    """The supports of a reference and its origin, with a fingerprint of all but that."""

    reference_id: str
    origin: Origin
    features: tuple[FeatureSupport, ...]
    joint: tuple[JointSupport, ...] = ()
    segments: tuple[SegmentsSupport, ...] = ()

    @property
    def skipped(self) -> dict[str, str]:
        """Why features are skipped, by name."""
        return {f.name: f.skipped for f in self.features if f.skipped}

    @property
    def notes(self) -> dict[str, str]:
        """What to know of the values of features, by name."""
        return {f.name: f.note for f in self.features if f.note}

    def by_feature(self) -> dict[str, Support]:
        """The support of each feature that is not skipped."""
        return {f.name: f.rebinning.support for f in self.features if f.rebinning is not None}


def supports_table(supports: Supports, monitor: str) -> pa.Table:
    """The rows of ``supports`` of one reference."""
    features, joint, segments = supports.features, supports.joint, supports.segments
    n, origin = len(features) + len(joint) + len(segments), supports.origin
    columns: dict[str, Any] = {
        "schema_version": np.full(n, SCHEMA_VERSION, dtype=np.int32),
        "monitor": pa.repeat(monitor, n),
        "reference_id": pa.repeat(supports.reference_id, n),
        "reference_key": pa.repeat(pa.scalar(origin.key, pa.string()), n),
        "rows": np.full(n, origin.rows, dtype=np.int64),
        "run_id": pa.repeat(origin.run_id, n),
        "read_at": pa.repeat(pa.scalar(origin.read_at, pa.timestamp("us", tz="UTC")), n),
    }
    rows = [_feature_row(f) for f in features]
    rows += [
        {
            "kind": JOINT_KIND,
            "feature": g.name,
            "made_from": g.made_from,
            "joint_pivots": np.array(g.pivots),
            "diagonal": g.diagonal,
        }
        for g in joint
    ]
    rows += [
        {
            "kind": SEGMENTS_KIND,
            "segment_list": k,
            "made_from": s.made_from,
            "segments": np.array(s.names, dtype=object),
        }
        for k, s in enumerate(segments)
    ]
    for field in SUPPORTS:
        if field.name not in columns:
            values = [row.get(field.name) for row in rows]
            lists = pa.types.is_list(field.type)
            columns[field.name] = (
                list_column_of(values, field.type.value_type, nan_is_null=True)
                if lists
                else pa.array(values, field.type)
            )
    return pa.table({name: columns[name] for name in SUPPORTS.names}, schema=SUPPORTS)


_KIND_NAMES: Final = np.array([kind.value for kind in KINDS], dtype=object)


def _feature_row(f: FeatureSupport) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": f.kind,
        "feature": f.name,
        "made_from": f.made_from,
        "skipped": f.skipped or None,
        "note": f.note or None,
        "joint_pivots": np.array([f.joint_pivot]),
    }
    if f.rebinning is None:
        return row
    support = f.rebinning.support
    row["target"] = f.rebinning.target.astype(np.int32)
    row["cell_kind"] = _KIND_NAMES[support.codes]
    if isinstance(support, CategoricalSupport):
        categories = np.array(support.categories, dtype=object)
        row |= {"categories": categories, "floats": support.floats}
        if support.known is not None:
            row |= {"known_hashes": support.known.hashes, "known_cutoff": support.known.cutoff}
        return row
    cells = support.cells
    row |= {"unit": support.unit.value, "scale": support.scale, "pivot": support.pivot}
    # Those of floats begin with the smallest double and end with infinity, always.
    edges = {"integer_edges": support.edges} if support.integral else {}
    edges |= {} if support.integral else {"float_edges": support.edges[1:-1]}
    return (
        row
        | edges
        | {
            "lower": cells.lower,
            "upper": cells.upper,
            "label": cells.labels,
        }
    )


def read_supports(table: pa.Table) -> Supports:
    """Read supports from rows of one reference, without the columns ``FOR_READERS``."""
    table = conform("supports", table, without=FOR_READERS)
    about = ("reference_id", "reference_key", "rows", "run_id", "read_at")
    origins = table.select(about).group_by(about).aggregate([]).to_pylist()
    if len(origins) != 1:
        raise ValueError(f"expected the rows of one reference, got those of {len(origins)}")
    origin = dict(origins[0])
    reference_id = origin.pop("reference_id")
    origin["key"] = origin.pop("reference_key")
    rows = _rows(table)
    names = [row["feature"] for row in rows if row["kind"] != SEGMENTS_KIND]
    if len(set(names)) != len(names):
        raise ValueError("supports: duplicate feature")
    joint = [row for row in rows if row["kind"] == JOINT_KIND]
    lists = [row for row in rows if row["kind"] == SEGMENTS_KIND]
    numbered = [(row["segment_list"], row["feature"]) for row in lists]
    if numbered != [(k, None) for k in range(len(lists))]:
        raise ValueError("the lists of segments are not all there")
    return Supports(
        reference_id,
        Origin(**origin),
        tuple(_feature(row) for row in rows if row["kind"] not in (JOINT_KIND, SEGMENTS_KIND)),
        tuple(
            JointSupport(
                _known(g, "feature"),
                g["made_from"],
                tuple(_known(g, "joint_pivots").tolist()),
                _known(g, "diagonal"),
            )
            for g in joint
        ),
        tuple(SegmentsSupport(s["made_from"], tuple(_known(s, "segments"))) for s in lists),
    )


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows with lists as arrays; a wide table has a million edges."""
    columns: list[Sequence[Any]] = []
    for column in table.columns:
        lists = pa.types.is_list(column.type)
        columns.append(FlatLists.of(column).parts() if lists else column.to_pylist())
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _feature(row: dict[str, Any]) -> FeatureSupport:
    (pivot,) = _known(row, "joint_pivots").tolist()
    rebinning = None if row["skipped"] else _rebinning(row)
    name, kind, made_from = _known(row, "feature"), row["kind"], row["made_from"]
    skipped, note = row["skipped"] or "", row["note"] or ""
    return FeatureSupport(name, kind, made_from, pivot, rebinning, skipped, note)


def _rebinning(row: dict[str, Any]) -> Rebinning:
    support: Support
    if row["categories"] is not None:
        known = None
        if row["known_hashes"] is not None:
            hashes = row["known_hashes"].astype(np.uint64)
            known = KnownNames(hashes, _known(row, "known_cutoff"))
        names, target = tuple(row["categories"]), _known(row, "target")
        rare = len(names) - int(target[len(names)])
        support = CategoricalSupport(names, _known(row, "floats"), known, rare)
    else:
        integral = row["integer_edges"] is not None
        edges = _known(row, "integer_edges" if integral else "float_edges")
        scale, unit = _known(row, "scale"), Unit(_known(row, "unit"))
        support = NumericSupport(edges, scale, unit, _known(row, "pivot"))
    target = _known(row, "target").astype(np.intp)
    steps = target[1:] - target[:-1]
    ordered = steps.min(initial=0) >= 0 and steps.max(initial=0) <= 1
    if len(target) != support.size or target[0] or not ordered:
        raise ValueError(f"the cells of {row['feature']!r} are not merged to cells in their order")
    return Rebinning(target, support)


def _known(row: dict[str, Any], column: str) -> Any:
    if row[column] is None:
        raise ValueError(f"supports.{column}: is null in a row of kind {row['kind']!r}")
    return row[column]
