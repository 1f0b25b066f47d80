"""Plain values to a ``Config``: every key of the YAML file has its line here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Final

from kldrift import __version__
from kldrift.config.model import (
    CORRECTIONS,
    COVARIANCES,
    KINDS,
    METRICS,
    MISSING,
    OUTPUT_FORMATS,
    PARTS,
    SCANS,
    Config,
    Dataset,
    Expectations,
    Features,
    Joint,
    Output,
    Override,
    Scoring,
    Significance,
    Spark,
    Threshold,
    default_thresholds,
)
from kldrift.config.problems import ImpossibleConfigError, Problems
from kldrift.config.section import Section
from kldrift.config.segments import read_segments

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_COMPRESSION: Final = frozenset({".gz", ".bz2", ".zst", ".xz", ".lz4", ".snappy", ".deflate"})
_FORMATS: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".orc": "orc",
}


def _not_yet(instead: str) -> str:
    return f"not available yet in kldrift {__version__}; {instead}"


_LATER: Final = {
    "time": _not_yet("remove it: one window is then the whole of current"),
}
_LATER_IN_DATASET: Final = {
    "from": _not_yet("use where with a condition on the time column"),
    "to": _not_yet("use where with a condition on the time column"),
}
_LEARNED: Final = _not_yet("state numbers for warning and critical")


def read_config(values: object, *, source: Path | None, base: Path, problems: Problems) -> Config:
    """Read a whole configuration.

    Args:
        values: what stands in the file, with the environment filled in.
        source: the file, if there is one.
        base: what relative paths are relative to.
        problems: what was found wrong so far.

    Raises:
        ConfigError: with everything that is wrong, one problem per line.
    """
    keys = [field.name for field in fields(Config) if field.name != "source"]
    top = Section(values, (), problems, keys=keys, later=_LATER)
    place = Placing(base.absolute())
    place_of_tables = output(top, place)
    stated = top.value("thresholds") is not None
    common = thresholds(top, {}) if stated else default_thresholds()
    try:
        config = Config(
            monitor=top.required_text("monitor"),
            reference=dataset(top, "reference", place),
            current=dataset(top, "current", place),
            output=place_of_tables,
            features=_features(top, common),
            joint=_joint(top, common),
            segments=read_segments(top),
            scoring=_scoring(top),
            thresholds=common,
            significance=significance(top),
            expectations=expectations(top, place_of_tables, place),
            spark=spark(top),
            scan=top.word("scan", SCANS, "auto"),
            source=source,
        )
    except ImpossibleConfigError as error:
        for path, text in error.problems:
            problems.add_rule(path, text)
        problems.report()
    problems.raise_any()
    return config


class Placing:
    """Relative paths are relative to the configuration file; URIs are left alone."""

    def __init__(self, base: Path) -> None:
        self.base = base

    def __call__(self, path: str) -> str:
        """Return where a path leads."""
        return path if _URI.match(path) else os.path.normpath(self.base / path)


def _below(parent: Section, key: str, kind: type, later: dict[str, str] | None = None) -> Section:
    keys = [field.name for field in fields(kind)]
    return Section(parent.value(key), parent.at(key), parent.problems, keys=keys, later=later)


def dataset(top: Section, key: str, place: Callable[[str], str]) -> Dataset:
    """Read a dataset: where rows come from."""
    if key not in top:
        top.problems.add(
            top.at(key), "expected a mapping with path, table or sql, but it is missing"
        )
    section = _below(top, key, Dataset, _LATER_IN_DATASET)
    several = isinstance(section.value("path"), list)
    written = section.texts("path", ()) if several else (section.text("path") or "",)
    path = tuple(place(item) for item in written if item)
    table, sql = section.text("table"), section.text("sql")
    options, form = section.strings("options"), section.text("format")
    if form is not None and (table or sql):
        section.problems.add(section.at("format"), "goes with path only")
    form = form or _format({_ending(item) for item in path}, section)
    if form == "tsv":
        form = "csv"
        if not {"sep", "delimiter"} & {name.lower() for name in options}:
            options["sep"] = "\t"
    return Dataset(
        path=path,
        table=table,
        sql=sql,
        format=form,
        options=options,
        where=section.text("where"),
        schema=section.text("schema"),
        filesystem=section.strings("filesystem"),
    )


def _ending(path: str) -> str:
    file = PurePosixPath(path.lower())
    return PurePosixPath(file.stem).suffix if file.suffix in _COMPRESSION else file.suffix


def _format(endings: set[str], section: Section) -> str:
    formats = sorted({_FORMATS.get(ending, "parquet") for ending in endings})
    if len(formats) > 1:
        text = f"the files end like {' and '.join(formats)}; state one format"
        section.problems.add(section.at("format"), text)
    return formats[0] if formats else "parquet"


def _features(top: Section, common: dict[str, Threshold]) -> Features:
    section = _below(top, "features", Features)

    def override(parent: Section, feature: str) -> Override:
        return _override(_below(parent, feature, Override), common)

    return Features(
        include=section.texts("include", ("*",)),
        exclude=section.texts("exclude", ()),
        derived=section.each("derived", Section.required_text),
        override=section.each("override", override),
    )


def _joint(top: Section, common: dict[str, Threshold]) -> dict[str, Joint]:
    def group(parent: Section, name: str) -> Joint:
        section = _below(parent, name, Joint)
        stated = section.value("covariance") is not None
        return Joint(
            features=section.texts("features", ()),
            covariance=section.word("covariance", COVARIANCES, "full") if stated else None,
            ridge=section.number("ridge", 0.0),
            thresholds=thresholds(section, common),
        )

    return top.each("joint", group)


def _override(section: Section, common: dict[str, Threshold]) -> Override:
    return Override(
        kind=section.word("kind", KINDS, KINDS[0]) if section.value("kind") is not None else None,
        parts=section.words("parts", PARTS),
        thresholds=thresholds(section, common),
        keep=section.flag("keep", default=False),
    )


def thresholds(parent: Section, inherited: dict[str, Threshold]) -> dict[str, Threshold]:
    """Read thresholds; a level that is not stated is inherited, one that is null judges nothing."""
    path = parent.at("thresholds")
    values = parent.value("thresholds")
    if values == "learned":
        parent.problems.add(path, _LEARNED)
        return {}
    section = Section(values, path, parent.problems, keys=METRICS)
    read = {}
    for metric in section.names():
        value = section.value(metric)
        if value == "learned":
            section.problems.add(section.at(metric), _LEARNED)
            continue
        levels = _below(section, metric, Threshold)
        for level in ("warning", "critical"):
            if levels.value(level) == "learned":
                levels.problems.add(levels.at(level), _LEARNED)
        base = inherited.get(metric, Threshold())
        read[metric] = Threshold(
            levels.level("warning", base.warning), levels.level("critical", base.critical)
        )
    return read


def _scoring(top: Section) -> Scoring:
    section, default = _below(top, "scoring", Scoring), Scoring()
    return Scoring(
        bins=section.whole("bins", default.bins),
        stored_bins=section.whole("stored_bins", default.stored_bins),
        max_categories=section.whole("max_categories", default.max_categories),
        max_segments=section.whole("max_segments", default.max_segments),
        pseudocount=section.number("pseudocount", default.pseudocount),
        missing=section.word("missing", MISSING, default.missing),
        min_rows=section.whole("min_rows", default.min_rows),
    )


def significance(top: Section) -> Significance:
    """Read how sure a verdict must be."""
    section, default = _below(top, "significance", Significance), Significance()
    return Significance(
        alpha=section.number("alpha", default.alpha),
        correction=section.word("correction", CORRECTIONS, default.correction),
    )


def output(top: Section, place: Callable[[str], str]) -> Output:
    """Read where the tables go."""
    section = _below(top, "output", Output)
    if section.value("format") == "delta":
        section.problems.add(section.at("format"), _not_yet("use parquet"))
    form = section.word("format", OUTPUT_FORMATS, "parquet")
    return Output(path=place(section.required_text("path")), format=form)


def expectations(top: Section, tables: Output, place: Callable[[str], str]) -> Expectations | None:
    """Read where the Great Expectations project is; None for none."""
    if top.value("expectations") is False:
        return None
    keys = [field.name for field in fields(Expectations)]
    value = None if top.value("expectations") is True else top.value("expectations")
    section = Section(value, top.at("expectations"), top.problems, keys=keys)
    path = section.text("path")
    default = f"{tables.path.rstrip('/')}/gx"
    return Expectations(
        path=default if path is None else place(path),
        data_docs=section.flag("data_docs", default=True),
    )


def spark(top: Section) -> Spark:
    """Read the session to make."""
    section = _below(top, "spark", Spark)
    return Spark(master=section.text("master"), conf=section.strings("conf"))
