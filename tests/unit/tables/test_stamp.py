"""The columns that every row of a run has."""

from __future__ import annotations

import pyarrow as pa
import pytest

from kldrift.tables.schema import PROFILES
from kldrift.tables.stamp import Stamp
from kldrift.tables.window import Window

STAMP = Stamp("run", "shop", Window(), "reference", "hash")
TEXTS = {"run_id": "run", "monitor": "shop", "reference_id": "reference", "config_hash": "hash"}


@pytest.mark.parametrize("name", TEXTS)
def test_the_parts_of_a_table_share_the_columns_of_one_value(name):
    parts = [STAMP.table({}, rows, PROFILES)[name].chunk(0) for rows in (3, 2)]
    assert [part.to_pylist() for part in parts] == [3 * [TEXTS[name]], 2 * [TEXTS[name]]]
    first, second = (part.buffers()[-1].address for part in parts)
    assert first == second


def test_a_longer_part_and_a_column_of_another_type_are_made_anew():
    lengths = [len(STAMP.table({}, rows, PROFILES)["run_id"]) for rows in (1, 4, 2)]
    assert lengths == [1, 4, 2]
    for kind in (pa.int32(), pa.string()):
        column = STAMP.table({}, 2, pa.schema([("cell", kind)]))["cell"]
        assert (column.type, column.to_pylist()) == (kind, [None, None])
