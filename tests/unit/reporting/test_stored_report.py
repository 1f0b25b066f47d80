"""The report of a monitor from its tables: the last window, those before it, failed runs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from tables_sample import DAYS, MONITOR, run_row, window_tables, write_two_days

import kldrift
from kldrift.cli.main import main
from kldrift.config import config_from_mapping
from kldrift.errors import OutputError
from kldrift.reporting.alert_table import alert_table
from kldrift.reporting.stored import stored_page, write_report
from kldrift.tables import (
    SCHEMA_VERSION,
    TABLES,
    Window,
    prepare_output,
    write_alerts,
    write_run,
    write_window,
)
from kldrift.tables.parquet import to_parquet

ZONE = "Europe/Berlin"


def config_of(folder: Path, **more):
    return config_from_mapping(
        {
            "monitor": MONITOR,
            "reference": {"path": "a.parquet"},
            "current": {"path": "b.parquet"},
            "time": {"column": "t", "window": "1d", "zone": ZONE},
            "output": {"path": str(folder)},
            "expectations": False,
            **more,
        }
    )


def write_days(folder: Path, severities: str, feature: str = "payment_type") -> Path:
    """Days in which a feature was (c)ritical, (w)arning or (o)k; "-" is a day without a run."""
    prepare_output(str(folder))
    names = {"c": "critical", "w": "warning", "o": "ok"}
    for day, letter in enumerate(severities):
        if letter == "-":
            continue
        start = datetime(2020, 4, 1, tzinfo=UTC) + timedelta(days=day)
        window = Window(start, start + timedelta(days=1))
        tables = window_tables(window, f"run-{day}")
        scores = tables["drift_scores"].to_pandas()
        mine = scores["feature"] == feature
        scores.loc[mine, "severity"] = names[letter]
        schema = tables["drift_scores"].schema
        tables["drift_scores"] = pa.Table.from_pandas(scores, schema, preserve_index=False)
        write_window(str(folder), MONITOR, window, tables)
        write_run(str(folder), run_row(window, f"run-{day}"))
    return folder


def fail(folder: Path, error: str, run_id: str = "run-9") -> None:
    started = datetime(2020, 5, 2, tzinfo=UTC)
    nothing = dict.fromkeys(("rows_current", "features", "warning", "critical", "unscored"))
    row = run_row(DAYS[1], run_id) | nothing
    ends = {"started_at": started, "finished_at": started + timedelta(seconds=9)}
    write_run(str(folder), row | ends | {"exit_code": 1, "error": error, "skipped": []})


def test_a_report_is_of_the_last_window_in_the_zone_of_the_monitor(tmp_path):
    page = stored_page(config_of(write_two_days(tmp_path / "drift")))
    assert page.verdict == "2 of 4 features drifted: 1 critical, 1 warning; 1 could not be scored"
    health = dict(page.health)
    assert health["window"] == f"2 Apr 2020 02:00 to 3 Apr 2020 02:00 ({ZONE})"
    assert health["rows now"] == "1,000"
    assert health["took"] == "42 s"
    assert page.skipped == [("trip_id", "nearly every value is its own")]
    assert page.heat is not None


@pytest.mark.parametrize(
    ("severities", "since", "windows"),
    [
        ("occwc", "2 Apr 2020", 4),
        ("ccooc", "5 Apr 2020", 1),
        ("ccc-c", "1 Apr 2020", 4),  # a day that nobody ran is no window
        ("cccco", "", 0),
    ],
)
def test_since_when_is_the_first_of_the_unbroken_run_of_raised_windows(
    tmp_path, severities, since, windows
):
    folder = write_days(tmp_path / "drift", severities)
    config = config_of(folder, time={"column": "t", "window": "1d"})
    (entry,) = (e for e in stored_page(config).entries if e.name == "payment_type")
    assert (entry.since.begin, entry.since.windows) == (since, windows)


def test_the_first_sentences_say_what_where_since_when_and_how_sure(tmp_path):
    folder = write_days(tmp_path / "drift", "occ")
    lead = stored_page(config_of(folder, time={"column": "t", "window": "1d"})).lead
    assert lead == (
        "Worst is payment_type, over all rows: kl 0.42 above critical 0.25 (q 1e-12). "
        "Drifts since 2 Apr 2020, 2 windows in a row. "
        "Also drifted: trip_distance since 1 Apr 2020. "
        "How sure: q 1e-12, the share of false alarms to expect among such verdicts. "
        "Not scored: tip_amount (every value is null now)."
    )


def test_a_run_that_failed_is_said_before_anything_else(tmp_path):
    folder = write_two_days(tmp_path / "drift")
    fail(folder, "current: s3://key:secret@bucket is gone <b>")
    page = stored_page(config_of(folder))
    assert page.failed.startswith("2 May 2020 02:00, exit code 1: current: ")
    assert "secret" not in page.failed
    assert page.failed.endswith("; what follows is of an earlier run")
    assert len(page.entries) == 4


def damage(folder: Path, pattern: str, content: bytes = b"PAR1") -> None:
    (path,) = folder.glob(pattern)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "content", [b"PAR1", to_parquet(pa.table({"x": [1]}))], ids=["no Parquet", "another table"]
)
def test_a_page_leaves_out_what_is_damaged_and_says_so_but_for_its_own_scores(tmp_path, content):
    folder = write_days(tmp_path / "drift", "occcc")
    config = config_of(folder, time={"column": "t", "window": "1d"})
    whole = stored_page(config)
    write_alerts(str(folder), MONITOR, TABLES["alerts"].empty_table())
    damage(folder, "drift_scores/*20200403*0404*", content)
    damage(folder, "drift_cells/*20200405*0406*", content)
    damage(folder, "alerts/*", content)
    for record in (folder / "runs").iterdir():
        record.write_bytes(content)
    page = stored_page(config)
    notes = "\n".join(page.notes)
    for said in (
        "an earlier window is left out: ",
        "no distribution is ",
        "no alert is shown: ",
        "a run is left out: ",
    ):
        assert said in notes
    assert page.verdict == whole.verdict
    assert [p.entries[0].since.windows for p in (page, whole)] == [3, 4]
    assert "run its window again" in notes
    assert ".; " not in notes
    damage(folder, "drift_scores/*20200405*0406*", content)
    earlier = stored_page(config)
    assert re.fullmatch(
        r"Sun 5 Apr 2020: .*20200405.*; run its window again; "
        r"what follows is older: Sat 4 Apr 2020",
        earlier.damaged,
    )
    assert dict(earlier.health)["window"].startswith("Sat 4 Apr 2020")
    html = Path(write_report(config)).read_text()
    assert html.index("The last window cannot be read.") < html.index("<h1>")
    for day in "124":
        damage(folder, f"drift_scores/*2020040{day}T*2020040{int(day) + 1}T*", content)
    with pytest.raises(OutputError, match="run its window again"):
        stored_page(config)


def test_a_monitor_whose_first_run_failed_has_a_page(tmp_path):
    folder = tmp_path / "drift"
    prepare_output(str(folder))
    fail(folder, "no such file")
    page = stored_page(config_of(folder))
    assert "no such file" in page.failed
    assert page.verdict == "no feature was compared"
    assert (
        "<strong>The last run failed.</strong>" in Path(write_report(config_of(folder))).read_text()
    )


def test_a_backfill_is_one_line_of_the_latest_runs(tmp_path):
    folder = write_days(tmp_path / "drift", "occ")
    fail(folder, "killed")
    (runs,) = stored_page(config_of(folder)).sections
    assert [row[1] for row in runs.rows][1:] == ["3 windows"]
    assert runs.rows[0][2] == "killed"


def test_there_is_no_report_before_the_first_run(tmp_path):
    with pytest.raises(OutputError, match="no run of 'nyc_taxi' yet"):
        stored_page(config_of(tmp_path / "nothing"))


def test_the_report_goes_where_it_is_asked_for(tmp_path):
    folder = write_two_days(tmp_path / "drift")
    assert write_report(config_of(folder)) == f"{folder}/report.html"
    asked = config_of(folder, report={"path": str(tmp_path / "pages" / "a.html")})
    assert kldrift.report(asked) == str(tmp_path / "pages" / "a.html")
    assert kldrift.report(asked, tmp_path / "b.html") == str(tmp_path / "b.html")
    pages = {p.read_text() for p in tmp_path.rglob("*.html")}
    assert len(pages) == 1
    prepare_output(str(folder))  # the page beside the tables is no foreign file


def test_the_command_writes_the_report_and_says_where(tmp_path, capsys):
    write_two_days(tmp_path / "drift")
    file = tmp_path / "taxi.yaml"
    file.write_text(
        f"monitor: {MONITOR}\nreference: {{path: a.parquet}}\ncurrent: {{path: b.parquet}}\n"
        "time: {column: t, window: 1d}\noutput: {path: drift}\n"
    )
    target = tmp_path / "page.html"
    assert main(["report", str(file), "-o", str(target)]) == 0
    assert capsys.readouterr().out == f"wrote {target}\n"
    assert main(["report", str(file), "--json"]) == 0
    place = json.loads(capsys.readouterr().out)["report"]
    assert re.search(r"<h1>nyc_taxi: 2 of 4 features drifted", Path(place).read_text())


def test_a_name_that_is_too_long_or_hostile_has_its_history_all_the_same(tmp_path):
    name = "payment_type\u202e" + "x" * 300
    folder = tmp_path / "drift"
    prepare_output(str(folder))
    for window, run_id in zip(DAYS, ("run-1", "run-2"), strict=True):
        tables = window_tables(window, run_id)
        for table in ("drift_scores", "drift_cells"):
            frame = tables[table].to_pandas().replace({"feature": {"payment_type": name}})
            schema = tables[table].schema
            tables[table] = pa.Table.from_pandas(frame, schema, preserve_index=False)
        write_window(str(folder), MONITOR, window, tables)
        write_run(str(folder), run_row(window, run_id))
    page = stored_page(config_of(folder))
    assert page.entries[0].since.windows == 2
    marks = next(s for s in page.heat.drawing.shapes if s.style == "critical")
    assert marks.path.count("z") == 2


def test_alerts_are_listed_with_those_who_muted_them_the_open_ones_first(tmp_path):
    folder = write_two_days(tmp_path / "drift")
    about = {"schema_version": SCHEMA_VERSION, "monitor": MONITOR, "windows": 3, "peak": 0.5}
    about |= {"since": DAYS[0].start, "opened": DAYS[0].start, "segment": None, "p_value": None}
    nobody = dict.fromkeys(("closed", "muted_by", "muted_until", "why"))
    muted = {"muted_by": "ana", "muted_until": "2020-05-01", "why": "new <b> terminals"}
    names = [f"tip{i}" for i in range(6)]
    rows = [
        about | nobody | {"feature": "a", "features": ["a"], "closed": DAYS[1].start},
        about | nobody | muted | {"feature": "tip0", "features": names},
        about | nobody | {"feature": "b", "features": ["b"], "windows": 1, "closed": DAYS[1].start},
        about
        | nobody
        | {"feature": "c", "features": ["c"], "windows": 1, "closed": DAYS[1].end}
        | {"opened": DAYS[0].end},
    ]
    write_alerts(str(folder), MONITOR, pa.Table.from_pylist(rows, TABLES["alerts"]))
    table, _ = stored_page(config_of(folder)).sections
    assert table.title == f"Alerts ({ZONE})"
    assert [row[0] for row in table.rows] == ["tip0, tip1, tip2, tip3 and 2 more", "c", "a", "b"]
    assert [row[2] for row in table.rows] == [
        "open since 1 Apr 2020 02:00",
        "2 Apr 2020 02:00, closed 3 Apr 2020 02:00",
        "1 Apr 2020 02:00, closed 2 Apr 2020 02:00",
        "one window only, 1 Apr 2020 02:00; back to normal 2 Apr 2020 02:00",
    ]
    assert {row[1] for row in table.rows} == {"all rows"}  # the monitor has no segments
    assert alert_table(rows, "UTC", segments=True).rows[0][1] == "all rows or several segments"
    assert table.rows[0][3] == "by ana until 2020-05-01: new <b> terminals"
    html = Path(write_report(config_of(folder))).read_text()
    assert "new &lt;b&gt; terminals" in html
