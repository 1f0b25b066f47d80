"""Data of Python programs as Arrow tables, with errors that name the side and the column."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from kldrift.errors import DatasetError, first_line


def arrow_table(data: Any, side: str) -> pa.Table:
    """Return a pandas frame, a record batch or a table as an Arrow table.

    Args:
        data: what a caller gave.
        side: ``reference`` or ``current``, for errors.

    Raises:
        DatasetError: a column of a frame cannot become one of Arrow.
        TypeError: the data is of another kind.
    """
    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    if isinstance(data, pa.Table):
        return data
    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            "reference and current must both be pandas frames, Arrow tables or Spark DataFrames, "
            f"got {type(data).__name__}"
        )
    names = [str(name) for name in data.columns]
    try:
        if len(set(names)) == len(names):
            return pa.Table.from_pandas(data, preserve_index=False)
        numbered = data.set_axis(range(len(names)), axis="columns")
        return pa.Table.from_pandas(numbered, preserve_index=False).rename_columns(names)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f"{side}: {_why(data, error)}") from error


def _why(data: pd.DataFrame, error: Exception) -> str:
    """Say which column it was; Arrow does not always."""
    for place, name in enumerate(data.columns):
        try:
            pa.Table.from_pandas(data.iloc[:, [place]], preserve_index=False)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as own:
            said = own.args[0] if own.args else own
            kind = data.dtypes.iloc[place]
            return f"column {name!r} ({kind}) has no type in Arrow: {said}; convert or drop it"
    return first_line(error)
