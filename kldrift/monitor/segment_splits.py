"""The splits of what a run found, as a table of its result, made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Findings
from kldrift.profiles.profile import Profile, aligned
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.segment_splits import COLUMNS, segment_splits


def splits_of(plan: Plan, findings: Findings) -> Callable[[], pd.DataFrame]:
    """How to make one row per feature and list of segments; see `segment_splits`."""
    known = zip(plan.segments, findings.reference.segments, strict=True)
    names = [pair.feature.name for pair in findings.pairs]
    return partial(
        _table,
        [
            (name, _with_all_windows(comparison, findings.reference.of_splits.get(name)))
            for name, comparison in zip(names, findings.comparisons, strict=True)
        ],
        [(segments.name, values.names) for segments, values in known],
        plan.config.scoring.missing,
        plan.config.scoring.pseudocount,
    )


def _with_all_windows(comparison: Comparison, reference: Profile | None) -> Comparison:
    if reference is None:
        return comparison
    return Comparison(*aligned(comparison.current, reference), comparison.rebinning)


def _table(
    comparisons: Sequence[tuple[str, Comparison]],
    lists: Sequence[tuple[str, Sequence[str]]],
    missing: str,
    pseudocount: float,
) -> pd.DataFrame:
    rows = list(segment_splits(comparisons, lists, missing, pseudocount))
    return pd.DataFrame(rows, columns=list(COLUMNS))
