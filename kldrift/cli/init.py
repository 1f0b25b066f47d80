"""Look at a dataset and write a commented configuration for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from unicodedata import combining, normalize

import pyarrow as pa

from kldrift.cli.csv_dialect import Dialect, dialect_of
from kldrift.cli.days_in_paths import DATE, Sides, day_in, sides_of, with_placeholder
from kldrift.cli.draft import Draft, config_text
from kldrift.cli.suggest import closest_times, suggestions
from kldrift.cli.table_days import days_of, table_format
from kldrift.cli.text_schema import COMMAS, ddl, fitting_schema, with_numbers
from kldrift.config import Dataset, Features, Spark, config_from_mapping
from kldrift.errors import DatasetError
from kldrift.execution.engine import errors_of_reading
from kldrift.execution.session import session_in_use
from kldrift.features.plan import plan_features
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.lakehouse.open import TABLE_OPTIONS
from kldrift.sources.open import open_files, open_source, reason_for_spark
from kldrift.sources.parquet.files import check_format
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.predicates.translate import Unsupported
from kldrift.sources.sample import sample_of

ITSELF: Final = "CHANGE THIS: the dataset itself, until you name a reference"
ONE_DAY: Final = "CHANGE THIS: one day; a list of days that were good, or a *, knows more"
TEXT_FORMATS: Final = ("csv", "json")


def init(
    source: str,
    *,
    reference: str | None = None,
    format: str | None = None,  # noqa: A002 - as the configuration calls it
    options: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Write a configuration for a dataset, as YAML text.

    Args:
        source: a file, a folder or a glob: the current dataset. Of several files without a
            ``reference`` the last is taken as current and those before it as reference.
        reference: what to compare with; by default the source itself, to be changed.
        format: by default from the ending of the file names.
        options: for Spark's reader.
        folder: where the configuration will stand, absolute: paths below it are relative to it.

    Returns:
        YAML that ``kldrift run`` accepts as it is.
    """
    format = format or table_format(source)  # noqa: A001 - likewise
    sides = sides_of(source, reference, format)
    dialect = _dialect(sides, options or {})
    old, new = datasets_of(sides, {**(options or {}), **dialect.options})
    looks = [_look(old, "reference"), _look(new, "current")]
    if not any(look.schema.names for look, _ in looks):
        raise DatasetError(f"{source!r} has no columns; name a dataset that has some")
    types, schema = _schema(looks, new.format, dialect)
    old, new = replace(old, schema=schema), replace(new, schema=schema)
    note = ITSELF if reference is None else ""
    if reference is None and sides.reference != sides.current:
        note = sides.why
    day: str | None = None
    ids: tuple[str, ...] = ()
    if reference is None and new.format in TABLE_OPTIONS:
        if days := days_of(new, looks[1][0]):
            day, ids = days.days[-1], () if days.times else (days.column,)
            note = "the days before the last one" if days.days[1:] else ONE_DAY
            old, new = replace(old, where=days.before_the_last), replace(new, where=days.of_the_run)
            last = replace(new, where=days.of_the_last)
            looks = [_look(old, "reference"), _look(last, "current")]
    elif day := next(filter(None, map(day_in, sides.current)), None):
        new = replace(new, path=tuple(with_placeholder(p, old.path) for p in new.path))
        note = ONE_DAY if note == ITSELF else note
    samples = [with_numbers(rows, dialect.decimal_commas) for _, rows in looks]
    overrides, remarks, others = suggestions(
        rows.select([name for name in rows.column_names if name not in dialect.codes])
        for rows in samples
    )
    wanted = Features(override=overrides, exclude=tuple(dict.fromkeys((*others, *ids))))
    return Draft(
        monitor=_monitor_name(source),
        reference=old,
        current=new,
        day=day,
        when=closest_times(samples[1]),
        note=note,
        assumed=(*sides.left_out, *dialect.assumed),
        wanted=wanted,
        plan=plan_features(types, wanted),
        remarks=remarks,
        of_text=new.format in TEXT_FORMATS,
        folder=folder,
    ).to_yaml()


def datasets_of(sides: Sides, options: Mapping[str, str]) -> tuple[Dataset, Dataset]:
    """The reference and the current dataset; the endings say the format where none is stated."""
    stated = {"options": dict(options), **({"format": sides.format} if sides.format else {})}
    reference, current = (
        {**stated, "path": [*map(config_text, paths)]} for paths in (sides.reference, sides.current)
    )
    output = {"path": "drift"}
    config = config_from_mapping(
        {"monitor": "init", "reference": reference, "current": current, "output": output}
    )
    return config.reference, config.current


def _dialect(sides: Sides, options: Mapping[str, str]) -> Dialect:
    """How CSV files of this machine are written, from the last of them."""
    paths = [*sides.reference, *sides.current]
    current = datasets_of(sides, options)[1]
    if current.format != "csv" or any("://" in path for path in paths):
        return Dialect()
    last = list_files(paths)[-1].path
    check_format(last, current.format, "current")
    return dialect_of(last, current.options)


def _schema(
    looks: Sequence[tuple[DatasetInfo, pa.Table]], form: str | None, dialect: Dialect
) -> tuple[pa.Schema, str | None]:
    """The types of the columns, and for text files the schema that fits both sides, if one does."""
    (reference, _), (current, rows) = looks
    if form not in TEXT_FORMATS:
        return reference.schema, None
    no_value = not rows.num_rows and reference.schema.names == current.schema.names
    other = reference.schema if no_value else current.schema
    known = dict.fromkeys(dialect.codes, pa.string()) | dict.fromkeys(
        dialect.decimal_commas, COMMAS
    )
    fitting = fitting_schema(reference.schema, other, known)
    return (fitting, ddl(fitting)) if fitting else (reference.schema, None)


def _look(dataset: Dataset, side: str) -> tuple[DatasetInfo, pa.Table]:
    """What is known of a dataset without reading all of it, and a sample of its rows."""
    # With a locale Spark would infer numbers of dates such as 31.01.2024.
    options = {k: v for k, v in dataset.options.items() if k != "locale"}
    dataset = replace(dataset, options=options)
    if not reason_for_spark(dataset, "auto"):
        opened = open_files(dataset, side)
        if isinstance(opened, Unsupported):
            raise DatasetError(f"{side}: {opened.reason}")
        return opened, sample_of(opened)
    with session_in_use(Spark(), "kldrift init") as session:
        source = open_source(session, dataset, {}, way="auto", side=side)
        with errors_of_reading(source):
            return source, sample_of(source)


def _monitor_name(source: str) -> str:
    place = source if "://" in source else str(Path(source).absolute())
    plain = "".join(c for c in normalize("NFKD", place) if not combining(c))  # without accents
    parts = [re.sub(r"\w+=|\..*|\*.*", "", DATE.sub("", part)) for part in Path(plain).parts]
    names = [re.sub(r"[^A-Za-z0-9_-]+", "_", part).strip("_-") for part in parts]
    last = next((name for name in reversed(names) if re.search("[A-Za-z]", name)), "")
    return last.replace("profiling", "profile")[:100] or "monitor"
