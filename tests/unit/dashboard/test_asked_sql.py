"""Questions in SQL read the columns that they need, and no others."""

from __future__ import annotations

import pyarrow as pa
import pytest

pytest.importorskip("duckdb", reason="needs the extra dashboard")
from kldrift.dashboard.asked_sql import SqlError, columns_in

SCHEMAS = {
    "t": pa.schema([("a", pa.int64()), ("b", pa.string()), ("d", pa.int64())]),
    "other": pa.schema([("a", pa.int64()), ("b", pa.string()), ("d", pa.int64())]),
}


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("select max(a) from t where b = 'x'", {"t": {"a", "b"}}),
        ("select count(*) from t", {"t": {"a"}}),
        ("from t limit 3", {"t": {"a", "b", "d"}}),
        ("select t.a from t join other using (d)", {"t": {"a", "d"}, "other": {"d"}}),
        ("with q as (select a from t) select * from q union all select a from other", None),
    ],
)
def test_a_plan_names_the_columns_that_a_question_reads(sql, columns):
    found = {name: set(of) for name, of in columns_in(sql, SCHEMAS).items()}
    assert found == (columns or {"t": {"a"}, "other": {"a"}})


def test_a_question_that_is_wrong_is_refused():
    with pytest.raises(SqlError, match="nope"):
        columns_in("select nope from t", SCHEMAS)
