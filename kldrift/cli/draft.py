"""The text of a configuration that ``kldrift init`` writes: what it found, with comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from kldrift.config import Dataset, Features, Override
from kldrift.config.yaml_text import to_yaml
from kldrift.errors import escaped
from kldrift.features.plan import FeaturePlan
from kldrift.scoring.metrics import DEFAULT_THRESHOLDS, Threshold

WHERE: Final = '# where: "amount >= 0"   # Spark SQL'


@dataclass(frozen=True)
class Draft:
    """What a configuration is drafted from.

    Attributes:
        day: the day that the current dataset is of, as ``--as-of`` takes it; None for none.
        when: the column that says when rows were; None for none.
        plan: the features, and the columns that are left out.
        of_text: whether the files are of text, whose types may have to be inferred.
        folder: where the configuration will stand; paths below it are relative to it.
    """

    monitor: str
    reference: Dataset
    current: Dataset
    day: str | None
    when: str | None
    note: str
    assumed: tuple[str, ...]
    wanted: Features
    plan: FeaturePlan
    remarks: Mapping[str, str]
    of_text: bool
    folder: Path | None = None

    def to_yaml(self) -> str:
        """The configuration, which ``kldrift run`` accepts as it is."""
        parts = (self._head(), self._datasets(), self._features(), self._looks(), _judging())
        return "\n".join(line for part in parts for line in part)

    def _head(self) -> list[str]:
        lines = ["# Written by `kldrift init`. `kldrift check` says what a run will do."]
        if self.assumed:
            lines += ["# Assumed of the files, from the last one:", *_comments(self.assumed, "#")]
        return [*lines, f"monitor: {to_yaml(self.monitor)}", ""]

    def _datasets(self) -> list[str]:
        as_of = f"  # {{as_of}} is the time of the run: today in UTC, or --as-of {self.day}"
        lines = [
            f"reference:{f'  # {self.note}' if self.note else ''}",
            *_dataset(self.reference, self.folder),
            "",
            "current:  # the batch to judge",
            *([as_of] if self.day else []),
            *_dataset(self.current, self.folder),
            "",
            *self._time(),
        ]
        if self.of_text and self.reference.schema is None:
            lines += [
                "# No schema fits both sides: columns differ, or hold lists or structs. So Spark",
                "# reads text files one more time to find the types.",
            ]
        return lines

    def _time(self) -> list[str]:
        """How to judge each day on its own, as a comment, where a column says the time."""
        if self.when is None:
            return []
        column = re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", "?", to_yaml(self.when))
        stated = self.wanted.override.get(self.when)
        settled = stated is not None and "weekday" in stated.parts
        return [
            "# To judge each day on its own, with limits that are learnt once 28 days are known",
            "# (`kldrift backfill` looks back):",
            *(["# (and take weekday out of its parts below, which is one for a day)"] * settled),
            f"# time: {{column: {column}, window: 1d, zone: UTC}}",
            "# learned: true",
            "# alarms: {budget: {pages: 1, days: 90}, after: 2 of 3}",
            "",
        ]

    def _features(self) -> list[str]:
        exclude, override = self.wanted.exclude, self.wanted.override
        new = "  # identifiers, and days: they are new each time" if exclude else ""
        lines = ["features:", '  include: ["*"]', f"  exclude: {to_yaml(list(exclude))}{new}"]
        if override:
            lines.append("  override:")
        for name, one in override.items():
            stated, why = _override(one)
            lines.append(f"    {to_yaml(name)}: {{{stated}}}  # {why}")
        return [
            *lines,
            "  # To treat a feature differently, under `override:`",
            "  #   some_code: {kind: categorical}   # a number that is no amount",
            "  #   some_amount: {thresholds: {kl: {warning: 0.05}}}",
        ]

    def _looks(self) -> list[str]:
        """What was found, as comments: features, remarks, and columns that are left out."""
        compared = [f"{f.name}: {f.kind} ({f.type})" for f in self.plan.features]
        remarks = [f"{name}: {what}" for name, what in self.remarks.items()]
        skipped = [f"{s.column}: {s.reason}" for s in self.plan.skipped]
        lines = ["  # compared:", *_comments(compared)]
        if remarks:
            lines += ["  # worth a look:", *_comments(remarks)]
        if skipped:
            lines += ["  # left out:", *_comments(skipped)]
        return [*lines, ""]


def _judging() -> list[str]:
    return [
        "# An alarm needs size (above a threshold) and evidence (q below alpha). js is in nats,",
        "# shares are of the rows, wasserstein_std is in reference deviations; kl can be set, too.",
        "thresholds:",
        *(f"  {metric}: {_levels(level)}" for metric, level in DEFAULT_THRESHOLDS.items()),
        "significance: {alpha: 0.01, correction: benjamini-hochberg}",
        "",
        "output: {path: drift}",
        "expectations: {path: drift/gx, data_docs: true}",
        "report: {path: drift/report.html}",
        "",
    ]


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


def _dataset(dataset: Dataset, folder: Path | None) -> list[str]:
    above = f"{folder}/" if folder else ""
    paths = [to_yaml(config_text(path.removeprefix(above))) for path in dataset.path]
    one = len(paths) == 1
    lines = [f"  path: {paths[0]}"] if one else ["  path:", *(f"    - {path}" for path in paths)]
    lines.append(f"  format: {to_yaml(dataset.format)}")
    if dataset.options:
        lines.append(f"  options: {to_yaml(dict(dataset.options))}")
    if dataset.schema:
        lines.append(f"  schema: {to_yaml(config_text(dataset.schema))}")
    where = f"where: {to_yaml(dataset.where)}" if dataset.where else WHERE
    lines.append(f"  {where}")
    return lines


def config_text(text: str) -> str:
    """Text as a configuration writes it, in which ``${`` is escaped."""
    return text.replace("${", "$${")


def _comments(texts: Iterable[str], begin: str = "  #") -> list[str]:
    """Texts of the data as comments, each on one line."""
    lines = (re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", "?", text) for text in texts)
    return [f"{begin}   {escaped(line)}" for line in lines]
