"""The rows of the largest divergence of each group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Ints
from kldrift.features.keys import decoded, label
from kldrift.profiles.group_keys import GroupKeys, begins
from kldrift.shift.row_divergence import Compared

WORST: Final = 20
"""Rows that are kept of each group."""
WAITING_ROWS: Final = 2**14
"""Rows that wait until the worst of them are chosen."""
ROW_SCHEMA: Final = pa.schema(
    [
        ("kl", pa.float64()),
        ("key", pa.string()),
        ("champion", pa.int64()),
        ("challenger", pa.int64()),
    ]
)
KEY_COLUMNS: Final = ("window", "list", "segment")


def worst_of(rows: pa.Table, groups: Sequence[str]) -> pa.Table:
    """The worst rows of each group, worst first; among equals by key, those without a key last."""
    order = [*groups, ("kl", "descending"), ("key", "ascending")]
    keys = [(o, "ascending") if isinstance(o, str) else o for o in order]
    rows = rows.take(pc.sort_indices(rows, sort_keys=keys))
    return rows.filter(pa.array(ranks(rows, groups) < WORST))


def ranks(rows: pa.Table, groups: Sequence[str]) -> Ints:
    """The place of each row in its group, from 0 on; the rows stand group by group."""
    at, new = np.arange(len(rows)), begins([rows[name].to_numpy() for name in groups])
    return np.asarray(at - np.maximum.accumulate(np.where(new, at, 0)))


def keyed(rows: pa.Table, keys: GroupKeys) -> pa.Table:
    """Rows with the keys of their groups, one for each row."""
    columns = dict(zip(KEY_COLUMNS, map(pa.array, keys.arrays), strict=True))
    return pa.table(columns | {name: rows[name] for name in ROW_SCHEMA.names})


def group_keys_of(rows: pa.Table) -> GroupKeys:
    """The keys of the rows' groups."""
    return GroupKeys(*(rows[name].to_numpy() for name in KEY_COLUMNS))


class WorstRows:
    """Keeps the worst rows of the groups of one list in a task, by their numbers."""

    def __init__(self) -> None:
        self._rows = ROW_SCHEMA.append(pa.field("number", pa.int64())).empty_table()
        self._kept = 0
        self._floor = np.zeros(0)

    def add(self, numbers: Ints, compared: Compared, keys: pa.Array) -> None:
        """Add a batch; rows that cannot be among the worst are dropped at once."""
        more = int(numbers.max(initial=-1)) + 1 - len(self._floor)
        self._floor = np.pad(self._floor, (0, max(0, more)))
        rows = np.flatnonzero((compared.kl > 0) & (compared.kl >= self._floor[numbers]))
        if not len(rows):
            return
        columns = {
            "kl": compared.kl[rows],
            "key": _texts(keys.take(pa.array(rows))),
            "champion": compared.champion[rows],
            "challenger": compared.challenger[rows],
            "number": numbers[rows],
        }
        self._rows = pa.concat_tables([self._rows, pa.table(columns, schema=self._rows.schema)])
        if len(self._rows) > 2 * self._kept + WAITING_ROWS:
            self._choose()

    def _choose(self) -> None:
        self._rows = worst_of(self._rows, ["number"])
        self._kept = len(self._rows)
        full = ranks(self._rows, ["number"]) == WORST - 1
        self._floor[self._rows["number"].to_numpy()[full]] = self._rows["kl"].to_numpy()[full]

    def rows(self, keys: GroupKeys) -> pa.Table:
        """The worst rows, with the keys of their groups."""
        self._choose()
        return keyed(self._rows, keys.take(self._rows["number"].to_numpy()))


def _texts(column: pa.Array) -> pa.Array:
    """Keys as text; long ones are shortened to their beginning, their size and a hash."""
    column = decoded(column)
    return column.cast(pa.string()) if pa.types.is_null(column.type) else label(column)
