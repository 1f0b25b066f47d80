"""The data of Python programs: a plan and an engine for it, errors that name side and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from kldrift.config import Config
from kldrift.errors import DatasetError, first_line
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.features.names import Patterns
from kldrift.monitor.groups import condition_named
from kldrift.monitor.plan import Plan, make_plan
from kldrift.monitor.stages import Engine
from kldrift.sources.table import TableSource


def planned(config: Config, data: Mapping[str, Any]) -> tuple[Plan, Engine]:
    """The plan for the data of a caller, both sides or one that is both, and what runs it."""
    sources: list[Any]
    if all(map(is_spark, data.values())):
        from kldrift.execution.engine import SparkEngine  # noqa: PLC0415
        from kldrift.sources.open import frame_source  # noqa: PLC0415 - only now is Spark needed

        with condition_named(config):
            sources = [
                frame_source(frame, config.expressions, "a Spark DataFrame")
                for frame in data.values()
            ]
        plan = make_plan(config, sources[0], sources[-1])
        session = next(iter(data.values())).sparkSession
        return plan, SparkEngine(session, sources[0], sources[-1], SILENT)
    if config.expressions:
        raise TypeError("derived features and conditions are Spark SQL: they need Spark DataFrames")
    excluded = config.features.exclude
    sources = [TableSource(arrow_table(one, side, excluded)) for side, one in data.items()]
    plan = make_plan(config, sources[0], sources[-1])
    return plan, MemoryEngine(sources[0], sources[-1])


def arrow_table(data: Any, side: str, exclude: Sequence[str] = ()) -> pa.Table:
    """Return a pandas frame, or what else gives itself to Arrow, as an Arrow table."""
    if isinstance(data, pa.Table):  # older Arrow crashes where it gives itself some layouts
        return data
    if not isinstance(data, pd.DataFrame):
        gives_itself = any(hasattr(data, f"__arrow_c_{way}__") for way in ("stream", "array"))
        if gives_itself and not is_spark(data):
            try:
                return pa.table(data)
            except pa.ArrowInvalid as error:
                if hasattr(data, "columns"):  # it is no single column
                    raise DatasetError(f"{side}: {_why(data, error)}") from error
        raise TypeError(
            f"{side}: expected all data as pandas frames, Arrow tables or Spark DataFrames, "
            f"got {type(data).__name__}"
        )
    names = [str(name) for name in data.columns]
    try:
        if len(set(names)) == len(names):
            return pa.Table.from_pandas(data, preserve_index=False)
        numbered = data.set_axis(range(len(names)), axis="columns")
        return pa.Table.from_pandas(numbered, preserve_index=False).rename_columns(names)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        excluded = Patterns(exclude)
        kept = [i for i, name in enumerate(names) if not excluded.match(name, name)]
        if len(kept) < len(names):
            return arrow_table(data.iloc[:, kept], side)
        raise DatasetError(f"{side}: {_why(data, error)}") from error


def is_spark(data: Any) -> bool:
    """Whether data is a Spark DataFrame, of Spark Connect too."""
    return type(data).__module__.startswith("pyspark.sql")


def _why(data: Any, error: Exception) -> str:
    """Name the column that failed; Arrow does not always."""
    pandas = isinstance(data, pd.DataFrame)
    for place, (name, kind) in enumerate(zip(data.columns, data.dtypes, strict=True)):
        try:
            if pandas:
                pa.Table.from_pandas(data.iloc[:, [place]], preserve_index=False)
            else:
                pa.table(data[[name]])
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as own:
            text = own.args[0] if own.args else own
            return f"column {name!r} ({kind}) has no type in Arrow: {text}; convert or exclude it"
    return first_line(error)
