"""Expectations of two tables that are evaluated at once never get each other's rows."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from kldrift.expectations.expectation import _Rows


@pytest.fixture(autouse=True)
def _threads_take_turns_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_rows_of_two_tables_never_mix():
    names = [f"f{i}" for i in range(20)]
    rows = _Rows()

    def asked(table_name):
        table = pd.DataFrame({"feature": names, "segment": None, "table": table_name})
        for _ in range(150):
            found = rows.of(table)
            assert {r["table"] for of_one in found.values() for r in of_one} == {table_name}
            assert [len(found[name, None]) for name in names] == [1] * len(names)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(asked, "abcd"))
