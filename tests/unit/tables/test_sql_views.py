"""The views of ``conf/sql`` say what the tables say, on DuckDB."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from daily_sample import START, rows, window
from sql_views import FOLDER, connected, of_day, records, text_of, write_days
from stored_sample import NAMES, REFERENCE_ID, STAMP, joint_profiles, keys, profiles, supports
from tables_sample import MONITOR, window_tables

from kldrift.reporting.order import leading, worst_first
from kldrift.reporting.past import streaks
from kldrift.scoring.metrics import CATEGORY_METRICS, LEARNED, METRICS
from kldrift.tables import TABLES, Window, prepare_output, write_reference, write_window
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.store import open_store
from kldrift.tables.supports import supports_table
from kldrift.tables.which_windows import stored_windows

REFERENCE, CURRENT = profiles(0), profiles(1)
HOUR = timedelta(hours=1)
NO_TIME = Window()
AS_OF = [Window(None, START + timedelta(days=day)) for day in (2, 3)]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder with the tables of three days."""
    return write_days(tmp_path_factory.mktemp("views") / "drift")


@pytest.fixture(scope="module")
def days(stored):
    """DuckDB with the views over three days."""
    return connected(stored)


def test_the_latest_scores_are_those_of_the_last_window(days):
    found = records(days, "select distinct window_end from latest_scores")
    assert [row["window_end"] for row in found] == [window(3).end]


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param([AS_OF[0], AS_OF[1], NO_TIME], id="for no time after times"),
        pytest.param([NO_TIME, AS_OF[1], AS_OF[0]], id="an earlier time again"),
        pytest.param([AS_OF[1], window(1), window(0)], id="windows after times"),
        pytest.param([window(1), Window(window(1).end - HOUR, window(1).end)], id="hours, then"),
        pytest.param([NO_TIME], id="no time"),
    ],
)
def test_the_latest_window_is_the_one_that_show_takes(tmp_path, runs):
    prepare_output(str(tmp_path))
    for number, of in enumerate(runs):
        tables = window_tables(of, f"20240105T12000{number}Z-0000000{number}")
        write_window(str(tmp_path), MONITOR, of, tables)
    timed = any(of.start is not None for of in runs)
    *_, last = stored_windows(open_store(str(tmp_path)), MONITOR, timed=timed)
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.sql(f"from read_parquet('{tmp_path}/drift_scores/*')").create_view("drift_scores")
    connection.execute((FOLDER / "latest_scores.sql").read_text())
    found = records(connection, "select distinct window_start, window_end from latest_scores")
    assert found == [{"window_start": last.start, "window_end": last.end}]


def test_what_is_worst_now_is_what_the_report_puts_first(days, stored):
    scores = pd.read_parquet(stored / "drift_scores")
    latest = scores[scores["window_end"] == scores["window_end"].max()]
    wanted = leading(worst_first(latest))
    wanted = wanted[wanted["severity"] != "ok"]
    found = records(days, "from worst_now order by place")
    assert [(row["feature"], row["severity"]) for row in found] == list(
        zip(wanted["feature"], wanted["severity"], strict=True)
    )
    assert len(found) >= 2


def test_what_is_worst_now_says_since_when(days):
    found = records(days, "from worst_now")
    assert {row["drifts_since"] for row in found} == {window(3).start}


def views_of(rows: list[dict[str, object]]) -> duckdb.DuckDBPyConnection:
    """The views of scores over some rows of one feature; what is not stated is null."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    table = dict.fromkeys(TABLES["drift_scores"].names) | {"monitor": "m", "feature": "x"}
    scores = pa.Table.from_pylist([table | row for row in rows], TABLES["drift_scores"])
    connection.register("drift_scores", scores)
    for name in ("latest_scores", "timeline", "worst_now"):
        text = (FOLDER / f"{name}.sql").read_text()
        connection.execute(text.replace("replace view", "replace temp view"))
    return connection


def test_a_spell_of_windows_that_drifted_begins_behind_the_last_quiet_one():
    severities = ["critical", "ok", "warning", "unscored", "warning", "critical", "ok", "warning"]
    severities += ["ok", "critical"]
    connection = views_of(
        [
            {
                "severity": severity,
                "window_start": START + timedelta(days=day),
                "window_end": START + timedelta(days=day + 1),
            }
            for day, severity in enumerate(severities)
        ]
    )
    found = records(connection, "from timeline order by window_end")
    since = [row["drifts_since"] and (row["drifts_since"] - START).days for row in found]
    assert since == [0, None, 2, None, 2, 2, None, 2, None, 9]
    of_page = [streak for streak in streaks(severities) for _ in range(streak.drifted)]
    assert [s for s in since if s is not None] == [streak.first for streak in of_page]


@pytest.mark.parametrize(
    ("whole", "part", "shown"),
    [("ok", "unscored", []), ("unscored", "ok", [None]), ("unscored", "unscored", [None])],
)
def test_a_segment_that_could_not_be_scored_is_not_worse_than_all_rows(whole, part, shown):
    rows = [{"severity": whole}, {"severity": part, "segment": "p=a"}]
    assert [row["segment"] for row in records(views_of(rows), "from worst_now")] == shown


@pytest.mark.parametrize("metric", [*METRICS, LEARNED, *CATEGORY_METRICS])
def test_the_timeline_knows_the_score_of_each_metric(metric):
    text = (FOLDER / "timeline.sql").read_text()
    assert metric == "kl" or f"when '{metric}' then {metric}\n" in text


def test_the_cells_now_have_names_and_shares_that_add_up(days):
    found = records(days, "from cells_now where feature = 'x' and segment is null order by cell")
    assert sum(row["share_current"] for row in found) == pytest.approx(1)
    assert {row["window_end"] for row in found} == {window(3).end}
    assert "null" in {row["name"] for row in found}
    assert all(row["name"] for row in found)


def test_the_alert_list_has_each_alert_with_its_state(days):
    (alert,) = records(days, "from alert_list order by place")
    assert (alert["place"], alert["state"], alert["features"]) == (1, "open", ["x", "y", "pair"])


# fmt: off
PROFILE_METRICS = (
    "window", "log_type", "logging_table_commit_version", "monitor_version", "granularity",
    "slice_key", "slice_value", "column_name", "count", "data_type", "num_nulls", "avg",
    "quantiles", "min", "max", "stddev", "num_zeros", "num_nan", "min_length", "max_length",
    "avg_length", "non_null_columns", "frequent_items", "median", "distinct_count",
    "percent_nan", "percent_null", "percent_zeros", "percent_distinct", "monitor",
)
DRIFT_METRICS = (
    "window", "granularity", "monitor_version", "slice_key", "slice_value", "column_name",
    "data_type", "window_cmp", "drift_type", "count_delta", "avg_delta", "percent_null_delta",
    "percent_zeros_delta", "percent_distinct_delta", "non_null_columns_delta", "js_distance",
    "ks_test", "wasserstein_distance", "population_stability_index", "chi_squared_test",
    "tv_distance", "l_infinity_distance", "monitor",
)
# fmt: on
# As Databricks documents them, and the monitor.


@pytest.mark.parametrize(
    ("view", "columns"),
    [("profile_metrics", PROFILE_METRICS), ("drift_metrics", DRIFT_METRICS)],
)
def test_the_views_of_databricks_have_its_columns(days, view, columns):
    assert days.sql(f"from {view}").columns == list(columns)


@pytest.mark.parametrize("part", [None, "left"])
def test_profile_metrics_describe_the_rows(days, part):
    of_slice = "slice_key is null" if part is None else "slice_value = 'left'"
    (found,) = records(
        days,
        f"from profile_metrics where log_type = 'INPUT' and {of_slice} "
        "and column_name = 'x' and \"window\".\"start\" = timestamptz '2024-01-04 00:00:00+00'",
    )
    frame = of_day(3).to_pandas()
    x = frame["x"] if part is None else frame["x"][frame["part"] == part]
    assert (found["count"], found["num_nulls"]) == (len(x), x.isna().sum())
    assert found["percent_null"] == pytest.approx(100 * x.isna().mean())
    numbers = [found[name] for name in ("avg", "stddev", "min", "max")]
    assert numbers == pytest.approx([x.mean(), x.std(), x.min(), x.max()])
    assert (found["num_nan"], found["slice_key"]) == (0, part and "part")


def test_profile_metrics_count_values_that_have_a_cell_of_their_own(days):
    (found,) = records(
        days,
        "from profile_metrics where log_type = 'BASELINE' and slice_key is null "
        "and column_name = 'kind'",
    )
    counts = rows(0, 4_000).to_pandas()["kind"].value_counts()
    wanted = [{"item": item, "count": count} for item, count in counts.items()]
    assert found["frequent_items"] == wanted


def test_drift_metrics_are_the_scores_by_other_names(days, stored):
    scores = pd.read_parquet(stored / "drift_scores")
    whole = scores[(scores["window_end"] == window(3).end) & scores["segment"].isna()]
    (x,) = whole[whole["feature"] == "x"].to_dict("records")
    (found,) = records(
        days,
        "from drift_metrics where slice_key is null and column_name = 'x' "
        'and "window"."end" = timestamptz \'2024-01-05 00:00:00+00\'',
    )
    assert found["population_stability_index"] == x["psi"]
    assert found["js_distance"] == pytest.approx(np.sqrt(x["js"] / np.log(2)))
    assert found["ks_test"] == {"statistic": x["ks"], "pvalue": None}
    assert found["avg_delta"] == pytest.approx(x["mean_current"] - x["mean_reference"])
    assert found["percent_null_delta"] == pytest.approx(100 * x["missing_current"] / x["n_current"])
    assert found["count_delta"] == -3_400


def test_the_number_of_rows_is_a_metric_of_the_table(days):
    found = records(days, "from drift_metrics where column_name = ':table' and slice_key is null")
    assert [row["data_type"] for row in found] == ["volume"] * 3


@pytest.fixture
def hard(tmp_path):
    """DuckDB with cells that are hard to tell apart: flow cells, odd names, odd sums."""
    known, joint = supports(REFERENCE), joint_profiles()
    of_reference = profile_rows(REFERENCE, joint, NAMES, "reference", STAMP)
    tables = {"supports": supports_table(known, "daily"), "profiles": of_reference}
    write_reference(str(tmp_path), "daily", REFERENCE_ID, tables)
    tables = {name: TABLES[name].empty_table() for name in ("drift_cells", "drift_scores")}
    tables["profiles"] = profile_rows(CURRENT, joint, NAMES, "current", STAMP)
    write_window(str(tmp_path), "daily", Window(), tables)
    text = text_of("tables.duckdb.sql", tmp_path)
    runs = f"read_parquet('{tmp_path}/runs/*.parquet', union_by_name = true)"
    connection = duckdb.connect()
    connection.execute(text.replace(runs, "drift_scores"))  # no run wrote them
    connection.execute(text_of("profile_cells.sql", tmp_path))
    return connection


COLUMNS = (
    "dataset, feature, coalesce(segment_list, -1), coalesce(segment_place, 0), cell, cell_kind, "
    "lower, upper, label, rows"
)


def expected():
    """For each dataset, feature, group and occupied cell: what it is and how many rows it has."""
    found = set()
    for dataset, of_features in (("reference", REFERENCE), ("current", CURRENT)):
        for name, profile in of_features.items():
            for group, cell in zip(*np.nonzero(profile.counts), strict=True):
                is_ = profile.support.cells[int(cell)]
                count = int(profile.counts[group, cell])
                place = (int(keys().list[group]), int(keys().segment[group]))
                bounds = (is_.kind.value, is_.lower, is_.upper, is_.label)
                found.add((dataset, name, *place, int(cell), *bounds, count))
    return found


def test_profile_cells_have_a_row_for_each_cell_that_has_rows(hard):
    found = hard.execute(f"select {COLUMNS} from profile_cells").fetchall()
    assert len(found) == len(set(found))
    assert set(found) == expected()


def test_profile_cells_have_the_moments_of_each_group(hard):
    found = hard.execute(
        "select distinct feature, coalesce(segment_list, -1), coalesce(segment_place, 0), "
        "moment_rows, mean, m2, minimum, maximum from profile_cells where dataset = 'current'"
    ).fetchall()
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
