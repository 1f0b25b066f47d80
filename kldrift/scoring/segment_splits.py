"""Where the divergence of a feature comes from: another mix of segments, or drift within them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from kldrift.profiles.group_keys import REST
from kldrift.scoring.comparison import Comparison, folded, folded_without_missing
from kldrift.statistics.segment_split import segment_split

COLUMNS: Final = ("feature", "segments", "total", "mix", "within", "worst", "worst_part")


def segment_splits(
    comparisons: Iterable[tuple[str, Comparison]],
    lists: Sequence[tuple[str, Sequence[str]]],
    missing: str,
    pseudocount: float,
) -> Iterator[dict[str, Any]]:
    """The split of each feature's divergence by each list of segments.

    Args:
        comparisons: of features, by name.
        lists: the columns of each list, and the names of its segments by place.
        missing: whether missing values have a cell, as in ``scoring``.
        pseudocount: rows added to each place that has rows on either side.

    Yields:
        For each feature and list: its columns, the divergence of segment and value together in
        nats, the part of it that is another mix of segments and the part within them (they add up
        to the total), the segment in which most happened that chance does not explain, and its
        part of ``within``.
    """
    fold = folded if missing == "cell" else folded_without_missing
    for feature, comparison in comparisons:
        keys = comparison.keys
        for number, (columns, names) in enumerate(lists):
            places = np.flatnonzero((keys.list == number) & (keys.segment != REST))
            if not len(places):
                continue
            p, q = (
                fold(comparison, side.counts[places])
                for side in (comparison.current, comparison.reference)
            )
            found = segment_split(p, q, pseudocount)
            worst = int(found.worst_first[0])
            row = (
                feature,
                columns,
                found.total,
                found.mix,
                found.within,
                names[int(keys.segment[places[worst]])],
                float(found.parts[worst]),
            )
            yield dict(zip(COLUMNS, row, strict=True))
