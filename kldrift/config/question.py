"""What the configurations of a monitor and a model shift share: sections, checks, the hash."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import dataclass_transform

from kldrift.config.problems import KeyPath, Problems, shown_value
from kldrift.config.translate import translate
from kldrift.config.unsafe_sql import refusal
from kldrift.config.values import (
    URI,
    Condition,
    Flag,
    Number,
    Options,
    Place,
    Text,
    filled,
    refuse,
    wrong,
)

Correction = Literal["benjamini-hochberg", "none"]
Scan = Literal["auto", "arrow", "dataframe"]
Asked = TypeVar("Asked")

NO_QUESTION: Final = ("output", "expectations", "report", "spark", "scan", "source")
"""How the rows are read, where results go and what the session is called change no number."""
MONITOR_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def _monitor(name: str) -> str:
    if not MONITOR_NAME.fullmatch(name):
        text = "expected 1 to 100 letters, digits, '.', '_' or '-', beginning with a letter or"
        raise wrong(f"{text} digit, got {shown_value(name)}")
    if ".." in name:
        raise wrong(
            f"expected no '..', which would leave the output folder, got {shown_value(name)}"
        )
    if "profiling" in name:
        text = "expected a name without 'profiling': Data Docs do not list the runs of such a name"
        raise wrong(f"{text}; got {shown_value(name)}")
    return name


MonitorName = Annotated[Text, AfterValidator(_monitor)]


@dataclass(frozen=True)
class Significance:
    """How sure a verdict must be that a score is more than chance."""

    alpha: Number = field(default=0.01, metadata={"gt": 0.0, "lt": 1.0})
    """A verdict needs a q-value below this. Example: `0.05`"""
    correction: Correction = "benjamini-hochberg"
    """How p-values become q-values over the features and segments of a run. Example: `none`"""


@dataclass(frozen=True)
class Output:
    """Where the drift tables go."""

    path: Place
    """The folder of the drift tables; a path, relative to this file, or a URI.
    Example: `s3://lake/drift`"""
    format: Literal["parquet", "delta", "iceberg"] = "parquet"
    """The format of the tables; `delta` and `iceberg` need the extra of that name.
    Example: `delta`"""


@dataclass(frozen=True)
class Expectations:
    """Where the Great Expectations project is, and whether its Data Docs are built."""

    path: Place
    """The project's local folder; without it, `gx` in the output folder, and no project beside
    tables in an object store. Example: `drift/gx`"""
    data_docs: Flag = True
    """Build Data Docs, the pages a person reads. Example: `false`"""


@dataclass(frozen=True)
class Report:
    """Where the page of a monitor is written."""

    path: Place
    """The file; a path, relative to this file, or a URI. Example: `drift/report.html`"""


@dataclass(frozen=True)
class Spark:
    """The session to make where there is none yet."""

    master: Text | None = None
    """The master of a new session, such as `local[4]`. Example: `local[4]`"""
    conf: Options = field(default_factory=dict)
    """Settings of a new session. Example: `{spark.sql.shuffle.partitions: 8}`"""
    unsafe_sql: Flag = False
    """Let `sql`, `where` and derived features call Java methods and scripts, and read files in
    subqueries: with the rights of the run. Example: `true`"""

    @field_validator("master")
    @classmethod
    def _master(cls, master: str | None) -> str | None:
        if master and not re.match(r"local(\[|-cluster\[|$)|yarn|\w+://", master):
            raise wrong(f"expected local[*], yarn or a URL such as sc://host, got {master!r}")
        return master


def empty_sections(*keys: str) -> Any:
    """Read a key without a value as an empty section."""
    return field_validator(*keys, mode="before")(filled)


class Told(type):
    """A metaclass that reports mistakes of a configuration built in Python in kldrift's words."""

    def __call__(cls, *args: object, **values: object) -> Any:
        """Make a configuration, or raise a ``ConfigError`` with all mistakes."""
        try:
            return super().__call__(*args, **values)
        except ValidationError as error:
            problems = Problems(str(values.get("source") or "configuration"))
            translate(error, cls, problems)
            problems.raise_any()


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def checked(cls: type[Asked]) -> type[Asked]:
    """Decorate a class as a frozen dataclass that validates itself, also when built in Python.

    Its sections are plain dataclasses, which are checked as parts of it: all mistakes at once.  The
    checks are built when the first configuration is, of its class only.
    """
    config = ConfigDict(extra="forbid", revalidate_instances="always", defer_build=True)
    made: Any = pydantic_dataclass(cls, frozen=True, config=config)
    asked: type[Asked] = made
    return asked


@checked
class Question(metaclass=Told):
    """The part that the configurations of a monitor and a model shift share."""

    @field_validator("expectations", mode="before", check_fields=False)
    @classmethod
    def _expectations(cls, value: object, info: ValidationInfo) -> object:
        """Put the project beside the tables where a file does not say where it goes.

        None beside tables in an object store: Great Expectations wants a local folder.
        """
        if info.context is None:
            return value
        tables = info.data["output"].path if "output" in info.data else ""
        if value is False or (not value and URI.match(tables)):
            return None
        section = {} if value is None or value is True else value
        if not isinstance(section, dict) or section.get("path") is not None:
            return section
        return {**section, "path": f"{tables.rstrip('/')}/gx"}

    @model_validator(mode="after")
    def _only_reads(self) -> Self:
        """Refuse SQL that does more than read, unless it is allowed."""
        texts: dict[KeyPath, str] = {}
        for side in ("reference", "current", "data"):
            dataset = getattr(self, side, None)
            texts |= {(side, k): getattr(dataset, k, None) or "" for k in ("where", "sql")}
        derived = getattr(getattr(self, "features", None), "derived", {})
        texts |= {("features", "derived", name): sql for name, sql in derived.items()}
        for place, one in enumerate(getattr(self, "segments", ())):
            if isinstance(one, Condition):
                texts["segments", place, "where"] = one.where
        spark: Spark = getattr(self, "spark")  # noqa: B009 - of the classes below
        if not spark.unsafe_sql:
            refusals = ((p, refusal(sql, query=p[-1] == "sql")) for p, sql in texts.items())
            refuse((path, why) for path, why in refusals if why)
        return self

    @property
    def page_place(self) -> str:
        """Where the page is written: ``report.path``, or ``report.html`` beside the tables."""
        report: Report | None = getattr(self, "report")  # noqa: B009 - of the classes below
        output: Output = getattr(self, "output")  # noqa: B009
        return report.path if report else f"{output.path.rstrip('/')}/report.html"

    def asked(self) -> dict[str, Any]:
        """Return the settings that results depend on, as JSON values."""
        return {k: v for k, v in asdict(self).items() if k not in NO_QUESTION}

    @cached_property
    def config_hash(self) -> str:
        """16 hexadecimal digits that are equal where two configurations ask the same question.

        How the rows are read, where results go and what the session is called change no number,
        so ``scan``, ``output``, ``expectations``, ``report``, ``spark``, the file's name and the
        datasets' ``filesystem`` are left out.
        """
        text = json.dumps(self.asked(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
