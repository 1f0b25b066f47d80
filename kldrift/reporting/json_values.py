"""Converts values of pandas frames and Arrow to JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd


def json_value(value: Any) -> Any:
    """Convert a value to a JSON value; NaN, infinity, NaT and the like become None.

    Examples:
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
    if isinstance(value, float) or pd.isna(value):
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as JSON objects."""
    return [json_value(row) for row in frame.to_dict("records")]
