"""Where the divergence of a feature comes from: another mix of segments, or drift within them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Findings
from kldrift.profiles.group_keys import REST
from kldrift.scoring.comparison import Comparison, folded, folded_without_missing
from kldrift.statistics.segment_split import segment_split

COLUMNS: Final = ("feature", "segments", "total", "mix", "within", "worst", "worst_part")


def segment_splits(plan: Plan, findings: Findings) -> pd.DataFrame:
    """The split of each feature's divergence by each list of segments.

    Returns:
        A row per feature and list: its columns, the divergence of segment and value together in
        nats, the part of it that is another mix of segments and the part within them (they add up
        to the total), the segment in which most happened that chance does not explain, and its
        part of ``within``.
    """
    return pd.DataFrame(_rows(plan, findings), columns=list(COLUMNS))


def _rows(plan: Plan, findings: Findings) -> Iterator[tuple[Any, ...]]:
    scoring = plan.config.scoring
    fold = folded if scoring.missing == "cell" else folded_without_missing
    for number, (segments, known) in enumerate(
        zip(plan.segments, findings.reference.segments, strict=True)
    ):
        for pair, comparison in zip(findings.pairs, findings.comparisons, strict=True):
            places, names = _places(comparison, number)
            if len(places):
                p, q = (
                    fold(comparison, side.counts[places])
                    for side in (comparison.current, comparison.reference)
                )
                found = segment_split(p, q, scoring.pseudocount)
                worst = int(found.worst_first[0])
                yield (
                    pair.feature.name,
                    segments.name,
                    found.total,
                    found.mix,
                    found.within,
                    known.names[names[worst]],
                    float(found.parts[worst]),
                )


def _places(comparison: Comparison, number: int) -> tuple[Any, Any]:
    """The groups of one list, and which of its segments each is."""
    keys = comparison.keys
    places = np.flatnonzero((keys.list == number) & (keys.segment != REST))
    return places, keys.segment[places].tolist()
