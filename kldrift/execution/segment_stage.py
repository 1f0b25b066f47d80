"""Segments in the grouped pandas UDFs: merge what tasks counted by segment, and score it there.

One row stands for one feature by one list of segments, whatever their number, and holds bytes.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from kldrift.binning.choose import Scored
from kldrift.counting.grouped_counter import SegmentProfiles, merge_packed
from kldrift.execution.wire import Numbering
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import Support
from kldrift.scoring.scores import SCORES
from kldrift.scoring.segment_scores import ScoredSegments, score_segments

Made = TypeVar("Made")
ByList = Sequence[Sequence[SegmentProfiles]]
"""The profiles of each feature by each list of segments."""


def merged_segments(parts: pd.DataFrame) -> dict[int, bytes]:
    """The packed profiles of each number, merged."""
    payloads: dict[int, list[bytes]] = {}
    for number, payload in zip(parts["feature"], parts["counts"], strict=True):
        payloads.setdefault(int(number), []).append(payload)
    return {number: merge_packed(found) for number, found in payloads.items()}


def segment_frame(parts: pd.DataFrame) -> pd.DataFrame:
    """The merged profiles as rows that travel on."""
    return _frame([(number, packed, None) for number, packed in merged_segments(parts).items()])


def references_of_segments(
    numbering: Numbering, references: Sequence[tuple[Profile, Scored]], by_list: ByList
) -> Iterator[tuple[int, bytes]]:
    """What segments are scored against, under the number of their feature and list."""
    for i, ((profile, scored), lists) in enumerate(zip(references, by_list, strict=True)):
        for k, found in enumerate(lists):
            payload = pickle.dumps((profile.support, scored, found.packed()), 5)
            yield numbering.by_list(i, k), payload


def scored_segment_frame(scoring: tuple[float, str], sides: pd.DataFrame) -> pd.DataFrame:
    """The merged profiles of the current dataset and their scores, as rows that travel on."""
    is_reference = sides["reference"].notna()
    counted = merged_segments(sides[~is_reference])
    known = sides.loc[is_reference, ["feature", "reference"]].itertuples(index=False)
    pseudocount, missing = scoring
    rows: list[tuple[int, bytes, bytes | None]] = []
    for number, payload in known:
        support, scored, packed = pickle.loads(payload)
        current, reference = (
            SegmentProfiles.unpacked(side, support) for side in (counted[int(number)], packed)
        )
        scores = score_segments(
            current, reference, scored, pseudocount=pseudocount, missing=missing
        )
        sums = np.array([scores[name] for name in SCORES]).tobytes()
        rows.append((int(number), counted[int(number)], sums))
    return _frame(rows)


def _frame(rows: list[tuple[int, bytes, bytes | None]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["feature", "counts", "sums"])
    return frame.astype({"feature": "int32"})


def profiles_by_list(
    numbering: Numbering, supports: Sequence[Support], rows: Sequence[Any]
) -> list[list[SegmentProfiles]]:
    """The profiles of each feature by each list, from the rows that reached the driver."""

    def profiles(row: Any, i: int, _: int) -> SegmentProfiles:
        return SegmentProfiles.unpacked(row["counts"], supports[i])

    return _by_list(numbering, rows, profiles)


def scored_by_list(
    numbering: Numbering,
    references: Sequence[tuple[Profile, Scored]],
    by_list: ByList,
    rows: Sequence[Any],
) -> list[list[ScoredSegments]]:
    """The scored segments of each feature by each list."""

    def scored(row: Any, i: int, k: int) -> ScoredSegments:
        current = SegmentProfiles.unpacked(row["counts"], references[i][0].support)
        values = np.frombuffer(row["sums"]).reshape(len(SCORES), -1)
        scores = dict(zip(SCORES, values, strict=True))
        return ScoredSegments(current, by_list[i][k], references[i][1], scores)

    return _by_list(numbering, rows, scored)


def _by_list(
    numbering: Numbering, rows: Sequence[Any], made: Callable[[Any, int, int], Made]
) -> list[list[Made]]:
    found = {}
    for row in rows:
        if row["feature"] >= numbering.first_list:
            i, k = numbering.feature_of(row["feature"])
            found[i, k] = made(row, i, k)
    lists = range(numbering.lists)
    return [[found[i, k] for k in lists] for i in range(numbering.features)] if lists else []
