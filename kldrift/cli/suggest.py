"""What the values of a sample suggest: codes, sentinels, numbers that are times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.config import Override
from kldrift.config.yaml_text import to_yaml
from kldrift.features.sentinels import is_number, is_text
from kldrift.features.text_looks import dates_as_numbers, epochs, hint, look_of
from kldrift.features.wanted import PartName

CODE_NAME: Final = re.compile(
    r"(?i:(?:^|[\W_])(?:id|code|type|zone|class|category|status|flag|kind|group|level|cd)s?$)|"
    r"(?i:(?:^|[\W_])(?:area|region|district|ward|county|country|state|city|branch|channel|mode|"
    r"method|gender|sex|season|label|cluster|zip|zipcode|postcode|plz)$)|"
    r"(?<=[a-z])(?:Id|ID|Code|Type|Zone|Class|Status|Flag|Kind|Area|Region|State|Channel|Mode)$",
)
"""Names of whole numbers that name something, if there are few of them, and not how many."""
NUMBER_TEXT: Final = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
IDENTIFIER: Final = re.compile(r"(?i:(?:^|[\W_])ids?$)|(?<=[a-z])(?:Id|ID)$")
FEW: Final = 300
"""Codes have fewer different values than this."""
FEWEST_ROWS: Final = 20
SENTINELS: Final = (-999, -9999, -99, -200, 9999, 99999, -1, 999)
DAYS_OF_A_WEEK: Final = 7
YEARS: Final = (1900, 2100)
PANDAS_INDEX: Final = re.compile(r"__index_level_\d+__|Unnamed: 0(\.\d+)?")
"""How pandas calls an index that it writes; Spark calls the empty name in a CSV header ``_c0``."""


def suggestions(
    samples: Iterable[pa.Table],
) -> tuple[dict[str, Override], dict[str, str], list[str]]:
    """Overrides that the values of both sides suggest, and remarks about other columns.

    Returns:
        Overrides by column, remarks by column, and the columns whose values are new each time:
        that identify rows or things, and dates as text.
    """
    tables = list(samples)
    overrides: dict[str, Override] = {}
    names = tables[0].column_names
    moving = [n for n in names if PANDAS_INDEX.fullmatch(n) or (n == "_c0" and "_c1" not in names)]
    remarks = dict.fromkeys(moving, "probably the index of pandas, written as a column")
    for name in [name for name in names if name not in remarks]:
        both = [t.column(name).combine_chunks() for t in tables if name in t.column_names]
        columns = [column for column in both if column.null_count < len(column)]
        kind = columns[0].type if columns else pa.null()
        if not columns and any(map(len, both)):
            remarks[name] = "no value in any of the rows that were looked at"
        elif len({_family(column.type) for column in columns}) > 1:
            remarks[name] = _mixed(columns)
        elif _is_time(kind):
            _of_times(name, columns, overrides, remarks)
        elif is_number(kind):
            values = np.unique(_numbers(columns))
            many = len(values) > FEW or all(map(_one_each, columns))
            if many and (values == np.floor(values)).all() and IDENTIFIER.search(name):
                moving.append(name)
            else:
                _of_numbers(name, values, overrides, remarks)
        elif is_text(kind):
            first, *more = (look_of(pc.unique(column.drop_null())) for column in columns)
            if first is not None and all(look == first for look in more):
                remarks[name] = hint(name, first)
                moving += [name] if first.name.startswith("dates") else []
    return overrides, remarks, moving


def closest_times(rows: pa.Table) -> str | None:
    """The column of times that fewest days lie between, as rows came in these: when they were.

    Others, such as a day of birth, tell of what the rows are about.
    """
    spans = {}
    for name in (field.name for field in rows.schema if _is_time(field.type)):
        at = rows.column(name).cast(pa.timestamp("s"), safe=False).cast(pa.int64()).drop_null()
        if len(at):
            spans[name] = (pc.max(at).as_py() - pc.min(at).as_py()) // 86_400
    return min(spans, key=spans.__getitem__, default=None)


def _family(kind: pa.DataType) -> str:
    """The family of values that a type is treated as."""
    families = {"numbers": is_number, "texts": is_text, "times": _is_time}
    return next((name for name, has in families.items() if has(kind)), str(kind))


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _mixed(columns: Sequence[Any]) -> str:
    """The remark about a column with values of different kinds on both sides."""
    mine, other = (_family(column.type) for column in columns)
    told = f"{mine} in the reference, {other} in the current dataset"
    texts = next((pc.unique(c.drop_null()) for c in columns if is_text(c.type)), None)
    if texts is None or "numbers" not in (mine, other):
        return told
    odd = next((t for t in texts.to_pylist() if not NUMBER_TEXT.fullmatch(t.strip())), None)
    if odd is None:
        return told
    null = f"options: {{nullValue: {to_yaml(odd)}}} reads it as a null"
    return f"{told}, such as {odd[:40]!r}; of CSV files, {null}"


def _one_each(column: Any) -> bool:
    """Whether nearly every row has its own value, of rows that are enough to tell."""
    return bool(len(column) > FEWEST_ROWS and len(pc.unique(column)) > 0.9 * len(column))


def _numbers(columns: Iterable[Any]) -> Any:
    values = [c.drop_null().cast(pa.float64(), safe=False).to_numpy() for c in columns]
    numbers = np.concatenate(values)
    return numbers[np.isfinite(numbers)]


def _of_times(
    name: str, columns: Sequence[Any], overrides: dict[str, Override], remarks: dict[str, str]
) -> None:
    parts: tuple[PartName, ...] = ("hour",) if pa.types.is_timestamp(columns[0].type) else ()
    whole = [_whole_weeks(column) for column in columns]
    if all(whole):
        parts += ("weekday",)
    if parts:
        overrides[name] = Override(parts=parts)
    else:
        which = "one of the sides" if any(whole) else "the data"
        remarks[name] = f"no weekday: {which} holds no whole week of days"


def _of_numbers(
    name: str, distinct: Any, overrides: dict[str, Override], remarks: dict[str, str]
) -> None:
    if not len(distinct):
        return
    whole = bool((distinct == np.floor(distinct)).all())
    missing = _sentinels(distinct)
    real = distinct[~np.isin(distinct, missing)]
    zero_or_one = len(real) > 0 and set(real.tolist()) <= {0.0, 1.0}
    if whole and len(distinct) <= FEW and (zero_or_one or CODE_NAME.search(name)):
        overrides[name] = Override(kind="categorical", missing=missing)
    elif missing:
        overrides[name] = Override(missing=missing)
    moving = len(real) > 1 and (epochs(name, real[0], real[-1]) or dates_as_numbers(name, real))
    if moving:
        remarks[name] = moving
    elif whole and "year" in name.lower() and _years(real):
        remarks[name] = "a year, which always moves; exclude it where it is that of the row"


def _years(values: Any) -> bool:
    return len(values) > 0 and YEARS[0] <= values[0] and values[-1] <= YEARS[1]


def _sentinels(distinct: Any) -> tuple[float, ...]:
    """Well-known codes for missing values, far from all other values."""
    sentinels = []
    for sentinel in SENTINELS:
        others = distinct[~np.isin(distinct, SENTINELS)]
        if sentinel not in distinct or len(others) < 2:
            continue
        low, high = float(others.min()), float(others.max())
        room = high - low
        below = (sentinel < -1 and low >= 0) or sentinel < low - room
        if below or sentinel > high + room:
            sentinels.append(float(sentinel))
    return tuple(sentinels)


def _whole_weeks(column: Any) -> bool:
    """Whether the days cover whole weeks, and are not one day of each month."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz:
        column = column.cast(pa.timestamp(kind.unit, tz="UTC"))
    days: list[date] = [d for d in pc.unique(column.cast(pa.date32(), safe=False)).to_pylist() if d]
    weekdays = {d.weekday() for d in days}
    return len(weekdays) == DAYS_OF_A_WEEK and len({d.day for d in days}) > 1
