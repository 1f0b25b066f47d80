"""Rows by pair of classes: they add up, and many classes become one in the same way anyhow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kldrift.shift import class_pairs
from kldrift.shift.class_pairs import ClassPairs
from kldrift.shift.page import class_matrix

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(0, 9)), max_size=60)


def counted(rows) -> ClassPairs:
    return ClassPairs.of(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)


def values(pairs) -> tuple:
    return pairs.bound, pairs.top().to_pydict()


@given(ROWS, ROWS, ROWS)
@pytest.mark.parametrize("most", [8, 10_000])
def test_pairs_add_up_in_any_order_also_where_they_are_too_many(most, x, y, z):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(class_pairs, "MOST_PAIRS", most)
        a, b, c = map(counted, (x, y, z))
        expected = values((a + b) + c)
        assert values(a + (b + c)) == values(c + a + b) == expected
        assert values(counted([*x, *y, *z]) + ClassPairs.none()) == expected
        assert sum(expected[1]["rows"]) == len(x) + len(y) + len(z)
        assert len((a + b + c).rows) <= most


def test_the_most_frequent_classes_keep_their_numbers_and_the_others_are_one():
    champion = np.append(np.repeat(np.arange(30), 2), [29] * 9)
    found = ClassPairs.of(np.zeros(len(champion), np.int64), champion, champion).top()
    kept = set(found["champion"].to_pylist())
    assert kept == {*range(19), 29, None}
    of_class = dict(zip(found["champion"].to_pylist(), found["rows"].to_pylist(), strict=True))
    assert (of_class[29], of_class[None], sum(of_class.values())) == (11, 20, len(champion))


def test_classes_that_are_one_may_differ_among_themselves():
    rows = [(2, 2, 6), (2, None, 2), (None, None, 9)]
    pairs = [
        {"champion_class": a, "challenger_class": b, "rows": n, "window_end": None}
        for a, b, n in rows
    ]
    [table] = class_matrix(pairs)
    assert table.head[1:3] == ("class 2", "other classes")
    assert [line[-1] for line in table.rows] == ["25.0 %", "-"]
