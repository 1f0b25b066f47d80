"""Windows are scored together, or one by one where each is a reference of the next."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kldrift.monitor.findings import CELLS_AT_ONCE, WindowCounts, findings_of


def without_features(asked, number):
    asked.append(number)
    scoring = SimpleNamespace(pseudocount=0.5, missing="cell", max_segments=10)
    plan = SimpleNamespace(
        config=SimpleNamespace(scoring=scoring), segments=(), current=SimpleNamespace(rows=0)
    )
    what = SimpleNamespace(pairs=(), skipped=(), joint=(), references=lambda _: [])
    return WindowCounts(plan, SimpleNamespace(segments=()), what, (), ())


@pytest.mark.parametrize(("most", "asked_before"), [(1, [1, 2, 3]), (CELLS_AT_ONCE, [3, 3, 3])])
def test_windows_without_cells_are_asked_for_one_by_one_too(most, asked_before):
    asked = []
    each = (without_features(asked, number) for number in range(3))
    assert [len(asked) for _ in findings_of(each, most)] == asked_before
