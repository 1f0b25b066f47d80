"""The types of single values: text, numbers, options, paths, thresholds, and their errors.

A validator gets a :class:`Reading` as its context where a file or a mapping is read, and none where
a configuration is built in Python.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AllowInfNan,
    BeforeValidator,
    Discriminator,
    Strict,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError
from typing_extensions import TypeAliasType

from kldrift.config.problems import KeyPath, nearest, shown_value
from kldrift.scoring.metrics import CATEGORY_METRICS, METRICS, RatioThreshold, Threshold

URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
LOCAL: Final = re.compile("(?i)file:(?://(?:localhost)?)?(?=/)")
"""The beginning of a URI that is a local path."""
STORE: Final = re.compile("(?i)s3[an]?|gc?s|abfss?|wasbs?|https?")
"""Schemes of stores, which one slash does not lead to."""


@dataclass(frozen=True)
class ReadContext:
    """The context in which values are validated: file, folder, inherited levels.

    ``thresholds`` are those of all features, as they are written: what others inherit levels from.
    """

    base: Path
    thresholds: object

    def levels(self, metric: object) -> dict[str, float]:
        """Return the levels of all features that can be inherited."""
        known = self.thresholds if isinstance(self.thresholds, Mapping) else {}
        levels = known.get(metric)
        stated = levels.items() if isinstance(levels, Mapping) else ()
        return {
            key: value
            for key, value in stated
            if key in ("warning", "critical") and type(value) in (int, float)
        }


def wrong(text: str) -> PydanticCustomError:
    """Return the error for one value; its text is not formatted again."""
    return PydanticCustomError("kldrift", "{text}", {"text": text})


def refuse(problems: Iterable[tuple[KeyPath, str]]) -> None:
    """Raise all problems found below a value, if there are any."""
    details = [InitErrorDetails(type=wrong(text), loc=path, input=None) for path, text in problems]
    if details:
        raise ValidationError.from_exception_data("configuration", details)


def as_iso_text(value: object) -> object:
    """Return a day or a moment as text, also where YAML or Python gave a date or a datetime."""
    return value.isoformat() if isinstance(value, date) else value


def as_text(value: object) -> str:
    """Return text that is not blank."""
    if isinstance(value, str) and value.strip():
        return value
    hint = "; put it in quotes" if isinstance(value, bool | int | float) else ""
    raise wrong(f"expected text, got {shown_value(value)}{hint}")


def _name(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise wrong(f"expected a key that is text, got {shown_value(value)}")


def _option(value: object) -> str:
    """Return an option as the text that Spark expects."""
    if isinstance(value, str | bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    raise wrong(f"expected text, a number or true/false, got {shown_value(value)}")


def _placed(path: str, info: ValidationInfo) -> str:
    """Resolve a path: relative ones start at the file's folder, URIs are left alone.

    Their schemes are in lower case, as nothing that opens them knows another; ``~`` is the home.
    """
    scheme, _, rest = path.partition(":")
    if STORE.fullmatch(scheme) and rest[:1] == "/" != rest[1:2]:
        raise wrong(f"expected two slashes after {scheme}:, got {path!r}; or ./{path} for a folder")
    if info.context is None or URI.match(path):
        return path.replace(scheme, scheme.lower(), 1) if "://" in path else path
    reading: ReadContext = info.context
    home = os.path.expanduser(path)  # noqa: PTH111 - leaves names of no user as they are
    return os.path.normpath(reading.base / home)


def filled(value: object) -> object:
    """Return an empty section for a key without a value."""
    return {} if value is None else value


def _whole(value: object) -> object:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, int) and abs(whole) >= LARGEST_WHOLE:
        raise wrong(f"expected a whole number of at most 18 digits, got {shown_value(whole)}")
    return whole


LARGEST_WHOLE: Final = 10**18
"""What no whole number of a configuration reaches: it must fit into 64 bits."""
Filled: Final = BeforeValidator(filled)
_NOT_BLANK: Final = {"type": "string", "pattern": r"\S"}
Text = TypeAliasType("Text", Annotated[str, BeforeValidator(as_text), WithJsonSchema(_NOT_BLANK)])
"""Text that is not blank."""
Name = Annotated[str, BeforeValidator(_name), WithJsonSchema(_NOT_BLANK)]
"""A key that the user chooses."""
Place = Annotated[Text, AfterValidator(_placed)]
"""A path or a URI."""
Number = Annotated[float, Strict(), AllowInfNan(False)]
Whole = Annotated[int, Strict(), BeforeValidator(_whole)]
"""A whole number; 20.0 is one, true is none."""
Flag = Annotated[bool, Strict()]
_Option = Annotated[
    str, BeforeValidator(_option), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Options = TypeAliasType("Options", Annotated[dict[Name, _Option], Filled])
"""Names and values that are passed on as text."""


def _metric(name: str, info: ValidationInfo) -> str:
    if name not in METRICS:
        raise wrong(
            f"unknown {'metric' if info.context is None else 'key'}{nearest(name, METRICS)}"
        )
    return name


def _inherited(values: object, info: ValidationInfo) -> object:
    """Fill in the levels that are not stated; one that is null judges nothing."""
    if info.context is None or not isinstance(values, Mapping):
        return filled(values)
    reading: ReadContext = info.context
    return {
        metric: {**reading.levels(metric), **(levels or {})}
        if isinstance(levels, Mapping | None)
        else levels
        for metric, levels in values.items()
    }


def in_order(threshold: Threshold) -> Threshold:
    """Refuse thresholds whose warning level is above the critical one."""
    if threshold.reversed:
        highest, got = shown_value(threshold.critical), shown_value(threshold.warning)
        refuse([(("warning",), f"expected at most critical ({highest}), got {got}")])
    return threshold


Metric = Annotated[Name, AfterValidator(_metric)]
Thresholds = TypeAliasType(
    "Thresholds",
    Annotated[
        dict[Metric, Annotated[Threshold, AfterValidator(in_order)]], BeforeValidator(_inherited)
    ],
)
"""Thresholds by metric."""


def all_stated(thresholds: dict[str, Threshold]) -> dict[str, Threshold]:
    """Refuse thresholds that judge nothing, where none is inherited."""
    text = "expected a number for warning, critical or both"
    refuse(((metric,), text) for metric, t in thresholds.items() if t == Threshold())
    return thresholds


def _lists(
    value: object,
    kinds: tuple[type, ...] = (list, tuple),
    what: str = "a list of lists of columns, such as [[sex], [sex, race]]",
) -> object:
    if value is None:
        return ()
    each = value if isinstance(value, list | tuple) else [value]
    odd = [x for x in each if not isinstance(x, kinds)] or ([] if each is value else each)
    if odd:
        instead = f"; write [[{odd[0]}]]" if isinstance(odd[0], str) else ""
        raise wrong(f"expected {what}, got {shown_value(odd[0])}{instead}")
    return value


def _different(segments: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    for place, columns in enumerate(segments):
        spelled = ", ".join(columns)
        if not columns:
            raise wrong("expected one column or more in each list, got an empty one")
        if len(set(columns)) != len(columns):
            raise wrong(f"expected each column of a list once, got [{spelled}]")
        if set(columns) in map(set, segments[:place]):
            raise wrong(f"expected each list once, got [{spelled}] again")
    return segments


TAG_COLUMNS: Final = "<columns>"
TAG_CONDITION: Final = "<condition>"


@dataclass(frozen=True)
class Condition:
    """A condition as segments: the rows that meet it, those that do not, and the unknown ones."""

    name: Text
    """What the segments are called. Example: `long`"""
    where: Text
    """A condition in Spark SQL over the columns of both datasets. Example: `trip_distance > 10`"""


def _lists_or_conditions(value: object) -> object:
    what = (
        "a list of lists of columns, such as [[sex], [sex, race]], or of conditions, such as "
        "{name: long, where: n > 10}"
    )
    return _lists(value, (list, tuple, Mapping, Condition), what)


def _kind_of_segments(value: object) -> str:
    return TAG_CONDITION if isinstance(value, Mapping | Condition) else TAG_COLUMNS


def _each_different(
    segments: tuple[tuple[str, ...] | Condition, ...],
) -> tuple[tuple[str, ...] | Condition, ...]:
    _different(tuple(s for s in segments if not isinstance(s, Condition)))
    return segments


SegmentsOrConditions = Annotated[
    tuple[
        Annotated[
            Annotated[tuple[Text, ...], Tag(TAG_COLUMNS)]
            | Annotated[Condition, Tag(TAG_CONDITION)],
            Discriminator(_kind_of_segments),
        ],
        ...,
    ],
    BeforeValidator(_lists_or_conditions),
    AfterValidator(_each_different),
]
"""Lists of columns, each of which splits the rows by its values, or conditions that do."""
Segments = Annotated[
    tuple[tuple[Text, ...], ...],
    BeforeValidator(_lists),
    AfterValidator(_different),
]
"""Lists of columns, each of which splits the rows by the values of its columns."""


@dataclass(frozen=True)
class CategoryLimits:
    """Limits of one category, which has its own row in `drift_scores`."""

    share_change: Threshold = field(default_factory=Threshold)
    """Limits of the change of its share of the rows; 0.01 is one point.
    Example: `{critical: 0.002}`"""
    share_ratio: RatioThreshold = field(default_factory=RatioThreshold)
    """Limits of how many times as large, or as small, its share is. Example: `{warning: 2}`"""

    _ordered = field_validator("share_change", "share_ratio")(in_order)

    @model_validator(mode="after")
    def _with_limits(self) -> CategoryLimits:
        if not self.limits:
            refuse([((), f"expected {' or '.join(CATEGORY_METRICS)} with warning or critical")])
        return self

    @property
    def limits(self) -> dict[str, Threshold]:
        """The thresholds that are stated, by metric."""
        both = {name: getattr(self, name) for name in CATEGORY_METRICS}
        return {name: t for name, t in both.items() if (t.warning, t.critical) != (None, None)}
