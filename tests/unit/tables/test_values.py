"""Values of Arrow's columns are those that pandas would give, without pandas."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kldrift.reporting.order import leading, worst_first
from kldrift.tables.values import (
    codes,
    floats_of,
    is_in,
    no_rows,
    null_of,
    python_values,
    rows_where,
    taken,
)

NUMBERS = [1.5, None, -2.0, None, 0.0, 7.25, None, 3.0, 4.0, 5.0]


def chunked(values, kind, cuts):
    """A column in chunks, which begin within the buffers of another."""
    whole = pa.array([None, *values], kind)
    return pa.chunked_array([whole[a + 1 : b + 1] for a, b in pairwise(cuts)])


@pytest.mark.parametrize("cuts", [(0, 10), (0, 1, 4, 10), (0, 0, 9, 10)])
def test_numbers_are_those_of_pandas_wherever_a_chunk_begins(cuts):
    column = chunked(NUMBERS, pa.float64(), cuts)
    np.testing.assert_array_equal(floats_of(column), column.to_pandas().to_numpy())
    assert floats_of(column.cast(pa.int64(), safe=False))[2] == -2.0


@pytest.mark.parametrize("cuts", [(0, 6), (0, 2, 6), (0, 0, 3, 6)])
def test_texts_have_one_code_each_in_all_chunks_and_null_has_none(cuts):
    texts = ["b", None, "a", "b", "ü", None]
    column = chunked(texts, pa.string(), cuts)
    places, values = codes(column)
    assert [None if at < 0 else values[at] for at in places] == texts
    assert len(set(values)) == len(values)
    assert is_in(column, {"b", None}).tolist() == [True, True, False, True, False, True]
    assert is_in(column, {"ü"}).tolist() == [False, False, False, False, True, False]


@pytest.mark.parametrize("kind", [pa.null(), pa.string(), pa.float64()], ids=str)
def test_a_column_of_nothing_has_no_values(kind):
    column = pa.chunked_array([pa.nulls(3, kind)])
    assert codes(column)[0].tolist() == [-1, -1, -1]
    assert is_in(column, {None}).all()
    if kind != pa.string():
        assert np.isnan(floats_of(column)).all()
    empty = no_rows(pa.schema([("x", kind)]))["x"]
    assert len(codes(empty)[0]) == len(is_in(empty, {"a"})) == 0
    assert null_of(kind).as_py() is None


def test_rows_are_taken_in_the_order_of_their_places():
    table = pa.table({"x": chunked([0, 1, 2, 3], pa.int64(), (0, 3, 4))})
    assert taken(table, np.array([3, 0, 0]))["x"].to_pylist() == [3, 0, 0]
    assert rows_where(table, np.array([True, False, False, True]))["x"].to_pylist() == [0, 3]
    assert rows_where(table, np.zeros(4, bool)).num_rows == 0


def test_times_are_in_utc_to_the_microsecond():
    when = datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    column = pa.chunked_array([pa.array([when, None], pa.timestamp("us", "UTC"))])
    assert python_values(column) == [when, None]


def test_frames_and_tables_have_one_order():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "feature": rng.choice(["a", "b", "c", "d"], 60),
            "segment": rng.choice(["x", "y", None], 60),
            "severity": rng.choice(["ok", "warning", "critical", "unscored", "odd"], 60),
            "kl": np.where(rng.random(60) < 0.2, np.nan, rng.random(60)),
            "psi": rng.random(60) * 9,
            "metric": rng.choice(["kl", "psi", None], 60),
            "threshold_warning": np.where(rng.random(60) < 0.5, np.nan, 0.1),
            "threshold_critical": 0.2,
        }
    )
    table = pa.Table.from_pandas(frame, preserve_index=False)
    ordered, of_table = worst_first(frame), worst_first(table)
    assert of_table.to_pylist() == pa.Table.from_pandas(ordered, preserve_index=False).to_pylist()
    firsts = leading(of_table)["feature"].to_pylist()
    assert leading(ordered)["feature"].tolist() == firsts
    assert sorted(firsts) == ["a", "b", "c", "d"]


def test_none_of_it_imports_pandas():
    code = (
        "import sys, numpy as np, pyarrow as pa\n"
        "from kldrift.tables.schema import DRIFT_SCORES\n"
        "from kldrift.tables.values import *\n"
        "t = no_rows(DRIFT_SCORES)\n"
        "rows = rows_where(taken(t, np.arange(0)), is_in(t['feature'], {'a'}))\n"
        "floats_of(rows['kl']), [python_values(c) for c in rows.columns], null_of(pa.string())\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
