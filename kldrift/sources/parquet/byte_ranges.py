"""Ranges of the bytes of files: what tasks read where no footer was read before they were made.

A task takes the row groups that begin in its ranges. The ranges of a file leave nothing out and do
not overlap, so that each row group is read once, wherever the cuts are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import pyarrow.parquet as pq

from kldrift.sources.parquet.files import File, Piece

RANGE: Final = 128 * 2**20
"""Bytes of a range; few writers make larger row groups, so few ranges hold none."""
LEAST_RANGE: Final = 16 * 2**20
"""Bytes of a range at least, where it is known where row groups begin."""


def ranges_of(file: File, size: int, rows: int | None, offsets: Sequence[int] = ()) -> list[Piece]:
    """Cut a file into ranges.

    ``rows`` are those that are not deleted, and ``offsets`` is where row groups begin, if known.

    Examples:
        >>> [(p.start, p.end, p.rows) for p in ranges_of(File("f", None, ()), 300 * 2**20, 9)]
        [(0, 157286400, 4), (157286400, None, 5)]
    """
    if offsets:
        cuts = _at_row_groups(size, offsets)
    else:
        n = max(1, round(size / RANGE))
        cuts = [size * i // n for i in range(n)]
    if rows is None:
        shares: list[int | None] = [None] * len(cuts)
    else:
        marks = [*(rows * cut // max(1, size) for cut in cuts), rows]
        shares = [b - a for a, b in pairwise(marks)]
    sizes = [b - a for a, b in pairwise([*cuts, size])]
    ends = [*cuts[1:], None]
    columns = zip(shares, sizes, cuts, ends, strict=True)
    return [Piece(file, None, share, size, start, end) for share, size, start, end in columns]


def _at_row_groups(size: int, offsets: Sequence[int]) -> list[int]:
    cuts = [0]
    for offset in sorted(offsets):
        if min(offset - cuts[-1], size - offset) >= LEAST_RANGE:
            cuts.append(offset)
    return cuts


def starts_of(metadata: pq.FileMetaData) -> list[int]:
    """Where each row group of a file begins; 0 where its footer does not tell."""
    if not metadata.num_columns:
        return [0] * metadata.num_row_groups
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    return [max(0, group.column(0).data_page_offset) for group in groups]
