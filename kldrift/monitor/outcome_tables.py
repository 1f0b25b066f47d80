"""The tables of a run from what it found: the rows of features, then those of segments."""

from __future__ import annotations

import pyarrow as pa

from kldrift.config import Config
from kldrift.monitor.rows import Stamp, cell_rows, profile_rows, score_rows
from kldrift.monitor.scoring import Outcome
from kldrift.monitor.segment_rows import (
    segment_cell_rows,
    segment_profile_rows,
    segment_score_rows,
)


def tables_of(
    outcome: Outcome, config: Config, stamp: Stamp, *, profiles: bool = False
) -> dict[str, pa.Table]:
    """``drift_scores``, ``drift_cells`` and, if asked for, ``profiles``."""
    alone, parts = outcome.verdicts, outcome.segments
    tables = {
        "drift_scores": [
            score_rows(alone, config, stamp),
            segment_score_rows(parts, config, stamp),
        ],
        "drift_cells": [cell_rows(alone, stamp), segment_cell_rows(parts, config, stamp)],
    }
    if profiles:
        tables["profiles"] = [profile_rows(alone, stamp), segment_profile_rows(parts, stamp)]
    return {name: pa.concat_tables(found) for name, found in tables.items()}
