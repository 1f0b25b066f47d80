"""The tables of ``make bench`` are right; the benchmarks themselves are not run here."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from tests.bench import report
from tests.bench.__main__ import arguments, options_of
from tests.bench.child import Case, measure
from tests.bench.rounds import rounds
from tests.bench.table import as_markdown, as_text, by_benchmark, shown, summarised

TIMES = {"floor": [4.0, 1.0, 2.0], "kldrift <a>": [5.0, 6.0, 3.0]}


def rows():
    return summarised(
        "scan",
        TIMES,
        case="10 x 4",
        ratios={"ratio_to_floor": "floor"},
        values={"floor": 40_000_000},
        cores=2,
    )


def test_ratios_are_those_of_medians_and_throughput_is_of_one_core():
    floor, own = rows()
    assert (floor["median_s"], floor["min_s"], floor["max_s"], floor["runs"]) == (2, 1, 4, 3)
    assert (own["median_s"], own["ratio_to_floor"], floor["ratio_to_floor"]) == (5, 2.5, 1)
    assert floor["million_values_per_s_and_core"] == 10
    assert floor["ns_per_value"] == 100
    assert "ns_per_value" not in own


def test_contenders_run_in_turn_and_the_warm_up_does_not_count(capsys):
    order = []

    def contender(name, seconds):
        return lambda: order.append(name) or next(seconds)

    contenders = {
        "a": contender("a", iter([9.0, 1.0, 2.0])),
        "b": contender("b", iter([9.0, 3.0, 4.0])),
    }
    assert rounds("x", contenders, 2) == {"a": [1.0, 2.0], "b": [3.0, 4.0]}
    assert order == ["a", "b"] * 3
    assert capsys.readouterr().err.splitlines()[2] == "x: 1/2 a: 1.00 s"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00123456, "0.00123"),
        (0.9996, "1.00"),
        (12.345, "12.3"),
        (98765.4, "98,765"),
        (0.0, "0"),
        (1500, "1,500"),
        (None, ""),
        (float("nan"), ""),
        ("a b", "a b"),
    ],
    ids=str,
)
def test_a_measurement_has_three_digits(value, text):
    assert shown(value) == text


def test_text_columns_are_aligned_and_empty_ones_left_out():
    table = [
        {"contender": "a", "median_s": 1.5, "note": ""},
        {"contender": "longer", "median_s": None, "note": ""},
        {"contender": "b", "median_s": 1500.0},
    ]
    assert as_text(table) == (
        "contender  median s\na              1.50\nlonger\nb             1,500"
    )


def test_a_pipe_does_not_break_a_markdown_table():
    assert as_markdown([{"contender": "a|b", "runs": 2}]) == (
        "| contender | runs |\n| --- | ---: |\n| a\\|b | 2 |"
    )


def results(**changed):
    frame = pd.DataFrame([*rows(), {"benchmark": "peers", "case": "c", "contender": "x & y"}])
    frame.loc[2, "note"] = "not installed: <no wheel>"
    same = {"date": "2026-11-25", "machine": "m", "python": "3.11", "quick": False}
    return frame.assign(**(same | changed))


def test_the_chart_scales_bars_by_group_and_escapes_what_it_shows():
    root = ET.fromstring(report.chart(results()))
    space = "{http://www.w3.org/2000/svg}"
    bars = [(float(r.get("width")), r.get("fill")) for r in root.iter(f"{space}rect")]
    assert bars == [(report.BAR * 2 / 5, report.OTHER), (report.BAR, report.OWN)]
    texts = [t.text for t in root.iter(f"{space}text")]
    assert "kldrift <a>" in texts
    assert texts[-2:] == ["x & y", "not installed: <no wheel>"]


def test_results_replace_what_stood_between_the_marks(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.publish(results(), tmp_path)
    report.publish(results(), tmp_path)
    text = page.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n\nMeasured 2026-11-25 on m; python 3.11.\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert text.count("### scan") == 1
    assert "old" not in text
    assert "| 10 x 4 | kldrift <a> | 3 | 5.00 |" in text
    assert (tmp_path / "performance.svg").read_text().startswith("<svg")


def test_small_tables_are_not_published_as_a_result():
    assert "not a result" in report.tables(results(quick=True))
    assert "not a result" not in report.tables(results())


def test_a_page_without_marks_is_refused(tmp_path):
    (tmp_path / "performance.md").write_text("no marks")
    with pytest.raises(ValueError, match="expected the lines '<!-- results"):
        report.publish(results(), tmp_path)


def test_rows_are_grouped_by_benchmark_without_its_name():
    assert by_benchmark([{"benchmark": "a", "x": 1}, {"benchmark": "b", "x": 2}]) == {
        "a": [{"x": 1}],
        "b": [{"x": 2}],
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["speed"], "no benchmark 'speed'; there are scan, run"),
        (["--rows", "0"], "--rows: expected 1 or more, got 0"),
        (["--chart", "--output", "nowhere.parquet"], "run the benchmarks first"),
    ],
    ids=["name", "rows", "chart"],
)
def test_wrong_usage_is_refused_before_anything_runs(words, message, capsys):
    with pytest.raises(SystemExit):
        arguments(words)
    assert message in capsys.readouterr().err


def test_quick_is_small_unless_told_otherwise():
    asked = options_of(arguments(["scan", "--quick", "--repeats", "3"]))
    assert (asked.rows, asked.repeats, asked.quick) == (40_000, 3, True)
    assert options_of(arguments([])).rows == 5_000_000


def test_growth_is_charted_as_time_per_value_with_a_group_for_each_kind_of_run():
    times = {"count": [1.0], "run": [6.0], "propose": [3.0]}
    values = {"count": 10**9, "run": 3 * 10**9, "propose": 10**9}
    found = [
        row
        for case in ("1,000 x 40", "8,000 x 40")
        for row in summarised("growth", times, case=case, values=values)
    ]
    drawn = report.chart(pd.DataFrame(found).assign(note=None))
    texts = [e.text for e in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [
        "Growth of one scan, ns per value read and core",
        *["1,000 x 40", "1.00", "8,000 x 40", "1.00"],
        "Growth of a first run, three scans, ns per value read and core",
        *["1,000 x 40", "2.00", "8,000 x 40", "2.00"],
    ]


def test_a_case_reaches_the_process_that_measures_it(tmp_path, monkeypatch):
    case = Case(str(tmp_path / "not there"), 1, ("count", "again"), "a segment")
    seen = []

    def run(command, **_):
        seen.append(Case(**json.loads(command[3])))
        return SimpleNamespace(returncode=1, stderr="no such folder")

    monkeypatch.setattr("tests.bench.child.subprocess.run", run)
    with pytest.raises(RuntimeError, match="not there: the measurement failed: no such folder"):
        measure(case, tmp_path)
    assert seen == [replace(case, what=["count", "again"])]
