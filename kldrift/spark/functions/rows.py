"""Evaluates a function over the rows of one Arrow batch: what a pandas UDF does on an executor.

Rows whose arrays have the same lengths are stacked to a matrix and computed at once. Rows are only
looked at one by one to find the one to name, once a matrix was refused.
"""

from __future__ import annotations

import reprlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kldrift.arrays import Floats
from kldrift.spark.functions.formulas import FUNCTIONS, ArgumentKind, RowFunction

KNOWN: Final = "known"
"""Name of the extra column that tells which rows have no null.

Spark hands a null to pandas as NaN, in a column of numbers and inside an array of them. Where the
column is given, NaN is therefore NaN, and an error; where it is not, NaN is taken for null.
"""

_Stacked = dict[str, Any]


def evaluate(
    name: str, order: Sequence[str], given: Sequence[pd.Series], named: Mapping[str, pd.Series]
) -> Floats:
    """Compute a function for each row of a batch.

    Args:
        name: of the function.
        order: names of the arguments that are given by position, possibly with ``KNOWN``.
        given: arguments by position.
        named: arguments by name.

    Returns:
        Shape ``(rows,)``, or ``(rows, fields)``; NaN, which Spark turns into null, for rows with a
        null.

    Raises:
        ValueError: the arguments are not those of the function, or a row cannot be computed; the
            message names the first such row's content.
    """
    columns = _bound(name, order, given, named)
    known = columns.pop(KNOWN, None)
    function = FUNCTIONS[name]
    try:
        return _evaluate(function, columns, known)
    except ValueError:
        for row in range(len(next(iter(columns.values())))):
            _refuse(name, function, *_one_row(columns, known, row))
        raise


def _bound(
    name: str, order: Sequence[str], given: Sequence[pd.Series], named: Mapping[str, pd.Series]
) -> dict[str, pd.Series]:
    function = FUNCTIONS[name]
    columns = {**dict(zip(order, given, strict=False)), **named}
    twice_or_too_many = len(columns) < len(given) + len(named)
    if twice_or_too_many or not function.required <= set(columns) <= {*order, *function.arguments}:
        takes = ", ".join(n if n in function.required else f"[{n}]" for n in function.arguments)
        shown = ", ".join([f"{len(given)} by position", *(f"{n} by name" for n in named)])
        raise TypeError(f"{name} takes {takes}; got {shown}")
    return columns


def _evaluate(
    function: RowFunction, columns: Mapping[str, pd.Series], known: pd.Series | None
) -> Floats:
    rows = len(next(iter(columns.values())))
    out = np.full((rows, len(function.fields)) if function.fields else rows, np.nan)
    for which, arguments in _stacks(function.arguments, columns, known):
        out[which] = function.formula(**arguments)
    return out


def _stacks(
    kinds: Mapping[str, ArgumentKind], columns: Mapping[str, pd.Series], known: pd.Series | None
) -> Iterator[tuple[NDArray[np.intp], _Stacked]]:
    """Rows that can be computed together, with their arguments; rows with a null are left out."""
    whole = [c.notna() for c in columns.values()] if known is None else [known.astype(bool)]
    rows = np.flatnonzero(np.logical_and.reduce(whole))
    values = {n: _values(n, kinds[n], c.iloc[rows]) for n, c in columns.items()}
    for group in _groups(len(rows), values, kinds):
        keep = group
        if known is None:
            arrays = [_stacked(v, group) for v in values.values()]
            with_nan = [np.isnan(a).any(axis=tuple(range(1, a.ndim))) for a in arrays]
            keep = group[~np.logical_or.reduce(with_nan)]
        if len(keep):
            stacked = {n: _stacked(v, keep) for n, v in values.items()}
            yield rows[keep], {n: _argument(kinds[n], v) for n, v in stacked.items()}


def _argument(kind: ArgumentKind, stacked: Floats) -> Floats | float:
    return float(stacked[0]) if kind == "option" else stacked


def _groups(
    rows: int, values: Mapping[str, Sequence[Any] | Floats], kinds: Mapping[str, ArgumentKind]
) -> list[NDArray[np.intp]]:
    """Positions of rows with the same shapes and options."""
    keys: list[list[Any]] = []
    for name, of_rows in values.items():
        if kinds[name] == "option":
            keys.append(list(of_rows))
        elif kinds[name] != "number":
            keys.append([array.shape for array in of_rows])
    if not keys:
        return [np.arange(rows)]
    groups: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row, key in enumerate(zip(*keys, strict=True)):
        groups[key].append(row)
    return [np.array(group) for group in groups.values()]


def _stacked(of_rows: Sequence[Floats] | Floats, group: NDArray[np.intp]) -> Floats:
    if isinstance(of_rows, np.ndarray):
        return of_rows[group]
    arrays = [of_rows[row] for row in group]
    # several times faster than np.stack for many short arrays
    return np.concatenate(arrays).reshape(len(arrays), *arrays[0].shape).astype(np.float64)


def _values(name: str, kind: ArgumentKind, column: pd.Series) -> Sequence[Floats] | Floats:
    if kind in {"number", "option"}:
        if column.dtype == object and any(np.ndim(value) for value in column):
            raise ValueError(f"{name} must be a number, got an array")
        return np.asarray(column, dtype=np.float64)
    return [_array(name, kind, value) for value in column]


def _array(name: str, kind: ArgumentKind, value: Any) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype == object:  # decimals, or arrays in an array
        array = _from_objects(name, np.atleast_1d(array))
    if kind == "moments":
        return np.atleast_1d(array)
    if array.ndim != 1:
        raise ValueError(f"{name} must be an array of numbers")
    return array


def _from_objects(name: str, values: NDArray[Any]) -> Floats:
    if any(value is None for value in values):
        return np.full(len(values), np.nan)
    arrays = [np.asarray(value, dtype=np.float64) for value in values]
    if len({array.shape for array in arrays}) > 1:
        raise ValueError(f"{name} must hold arrays of one length")
    return np.array(arrays, dtype=np.float64)


def _one_row(
    columns: Mapping[str, pd.Series], known: pd.Series | None, row: int
) -> tuple[dict[str, pd.Series], pd.Series | None]:
    one = slice(row, row + 1)
    return {n: c.iloc[one] for n, c in columns.items()}, None if known is None else known.iloc[one]


def _refuse(
    name: str, function: RowFunction, columns: Mapping[str, pd.Series], known: pd.Series | None
) -> None:
    """Raise a ValueError that shows the row, if it cannot be computed."""
    kinds = function.arguments
    try:
        for _, arguments in _stacks(kinds, columns, known):
            # without the axis of rows, so that places in messages are places in the row
            alone = {n: v if kinds[n] == "option" else v[0] for n, v in arguments.items()}
            function.formula(**alone)
    except ValueError as error:
        content = ", ".join(
            f"{n}={_shown(c.iloc[0])}" for n, c in columns.items() if kinds[n] != "option"
        )
        raise ValueError(f"{name}: {error}; correct this row or filter it out: {content}") from None


def _shown(value: Any) -> str:
    short = reprlib.Repr()
    short.maxlist = 20
    return short.repr(_plain(value))


def _plain(value: Any) -> Any:
    """Numbers and lists as Python shows them, without the names of numpy's types."""
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value
