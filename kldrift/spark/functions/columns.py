"""Builds the pandas UDFs and the columns that call them, by the DataFrame API alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from numbers import Real
from operator import and_
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it
from pyspark.sql.types import DoubleType, StructField, StructType

from kldrift.spark.functions.formulas import FUNCTIONS, ArgumentKind, RowFunction
from kldrift.spark.functions.rows import KNOWN, evaluate

ColumnOrName: TypeAlias = Column | str
Argument: TypeAlias = ColumnOrName | float | Sequence[float]


def call(name: str, **given: Argument | None) -> Column:
    """The column of a function's values, named as the function.

    Args:
        name: of the function.
        **given: its arguments: columns or their names, or what is the same in all rows: a number,
            or a sequence of numbers for an array; those that are None are left out.

    Raises:
        ValueError: an option cannot be used, whatever the rows hold.
    """
    function = FUNCTIONS[name]
    arguments = {
        n: float(value) if isinstance(value, Real) else value
        for n, value in given.items()
        if value is not None
    }
    _try_options(function, arguments)
    columns = {n: _column(value) for n, value in arguments.items()}
    not_null = [
        F.coalesce(_NOT_NULL[kind](columns[n]), F.lit(False))
        for n, kind in function.arguments.items()
        if n in columns and kind != "option"
    ]
    known = reduce(and_, not_null)
    values = vectorised(name, (KNOWN, *columns))(known, *columns.values())
    # A pandas UDF cannot give a null struct, only one of nulls.
    return (F.when(known, values) if function.fields else values).alias(name)


def vectorised(name: str, order: Sequence[str]) -> Any:
    """A pandas UDF that takes these arguments by position; the others by name, from Spark 4.0 on.

    It is made when it is called for, because what it is made of depends on the running session:
    classic or Connect.
    """

    def numbers(*given: pd.Series, **named: pd.Series) -> pd.Series:
        return pd.Series(evaluate(name, order, given, named))

    def structs(*given: pd.Series, **named: pd.Series) -> pd.DataFrame:
        return pd.DataFrame(evaluate(name, order, given, named), columns=list(fields))

    fields = FUNCTIONS[name].fields
    numbers.__name__ = structs.__name__ = name  # what plans and default column names show
    if not fields:
        return F.pandas_udf(numbers, DoubleType())
    return F.pandas_udf(structs, StructType([StructField(f, DoubleType()) for f in fields]))


def _try_options(function: RowFunction, arguments: dict[str, Argument]) -> None:
    """Compute one row that is right, so that a wrong option fails here and not in a task."""
    row: dict[ArgumentKind, Any] = {"cells": np.ones(1), "moments": np.ones(1), "number": 1.0}
    function.formula(**{n: row.get(function.arguments[n], value) for n, value in arguments.items()})


def _column(value: Argument) -> Column:
    if isinstance(value, str):
        return F.col(value)
    if isinstance(value, float):
        return F.lit(value)
    if isinstance(value, (Sequence, np.ndarray)):
        return F.array(*(F.lit(float(x)) for x in value))
    return value


_NOT_NULL: Final[dict[ArgumentKind, Callable[[Column], Column]]] = {
    "number": lambda c: c.isNotNull(),
    "cells": lambda c: ~F.exists(c, lambda cell: cell.isNull()),
    # the type is not known here, and JSON shows nulls at any depth
    "moments": lambda c: ~F.to_json(F.array(c)).contains("null"),
}
