"""The Spark jobs of a run: sketch the reference, count the reference, count and score the current.

Each is one scan and one shuffle of a few bytes per feature, task and cell. Merging and scoring
happen in grouped pandas UDFs, so that what reaches the driver does not grow with rows or tasks.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.binning.choose import Binning, Proposal, Scored
from kldrift.binning.numeric_sketch import Sketch
from kldrift.counting.grouped_counter import SegmentProfiles
from kldrift.counting.joint import NO_ROWS, Group, GroupCounts
from kldrift.execution.group_counts import SegmentList
from kldrift.execution.programs import (
    SKETCHES_DDL,
    CountProgram,
    SketchProgram,
    pack,
    propose_one,
    propose_segments,
    unpack,
)
from kldrift.execution.segment_stage import (
    ByList,
    profiles_by_list,
    references_of_segments,
    scored_by_list,
    scored_segment_frame,
    segment_frame,
)
from kldrift.execution.wire import (
    COUNTS_DDL,
    Numbering,
    counts_of,
    group_from_packed,
    group_rows,
    moment_columns,
    packed_row,
)
from kldrift.features.plan import Feature
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import Support, pivot_of
from kldrift.scoring.scores import SCORES, Comparison, ScoredPair, score
from kldrift.scoring.segment_scores import ScoredSegments
from kldrift.sources.dataset import Source
from kldrift.sources.parquet.source import TASKS_PER_WORKER, parallelism
from kldrift.sources.pickled import PickledPayload

MOMENTS: Final = (
    "moment_rows",
    "sum1",
    "sum1_low",
    "sum2",
    "sum2_low",
    "minimum",
    "maximum",
)
FEATURES_PER_BUCKET: Final = 50
TASKS_AT_ONCE: Final = 512
"""Tasks whose sketches of a feature are merged in one step; those of more in two."""
SCORED_DDL: Final = f"{COUNTS_DDL}, {', '.join(f'{name} double' for name in SCORES)}"

Collect = Callable[[DataFrame], list[Any]]
"""Runs a frame and returns its rows; the caller may show progress meanwhile."""


def propose(
    spark: SparkSession,
    source: Source,
    features: tuple[Feature, ...],
    binning: Binning,
    collect: Collect,
    lists: tuple[SegmentList, ...] = (),
) -> list[Proposal]:
    """Propose a support for each feature, then segments of each list, from one scan."""
    sketches = source.map_tasks(spark, SketchProgram(features, lists=lists), SKETCHES_DDL)
    payload = PickledPayload(features)

    def chooser(sketches: pd.DataFrame) -> pd.DataFrame:
        return _choose_bucket(payload.value, binning, sketches)

    buckets = _bucket(spark, len(features) + len(lists))
    most = TASKS_PER_WORKER * parallelism(spark)
    if most > TASKS_AT_ONCE:
        # A feature's sketches of that many tasks are more than one worker should hold.
        share = (F.spark_partition_id() % math.isqrt(most)).alias("share")
        sketches = sketches.groupBy(buckets, share).applyInPandas(_merge_sketches, SKETCHES_DDL)
    merged = sketches.groupBy(buckets).applyInPandas(chooser, "feature int, proposal binary")
    found = {row["feature"]: pickle.loads(row["proposal"]) for row in collect(merged)}
    return [found[i] for i in range(len(features) + len(lists))]


def _bucket(spark: SparkSession, features: int) -> Any:
    """Groups of features: enough to keep every core busy, and small; few enough to cost nothing."""
    buckets = max(4 * parallelism(spark), features // FEATURES_PER_BUCKET)
    return (F.col("feature") % buckets).alias("bucket")


def _merged_sketches(sketches: pd.DataFrame) -> dict[int, Sketch]:
    merged: dict[int, Sketch] = {}
    for i, payload in zip(sketches["feature"], sketches["sketch"], strict=True):
        sketch = unpack(payload)
        merged[i] = merged[i] + sketch if i in merged else sketch  # type: ignore[operator]
    return merged


def _merge_sketches(sketches: pd.DataFrame) -> pd.DataFrame:
    merged = _merged_sketches(sketches)
    payloads = [pack(sketch) for sketch in merged.values()]
    return pd.DataFrame({"feature": list(merged), "sketch": payloads}).astype({"feature": "int32"})


def _choose_bucket(
    features: Sequence[Feature], binning: Binning, sketches: pd.DataFrame
) -> pd.DataFrame:
    merged = _merged_sketches(sketches)
    chosen = [
        propose_one(features[i], s, binning) if i < len(features) else propose_segments(s, binning)
        for i, s in merged.items()
    ]
    proposals = [pickle.dumps(proposal, 5) for proposal in chosen]
    return pd.DataFrame({"feature": np.array(list(merged), np.int32), "proposal": proposals})


def count(
    spark: SparkSession,
    source: Source,
    program: CountProgram,
    collect: Collect,
) -> tuple[list[Profile], list[GroupCounts], list[list[SegmentProfiles]]]:
    """Count each feature on its support, by segments too, and each group, in one scan."""
    counts = source.map_tasks(spark, program, COUNTS_DDL)
    supports, groups = program.supports, program.groups

    numbers = program.numbering  # the supports themselves stay here: adding counts needs none

    def merger(parts: pd.DataFrame) -> pd.DataFrame:
        return _merge_bucket(numbers, groups, parts)

    merged = counts.groupBy(_bucket(spark, numbers.size)).applyInPandas(merger, COUNTS_DDL)
    rows = _records(collect(merged))
    profiles = {
        row["feature"]: _profile(row, supports) for row in rows if row["feature"] < len(supports)
    }
    single = [profiles[i] for i in range(len(supports))]
    together = _groups(groups, len(supports), rows)
    return single, together, profiles_by_list(numbers, supports, rows)


def _records(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows by name: Spark's own look for the place of a name each time that one is asked for."""
    return [row.asDict() for row in rows]


def _groups(groups: Sequence[Group], first: int, rows: Sequence[Any]) -> list[GroupCounts]:
    """The counts of each group, from the rows whose feature is ``first`` or more."""
    found = [NO_ROWS] * len(groups)
    for row in rows:
        j = int(row["feature"]) - first
        if 0 <= j < len(groups):
            found[j] += group_from_packed(groups[j], row)
    return found


def _group_frame(groups: Sequence[Group], first: int, parts: pd.DataFrame) -> pd.DataFrame:
    """The parts of groups, merged."""
    if parts.empty:
        return _frame([], {}, {})
    found = _groups(groups, first, parts.to_dict("records"))
    rows = [
        packed_row((first + j, *row))
        for j, counts in enumerate(found)
        if counts.rows or counts.moments
        for row in group_rows(counts)
    ]
    frame = pd.DataFrame(rows, columns=["feature", "counts", *MOMENTS, "sums"])
    return frame.astype({"feature": "int32"})


def _moments(row: Any, pivot: float = 0.0) -> Moments:
    """A row's moments; while they are only added, what they are about does not matter."""
    rows, *sums = (row[name] for name in MOMENTS)
    return Moments(rows, pivot, *sums)


def _profile(row: Any, supports: Sequence[Support]) -> Profile:
    support = supports[row["feature"]]
    return Profile(support, counts_of(row), _moments(row, pivot_of(support)))


_CountsOf = dict[int, NDArray[np.int64]]
_MomentsOf = dict[int, Moments]


def _merged(parts: pd.DataFrame) -> tuple[_CountsOf, _MomentsOf]:
    counts: _CountsOf = {}
    moments: _MomentsOf = {}
    columns = (parts[name].tolist() for name in ("feature", "counts", *MOMENTS))
    for i, packed, rows, *sums in zip(*columns, strict=True):
        part = np.frombuffer(packed, dtype=np.int64)
        part_moments = Moments(int(rows), 0.0, *sums)  # about what does not matter for adding
        if i in counts:
            counts[i] = counts[i] + part
            moments[i] += part_moments
        else:
            counts[i], moments[i] = part, part_moments
    return counts, moments


def _merge_bucket(numbers: Numbering, groups: Sequence[Group], parts: pd.DataFrame) -> pd.DataFrame:
    single, grouped, by_list = _kinds(numbers, parts)
    counts, moments = _merged(single)
    merged = _frame(list(counts), counts, moments)
    group_frame = _group_frame(groups, numbers.features, grouped)
    return _together(merged, group_frame, segment_frame(by_list))


def _kinds(numbers: Numbering, parts: pd.DataFrame) -> list[pd.DataFrame]:
    """The rows of features, of groups and of features by segments."""
    number = parts["feature"]
    edges = (0, numbers.features, numbers.first_list, numbers.size)
    return [parts[(low <= number) & (number < high)] for low, high in pairwise(edges)]


def _together(first: pd.DataFrame, *others: pd.DataFrame) -> pd.DataFrame:
    """Rows of several kinds; each lacks some of the columns that the first has."""
    some = [frame.reindex(columns=first.columns).astype(object) for frame in others if len(frame)]
    if not some:
        return first
    return pd.concat([first.astype(object), *some]).astype({"feature": "int32"})


def _frame(
    order: Sequence[int], counts: _CountsOf, moments: _MomentsOf, **more: NDArray[np.float64]
) -> pd.DataFrame:
    """A row per feature, made of whole columns: pandas takes its time over each row and change."""
    columns: dict[str, Any] = {
        "feature": np.array(order, dtype=np.int32),
        "counts": [counts[i].tobytes() for i in order],
    }
    rows = [moment_columns(moments[i]) for i in order]
    columns |= dict(zip(MOMENTS, zip(*rows, strict=True) if rows else [()] * 7, strict=True))
    return pd.DataFrame(columns | {"sums": None} | more)


def count_and_score(
    spark: SparkSession,
    source: Source,
    program: CountProgram,
    references: tuple[tuple[Profile, Scored], ...],
    scoring: tuple[float, str],
    collect: Collect,
    by_list: ByList = (),
) -> tuple[list[ScoredPair], list[GroupCounts], list[list[ScoredSegments]]]:
    """Count the current dataset on the reference's supports and score it, in one scan.

    Args:
        spark: the session.
        source: the current dataset.
        program: what to count.
        references: the profile of each feature's reference, and how its cells are scored.
        scoring: pseudocount, and what to do with missing values.
        collect: runs the job.
        by_list: the reference's profiles of each feature by each list of segments.
    """
    supports, groups, numbers = program.supports, program.groups, program.numbering
    first = len(supports)
    counts = source.map_tasks(spark, program, COUNTS_DDL)
    sides = counts.withColumn("reference", F.lit(None).cast("binary")).unionByName(
        _reference_rows(spark, numbers, references, by_list), allowMissingColumns=True
    )

    def scorer(sides: pd.DataFrame) -> pd.DataFrame:
        single, grouped, segments = _kinds(numbers, sides)
        scores = _score_bucket(scoring, single)
        merged = _group_frame(groups, first, grouped)
        return _together(scores, merged, scored_segment_frame(scoring, segments))

    merged = sides.groupBy(_bucket(spark, numbers.size)).applyInPandas(scorer, SCORED_DDL)
    rows = _records(collect(merged))
    pairs = {}
    for row in rows:
        if row["feature"] >= len(supports):
            continue
        reference, scored = references[row["feature"]]
        comparison = Comparison(_profile(row, supports), reference, scored)
        pairs[row["feature"]] = ScoredPair(comparison, {name: _nan(row[name]) for name in SCORES})
    segments = scored_by_list(numbers, references, by_list, rows)
    return [pairs[i] for i in range(first)], _groups(groups, first, rows), segments


def _nan(value: float | None) -> float:
    """A pandas UDF's NaN arrives as null."""
    return float("nan") if value is None else value


def _reference_rows(
    spark: SparkSession,
    numbers: Numbering,
    references: Sequence[tuple[Profile, Scored]],
    by_list: ByList,
) -> DataFrame:
    """Each reference beside the counts it is compared with: a task unpacks only its own."""
    rows = [(i, pickle.dumps(reference, 5)) for i, reference in enumerate(references)]
    if by_list:
        rows += references_of_segments(numbers, references, by_list)
    return spark.createDataFrame(rows, "feature int, reference binary")


def _score_bucket(scoring: tuple[float, str], sides: pd.DataFrame) -> pd.DataFrame:
    is_reference = sides["reference"].notna()
    payloads = zip(*(sides.loc[is_reference, c] for c in ("feature", "reference")), strict=True)
    references: dict[int, tuple[Profile, Scored]] = {i: pickle.loads(p) for i, p in payloads}
    counts, moments = _merged(sides[~is_reference])
    pairs = []
    for i, (reference, scored) in references.items():
        about = replace(moments[i], pivot=pivot_of(reference.support))
        current = Profile(reference.support, counts[i], about)
        pairs.append(Comparison(current, reference, scored))
    pseudocount, missing = scoring
    scores = score(pairs, pseudocount=pseudocount, missing=missing)
    return _frame(list(references), counts, moments, **scores)


def tasks_done(spark: SparkSession) -> Iterator[tuple[int, int]]:
    """Tasks done and tasks in all of the running jobs, at each step; classic Spark only."""
    context = getattr(spark, "sparkContext", None)
    while context is not None:
        tracker = context.statusTracker()
        done = total = 0
        for job in tracker.getActiveJobsIds():
            info = tracker.getJobInfo(job)
            for stage in info.stageIds if info else ():
                found = tracker.getStageInfo(stage)
                if found:
                    done += found.numCompletedTasks
                    total += found.numTasks
        yield done, total
