"""Scores of all segments of one list at once: the same formulas, one row of an array a segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kldrift.counting.grouped_counter import SegmentProfiles
from kldrift.profiles.cells import CellKind
from kldrift.profiles.rebinning import Rebinning
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.scores import (
    SCORES,
    Floats,
    add_gaussian,
    cell_scores,
    order_scores,
    positions_of,
)

CELLS_AT_ONCE: Final = 2**19
"""Cells of all segments that are scored together: bounds the memory of the formulas."""


@dataclass(frozen=True, eq=False)
class ScoredSegments:
    """The segments of one list for one feature: both sides, and their scores by name.

    Attributes:
        current: the current profiles.
        reference: those of the reference, on the same support.
        scored: how the feature's cells are merged for scoring.
        scores: for each name in ``SCORES`` an array of shape ``(segments,)``.
    """

    current: SegmentProfiles
    reference: SegmentProfiles
    scored: Rebinning
    scores: dict[str, Floats]


def scored_segment_counts(
    profiles: SegmentProfiles, scored: Rebinning, missing: str
) -> NDArray[np.int64]:
    """Rows per segment and scored cell; those left out are 0."""
    counts = scored.fold(profiles.counts)
    if missing == "exclude":
        counts = counts * [cell.kind not in (CellKind.NULL, CellKind.NAN) for cell in scored.cells]
    return counts


def score_segments(
    current: SegmentProfiles,
    reference: SegmentProfiles,
    scored: Rebinning,
    *,
    pseudocount: float = 0.5,
    missing: str = "cell",
) -> dict[str, Floats]:
    """Score each segment's current rows against its reference rows.

    Args:
        current: of one feature by one list.
        reference: the same segments in the reference, on the same support.
        scored: how the feature's cells are merged for scoring.
        pseudocount: see :func:`kldrift.scoring.scores.score`, as all that follows.
        missing: what to do with missing values.

    Returns:
        For each name in ``SCORES`` an array of shape ``(segments,)``; NaN stands for what cannot be
        computed.
    """
    n, support = len(current), reference.support
    out = {name: np.full(n, np.nan) for name in SCORES}
    p, q = (scored_segment_counts(side, scored, missing) for side in (current, reference))
    at = positions_of(support)
    for part in _parts(n, support.size):
        for name, values in cell_scores(p[part], q[part], pseudocount).items():
            out[name][part] = values
        if at is None:
            continue
        inner = (part, slice(0, len(at)))
        found = order_scores(current.counts[inner], reference.counts[inner], at)
        for name, values in found.items():
            out[name][part] = values
    if isinstance(support, NumericSupport):
        for side, profiles in (("reference", reference), ("current", current)):
            assert profiles.moments is not None
            summary = profiles.moments.summary(support.scale)
            out[f"mean_{side}"], out[f"std_{side}"] = summary.mean, summary.std
        add_gaussian(out)
    for values in out.values():
        values[np.isinf(values)] = np.nan
    return out


def _parts(segments: int, cells: int) -> list[slice]:
    step = max(1, CELLS_AT_ONCE // cells)
    return [slice(start, start + step) for start in range(0, segments, step)]
