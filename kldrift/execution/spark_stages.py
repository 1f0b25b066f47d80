"""The Spark jobs of a run: sketch the reference, count the reference, count and score the current.

Each is one scan and one shuffle of a few bytes per feature, task and cell. Merging and scoring
happen in grouped pandas UDFs, so that what reaches the driver does not grow with rows or tasks.

See docs/decisions/one-scan.md and docs/decisions/dataframe-api-only.md.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.arrays import Floats
from kldrift.binning.choose import Binning, Proposal, choose, choose_segments
from kldrift.binning.numeric_sketch import Sketch
from kldrift.counting.row_groups import SegmentList
from kldrift.execution.programs import (
    SKETCHES_DDL,
    CountProgram,
    DatasetCounts,
    SketchProgram,
    pickled_sketch,
    unpickled_sketch,
)
from kldrift.execution.wire import COUNTS, COUNTS_DDL, Packed, counted_rows, packed, unpacked
from kldrift.features.feature import Feature
from kldrift.profiles.counted import Counted, merged
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.metrics import SCORES
from kldrift.scoring.scores import score
from kldrift.sources.dataset import Source
from kldrift.sources.parquet.source import TASKS_PER_WORKER, parallelism
from kldrift.sources.pickled import PickledPayload

NO_JOINT_ROWS: Final = JointProfile.zero()
FEATURES_PER_BUCKET: Final = 50
TASKS_AT_ONCE: Final = 512
"""Tasks whose sketches of a feature are merged in one step; those of more in two."""
SCORED_DDL: Final = f"{COUNTS_DDL}, scores binary"

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
    proposals = {row["feature"]: pickle.loads(row["proposal"]) for row in collect(merged)}
    return [proposals[i] for i in range(len(features) + len(lists))]


def _bucket(spark: SparkSession, features: int) -> Any:
    """The bucket of a feature: as many buckets as keep every core busy, and not more."""
    buckets = max(4 * parallelism(spark), features // FEATURES_PER_BUCKET)
    return (F.col("feature") % buckets).alias("bucket")


def _merged_sketches(sketches: pd.DataFrame) -> dict[int, Sketch]:
    merged: dict[int, Sketch] = {}
    for i, payload in zip(sketches["feature"], sketches["sketch"], strict=True):
        sketch = unpickled_sketch(payload)
        merged[i] = merged[i] + sketch if i in merged else sketch  # type: ignore[operator]
    return merged


def _merge_sketches(sketches: pd.DataFrame) -> pd.DataFrame:
    merged = _merged_sketches(sketches)
    payloads = [pickled_sketch(sketch) for sketch in merged.values()]
    return pd.DataFrame({"feature": list(merged), "sketch": payloads}).astype({"feature": "int32"})


def _choose_bucket(
    features: Sequence[Feature], binning: Binning, sketches: pd.DataFrame
) -> pd.DataFrame:
    merged = _merged_sketches(sketches)
    chosen = [
        choose(s, features[i], binning) if i < len(features) else choose_segments(s, binning)
        for i, s in merged.items()
    ]
    proposals = [pickle.dumps(proposal, 5) for proposal in chosen]
    return pd.DataFrame({"feature": np.array(list(merged), np.int32), "proposal": proposals})


def count(
    spark: SparkSession, source: Source, program: CountProgram, collect: Collect
) -> DatasetCounts:
    """Count each feature on its support, for the whole and by segments, and each joint."""
    counts = source.map_tasks(spark, program, COUNTS_DDL)
    features = len(program.supports)  # the supports themselves stay here: adding counts needs none

    def merger(parts: pd.DataFrame) -> pd.DataFrame:
        return _merge_bucket(features, parts)

    merging = counts.groupBy(_bucket(spark, program.numbers)).applyInPandas(merger, COUNTS_DDL)
    return _dataset_counts(program, [tuple(row) for row in collect(merging)])


CountedRow = tuple[Any, ...]
"""A row of ``COUNTS``, and what may stand behind it."""


def _dataset_counts(program: CountProgram, rows: Sequence[CountedRow]) -> DatasetCounts:
    """The counts of a dataset, from rows that were merged; see ``CountAccumulator.results``."""
    features, numbers = len(program.supports), program.numbers
    counted = {n: unpacked(Packed(*row[:3])) for n, *row in rows if n < features}
    more = {row[0]: pickle.loads(row[2]) for row in rows if row[0] >= features}
    profiles = [
        counted[n].profile(support) if n in counted else Profile.zero(support)
        for n, support in enumerate(program.supports)
    ]
    joint = [more.get(n, NO_JOINT_ROWS) for n in range(features, numbers)]
    return DatasetCounts(profiles, joint, {n - numbers: more[n] for n in more if n >= numbers})


def _merge_bucket(features: int, parts: pd.DataFrame) -> pd.DataFrame:
    alone = parts["feature"] < features
    counted = merged(counted_rows(parts[alone]))
    rows = [(n, *packed(c)) for n, c in counted.items()]
    return _frame([*rows, *_merged_joint(parts[~alone])])


def _merged_joint(parts: pd.DataFrame) -> list[CountedRow]:
    """One row for each joint, and for the unseen values of each feature: all of them add up."""
    totals: dict[int, Any] = {}
    for number, payload in zip(parts["feature"], parts["counts"], strict=True):
        part = pickle.loads(payload)
        totals[number] = totals[number] + part if number in totals else part
    return [(number, None, pickle.dumps(total, 5), None) for number, total in totals.items()]


def _frame(rows: Sequence[CountedRow], *more: str) -> pd.DataFrame:
    """A pandas frame of rows, built by column, because pandas is slow row by row."""
    names = (*COUNTS.names, *more)
    filled = [(*row, *(None,) * (len(names) - len(row))) for row in rows]
    columns = zip(*filled, strict=True) if filled else ((),) * len(names)
    frame = pd.DataFrame(dict(zip(names, map(list, columns), strict=True)), dtype=object)
    return frame.astype({"feature": "int32"})


def count_and_score(
    spark: SparkSession,
    source: Source,
    program: CountProgram,
    references: Sequence[tuple[Profile, Rebinning]],
    scoring: tuple[float, str],
    collect: Collect,
) -> tuple[DatasetCounts, dict[str, Floats]]:
    """Count the current dataset on the reference's supports and score it, in one scan.

    ``scoring`` is the pseudocount, and what to do with missing values.

    Returns:
        The current counts, and the scores of what both sides have, feature by feature and group
        by group.
    """
    features = len(references)
    counts = source.map_tasks(spark, program, COUNTS_DDL)
    payloads = [_pickled_reference(*side) for side in references]

    def scorer(parts: pd.DataFrame) -> pd.DataFrame:
        return _score_bucket(payloads, scoring, parts)

    merging = counts.groupBy(_bucket(spark, program.numbers)).applyInPandas(scorer, SCORED_DDL)
    rows = [tuple(row) for row in collect(merging)]
    scored = {row[0]: row[4] for row in rows}
    tables = [np.frombuffer(scored[n]).reshape(len(SCORES), -1) for n in range(features)]
    together = np.concatenate(tables, axis=1) if tables else np.zeros((len(SCORES), 0))
    return _dataset_counts(program, rows), dict(zip(SCORES, together, strict=True))


def _pickled_reference(profile: Profile, rebinning: Rebinning) -> bytes:
    """Serialise what a feature is compared with: a task unpickles those of its features alone."""
    counted = Counted(profile.keys, profile.counts, profile.moments)
    return pickle.dumps((tuple(packed(counted)), profile.support, rebinning), 5)


def _unpickled_reference(payload: bytes) -> tuple[Profile, Rebinning]:
    """Deserialise what a feature is compared with."""
    row, support, rebinning = pickle.loads(payload)
    return unpacked(Packed(*row)).profile(support), rebinning


def _score_bucket(
    references: Sequence[bytes], scoring: tuple[float, str], parts: pd.DataFrame
) -> pd.DataFrame:
    alone = parts["feature"] < len(references)
    current = merged(counted_rows(parts[alone]))
    comparisons = []
    for n, counted in current.items():
        reference, rebinning = _unpickled_reference(references[n])
        comparisons.append(Comparison.of(counted.profile(reference.support), reference, rebinning))
    pseudocount, missing = scoring
    scores = score(comparisons, pseudocount=pseudocount, missing=missing)
    table = np.array([scores[name] for name in SCORES])
    sizes = [len(comparison) for comparison in comparisons]
    each = np.split(table, np.cumsum(sizes)[:-1], axis=1) if sizes else []
    rows = [
        (n, *packed(counted), np.ascontiguousarray(part).tobytes())
        for (n, counted), part in zip(current.items(), each, strict=True)
    ]
    return _frame([*rows, *_merged_joint(parts[~alone])], "scores")


def tasks_done(spark: SparkSession) -> Iterator[tuple[int, int]]:
    """Tasks done and all tasks of the running jobs, at each step; classic Spark only."""
    context = getattr(spark, "sparkContext", None)
    while context is not None:
        tracker = context.statusTracker()
        done = total = 0
        for job in tracker.getActiveJobsIds():
            info = tracker.getJobInfo(job)
            for stage in info.stageIds if info else ():
                stage_info = tracker.getStageInfo(stage)
                if stage_info:
                    done += stage_info.numCompletedTasks
                    total += stage_info.numTasks
        yield done, total
