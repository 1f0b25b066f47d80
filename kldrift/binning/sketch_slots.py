"""Counting numbers into the cells of a sketch without sorting them.

A cell of the key space is the upper bits of a number. The cells that are known lie in pages of
``2**p`` neighbours, and each page has ``2**p`` slots: most cells that nobody has seen yet have one
too. A page is found in a hash table, so that it takes the same dozen passes over a batch wherever
the numbers lie. Numbers without a slot are returned to the caller.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.arrays import Hashes, Ints
from kldrift.binning.distinct_count import NONE, smallest_hashes
from kldrift.binning.numeric_sketch import NOMINATION, NumericSketch
from kldrift.profiles.support import Keys

LARGEST_PAGE: Final = 8
SPARE_SLOTS: Final = 256
"""Slots that there may be beside two for each known cell."""
HASH_FACTORS: Final = tuple(
    np.uint64(int(irrational * 2**62) << 2 | 1)
    for irrational in (0.618_033_988_749_894_8, 0.414_213_562_373_095_1, 0.732_050_807_568_877_2)
)
"""The golden ratio and the roots of 2 and 3: they scatter neighbouring pages evenly."""
PLACED_AT_ONCE: Final = 16_384
"""Numbers that are looked at together: they stay in the cache."""
BUCKET_BITS: Final = 12
"""More buckets than there can be keys of 2/512 of the rows, so that chance fills none so far."""
PROBED_KEYS: Final = 256
MOST_STRAYS: Final = 1 / 8
"""Share of a batch that may be without a slot before new slots are worth the effort."""


class Slots:
    """A hash table of cells: row count, smallest and largest number per slot.

    Args:
        layout: the cells that get slots, one at least, of rows that are counted here or elsewhere.
    """

    def __init__(self, layout: NumericSketch) -> None:
        self._dtype = layout.lows.dtype
        self._limit = layout.limit
        self.level = layout.level
        self._hashes = NONE if layout.hashes is None else layout.hashes  # few are smaller
        self._lay(layout.lows, layout.counts)
        self._counts = np.zeros(self._size + 1, dtype=np.int64)  # the last: of no slot
        self._heavy = [layout.heavy[:0]]
        if self.level:
            real = self._dtype == np.float64
            ends = np.finfo(np.float64) if real else np.iinfo(np.int64)
            self._lows = np.full(self._size + 1, ends.max, self._dtype)
            self._highs = np.full(self._size + 1, ends.min, self._dtype)

    def _lay(self, lows: Keys, rows: Ints) -> None:
        """Group the cells into pages and put each page into the hash table.

        Where two pages want the same place, the one of more rows gets it.
        """
        cells = _cells(lows, self.level)
        order = np.argsort(cells, kind="stable")  # they come in two runs, of the two signs
        self._bits = bits = _page_bits(cells[order])
        pages = cells[order] >> bits
        starts = np.flatnonzero(np.diff(pages, prepend=~pages[:1]))
        rows = np.add.reduceat(rows[order], starts)
        pages = pages[starts]
        n = len(pages)
        self._size = n << int(bits)
        self._pages = pages.view(np.int64)
        self._bases = (np.arange(n) - self._pages) << bits.view(np.int64)
        shift = max(10, min((8 * n - 1).bit_length(), (4 * self._limit - 1).bit_length()))
        self._shift = np.uint64(64 - shift)
        numbers = np.argsort(rows, kind="stable")  # the last that is written stays
        best = -1
        for factor in HASH_FACTORS:
            places: Ints = ((pages * factor) >> self._shift).view(np.int64)
            table = np.zeros(1 << shift, dtype=np.int64)
            table[places[numbers]] = numbers
            hits = int(rows[table[places] == np.arange(n)].sum())
            if hits > best:
                best, self._factor, self._table = hits, factor, table
            if best == rows.sum():
                break

    def _find(self, keys: Keys, out: Ints) -> None:
        cells = _cells(keys, self.level)
        bits = self._bits
        places = cells >> bits
        places *= self._factor
        places >>= self._shift
        page = self._table.take(places.view(np.int64))
        slots = self._bases.take(page, out=out, mode="clip")  # not buffered, unlike "raise"
        slots += cells.view(np.int64)
        # The place of a page that is not known leads to another one, and then out of its slots.
        np.copyto(slots, self._size, where=(slots >> bits.view(np.int64)) != page)

    @property
    def full(self) -> bool:
        """Whether more cells are filled than may be kept, so that the level is too low."""
        return bool(np.count_nonzero(self._counts[:-1]) > self._limit)

    def suit(self, keys: Keys) -> bool:
        """Whether most of these numbers have a slot, estimated from a sample."""
        probes = np.ascontiguousarray(keys[:: max(1, len(keys) // PROBED_KEYS)])
        slots = np.empty(len(probes), dtype=np.int64)
        self._find(probes, slots)
        return bool(np.count_nonzero(slots == self._size) <= MOST_STRAYS * len(probes))

    def add(self, keys: Keys) -> Keys:
        """Count a batch of finite numbers; returns those without a slot, which are not counted."""
        slots = np.empty(len(keys), dtype=np.int64)
        for i in range(0, len(keys), PLACED_AT_ONCE):
            self._find(keys[i : i + PLACED_AT_ONCE], slots[i : i + PLACED_AT_ONCE])
        counts = np.bincount(slots, minlength=self._size + 1)
        self._counts += counts
        if self.level:
            np.minimum.at(self._lows, slots, keys)
            np.maximum.at(self._highs, slots, keys)
        self._nominate(keys, slots, counts[:-1])
        if self.level and self._dtype == np.int64:
            self._hashes = smallest_hashes(keys, self._hashes)
        return keys[np.flatnonzero(slots == self._size)] if counts[-1] else keys[:0]

    def _nominate(self, keys: Keys, slots: Ints, counts: Ints) -> None:
        """Find every number that fills 2/512 of the counted rows, by the slots that do."""
        least = max(1, -(-2 * int(counts.sum()) // NOMINATION))
        heavy = np.flatnonzero(counts >= least)
        if self.level == 0:
            self._heavy.append(self._keys(heavy))
        else:
            single = self._lows[heavy] == self._highs[heavy]
            self._heavy.append(self._lows[heavy[single]])
            if not single.all():
                crowded = np.zeros(self._size + 1, dtype=np.bool_)
                crowded[heavy[~single]] = True
                self._heavy.append(_frequent(keys[crowded[slots]], least))
        if sum(map(len, self._heavy)) > self._limit:
            self._heavy = [self.sketch().heavy]

    def _keys(self, slots: Ints) -> Keys:
        """The number that each slot holds, at level 0."""
        bits = self._bits.view(np.int64)
        pages = slots >> bits
        words: Ints = (self._pages[pages] << bits) + (slots - (pages << bits))
        return words.view(self._dtype)

    def sketch(self) -> NumericSketch:
        """The sketch of what was counted."""
        slots = np.flatnonzero(self._counts[:-1])
        lows = self._lows[slots] if self.level else self._keys(slots)
        order = np.argsort(lows, kind="stable")  # they come in two runs, of the two signs
        slots, lows = slots[order], lows[order]
        return NumericSketch.of_cells(
            self._limit,
            self.level,
            self._counts[slots],
            lows,
            self._highs[slots] if self.level else lows,
            np.unique(np.concatenate(self._heavy)),
            self._hashes if self.level and self._dtype == np.int64 else None,
        )


def certain_level(keys: Keys, level: int, limit: int) -> int:
    """A lower bound of the level of a sketch of some numbers: below it they fill too many cells.

    Cells that share a bucket are taken for one, so that there may be more than are counted.
    """
    bits = (8 * limit - 1).bit_length()
    while True:
        seen = np.zeros(1 << bits, dtype=np.bool_)
        for i in range(0, len(keys), PLACED_AT_ONCE):
            seen[_scattered(_cells(keys[i : i + PLACED_AT_ONCE], level), bits)] = True
        if np.count_nonzero(seen) <= limit:
            return level
        level += 1


def _cells(keys: Keys, level: int) -> Hashes:
    """The cell of each number, in the order of their bits, which is not that of the numbers."""
    if keys.dtype == np.int64 and level == 0:
        return keys.view(np.uint64)
    words: Hashes = (keys + 0.0).view(np.uint64)  # + 0.0 makes -0.0 the zero it equals
    words >>= np.uint64(level)
    return words


def _scattered(words: Hashes, bits: int) -> Ints:
    """Assign each word to one of ``2**bits`` buckets, by a hash."""
    places = words * HASH_FACTORS[0]
    places >>= np.uint64(64 - bits)
    return places.view(np.int64)


def _page_bits(cells: Hashes) -> np.uint64:
    """The largest pages over some cells, in order, that do not need too many slots."""
    differences = cells[1:] ^ cells[:-1]
    for bits in range(LARGEST_PAGE, 0, -1):
        pages = np.count_nonzero(differences >> np.uint64(bits)) + 1
        if pages << bits <= 2 * len(cells) + SPARE_SLOTS:
            return np.uint64(bits)
    return np.uint64(0)


def _frequent(keys: Keys, least: int) -> Keys:
    """The keys that occur at least so many times."""
    chunks = [keys[i : i + PLACED_AT_ONCE] for i in range(0, len(keys), PLACED_AT_ONCE)]
    rows = np.zeros(1 << BUCKET_BITS, dtype=np.int64)
    for chunk in chunks:
        rows += np.bincount(_scattered(_cells(chunk, 0), BUCKET_BITS), minlength=1 << BUCKET_BITS)
    # What shares a bucket by chance rarely fills as many: next to nothing is sorted.
    likely = rows >= least
    if not likely.any():
        return keys[:0]
    often = np.concatenate(
        [chunk[likely[_scattered(_cells(chunk, 0), BUCKET_BITS)]] for chunk in chunks]
    )
    ordered = np.sort(often)
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return ordered[starts[np.diff(starts, append=len(ordered)) >= least]]
