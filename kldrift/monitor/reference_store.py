"""Stored baselines: what a reference looked like, so that it need not be read again.

One Parquet file per monitor. It is used when nothing that could change its numbers has changed: the
reference's files, what is asked of them, and the code. It is a memory, not a record: a file that is
missing, damaged or of another version costs a scan and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kldrift import __version__
from kldrift.config import Config
from kldrift.counting.grouped_counter import SegmentProfiles
from kldrift.counting.joint import NO_ROWS, Group, GroupCounts
from kldrift.execution.wire import group_from_row, group_rows, moment_columns
from kldrift.monitor.groups import FrozenSegments, SegmentPlan
from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Reference
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import CategoricalSupport, NumericSupport, Support, Unit, pivot_of
from kldrift.tables import read_baseline, write_baseline

FORMAT: Final = 2
"""Raised when what is stored, or how it is counted, changes within a version of kldrift."""

_SCHEMA: Final = pa.schema(
    [
        ("name", pa.string()),
        ("made_from", pa.string()),
        ("skipped", pa.string()),
        ("integer_edges", pa.list_(pa.int64())),
        ("float_edges", pa.list_(pa.float64())),
        ("scale", pa.int64()),
        ("unit", pa.string()),
        ("pivot", pa.float64()),
        ("categories", pa.list_(pa.large_string())),
        ("floats", pa.bool_()),
        ("counts", pa.list_(pa.int64())),
        ("moments", pa.list_(pa.float64())),
        ("sums", pa.list_(pa.float64())),
        ("list", pa.int32()),
        ("segments", pa.large_binary()),
    ]
)


@dataclass(frozen=True)
class Key:
    """What a baseline belongs to.

    Attributes:
        digest: of all that its numbers depend on, apart from which features are asked for.
        version: of the reference's files; None if it cannot be known: nothing is stored then.
    """

    digest: str
    version: str | None


@dataclass(frozen=True, eq=False)
class Baseline:
    """A reference that was read before.

    Attributes:
        reference: what is known of it.
        run_id: the run that read it.
        made_at: when.
    """

    reference: Reference
    run_id: str
    made_at: datetime

    def __str__(self) -> str:
        return f"as read by run {self.run_id} on {self.made_at:%Y-%m-%d %H:%M} UTC"


def key_of(config: Config, version: str | None, settings: Mapping[str, str | None]) -> Key:
    """The key of a configuration's reference.

    Args:
        config: the configuration.
        version: of the reference's files.
        settings: of the session, whoever started it, that may change what is counted.
    """
    scoring = config.scoring
    question = [
        FORMAT,
        __version__,
        asdict(config.reference),
        dict(sorted(config.features.derived.items())),
        [scoring.bins, scoring.stored_bins, scoring.max_categories],
        dict(settings),
        version,
    ]
    if config.segments:
        question.append([config.segments, scoring.max_segments])
    text = json.dumps(question, sort_keys=True, separators=(",", ":"))
    return Key(hashlib.sha256(text.encode()).hexdigest()[:32], version)


def load(plan: Plan, key: Key) -> Baseline | None:
    """The stored baseline of a plan's reference; None if there is none that can be used."""
    if key.version is None:
        return None
    config = plan.config
    try:
        data = read_baseline(config.output.path, config.monitor)
        if data is None:
            return None
        table = pq.read_table(io.BytesIO(data))
        about = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
        if about.get("key") != key.digest or table.schema.remove_metadata() != _SCHEMA:
            return None
        reference = _reference(plan, _records(table), int(about["rows"]))
        if reference is None:
            return None
        made_at = datetime.fromisoformat(about["made_at"]).astimezone(UTC)
        return Baseline(reference, about["run_id"], made_at)
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        zlib.error,
    ):
        return None


def save(plan: Plan, key: Key, reference: Reference, run_id: str) -> None:
    """Store a reference that has just been read, in place of what was stored before."""
    if key.version is None:
        return
    config = plan.config
    features = {p.feature.name: p.reference for p in plan.compared}
    rows = [
        _row(name, repr(features[name]), skipped=why, pivot=reference.pivots[name])
        for name, why in reference.skipped.items()
    ]
    rows += [
        _profile_row(name, repr(features[name]), profile, reference.pivots[name])
        for name, profile in reference.profiles.items()
    ]
    for group in plan.groups:
        counts = reference.groups.get(group.name)
        if counts is not None:
            made_from = repr(group.group("reference", reference.pivots))
            rows += [
                _row(group.name, made_from, counts=part[0], sums=part[-1])
                for part in group_rows(counts)
            ]
    for k, (planned, frozen) in enumerate(zip(plan.segments, reference.segments, strict=True)):
        rows += _segment_rows(k, planned, frozen, features)
    about = {
        "key": key.digest,
        "rows": str(reference.rows),
        "run_id": run_id,
        "made_at": datetime.now(UTC).isoformat(),
    }
    table = pa.Table.from_pylist(rows, _SCHEMA).replace_schema_metadata(about)
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    write_baseline(config.output.path, config.monitor, out.getvalue())


def _row(name: str, made_from: str, **values: Any) -> dict[str, Any]:
    return {"name": name, "made_from": made_from, **values}


def _profile_row(name: str, made_from: str, profile: Profile, pivot: float) -> dict[str, Any]:
    support = profile.support
    row = _row(
        name,
        made_from,
        counts=profile.counts,
        moments=[float(m) for m in moment_columns(profile.moments)],
        pivot=pivot,
    )
    if isinstance(support, CategoricalSupport):
        return row | {"categories": support.categories, "floats": support.floats}
    row[f"{'integer' if support.integral else 'float'}_edges"] = support.edges
    # The pivot of its moments is a key, that of groups is in the feature's unit.
    return row | {"scale": support.scale, "unit": str(support.unit), "sums": [support.pivot]}


def _segment_rows(
    k: int, planned: SegmentPlan, frozen: FrozenSegments, features: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """A list of segments: its names and their rows, then the profiles of every feature."""
    made_from = repr(planned.reference)
    yield _row(planned.name, made_from, list=k, categories=frozen.names, counts=frozen.rows)
    for name, found in frozen.profiles.items():
        yield _row(name, repr(features[name]), list=k, segments=found.packed())


def _segments(
    plan: Plan, rows: Sequence[Mapping[str, Any]], profiles: Mapping[str, Profile]
) -> tuple[FrozenSegments, ...]:
    """The lists of segments of a plan; profiles on the supports of the whole features."""
    known: list[FrozenSegments] = []
    for k, planned in enumerate(plan.segments):
        (first,) = [r for r in rows if r["list"] == k and r["made_from"] == repr(planned.reference)]
        packed = {r["name"]: r["segments"] for r in rows if r["list"] == k and r["segments"]}
        found = {
            name: SegmentProfiles.unpacked(packed[name], profile.support)
            for name, profile in profiles.items()
        }
        counts = np.array(first["counts"], dtype=np.int64)
        known.append(FrozenSegments(tuple(first["categories"]), counts, found))
    return tuple(known)


def _records(table: pa.Table) -> list[dict[str, Any]]:
    """Rows by name, lists of numbers as arrays: no object for each of a million counts."""
    columns = [_column(table.column(name)) for name in table.column_names]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _column(chunked: pa.ChunkedArray) -> list[Any]:
    column = chunked.combine_chunks()
    if not pa.types.is_list(column.type) or column.type == pa.list_(pa.large_string()):
        return list(column.to_pylist())
    values, ends = column.values.to_numpy(zero_copy_only=False), column.offsets.to_pylist()
    valid = column.is_valid().to_pylist()
    places = zip(valid, pairwise(ends), strict=True)
    return [values[a:b] if known else None for known, (a, b) in places]


def _reference(plan: Plan, rows: Sequence[Mapping[str, Any]], read: int) -> Reference | None:
    """What a plan needs of a stored reference; None if a feature of it is not there."""
    wanted = {p.feature.name: repr(p.reference) for p in plan.compared}
    by_list = [r for r in rows if r["list"] is not None]
    rows = [r for r in rows if r["list"] is None]
    mine = [r for r in rows if wanted.get(r["name"]) == r["made_from"]]
    if {r["name"] for r in mine} != set(wanted):
        return None
    pivots = {r["name"]: r["pivot"] for r in mine}
    groups = {}
    for planned in plan.groups:
        if planned.problem is None:
            group = planned.group("reference", pivots)
            found = _group(group, rows)
            if found is None:
                return None
            groups[group.name] = found
    skipped = {r["name"]: r["skipped"] for r in mine if r["skipped"]}
    profiles = {r["name"]: _profile(r) for r in mine if not r["skipped"]}
    segments = _segments(plan, by_list, profiles)
    return Reference(profiles, skipped, groups, pivots, read, segments)


def _group(group: Group, rows: Sequence[Mapping[str, Any]]) -> GroupCounts | None:
    parts = [r for r in rows if r["name"] == group.name and r["made_from"] == repr(group)]
    found = NO_ROWS
    for part in parts:
        found += group_from_row(group, part["counts"], part["sums"])
    return found if parts else None


def _profile(row: Mapping[str, Any]) -> Profile:
    support: Support
    if row["categories"] is not None:
        support = CategoricalSupport(tuple(row["categories"]), row["floats"])
    else:
        whole = row["integer_edges"] is not None
        edges = row["integer_edges" if whole else "float_edges"]
        support = NumericSupport(edges, row["scale"], Unit(row["unit"]), float(row["sums"][0]))
    rows, *sums = row["moments"].tolist()
    moments = Moments(int(rows), pivot_of(support), *sums)
    return Profile(support, row["counts"], moments)
