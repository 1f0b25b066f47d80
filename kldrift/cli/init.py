"""Look at a dataset and write a commented configuration for it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from kldrift.config import Dataset, Features, Override, Spark, config_from_mapping
from kldrift.config.yaml_text import to_yaml
from kldrift.errors import DatasetError
from kldrift.execution.session import session_in_use
from kldrift.features.plan import Skipped, plan_features
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.lakehouse.open import TABLE_OPTIONS
from kldrift.sources.open import open_files, open_source, reason_for_spark
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.predicates.translate import Unsupported

TEXT_FORMATS: Final = ("csv", "json")


def init(
    source: str,
    *,
    reference: str | None = None,
    format: str | None = None,  # noqa: A002 - as the configuration calls it
    options: Mapping[str, str] | None = None,
) -> str:
    """Write a configuration for a dataset, as YAML text.

    Args:
        source: a file, a folder or a glob: the current dataset. Of several files without a
            ``reference`` the last is taken as current and those before it as reference.
        reference: what to compare with; by default the source itself, to be changed.
        format: by default from the ending of the file names.
        options: for Spark's reader.

    Returns:
        YAML that ``kldrift run`` accepts as it is.

    Raises:
        DatasetError: a dataset cannot be read.
    """
    current_path, reference_path, note = _sides(source, reference, format)
    given: dict[str, object] = {"path": [str(p) for p in current_path]}
    if format:
        given["format"] = format
    if options:
        given["options"] = dict(options)
    config = config_from_mapping(
        {
            "monitor": "init",
            "reference": {**given, "path": reference_path},
            "current": given,
            "output": {"path": "drift"},
        }
    )
    sides = [_look(config.reference, "reference"), _look(config.current, "current")]
    schema = _ddl(sides) if config.current.format in TEXT_FORMATS else None
    wanted = Features(override=_time_parts(sides[0].schema))
    plan = plan_features(sides[0].schema, wanted)
    text = config.current.format in TEXT_FORMATS
    return _yaml(
        monitor=_monitor_name(source),
        reference=replace(config.reference, path=tuple(reference_path), schema=schema),
        current=replace(config.current, path=tuple(current_path), schema=schema),
        note=note,
        wanted=wanted,
        features=[f"{f.name}: {f.kind} ({f.type})" for f in plan.features],
        skipped=plan.skipped,
        text=text,
    )


def _sides(
    source: str, reference: str | None, form: str | None
) -> tuple[list[str], list[str], str]:
    source = _absolute(source)
    if reference is not None:
        return [source], [_absolute(reference)], ""
    one = "://" in source or form in TABLE_OPTIONS
    files = [source] if one else [f.path for f in list_files([source])]
    if len(files) > 1:
        return files[-1:], files[:-1], "the files before the last one"
    return [source], [source], "CHANGE THIS: the dataset itself, until you name a reference"


def _absolute(path: str) -> str:
    """Make a path absolute: the configuration may be written elsewhere."""
    return path if "://" in path else os.path.abspath(path)  # noqa: PTH100 - keeps globs


def _look(dataset: Dataset, side: str) -> DatasetInfo:
    if not reason_for_spark(dataset, "auto"):
        opened = open_files(dataset, side)
        if isinstance(opened, Unsupported):
            raise DatasetError(f"{side}: {opened.reason}")
        return opened
    with session_in_use(Spark(), "kldrift init") as session:
        return open_source(session, dataset, {}, way="auto", side=side)


def _time_parts(schema: pa.Schema) -> dict[str, Override]:
    parts = {}
    for field in schema:
        if pa.types.is_timestamp(field.type):
            parts[field.name] = Override(parts=("hour", "weekday"))
        elif pa.types.is_date(field.type):
            parts[field.name] = Override(parts=("weekday",))
    return parts


def _ddl(sides: list[DatasetInfo]) -> str | None:
    """The schema of text files that fits both sides, so that no run has to infer it."""
    reference, current = (side.schema for side in sides)
    if reference.names != current.names:
        return None
    columns = []
    for mine, other in zip(reference, current, strict=True):
        kind = _spark_type(mine.type, other.type)
        if kind is None:
            return None
        name = mine.name.replace("`", "``")
        columns.append(f"`{name}` {kind}")
    return ", ".join(columns)


def _spark_type(mine: pa.DataType, other: pa.DataType) -> str | None:
    names = {
        pa.bool_(): "boolean",
        pa.date32(): "date",
        pa.timestamp("us"): "timestamp_ntz",
        pa.timestamp("us", tz="UTC"): "timestamp",
        pa.string(): "string",
        pa.null(): "string",
    }
    types = pa.types
    if types.is_integer(mine) and types.is_integer(other):
        return "bigint"
    numbers = [types.is_integer(t) or types.is_floating(t) for t in (mine, other)]
    if all(numbers):
        return "double"
    return names.get(mine) if mine == other else None


def _monitor_name(source: str) -> str:
    stem = Path(source.rstrip("/*")).name.split(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-") or "monitor"


def _yaml(
    *,
    monitor: str,
    reference: Dataset,
    current: Dataset,
    note: str,
    wanted: Features,
    features: list[str],
    skipped: tuple[Skipped, ...],
    text: bool,
) -> str:
    lines = [
        "# Written by `kldrift init`. `kldrift check` says what a run will do.",
        f"monitor: {to_yaml(monitor)}",
        "",
        f"reference:{f'  # {note}' if note else ''}",
        *_dataset(reference),
        "",
        "current:  # the batch to judge",
        *_dataset(current),
        "",
    ]
    if text and reference.schema is None:
        lines += [
            "# The two sides differ in their columns: without a schema, Spark reads text files",
            "# one more time to find the types.",
        ]
    lines += ["features:", '  include: ["*"]', "  exclude: []"]
    if wanted.override:
        lines += ["  override:"]
        for name, override in wanted.override.items():
            parts = ", ".join(override.parts)
            lines += [f"    {to_yaml(name)}: {{parts: [{parts}]}}  # points in time always move"]
    lines += [
        "  # To treat a feature differently, under `override:`",
        "  #   some_code: {kind: categorical}   # a number that is no amount",
        "  #   some_amount: {thresholds: {kl: {warning: 0.05}}}",
    ]
    lines += ["  # compared:", *(f"  #   {_comment(f)}" for f in features)]
    if skipped:
        lines += [
            "  # left out:",
            *(f"  #   {_comment(f'{s.column}: {s.reason}')}" for s in skipped),
        ]
    lines += [
        "",
        "# kl is in nats. An alarm needs size (above the threshold) and evidence (q below alpha).",
        "thresholds: {kl: {warning: 0.1, critical: 0.25}}",
        "significance: {alpha: 0.01, correction: benjamini-hochberg}",
        "",
        "output: {path: drift}",
        "expectations: {path: drift/gx, data_docs: true}",
        "",
    ]
    return "\n".join(lines)


def _dataset(dataset: Dataset) -> list[str]:
    path = dataset.path[0] if len(dataset.path) == 1 else list(dataset.path)
    lines = [f"  path: {to_yaml(path)}", f"  format: {to_yaml(dataset.format)}"]
    if dataset.options:
        lines.append(f"  options: {to_yaml(dict(dataset.options))}")
    if dataset.schema:
        lines.append(f"  schema: {to_yaml(dataset.schema)}")
    lines.append('  # where: "amount >= 0"   # Spark SQL')
    return lines


def _comment(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", "?", text)
