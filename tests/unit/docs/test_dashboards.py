"""The dashboards for Grafana and Superset are whole, and DuckDB answers what they ask."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from daily_sample import window
from sql_views import connected, records, write_days

CONF = Path(__file__).parents[3] / "conf"
GRAFANA = json.loads((CONF / "grafana" / "kldrift.json").read_text())
SUPERSET = {
    str(file.relative_to(CONF / "superset")): yaml.safe_load(file.read_text())
    for file in sorted((CONF / "superset").rglob("*.yaml"))
}
SOURCE = {"type": "motherduck-duckdb-datasource", "uid": "${DS_DUCKDB}"}
FILTER = re.compile(r"\$__timeFilter\((\w+)\)")


def of(folder):
    return {name: value for name, value in SUPERSET.items() if name.startswith(f"{folder}/")}


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """DuckDB with the views over three days."""
    return connected(write_days(tmp_path_factory.mktemp("dashboards") / "drift"))


def asked(query):
    """A query with what Grafana puts in place of its variables and macros."""
    query = FILTER.sub(r"\1 >= timestamptz '2024-01-01 00:00:00+00'", query)
    query = query.replace("${monitor:sqlstring}", "'daily'")
    query = query.replace("${feature:sqlstring}", "'x'")
    assert "$" not in query
    return query


PANELS = {panel["title"]: panel for panel in GRAFANA["panels"]}


@pytest.mark.parametrize("title", PANELS)
def test_duckdb_answers_each_panel_of_grafana(days, title):
    panel = PANELS[title]
    (target,) = panel["targets"]
    found = records(days, asked(target["rawSql"]))
    assert found
    if panel["type"] == "timeseries":
        assert found[0]["time"] == window(1).start
        assert len(found) == 3
        assert target["format"] == 0
    else:
        assert target["format"] == 1
    if "xField" in panel["options"]:
        assert panel["options"]["xField"] in found[0]
    named = [o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]]
    assert set(named) <= found[0].keys()


def test_the_variables_of_grafana_list_monitors_and_features_the_worst_first(days):
    monitor, feature = (
        records(days, asked(variable["query"])) for variable in GRAFANA["templating"]["list"]
    )
    assert monitor == [{"monitor": "daily"}]
    assert [row["feature"] for row in feature][:3] == ["x", "pair", "y"]


def test_the_panels_of_grafana_have_places_and_numbers_of_their_own():
    assert len({panel["id"] for panel in GRAFANA["panels"]}) == len(GRAFANA["panels"])
    places = Counter(
        (x, y)
        for place in (panel["gridPos"] for panel in GRAFANA["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    )
    assert set(places.values()) == {1}
    assert max(x for x, _ in places) < 24


def test_all_of_grafana_asks_one_source_that_is_chosen_at_import():
    (wanted,) = GRAFANA["__inputs"]
    assert "${" + wanted["name"] + "}" == SOURCE["uid"]
    assert wanted["pluginId"] == SOURCE["type"]
    kinds = {panel["type"] for panel in GRAFANA["panels"]}
    assert {r["id"] for r in GRAFANA["__requires"]} == {"grafana", SOURCE["type"], *kinds}
    for part in (*GRAFANA["panels"], *GRAFANA["templating"]["list"]):
        assert part["datasource"] == SOURCE
        assert all(target["datasource"] == SOURCE for target in part.get("targets", []))


@pytest.mark.parametrize("name", of("datasets"))
def test_duckdb_has_the_columns_and_the_metrics_of_each_dataset_of_superset(days, name):
    dataset = SUPERSET[name]
    columns = {column["column_name"]: column["is_dttm"] for column in dataset["columns"]}
    found = days.sql(f"select {', '.join(columns)} from ({dataset['sql']})")
    times = [str(type_) == "TIMESTAMP WITH TIME ZONE" for type_ in found.types]
    assert times == list(columns.values())
    assert found.to_arrow_table().num_rows
    assert dataset["main_dttm_col"] in (None, *(c for c, time in columns.items() if time))
    for metric in dataset["metrics"]:
        records(days, f"select {metric['expression']} from ({dataset['sql']})")


WORST_FIRST = ("critical", "warning", "unscored")
METRICS = ("critical", "warning", "not_scored")


def test_dashboards_count_each_feature_once_by_the_worst_of_its_rows(days):
    scores = days.sql("select window_start, feature, severity from drift_scores")
    scores = scores.to_arrow_table().to_pandas()
    place = scores["severity"].map({name: at for at, name in enumerate((*WORST_FIRST, "ok"))})
    worst = scores.assign(place=place).groupby(["window_start", "feature"])["place"].min()
    expected = [
        [int((of_window == at).sum()) for at in range(3)]
        for _, of_window in worst.groupby("window_start")
    ]
    assert expected[-1][0] < (scores["severity"] == "critical").sum()
    panel = asked(PANELS["Features that drifted, by window"]["targets"][0]["rawSql"])
    metrics = SUPERSET["datasets/kldrift/timeline.yaml"]["metrics"]
    asks = ", ".join(m["expression"] for m in metrics if m["metric_name"] in METRICS)
    order = "group by window_start order by window_start"
    found = days.sql(f"select {asks} from timeline {order}").fetchall()
    of_panel = [
        [row[n] for n in ("critical", "warning", "not scored")] for row in records(days, panel)
    ]
    assert [*map(list, found)] == of_panel == expected


def test_superset_shows_the_nulls_of_all_rows(days):
    metrics = SUPERSET["datasets/kldrift/timeline.yaml"]["metrics"]
    (nulls,) = (m["expression"] for m in metrics if m["metric_name"] == "nulls")
    of_x = "feature = 'x' and window_start = (select max(window_start) from timeline)"
    found = days.sql(f"select {nulls} from timeline where {of_x}").fetchall()
    whole = "select missing_share_current from timeline where segment is null"
    assert found == days.sql(f"{whole} and {of_x}").fetchall()


def test_charts_of_superset_are_of_one_monitor_but_the_worst_of_all_that_name_theirs():
    board = SUPERSET["dashboards/kldrift.yaml"]
    of_id = {
        part["meta"]["chartId"]: part["id"].removeprefix("CHART-")
        for part in board["position"].values()
        if part_type(part) == "CHART"
    }
    filters = {f["name"]: f for f in board["metadata"]["native_filter_configuration"]}
    free = {n: {of_id[i] for i in f["scope"]["excluded"]} for n, f in filters.items()}
    assert free == {
        "Monitor": {"worst_now"},
        "Feature": {"cells"},
        "Distribution": set(of_id.values()) - {"cells"},
    }
    assert "monitor" in SUPERSET["charts/worst_now.yaml"]["params"]["all_columns"]
    for name in ("Monitor", "Distribution"):
        control = filters[name]["controlValues"]
        assert filters[name]["requiredFirst"]
        assert (control["defaultToFirstItem"], control["multiSelect"]) == (True, False)


def columns_of(params):
    """The columns and the metrics that a chart names."""
    columns = [*params.get("all_columns", []), *params.get("groupby", [])]
    columns += [params["x_axis"]] if "x_axis" in params else []
    columns += [json.loads(order)[0] for order in params.get("order_by_cols", [])]
    metrics = [*params.get("metrics", [])]
    metrics += [params["timeseries_limit_metric"]] if "timeseries_limit_metric" in params else []
    return set(columns), set(metrics)


@pytest.mark.parametrize("name", of("charts"))
def test_a_chart_of_superset_names_what_its_dataset_has(name):
    chart = SUPERSET[name]
    (dataset,) = (d for d in of("datasets").values() if d["uuid"] == chart["dataset_uuid"])
    columns, metrics = columns_of(chart["params"])
    assert columns
    assert columns <= {column["column_name"] for column in dataset["columns"]}
    assert metrics <= {metric["metric_name"] for metric in dataset["metrics"]}
    assert chart["params"]["viz_type"] == chart["viz_type"]


def test_the_dashboard_of_superset_shows_each_chart_once_in_rows_of_twelve():
    position = SUPERSET["dashboards/kldrift.yaml"]["position"]
    shown = Counter(
        part["meta"]["uuid"] for part in position.values() if part_type(part) == "CHART"
    )
    assert shown == Counter(chart["uuid"] for chart in of("charts").values())
    ids = [part["meta"]["chartId"] for part in position.values() if part_type(part) == "CHART"]
    assert len(set(ids)) == len(ids)  # an import puts its own numbers in place of these
    for part in position.values():
        if part_type(part) == "ROW":
            assert sum(position[child]["meta"]["width"] for child in part["children"]) == 12
    reached, waiting = set(), ["ROOT_ID"]
    while waiting:
        reached.add(waiting[-1])
        waiting += position[waiting.pop()]["children"]
    assert reached == position.keys() - {"DASHBOARD_VERSION_KEY", "HEADER_ID"}


def part_type(part):
    return part["type"] if isinstance(part, dict) else None


def test_the_files_of_superset_have_the_layout_of_an_export():
    assert SUPERSET["metadata.yaml"]["type"] == "Dashboard"
    database = SUPERSET["databases/kldrift.yaml"]
    for dataset in of("datasets").values():
        assert dataset["database_uuid"] == database["uuid"]
    filters = SUPERSET["dashboards/kldrift.yaml"]["metadata"]["native_filter_configuration"]
    known = {dataset["uuid"] for dataset in of("datasets").values()}
    assert {target["datasetUuid"] for f in filters for target in f["targets"]} <= known
    own = [value["uuid"] for name, value in SUPERSET.items() if name != "metadata.yaml"]
    assert len(set(map(UUID, own))) == len(own)
    assert {value["version"] for value in SUPERSET.values()} == {"1.0.0"}


@pytest.mark.parametrize("folder", ["grafana", "superset"])
def test_the_files_name_no_address(folder):
    for file in (CONF / folder).rglob("*.*"):
        assert not re.search(r"https?:|//\w+[.:]", file.read_text())
