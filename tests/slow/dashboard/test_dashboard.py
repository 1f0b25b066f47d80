"""The dashboard as Streamlit runs it: its views, the way between them, and what may go wrong."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from daily_sample import window
from dashboard_sample import ATTACK, MARKDOWN, failed, written
from shift_sample import ran

pytest.importorskip("streamlit", reason="needs the extra dashboard")
import streamlit as st
from streamlit.testing.v1 import AppTest

from kldrift.config import load_config
from kldrift.dashboard.screen import VIEWS
from kldrift.dashboard.serve import APP, SECTION, app_arguments
from kldrift.dashboard.sql_view import answered
from kldrift.execution.progress import SILENT
from kldrift.monitor.record import Record
from kldrift.reporting.figures import shown
from kldrift.tables import write_run

LAST = "20240105T000000Z_20240106T000000Z"
DAYS = 5


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return written(tmp_path_factory.mktemp("dashboard"), DAYS)


@pytest.fixture
def own(sample, tmp_path):
    """A copy that a test may change."""
    shutil.copytree(sample.parent, tmp_path / "own")
    return tmp_path / "own" / sample.name


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


def look(file, host="127.0.0.1", **places) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.secrets[SECTION] = app_arguments(str(file), [], host)
    for name, value in places.items():
        app.query_params[name] = value
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert [e.value for e in app.exception] == []
    return app


def text(app: AppTest) -> str:
    return "\n".join(str(element.value) for element in app.text)


def select(app: AppTest, label: str):
    return next(s for s in app.selectbox if s.label == label)


def press(app: AppTest, label: str) -> AppTest:
    return checked(next(b for b in app.button if b.label == label).click().run())


def tables(app: AppTest) -> list:
    return [frame.value for frame in app.dataframe]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_a_monitor_and_names_of_the_data_are_no_markup(sample, view):
    app = look(sample, view=view, feature=MARKDOWN)
    assert list(app.error) == []
    for element in (*app.markdown, *app.header, *app.subheader, *app.caption, *app.info):
        assert ATTACK not in element.value
        assert "**x**" not in element.value
    assert list(app.get("html")) == []


def test_the_first_screen_says_which_where_since_when_and_how_sure(sample):
    app = look(sample)
    assert app.header[0].value.startswith("4 of 6 features drifted: 3 critical, 1 warning")
    assert [select(app, label).value for label in ("monitor", "window (UTC)")] == ["orders", LAST]
    lead = app.text[0].value
    assert lead.startswith(f"Worst is {shown(ATTACK)}, over all rows and in 3 of 3 segments: nulls")
    assert "Drifts since 4 Jan 2024, 2 windows in a row" in lead
    assert "How sure: q" in lead
    rows = tables(app)[0]
    assert rows["severity"].tolist()[:4] == ["● critical"] * 3 + ["▲ warning"]
    assert rows["what happened"][0].startswith("nulls rose from")
    assert all(uri.startswith("data:image/svg+xml,") for uri in rows["then and now"][:4])


def features_of_one_cause() -> None:
    """An app of the table alone, whose first row is picked."""
    from report_sample import page_of, two_causes

    from kldrift.dashboard import window_view

    window_view.st.dataframe = lambda frame, **_: (
        window_view.st.text(frame["feature"][0]) and {"selection": {"rows": [0]}}
    )
    window_view.st.text(f"picked {window_view.show_rows(page_of(two_causes()), 'rows')}")


def test_a_row_of_several_features_lets_one_of_them_be_opened(monkeypatch):
    monkeypatch.setattr(st, "dataframe", st.dataframe)
    app = checked(AppTest.from_function(features_of_one_cause, default_timeout=60).run())
    first, *_, last = (element.value for element in app.text)
    assert first.startswith("3 features: ")
    assert last == "picked None"
    assert "nulls rose from 0.0 % to 28.4 % of the rows, in the same rows" in text(app)
    (one,) = app.selectbox
    assert sorted(one.options) == ["a", "b", "c"]
    app = checked(one.select("c").run())
    assert [*app.text][-1].value == "picked ('c', None)"


def test_the_address_says_what_is_shown_and_follows_what_is_chosen(sample):
    first = "20240101T000000Z_20240102T000000Z"
    app = look(sample, view="feature", window=LAST, feature="amount", segment="country=nz")
    assert select(app, "feature, the worst first").value == "amount"
    assert select(app, "segment").value == "country=nz"
    assert "alert raised, critical since 4 Jan 2024" in text(app)
    checked(select(app, "window (UTC)").select(first).run())
    assert app.query_params["window"] == first
    assert "since 4 Jan 2024" not in text(app)
    checked(select(app, "feature, the worst first").select("card").run())
    assert app.query_params["feature"] == "card"
    checked(app.segmented_control[0].select("runs").run())
    assert app.query_params["view"] == "runs"


def test_what_the_address_asks_for_and_is_not_there_is_the_first_choice(sample):
    nowhere = dict.fromkeys(("view", "monitor", "window", "feature", "segment"), "<b>**x**")
    assert look(sample, **nowhere).header[0].value.startswith("4 of 6 features")
    app = look(sample, **(nowhere | {"view": "feature"}))
    assert select(app, "feature, the worst first").value == ATTACK
    assert [warning.value for warning in app.warning] == [
        f"The address asks for a {name} that is not here; this is another."
        for name in ("monitor", "window", "feature", "segment")
    ]
    assert text(app).splitlines()[:4] == ["<b>**x**"] * 4
    assert list(look(sample, view="feature", feature="amount").warning) == []


def test_another_monitor_is_not_asked_for_the_windows_of_the_one_before(own):
    failed(own, "no such file", monitor="broken")
    app = look(own, view="feature", window=LAST, feature="amount", segment="country=nz")
    checked(select(app, "monitor").select("broken").run())
    assert dict(app.query_params) == {"view": "feature", "monitor": "broken"}
    assert list(app.warning) == []


def test_a_monitor_that_never_ran_is_not_taken_for_another_of_its_folder(own):
    own.write_text(own.read_text().replace("monitor: orders ", "monitor: returns "))
    app = look(own)
    assert select(app, "monitor").value == "returns"
    assert app.info[0].value == "There is no run of this monitor yet."
    checked(select(app, "monitor").select("orders").run())
    assert app.header[0].value.startswith("4 of 6 features")
    shutil.rmtree(own.parent / "drift")  # meanwhile
    app = press(app, "Read again")
    assert select(app, "monitor").value == "returns"
    assert (
        app.warning[0].value == "The address asks for a monitor that is not here; this is another."
    )


def test_a_feature_shows_its_cells_figures_and_segments(sample):
    app = look(sample, view="feature", feature="amount")
    titles = [s.value for s in app.subheader]
    assert "kl by window, with limits and alerts" in titles
    assert "cells: shares of rows, and what each adds to kl" in titles
    assert {"segment", "severity", "what was found"} <= {*tables(app)[-1].columns}
    assert "kl by chance: " in text(app)


def test_two_windows_are_compared_with_each_other(sample):
    quiet = {
        "then": "20240102T000000Z_20240103T000000Z",
        "now": "20240103T000000Z_20240104T000000Z",
    }
    app = look(sample, view="compare", **quiet)
    assert app.header[0].value.startswith("no drift in 5 features")
    app = look(sample, view="compare", then=quiet["then"], now=LAST)
    assert app.header[0].value.startswith("3 of 5 features drifted")


def test_other_limits_are_tried_without_writing_anything(sample):
    files = {p: p.stat().st_mtime_ns for p in sample.parent.rglob("*")}
    app = look(sample, view="trial")
    assert [m.value for m in app.metric] == [f"2 of {DAYS}"] * 2
    checked(select(app, "limits").select("kl").run())
    checked(next(n for n in app.number_input if n.label == "critical").set_value(9.0).run())
    assert [m.value for m in app.metric] == [f"2 of {DAYS}", f"0 of {DAYS}"]
    assert app.code[0].value == "thresholds={kl: {warning: 0.05, critical: 9.0}}"
    checked(select(app, "limits of").select(ATTACK).run())
    assert app.metric[1].value == f"2 of {DAYS}"
    assert {p: p.stat().st_mtime_ns for p in sample.parent.rglob("*")} == files


def test_other_references_and_bins_are_tried(sample):
    app = look(sample, view="trial")
    checked(select(app, "reference").select("window").run())
    checked(select(app, "which").select(LAST).run())
    assert app.metric[1].value == f"3 of {DAYS}"  # all but the two that are like it
    checked(select(app, "reference").select("previous").run())
    checked(app.number_input[-1].set_value(1).run())
    assert app.metric[1].value == f"1 of {DAYS}"  # only the day on which it began
    checked(app.number_input[0].set_value(5).run())
    assert app.code[0].value == "scoring.bins=5\nreference={previous: 1}"


def mute(app: AppTest, owner: str, why: str) -> AppTest:
    fields = {field.label: field for field in app.text_input}
    fields["owner"].set_value(owner)
    fields["reason"].set_value(why)
    return checked(app.run())


def test_a_mute_is_shown_and_written_only_when_someone_says_so(own):
    before = own.read_text()
    app = mute(look(own, view="mute", feature=MARKDOWN, segment="country=nz"), "ana", "a **b** <i>")
    assert app.code[0].value.startswith("alarms:\n  mute:\n    - {feature: ")
    assert own.read_text() == before
    press(app, "Write them into the file")
    (written_now,) = load_config(own).alarms.mute
    assert (written_now.feature, written_now.segment) == (MARKDOWN, "country=nz")
    assert (written_now.owner, written_now.why) == ("ana", "a **b** <i>")
    assert own.read_text().startswith("# Orders of the shop.\nmonitor: orders  # whose\n")
    assert app.success[0].value.startswith("They stand in the configuration")
    assert "why" in tables(app)[0].columns


def test_a_mute_needs_an_owner_and_a_reason_and_a_server_for_this_machine_alone(own):
    app = mute(look(own, view="mute", feature="amount"), "ana", "  ")
    assert list(app.code) == []
    app = mute(look(own, host="0.0.0.0", view="mute", feature="amount"), "ana", "known")
    assert len(app.code) == 1
    assert [b.label for b in app.button] == ["Read again"]


def test_a_window_about_which_nobody_is_called_says_so(own):
    everything = '{feature: "*", until: 2024-02-01, owner: ana, why: a **sale**}'
    rule = f"alarms: {{after: 1 of 1, mute: [{everything}]}}"
    own.write_text(own.read_text().replace("alarms: {after: 1 of 1}", rule))
    said = "nobody is called about this window: muted until 2024-02-01 by ana, a **sale**"
    assert said in text(look(own)).splitlines()


def test_a_run_that_failed_is_told_before_anything_else(own):
    failed(own, f"no such file: s3://key:secret@bucket/x {ATTACK}")
    failed(own, "killed", monitor="broken")
    app = look(own)
    assert app.error[0].value == "The last run failed."
    assert "no such file: s3://...@bucket/x" in app.text[0].value
    assert app.header[0].value.startswith("4 of 6 features drifted")
    app = look(own, view="runs")
    assert [m.value for m in app.metric][:2] == ["2", "1"]  # one of five days
    assert "secret" not in text(app) + str(tables(app))
    app = look(own, view="monitors")
    assert tables(app)[0]["monitor"].tolist() == ["orders", "broken"]
    assert list(tables(app)[0]["verdict"]) == [
        look(own).header[0].value,  # of segments too
        "no window was ever written",
    ]
    assert look(own, monitor="broken").error[0].value == "The last run failed."
    assert "another monitor" in look(own, monitor="broken", view="mute").info[0].value


def test_the_last_run_of_a_monitor_is_one_after_the_clock_was_put_back(own):
    config = load_config(own)
    record = Record(config, window(98), datetime(2999, 6, 1, tzinfo=UTC), SILENT)
    ended = {"finished_at": datetime(2999, 6, 1, tzinfo=UTC)}
    write_run(config.output.path, record.any_row(exit_code=1, error="too early") | ended)
    (row,) = look(own, view="monitors").dataframe[0].value.to_dict("records")
    assert "2999" not in row["last run"]
    assert "failed" not in row["last run"]


def test_all_monitors_name_their_windows_with_a_zone(own):
    failed(own, "killed", monitor="broken")
    stated = own.read_text().replace("window: 1d}", "window: 1d, zone: Asia/Tokyo}")
    own.write_text(stated)
    shown_rows = look(own, view="monitors").dataframe[0].value.set_index("monitor")
    window_of = "5 Jan 2024 09:00 to 6 Jan 2024 09:00 (Asia/Tokyo)"
    assert shown_rows.loc["orders", "window"] == window_of
    assert shown_rows.loc["broken", "last run"].endswith(" (UTC), failed")


def test_where_there_are_many_runs_it_is_said_which_are_counted(own, monkeypatch):
    said = "Runs are counted among the latest 2 of the folder."
    assert said not in text(look(own, view="monitors"))
    for module in ("stored", "monitors_view"):
        monkeypatch.setattr(f"kldrift.dashboard.{module}.MOST_RUNS", 2)
    st.cache_data.clear()
    assert said in text(look(own, view="monitors"))


def test_a_run_of_several_windows_is_one_run_with_its_own_duration(own):
    config = replace(load_config(own), monitor="backfilled")
    started = datetime(2024, 2, 1, tzinfo=UTC)
    for day in range(3):  # each is done ten seconds after the one before
        record = Record(config, window(50 + day), started, SILENT)
        ends = {"finished_at": started + timedelta(seconds=10 * (day + 1))}
        write_run(config.output.path, record.any_row(exit_code=1, error="gone") | ends)
    app = look(own, monitor="backfilled", view="runs")
    assert [m.value for m in app.metric] == ["1", "1", "30 s", "30 s"]


@pytest.mark.parametrize("view", VIEWS)
def test_before_the_first_run_every_view_says_so(tmp_path, view):
    app = look(written(tmp_path, 0), view=view)
    assert list(app.error) == []
    assert len(app.info) + len(app.text_area) > 0


def test_a_damaged_table_is_told_and_the_other_windows_are_there(own):
    next(own.parent.glob(f"drift/drift_cells/orders--{LAST}.parquet")).write_bytes(b"nothing")
    app = look(own)
    assert "no distribution is shown: " in text(app)
    assert app.header[0].value.startswith("4 of 6")
    next(own.parent.glob(f"drift/profiles/orders--{LAST}.parquet")).unlink()
    assert "is not there" in text(look(own, view="trial"))
    next(own.parent.glob(f"drift/drift_scores/orders--{LAST}.parquet")).write_bytes(b"nothing")
    st.cache_resource.clear()
    st.cache_data.clear()
    app = look(own)
    assert app.error[0].value == "The last window cannot be read."
    assert f"orders--{LAST}.parquet" in app.text[0].value
    assert app.text[0].value.endswith("; what follows is older: Thu 4 Jan 2024")
    assert app.header[0].value.startswith("4 of 6")
    assert look(own, window=LAST).error[0].value == "The tables cannot be read."
    for view in ("trial", "compare"):
        app = look(own, view=view)
        assert [error.value for error in app.error] == ["The last window cannot be read."]
    assert app.selectbox[1].value == "20240103T000000Z_20240104T000000Z"
    assert "windows" not in app.dataframe[0].value
    assert (
        look(own, window="20240104T000000Z_20240105T000000Z").header[0].value.startswith("4 of 6")
    )
    listed = look(own, view="monitors").dataframe[0].value
    assert "run its window again" in listed["verdict"][0]


def test_a_configuration_that_is_broken_meanwhile_is_told(own):
    own.write_text("monitor: [")
    app = look(own)
    assert app.error[0].value == "The configuration does not fit."


def test_questions_in_sql_are_answered_and_open_no_file(sample):
    app = look(sample, view="sql")
    press(app, "Ask")
    assert set(tables(app)[0]["feature"]) == {"amount", "card", ATTACK}
    for sql, said in (
        ("select * from read_csv('/etc/passwd')", "disabled"),
        ("selct 1", "syntax error"),
        ("select * from nowhere", "nowhere"),
    ):
        app.text_area[0].set_value(sql)
        press(app, "Ask")
        assert said in text(app)


def test_a_question_whose_columns_stand_in_its_rows_is_answered_from_all_of_them(sample):
    output = load_config(sample).output.path
    sql = "pivot (select feature, severity, kl from drift_scores) on severity using max(kl)"
    assert "critical" in answered(output, sql).column_names


def test_a_model_shift_shows_its_segments_and_opens_them(tmp_path):
    file = tmp_path / "models.yaml"
    file.write_text(
        "monitor: models\ndata: {path: judged.parquet}\nchampion: old\nchallenger: new\n"
        "time: {column: at, window: 1d}\noutput: {path: drift}\nexpectations: false\n",
        encoding="utf-8",
    )
    result = ran(file, [0.01, 0.01, 0.5])
    app = look(file)
    assert app.header[0].value == "by window and segment: 1 of 3 scores drifted: 1 critical"
    assert "windows: 3, Mon 1 Jan 2024 to Wed 3 Jan 2024 (UTC)" in text(app)
    assert tables(app)[0]["severity"].tolist() == ["● critical", "✓ ok", "✓ ok"]
    app = checked(select(app, "open a segment").select("all rows in Wed 3 Jan 2024").run())
    assert result.scores["reason"][0] in text(app)
    assert "90 % of rows below" in text(app)
