"""The views of ``conf/sql`` say what the values say, without Python."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest
from stored_sample import NAMES, REFERENCE_ID, STAMP, joint_profiles, keys, profiles, supports

from kldrift.tables import TABLES, Window, write_reference, write_window
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.supports import supports_table

VIEWS = Path(__file__).parents[3] / "conf" / "sql"
REFERENCE, CURRENT = profiles(0), profiles(1)


@pytest.fixture
def drift(tmp_path):
    """A folder with a reference and a current dataset."""
    known, joint = supports(REFERENCE), joint_profiles()
    of_reference = profile_rows(REFERENCE, joint, NAMES, "reference", STAMP)
    tables = {"supports": supports_table(known, "daily"), "profiles": of_reference}
    write_reference(str(tmp_path), "daily", REFERENCE_ID, tables)
    tables = {name: TABLES[name].empty_table() for name in ("drift_cells", "drift_scores")}
    tables["profiles"] = profile_rows(CURRENT, joint, NAMES, "current", STAMP)
    write_window(str(tmp_path), "daily", Window(), tables)
    return tmp_path


def text_of(view, folder):
    return (VIEWS / view).read_text().replace("drift/", f"{folder}/")


def expected():
    """For each dataset, feature, group and occupied cell: what it is and how many rows it has."""
    rows = set()
    for dataset, found in (("reference", REFERENCE), ("current", CURRENT)):
        for name, profile in found.items():
            for group, cell in zip(*np.nonzero(profile.counts), strict=True):
                is_ = profile.support.cells[int(cell)]
                count = int(profile.counts[group, cell])
                place = (int(keys().list[group]), int(keys().segment[group]))
                bounds = (is_.kind.value, is_.lower, is_.upper, is_.label)
                rows.add((dataset, name, *place, int(cell), *bounds, count))
    return rows


COLUMNS = (
    "dataset, feature, coalesce(segment_list, -1), coalesce(segment_place, 0), cell, cell_kind, "
    "lower, upper, label, rows"
)


def test_the_view_of_duckdb_has_a_row_for_each_cell_that_has_rows(drift):
    connection = duckdb.connect()
    connection.execute(text_of("profile_cells.duckdb.sql", drift))
    found = connection.execute(f"select {COLUMNS} from profile_cells").fetchall()
    assert len(found) == len(set(found))
    assert set(found) == expected()


MOMENTS = (
    "select distinct feature, coalesce(segment_list, -1), coalesce(segment_place, 0), "
    "moment_rows, mean, m2, minimum, maximum from profile_cells where dataset = 'current'"
)


def test_the_view_of_duckdb_has_the_moments_of_each_group(drift):
    connection = duckdb.connect()
    connection.execute(text_of("profile_cells.duckdb.sql", drift))
    assert_moments(connection.execute(MOMENTS).fetchall())


def assert_moments(found):
    numeric = {name: p for name, p in CURRENT.items() if p.moments is not None}
    seen = set()
    for feature, list_, place, *numbers in found:
        if feature not in numeric:
            assert numbers == [None] * 5
            continue
        profile = numeric[feature]
        (group,) = np.flatnonzero((keys().list == list_) & (keys().segment == place))
        summary = profile.moments.summary(profile.support.scale)
        wanted = [
            float(x[group])
            for x in (summary.rows, summary.mean, summary.m2, summary.minimum, summary.maximum)
        ]
        assert numbers == pytest.approx(wanted, rel=1e-9)
        seen.add(feature)
    assert seen == numeric.keys()


@pytest.mark.spark
def test_the_view_of_spark_says_the_same(drift, spark):
    spark.sql(text_of("profile_cells.spark.sql", drift))
    connection = duckdb.connect()
    connection.execute(text_of("profile_cells.duckdb.sql", drift))
    columns = connection.execute("from profile_cells").description
    assert spark.table("profile_cells").columns == [name for name, *_ in columns]
    found = [tuple(row) for row in spark.sql(f"select {COLUMNS} from profile_cells").collect()]
    assert len(found) == len(set(found))
    assert set(found) == expected()
    assert_moments([tuple(row) for row in spark.sql(MOMENTS).collect()])
