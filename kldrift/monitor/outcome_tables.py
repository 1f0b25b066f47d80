"""The tables of a run from what it found: the rows of features, then those of segments."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from kldrift.config import Config
from kldrift.monitor.rows import Stamp, cell_rows, profile_rows, score_rows
from kldrift.monitor.segment_rows import (
    segment_cell_rows,
    segment_profile_rows,
    segment_score_rows,
)
from kldrift.monitor.stages import Outcome


def score_table(outcome: Outcome, config: Config, stamp: Stamp) -> pa.Table:
    """``drift_scores`` of a run."""
    rows = score_rows(outcome.verdicts, config, stamp)
    return pa.concat_tables([rows, segment_score_rows(outcome.segments, config, stamp)])


def cell_table(outcome: Outcome, config: Config, stamp: Stamp) -> pa.Table:
    """``drift_cells`` of a run."""
    rows = cell_rows(outcome.verdicts, stamp)
    return pa.concat_tables([rows, segment_cell_rows(outcome.segments, config, stamp)])


def profile_parts(outcome: Outcome, stamp: Stamp) -> Iterator[pa.Table]:
    """``profiles`` of a run, part by part."""
    yield profile_rows(outcome.verdicts, stamp)
    yield from segment_profile_rows(outcome.segments, stamp)
