"""The splits of what a run found, as a table of its result."""

from __future__ import annotations

import pandas as pd

from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Findings
from kldrift.scoring.segment_splits import COLUMNS, segment_splits


def splits_of(plan: Plan, findings: Findings) -> pd.DataFrame:
    """One row per feature and list of segments; see `segment_splits`."""
    names = [pair.feature.name for pair in findings.pairs]
    known = zip(plan.segments, findings.reference.segments, strict=True)
    rows = segment_splits(
        zip(names, findings.comparisons, strict=True),
        [(segments.name, proposal.names) for segments, proposal in known],
        plan.config.scoring.missing,
        plan.config.scoring.pseudocount,
    )
    return pd.DataFrame(list(rows), columns=list(COLUMNS))
