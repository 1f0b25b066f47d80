"""Names of segments: one text for each combination of values in some columns.

A segment is known by its name alone, such as ``payment_type=card, vendor_id=2``. No two are written
alike, so that names can be counted, ranked and looked up as the categories of a feature are. What
is done per row is done by number; a name is made once for each combination of a batch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Ints
from kldrift.binning.numeric_sketch import LIMIT
from kldrift.binning.text_sketch import TextSketch
from kldrift.counting.distinct import distinct
from kldrift.features.keys import EncodedColumn

Columns = Sequence[tuple[str, pa.Array]]
"""Names and values of the columns whose values split the rows."""

_BARE: Final = re.compile(r'[^\s=,"](?:[^=,"\x00-\x1f\x7f]*[^\s=,"])?')
# The same for Arrow, whose \s is that of ASCII.
_SPACE: Final = (
    r"\x{9}-\x{d}\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}"
    r"\x{205f}\x{3000}"
)
_BARE_IN_ARROW: Final = rf'\A[^{_SPACE}=,"](?:[^=,"\x{{0}}-\x{{1f}}\x{{7f}}]*[^{_SPACE}=,"])?\z'
_PAIR: Final = re.compile(r'("(?:[^"\\]|\\.)*"|[^\s=,"][^=,"]*)=(?:"(?:[^"\\]|\\.)*"|[^=,"]*)')
_OTHERS: Final = ("NaN", "null")
"""How what is no value is written; the values of these names stand in quotes."""


def written(text: str) -> str:
    """Format a name or value for a segment's name: in quotes where it would be ambiguous.

    No two segments are written alike: the text ``null`` is quoted, a null is not.

    Examples:
        >>> [written(t) for t in ("Female", "a, b=c", "null", "")]
        ['Female', '"a, b=c"', '"null"', '""']
    """
    if _BARE.fullmatch(text) and text not in _OTHERS:
        return text
    return json.dumps(text, ensure_ascii=False)


def all_written(texts: pa.Array) -> pa.Array:
    """Apply :func:`written` to each text; only those that need quotes pass through Python."""
    bare = pc.match_substring_regex(texts, _BARE_IN_ARROW)
    quoted = pc.or_(pc.invert(bare), pc.is_in(texts, pa.array(_OTHERS, pa.string())))
    if not pc.any(quoted).as_py():
        return texts
    made = [written(text) for text in texts.filter(quoted).to_pylist()]
    return pc.replace_with_mask(texts, quoted, pa.array(made, pa.string()))


def columns_of(segment: str) -> str:
    """The columns that a segment is made by, from its name.

    Examples:
        >>> [columns_of(s) for s in ("country=nz", "sex=F, n=1", '"a=b"="1, n=2"')]
        ['country', 'sex, n', '"a=b"']
    """
    return ", ".join(pair[1] for pair in _PAIR.finditer(segment))


def segments_of(columns: Columns) -> tuple[pa.Array, Ints]:
    """The names of the segments in a batch, and the index of each row's segment.

    Returns:
        The names of the segments that have rows, and the place of each row's among them, shape
        ``(n,)``. Two values that are written alike, such as two texts that a label shortens to one,
        are two places of one name.

    Examples:
        >>> columns = [("sex", pa.array(["F", None, "F"])), ("n", pa.array([1, 1, 2]))]
        >>> names, places = segments_of(columns)
        >>> [names[i].as_py() for i in places]
        ['sex=F, n=1', 'sex=null, n=1', 'sex=F, n=2']
    """
    names: pa.Array | None = None
    places: Ints = np.zeros(0, dtype=np.int64)
    for name, column in columns:
        encoded = EncodedColumn(column)
        values = len(encoded.names) + len(_OTHERS)
        codes = encoded.codes + len(_OTHERS)
        if names is None:
            used, places = _used(codes, values)
            names = _named(name, encoded.names, used)
        else:
            used, places = _used(places * values + codes, len(names) * values)
            before, value = np.divmod(used, values)
            left = names.take(pa.array(before))
            names = pc.binary_join_element_wise(left, _named(name, encoded.names, value), ", ")
    assert names is not None
    return names, places


def _used(codes: Ints, size: int) -> tuple[Ints, Ints]:
    """The distinct codes in increasing order, and each row's index among them."""
    if size > 4 * len(codes) + 1024:
        used, places = distinct(codes)
        order = np.argsort(used)
        place = np.empty(len(used), dtype=np.int64)
        place[order] = np.arange(len(used))
        return used[order], place[places]
    used = np.flatnonzero(np.bincount(codes, minlength=size))
    place = np.empty(size, dtype=np.int64)
    place[used] = np.arange(len(used))
    return used, place[codes]


def _named(name: str, texts: pa.Array, codes: Ints) -> pa.Array:
    """``name=value`` for each code; the first codes are NaN and null."""
    values = pa.concat_arrays(
        [pa.array(_OTHERS, pa.string()), all_written(texts.cast(pa.string()))]
    )
    return pc.binary_join_element_wise(written(name), values.take(pa.array(codes)), "=")


def sketch_segments(columns: Columns) -> TextSketch:
    """Sketch the segments of a batch: rows by name."""
    names, places = segments_of(columns)
    counts = np.bincount(places, minlength=len(names)).astype(np.int64)
    batch = TextSketch(LIMIT, names, counts, 0, int(counts.sum()))
    return TextSketch.empty(LIMIT) + batch  # merges places of one name, and keeps the limit


def numbers_of(columns: Columns, known: pa.Array) -> Ints:
    """The index of each row's segment among the known ones, shape ``(n,)``; their number for REST.

    Examples:
        >>> known = pa.array(["sex=M", "sex=F"])
        >>> numbers_of([("sex", pa.array(["F", None, "M"]))], known).tolist()
        [1, 2, 0]
    """
    names, places = segments_of(columns)
    numbers = pc.index_in(names, value_set=known).fill_null(len(known))
    return np.asarray(numbers.to_numpy(zero_copy_only=False).astype(np.int64)[places])
