"""docs/tables.md says what the schema says, and its queries run."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from sql_views import connected
from tables_sample import (
    DAYS,
    MONITOR,
    REFERENCE_ID,
    reference_tables,
    run_row,
    window_tables,
    write_two_days,
)

from kldrift.tables import TABLES, prepare_output, write_reference, write_run, write_window
from kldrift.tables.layout import reference_file, run_file, supports_file, window_file
from kldrift.tables.window import Window

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "tables.md").read_text()
QUERIES = re.findall(r"^(\S[^\n]*):\n\n```sql\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def drift(tmp_path, monkeypatch):
    """The folder above ``drift``, as the page has it; the second day moved less."""
    monkeypatch.chdir(tmp_path)
    prepare_output("drift")
    write_reference("drift", MONITOR, REFERENCE_ID, reference_tables())
    for window, run_id in zip(DAYS, ("run-1", "run-2"), strict=True):
        write_window("drift", MONITOR, window, window_tables(window, run_id))
    write_run("drift", run_row(DAYS[0], "run-1"))


def documented(table):
    section = PAGE.split(f"### {table}\n")[1].split("\n###")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE)
    return [(name, *rest.split(" | ")) for name, rest in rows]


@pytest.mark.parametrize("table", TABLES)
def test_the_page_lists_the_columns_of_the_schema_in_their_order(table):
    schema = [
        (
            field.name,
            str(field.type),
            field.metadata[b"unit"].decode(),
            field.metadata[b"null"].decode(),
        )
        for field in TABLES[table]
    ]
    own = {name: rest for name, *rest in documented(table)}
    assert list(own) == [name for name, *_ in schema if name in own]
    shared = {
        name: rest
        for name, *rest, tables in documented("Columns of several tables")
        if tables == "all" or f"`{table}`" in tables.split(", ")
    }
    assert not own.keys() & shared
    known = own | shared
    page = [
        (name, type_, unit.strip(), null)
        for name in known
        for type_, unit, _, null in [known[name]]
    ]
    assert sorted(page) == sorted(schema)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_has_a_meaning(table):
    assert all(len(meaning) > 4 for _, _, _, meaning, _ in documented(table))


def test_the_page_has_a_section_for_each_table_and_no_other():
    assert re.findall(r"^### (\w+)$", PAGE, re.MULTILINE) == list(TABLES)


def test_the_page_names_the_files_as_they_are_named():
    for table in ("drift_scores", "drift_cells", "profiles"):
        assert window_file(table, "M", Window()).replace("M--all", "<monitor>--<window>") in PAGE
    for file in (reference_file, supports_file):
        named = (
            file("M", "0" * 16).replace("M--", "<monitor>--").replace("0" * 16, "<reference_id>")
        )
        assert named in PAGE
    assert run_file("R").replace("R.", "<run_id>.") in PAGE
    assert f"`{DAYS[0].key}`" in PAGE


@pytest.mark.usefixtures("drift")
# DuckDB's df() drops a column of times in a way that pandas 3.1 deprecates.
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.drop")
def test_the_python_of_the_page_runs():
    Path("conf").symlink_to(ROOT / "conf")
    write_two_days("lake", "delta")
    found = {}
    for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(text, found)
    assert len(found["scores"]) == 8
    assert len(found["cells"]) == 26
    assert len(found["earlier"]) == 4
    assert found["worst"][0] == ("payment_type", "kl", 0.42)


ANSWERS = {
    "The worst features of the latest window": (
        "feature",
        ["payment_type", "trip_distance", "tip_amount", "passenger_count"],
    ),
    "The segments in which a feature that looks well as a whole has drifted": ("feature", []),
    "Where nulls became more": (
        "feature",
        ["tip_amount", "tip_amount", "trip_distance", "trip_distance"],
    ),
    "Which cells of a feature moved most": ("lower", [None, 4.0, 1.0, 0.5, None]),
    "What each run read and how long it took": ("took", [timedelta(seconds=42)]),
    "How many rows each cell of a feature had in every window": (
        "rows",
        [20, 142, 518, 200, 120] * 2,
    ),
    "Since when features drift, and by how much": (
        "feature",
        ["payment_type", "trip_distance"],
    ),
    "The means of a feature as Databricks' dashboards ask for them": (
        "round(avg, 3)",
        [pytest.approx(1.5 + 5.12 / 880, abs=1e-3)] * 2,
    ),
}


@pytest.mark.usefixtures("drift")
@pytest.mark.parametrize(("question", "query"), QUERIES, ids=[question for question, _ in QUERIES])
def test_a_query_of_the_page_answers_its_question(question, query):
    column, answer = ANSWERS[question]
    connection = connected("drift", alerts=False)
    found = connection.execute(f"select {column} from ({query})").fetchall()
    assert found == [(value,) for value in answer]


def test_a_segment_that_drifted_where_the_whole_did_not_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepare_output("drift")
    tables = window_tables(DAYS[0], "run-1")
    rows = tables["drift_scores"].to_pylist()
    rows += [row | {"segment": "s=a", "severity": "critical"} for row in rows]
    tables["drift_scores"] = pa.Table.from_pylist(rows, schema=TABLES["drift_scores"])
    write_window("drift", MONITOR, DAYS[0], tables)
    query = dict(QUERIES)["The segments in which a feature that looks well as a whole has drifted"]
    well = [row["feature"] for row in rows if row["severity"] == "ok"]
    assert well
    found = duckdb.sql(f"select feature, segment from ({query})").fetchall()
    assert found == [(feature, "s=a") for feature in well]


def test_each_question_of_the_page_is_tried():
    assert [question for question, _ in QUERIES] == list(ANSWERS)
