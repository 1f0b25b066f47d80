"""Questions in SQL to the tables, through DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import streamlit as st

from kldrift.dashboard.asked_sql import SqlError, answer, columns_in
from kldrift.dashboard.plain import trouble
from kldrift.dashboard.stored import Scene
from kldrift.tables.read import read_table
from kldrift.tables.schema import TABLES

EXAMPLE: Final = """\
select monitor, feature, count(*) as windows, max(kl) as kl
from drift_scores
where severity = 'critical' and segment is null
group by all
order by windows desc"""
MOST_ROWS: Final = 10_000


def sql_view(scene: Scene) -> None:
    """Let someone ask in SQL; the tables of all monitors of the folder are there."""
    text = st.text_area(f"SQL over {', '.join(TABLES)}", EXAMPLE, height=150)
    if not st.button("Ask"):
        st.text("DuckDB in memory: it reads these tables, writes nothing and opens no file.")
        return
    try:
        rows = answered(scene.output, text)
    except SqlError as error:
        trouble("DuckDB does not understand it.", str(error))
        return
    st.dataframe(rows[:MOST_ROWS].to_pandas(), hide_index=True, key="answer", alt="the answer")
    rest = f"; the first {MOST_ROWS:,} are shown" if len(rows) > MOST_ROWS else ""
    st.text(f"{len(rows):,} rows{rest}")


def answered(output: str, sql: str) -> pa.Table:
    """The answer from the columns that a question needs: tables of years are large."""
    needed = columns_in(sql, TABLES)

    def by(columns: Mapping[str, Sequence[str] | None]) -> pa.Table:
        return answer(sql, {name: read_table(output, name, of) for name, of in columns.items()})

    try:
        return by(needed)
    except SqlError:  # it asks for more, by what stands in the rows
        return by(dict.fromkeys(needed))
