"""Where the divergence of a feature comes from: another mix of segments, or drift within them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
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

    Yields:
        For each feature and list: its columns, the divergence of segment and value together in
        nats, the part of it that is another mix of segments and the part within them (they add up
        to the total), the segment in which most happened that chance does not explain, and its
        part of ``within``.
    """
    fold = folded if missing == "cell" else folded_without_missing
    # The features of a dataset have the same groups, as a rule: they are split together.
    for keys, mine in groupby(comparisons, lambda named: named[1].keys):
        features = list(mine)
        for number, (columns, names) in enumerate(lists):
            places = np.flatnonzero((keys.list == number) & (keys.segment != REST))
            if not len(places):
                continue
            folds = [
                [fold(c, side.counts[places]) for side in (c.current, c.reference)]
                for _, c in features
            ]
            p, q = (np.concatenate(sides, axis=1) for sides in zip(*folds, strict=True))
            split = segment_split(p, q, pseudocount, [p_fold.shape[1] for p_fold, _ in folds])
            worst = split.worst
            worst_parts = split.parts[worst, np.arange(len(features))]
            numbers = (split.total, split.mix, split.within, worst, worst_parts)
            for (feature, _), *of in zip(features, *(n.tolist() for n in numbers), strict=True):
                of[3] = names[int(keys.segment[places[of[3]]])]
                yield dict(zip(COLUMNS, (feature, columns, *of), strict=True))
