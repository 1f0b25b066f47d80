"""Look at a dataset and write a commented configuration for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from kldrift.cli.csv_dialect import Dialect, dialect_of
from kldrift.cli.days_in_paths import DATE, day_in, sides_of, with_placeholder
from kldrift.cli.suggest import suggestions
from kldrift.cli.table_days import days_of, table_format
from kldrift.cli.text_schema import ddl, fitting_schema, with_numbers
from kldrift.config import Dataset, Features, Override, Spark, config_from_mapping
from kldrift.config.yaml_text import to_yaml
from kldrift.errors import DatasetError, escaped
from kldrift.execution.engine import told
from kldrift.execution.session import session_in_use
from kldrift.features.plan import Skipped, plan_features
from kldrift.scoring.metrics import DEFAULT_THRESHOLDS, Threshold
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.lakehouse.open import TABLE_OPTIONS
from kldrift.sources.open import open_files, open_source, reason_for_spark
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.predicates.translate import Unsupported
from kldrift.sources.sample import sample_of

ITSELF: Final = "CHANGE THIS: the dataset itself, until you name a reference"
THE_LAST: Final = "the files before the last one"
ONE_DAY: Final = "CHANGE THIS: one day; a list of days that were good, or a *, knows more"
WHERE: Final = '# where: "amount >= 0"   # Spark SQL'
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
    format = format or table_format(source)  # noqa: A001 - likewise
    sides = sides_of(source, reference, format)
    current_path, reference_path, format = sides.current, sides.reference, sides.format  # noqa: A001
    note = THE_LAST if reference is None and reference_path != current_path else ""
    note = note or ("" if reference else ITSELF)
    asked = config_dataset(current_path, format, options)
    dialect = Dialect()
    if asked.format == "csv" and not any("://" in p for p in (*current_path, *reference_path)):
        dialect = _dialect([*reference_path, *current_path], asked.options)
        options = {**(options or {}), **dialect.options}
    given: dict[str, object] = {"path": [*map(_literal, current_path)]}
    if format:
        given["format"] = format
    if options:
        given["options"] = dict(options)
    config = config_from_mapping(
        {
            "monitor": "init",
            "reference": {**given, "path": [*map(_literal, reference_path)]},
            "current": given,
            "output": {"path": "drift"},
        }
    )
    looks = [
        # With a locale Spark would infer numbers of dates such as 31.01.2024.
        _look(replace(d, options={k: v for k, v in d.options.items() if k != "locale"}), side)
        for d, side in ((config.reference, "reference"), (config.current, "current"))
    ]
    (seen, schema), other = (looks[0][0].schema, None), looks[1][0].schema
    if not looks[1][1].num_rows and config.current.format in TEXT_FORMATS:
        other = seen if seen.names == other.names else other  # no value says what it is
    if (in_text := config.current.format in TEXT_FORMATS) and (
        fitting := fitting_schema(seen, other, dialect.decimal_commas)
    ):
        seen, schema = fitting, ddl(fitting)
    ids: list[str] = []
    old = replace(config.reference, path=tuple(reference_path), schema=schema)
    new, day = replace(config.current, path=tuple(current_path), schema=schema), None
    if reference is None and config.current.format in TABLE_OPTIONS:
        if days := days_of(looks[1][0]):
            old, new = replace(old, where=days.before_the_last), replace(new, where=days.of_the_run)
            day, note = days.days[-1], "the days before the last one" if days.days[1:] else ONE_DAY
            ids.append(days.column)
            last = replace(new, where=days.of_the_last)
            looks = [_look(old, "reference"), _look(last, "current")]
    elif reference is None and (day := next(filter(None, map(day_in, current_path)), None)):
        new = replace(new, path=tuple(map(with_placeholder, new.path)))
        note = ONE_DAY if note == ITSELF else note
    overrides, remarks, others = suggestions(
        [with_numbers(rows, dialect.decimal_commas) for _, rows in looks]
    )
    wanted = Features(override=overrides, exclude=(*others, *ids))
    plan = plan_features(seen, wanted)
    return _yaml(
        monitor=_monitor_name(source),
        reference=old,
        current=new,
        day=day,
        note=note,
        assumed=(*sides.left_out, *dialect.assumed),
        remarks=remarks,
        wanted=wanted,
        features=[f"{f.name}: {f.kind} ({f.type})" for f in plan.features],
        skipped=plan.skipped,
        text=in_text,
    )


def config_dataset(
    paths: list[str], form: str | None, options: Mapping[str, str] | None
) -> Dataset:
    """The dataset that paths are, its format from their endings where none is stated."""
    values: dict[str, object] = {"path": [*map(_literal, paths)], "options": dict(options or {})}
    if form:
        values["format"] = form
    mapping = {"monitor": "init", "reference": values, "current": values, "output": {"path": "d"}}
    return config_from_mapping(mapping).current


def _dialect(paths: list[str], options: Mapping[str, str]) -> Dialect:
    """How CSV files are written, from the last of them."""
    return dialect_of(list_files(paths)[-1].path, options)


def _look(dataset: Dataset, side: str) -> tuple[DatasetInfo, pa.Table]:
    if not reason_for_spark(dataset, "auto"):
        opened = open_files(dataset, side)
        if isinstance(opened, Unsupported):
            raise DatasetError(f"{side}: {opened.reason}")
        return opened, sample_of(opened)
    with session_in_use(Spark(), "kldrift init") as session:
        source = open_source(session, dataset, {}, way="auto", side=side)
        with told(source):
            return source, sample_of(source)


def _monitor_name(source: str) -> str:
    parts = [re.sub(r"\w+=|\..*|\*.*", "", DATE.sub("", part)) for part in Path(source).parts]
    names = [re.sub(r"[^A-Za-z0-9_-]+", "_", part).strip("_-") for part in parts]
    last = next((name for name in reversed(names) if re.search("[A-Za-z]", name)), "")
    return last.replace("profiling", "profile")[:100] or "monitor"


def _yaml(  # noqa: PLR0913 - what stands in a draft
    *,
    monitor: str,
    reference: Dataset,
    current: Dataset,
    day: str | None,
    note: str,
    wanted: Features,
    features: list[str],
    skipped: tuple[Skipped, ...],
    text: bool,
    assumed: tuple[str, ...],
    remarks: Mapping[str, str],
) -> str:
    lines = [
        "# Written by `kldrift init`. `kldrift check` says what a run will do.",
        f"monitor: {to_yaml(monitor)}",
        "",
        f"reference:{f'  # {note}' if note else ''}",
        *_dataset(reference),
        "",
        "current:  # the batch to judge",
        *([f"  # {{as_of}} is the time of the run: today in UTC, or --as-of {day}"] if day else []),
        *_dataset(current),
        "",
    ]
    if assumed:
        lines[1:1] = [
            "# Assumed of the files, from the last one:",
            *(f"#   {_comment(a)}" for a in assumed),
        ]
    if text and reference.schema is None:
        lines += [
            "# The two sides differ in their columns: without a schema, Spark reads text files",
            "# one more time to find the types.",
        ]
    lines += ["features:", '  include: ["*"]', f"  exclude: {to_yaml(list(wanted.exclude))}"]
    if wanted.exclude:
        lines[-1] += "  # identifiers, and days: they are new each time"
    if wanted.override:
        lines += ["  override:"]
        for name, override in wanted.override.items():
            stated, why = _override(override)
            lines += [f"    {to_yaml(name)}: {{{stated}}}  # {why}"]
    lines += [
        "  # To treat a feature differently, under `override:`",
        "  #   some_code: {kind: categorical}   # a number that is no amount",
        "  #   some_amount: {thresholds: {kl: {warning: 0.05}}}",
    ]
    lines += ["  # compared:", *(f"  #   {_comment(f)}" for f in features)]
    if remarks:
        lines += ["  # worth a look:"]
        lines += [f"  #   {_comment(f'{name}: {what}')}" for name, what in remarks.items()]
    if skipped:
        lines += [
            "  # left out:",
            *(f"  #   {_comment(f'{s.column}: {s.reason}')}" for s in skipped),
        ]
    lines += [
        "",
        "# An alarm needs size (above a threshold) and evidence (q below alpha). js is in nats,",
        "# shares are of the rows, wasserstein_std is in reference deviations; kl can be set, too.",
        "thresholds:",
        *(f"  {metric}: {_levels(level)}" for metric, level in DEFAULT_THRESHOLDS.items()),
        "significance: {alpha: 0.01, correction: benjamini-hochberg}",
        "",
        "output: {path: drift}",
        "expectations: {path: drift/gx, data_docs: true}",
        "",
    ]
    return "\n".join(lines)


def _levels(threshold: Threshold) -> str:
    levels = {k: v for k, v in asdict(threshold).items() if v is not None}
    return f"{{{', '.join(f'{name}: {value:g}' for name, value in levels.items())}}}"


def _override(override: Override) -> tuple[str, str]:
    """What is stated of a feature, as YAML, and why."""
    if override.parts:
        return f"parts: [{', '.join(override.parts)}]", "points in time always move"
    stated, why = [], []
    if override.kind:
        stated, why = [f"kind: {override.kind}"], ["a code, or yes and no"]
    if override.missing:
        stated.append(f"missing: [{', '.join(f'{v:g}' for v in override.missing)}]")
        why.append("stands for a missing value")
    return ", ".join(stated), "; ".join(why)


def _dataset(dataset: Dataset) -> list[str]:
    paths = [*map(_literal, dataset.path)]
    path = paths[0] if len(paths) == 1 else paths
    lines = [f"  path: {to_yaml(path)}", f"  format: {to_yaml(dataset.format)}"]
    if dataset.options:
        lines.append(f"  options: {to_yaml(dict(dataset.options))}")
    if dataset.schema:
        lines.append(f"  schema: {to_yaml(_literal(dataset.schema))}")
    where = f"where: {to_yaml(dataset.where)}" if dataset.where else WHERE
    lines.append(f"  {where}")
    return lines


def _literal(text: str) -> str:
    """Text as a configuration has it, in which ``${`` names a variable of the environment."""
    return text.replace("${", "$${")


def _comment(text: str) -> str:
    return escaped(re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", "?", text))
