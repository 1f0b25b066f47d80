"""The fuzzer finds what it is to find, and makes it small; ``make fuzz`` runs it for long."""

from __future__ import annotations

import random

import pandas as pd
import pyarrow as pa
import pytest

from kldrift import compare
from kldrift.config import load_config, load_model_shift
from tests.fuzz import inputs
from tests.fuzz.configurations import MODEL_SHIFT, SAMPLE
from tests.fuzz.rounds import ROUNDS, play
from tests.fuzz.slow_counts import check_counts
from tests.fuzz.tables import draw_tables, smallest


@pytest.mark.parametrize("kind", [kind for kind in ROUNDS if kind != "spark"])
def test_a_few_rounds_of_each_kind_find_nothing(kind):
    for seed in range(3):
        play(kind, seed)


def test_the_same_seed_draws_the_same_tables():
    one, other = (draw_tables(random.Random("7")) for _ in range(2))
    assert [t.schema for t in one] == [t.schema for t in other]
    assert [str(t.to_pylist()) for t in one] == [str(t.to_pylist()) for t in other]


def test_the_slow_counts_see_a_row_in_the_wrong_cell():
    table = pa.table({"x": [1, 2, 2, None] * 10})
    found = compare(table, table)
    check_counts(found.scores, found.cells, table, table)
    rows = found.cells["rows_current"].to_numpy()
    moved = found.cells.assign(rows_current=rows[[1, 0, *range(2, len(rows))]])
    with pytest.raises(AssertionError, match="'x' of type int64, current: '1': 20 rows, not 10"):
        check_counts(found.scores, moved, table, table)


def test_an_error_that_is_none_of_ours_is_found_and_made_small(monkeypatch):
    def broken(reference, *_more):
        if 5 in reference.column("x").to_pylist():
            raise KeyError("x")

    monkeypatch.setattr(inputs, "of_tables", broken)
    table = pa.table({"x": list(range(9)), "y": list(range(9))})

    def fails(one, other):
        if "x" in one.schema.names:
            inputs.check_tables(one, other, {})

    with pytest.raises(AssertionError, match="KeyError"):
        fails(table, table)
    small, _ = smallest(table, table, fails)
    assert small.to_pydict() == {"x": [5]}
    pd.testing.assert_frame_equal(small.to_pandas(), pd.DataFrame({"x": [5]}))


def test_a_table_that_parquet_does_not_have_is_no_round_through_spark():
    play("spark", 20261133)  # ends before Spark is asked


def test_a_mean_of_which_no_digit_is_known_may_be_none():
    play("files", 20261500)  # cents beside the largest decimals


def test_a_mean_between_two_doubles_may_be_either():
    play("files", 20261588)  # of 0 and the smallest double


def test_what_is_changed_at_random_are_configurations(tmp_path):
    for load, text in ((load_config, SAMPLE), (load_model_shift, MODEL_SHIFT)):
        file = tmp_path / "monitor.yaml"
        file.write_text(text, encoding="utf-8")
        assert load(file).time.window == "1d"
