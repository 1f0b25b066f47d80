"""Columns of lists from flat arrays, and flat arrays from columns of lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import pyarrow as pa

from kldrift.arrays import Bools, Ints, Values

T = TypeVar("T")


def list_column(values: pa.Array, sizes: Ints, known: Values | None = None) -> pa.Array:
    """A column of lists.

    Args:
        values: what the lists hold, one list after the other.
        sizes: how many each holds, shape ``(n,)``; they add up to the number of values.
        known: which lists are not null, shape ``(n,)``; a null one must have size 0.

    Examples:
        >>> list_column(pa.array([7, 8, 9]), np.array([1, 0, 2])).to_pylist()
        [[7], [], [8, 9]]
    """
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    mask = None if known is None else pa.array(~known)
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=mask)


def list_column_of(
    parts: Sequence[Values | None], kind: pa.DataType, *, nan_is_null: bool = False
) -> pa.Array:
    """A column of lists of some type from an array for each; None is null."""
    there = [part for part in parts if part is not None]
    flat = np.concatenate(there) if there else np.empty(0, dtype=object)
    sizes = np.array([0 if part is None else len(part) for part in parts], dtype=np.int64)
    known = np.array([part is not None for part in parts], dtype=np.bool_)
    return list_column(pa.array(flat, kind, from_pandas=nan_is_null), sizes, known)


def blocks(sizes: Ints, most: int) -> Iterator[slice]:
    """Slices of consecutive lists that hold about ``most`` values together.

    Examples:
        >>> list(blocks(np.array([3, 3, 3, 9, 1]), most=6))
        [slice(0, 1, None), slice(1, 3, None), slice(3, 5, None)]
    """
    ends = np.flatnonzero(np.diff(np.cumsum(sizes) // most)) + 1
    for start, end in pairwise([0, *ends.tolist(), len(sizes)]):
        if start < end:
            yield slice(start, end)


def batches(each: Iterable[T], size: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """Group items into batches: each is complete when its sizes add up to a maximum."""
    batch: list[T] = []
    total = 0
    for one in each:
        batch.append(one)
        total += 1 + size(one)
        if total >= most:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


@dataclass(frozen=True, eq=False)
class FlatLists:
    """The lists of a column as one array.

    Attributes:
        values: what they hold, one list after the other.
        ends: where each list ends among them, shape ``(n,)``.
        known: which lists are not null, shape ``(n,)``.
    """

    values: Values
    ends: Ints
    known: Bools

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> FlatLists:
        """The lists of a column of numbers or texts."""
        lists = column.combine_chunks()
        values = lists.flatten()
        if values.null_count:
            raise ValueError("a list holds a null")
        sizes = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        known = lists.is_valid().to_numpy(zero_copy_only=False)
        flat = values.to_numpy(zero_copy_only=False)
        return cls(flat, np.cumsum(sizes, dtype=np.int64), known)

    @property
    def starts(self) -> Ints:
        """Where each list begins, shape ``(n,)``."""
        return np.concatenate([[0], self.ends[:-1]]) if len(self.ends) else self.ends

    def parts(self) -> list[Values | None]:
        """An array for each list; None for null."""
        places = zip(self.starts.tolist(), self.ends.tolist(), self.known.tolist(), strict=True)
        return [self.values[a:b] if known else None for a, b, known in places]
