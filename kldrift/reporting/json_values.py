"""Converts values of pandas frames and Arrow to JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from kldrift.tables.values import python_values

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
"""A row of a table, as JSON values by column."""

NOTHING: Final = ("NaT", "<NA>")
"""How pandas writes what it has in place of a time or a value."""


def json_value(value: Any) -> Any:
    """Convert a value to a JSON value; NaN, infinity, NaT and the like become None.

    Examples:
        >>> import pandas as pd
        >>> json_value({"kl": float("nan"), "at": datetime(2020, 4, 1), "cells": (20, pd.NA)})
        {'kl': None, 'at': '2020-04-01T00:00:00', 'cells': [20, None]}
    """
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if value is None or isinstance(value, float) or str(value) in NOTHING:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)


def records(rows: pd.DataFrame | pa.Table) -> list[dict[str, Any]]:
    """Return the rows of a frame or of a table as JSON objects."""
    if not isinstance(rows, pa.Table):
        return [json_value(row) for row in rows.to_dict("records")]
    names = rows.column_names
    columns = [json_value(python_values(column)) for column in rows.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
