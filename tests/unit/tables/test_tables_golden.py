"""Output folders of earlier versions are read, merged and scored as they were."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from rescoring import differences, rescored, stored
from sql_views import text_of

from kldrift.profiles.group_keys import ALL
from kldrift.scoring.metrics import SCORES
from kldrift.tables import SCHEMA_VERSION, TABLES, Window, read_table
from kldrift.tables.layout import OPTIONAL_TABLES
from kldrift.tables.schema import ADDED_LATER
from tests.golden.__main__ import AS_OF, HERE, MAPPING

ROOT = Path(__file__).parents[3]
WRITTEN = sorted(HERE.glob("v*"), key=lambda path: int(path.name[1:]))
WINDOW = Window(None, AS_OF)
LAST_DIGITS = 1e-9
"""Another machine computes logarithms with other instructions."""

versions = pytest.mark.parametrize("folder", WRITTEN, ids=lambda path: path.name)


def found_in(folder):
    """What a reference decided, its profiles and those of the window."""
    runs = read_table(str(folder), "runs").to_pylist()
    return stored(str(folder), "golden", runs[0]["reference_id"], WINDOW)


def test_this_version_has_a_golden_folder():
    assert WRITTEN[-1].name == f"v{SCHEMA_VERSION}"


@versions
@pytest.mark.parametrize(
    "table", [name for name in TABLES if name not in ("alerts", *OPTIONAL_TABLES)]
)
def test_every_table_is_read(folder, table):
    rows = read_table(str(folder), table)
    assert rows.num_rows
    assert rows.schema.equals(TABLES[table])


@versions
def test_stored_profiles_are_scored_as_they_were(folder):
    supports, reference, current = found_in(folder)
    table = read_table(str(folder), "drift_scores")
    lacked = {n for n in ADDED_LATER & {*SCORES} if table[n].null_count == table.num_rows}
    scores = {
        key: {name: value for name, value in found.items() if name not in lacked}
        for key, found in rescored(supports, reference, current, pseudocount=0.5).items()
    }
    told = [row for row in table.to_pylist() if row["kl"] is not None]
    assert len(told) > 30
    assert {"pair", "vector", "huge", "floats", "texts"} <= {row["feature"] for row in told}
    assert {row["segment"] for row in told} >= {None, "group=g0"}
    assert differences(table, scores, rel=LAST_DIGITS) == []


@versions
def test_stored_profiles_add_up(folder):
    supports, (reference, joint), (current, _) = found_in(folder)
    rows = supports.origin.rows
    for name, profile in current.items():
        both = profile + reference[name]
        whole, parts = both.of_list(ALL), both.of_list(0)
        assert parts.keys.is_rest.any()
        assert parts.counts.sum(0).tolist() == whole.counts[0].tolist()
        assert int(whole.rows[0]) == rows + int(profile.of_list(ALL).rows[0])
        if both.moments is not None:
            assert whole.moments.rows[0] == parts.moments.rows.sum()
    for profile in joint.values():
        twice = profile + profile
        assert twice.rows.tolist() == (2 * profile.rows).tolist()


@versions
def test_the_view_of_sql_unnests_them(folder):
    connection = duckdb.connect()
    for file in ("tables.duckdb.sql", "profile_cells.sql"):
        connection.execute(text_of(file, folder))
    sums = connection.execute(
        "select dataset, feature, sum(rows), count(cell_kind) = count(*) from profile_cells "
        "where segment_list is null group by all"
    ).fetchall()
    supports, *_ = found_in(folder)
    assert len(sums) == 2 * len(supports.by_feature())
    assert {(dataset, int(rows)) for dataset, _, rows, _ in sums} == {
        ("reference", supports.origin.rows),
        ("current", 400),
    }
    assert all(known for *_, known in sums)


def test_the_golden_folder_holds_no_path_of_a_machine():
    for file in WRITTEN[-1].rglob("*"):
        assert not file.is_file() or b"/tmp" not in file.read_bytes()
    assert MAPPING["monitor"] == "golden"


@versions
def test_a_divergence_that_came_later_needs_no_column(folder):
    code = (
        "import sys\nfrom kldrift.divergences import DIVERGENCES, Divergence\n"
        "DIVERGENCES['new'] = Divergence('new', 'psi:psi_formula', symmetric=True)\n"
        "from kldrift.tables import read_table\n"
        "rows = read_table(sys.argv[1], 'drift_scores')\n"
        "print(rows['new'].null_count == rows.num_rows > 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
