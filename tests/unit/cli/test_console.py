"""What a finished run says, on a terminal and elsewhere."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from rich.cells import cell_len

from kldrift.cli.blocks import MOST_BLOCKS, MOST_CAUSES, row_block
from kldrift.cli.console import backfill_lines, run_lines
from kldrift.cli.terminal import Line, show, show_json
from kldrift.errors import escaped
from kldrift.reporting.history import Backfill
from kldrift.reporting.json_values import records
from kldrift.reporting.past import Past
from kldrift.reporting.result import RunResult
from kldrift.tables.schema import DRIFT_CELLS, DRIFT_SCORES
from kldrift.tables.window import Window

ROW = {
    "kind": "numeric",
    "status": "ok",
    "reason": "",
    "n_reference": 1000,
    "n_current": 2000,
    "missing_reference": 0,
    "missing_current": 0,
    "kl": 0.012345,
    "kl_expected": 0.0098765,
    "q_value": 0.5,
    "threshold_warning": 0.1,
    "threshold_critical": 0.25,
    "severity": "ok",
}
UNSCORED = {"severity": "unscored", "kl": None, "kl_expected": None, "q_value": None}


def result(*rows, exit_code=0, skipped=(), docs=None):
    """A result with a row per feature; each row says how it differs from a dull one."""
    rows = [{**ROW, "feature": f"f{n}", **row} for n, row in enumerate(rows)]
    return RunResult(
        score_rows=pa.Table.from_pylist(rows, DRIFT_SCORES),
        cell_rows=DRIFT_CELLS.empty_table(),
        run={"monitor": "orders"},
        exit_code=exit_code,
        skipped=list(skipped),
        output="/data/drift",
        docs=docs,
    )


def text(found, fail_on="critical", config=None):
    stream = io.StringIO()
    show(run_lines(found, fail_on, config), stream)
    return stream.getvalue()


def test_a_run_is_a_table_counts_places_and_what_the_exit_code_means():
    found = result(
        {
            "feature": "payment_type",
            "severity": "critical",
            "kl": 0.42123,
            "kl_expected": 0.00123,
            "q_value": 1.2e-12,
            "missing_reference": 1,
            "missing_current": 65,
            "reason": "kl 0.421 is above critical 0.25; moved most: 2 (23.1 % -> 35.0 %)",
        },
        {"feature": "fare", "severity": "warning", "kl": 0.15, "q_value": 0.0},
        {"feature": "tips", **UNSCORED, "status": "empty", "reason": "no rows", "n_current": 0},
        {"feature": "distance"},
        exit_code=3,
        skipped=[("trip_id", "nearly every row has its own value")],
        docs=Path("/data/gx/index.html"),
    )
    assert text(found, config=Path("my orders.yaml")) == (
        "critical: 2 of 4 features drifted: 1 critical, 1 warning; 1 could not be scored\n"
        "\n"
        "critical  payment_type\n"
        "  kl 0.421 is above critical 0.25\n"
        "  kl 0.421, critical above 0.25; q 1e-12\n"
        "\n"
        "warning  fare\n"
        "  kl 0.15, warning above 0.1; q < 1e-12\n"
        "\n"
        "unscored  tips\n"
        "  no rows\n"
        "\n"
        "1 column skipped:\n"
        "  trip_id: nearly every row has its own value\n"
        "tables: /data/drift\n"
        "Data Docs: /data/gx/index.html\n"
        "exit code 3: drift at or above critical; 1 of 4 features is ok\n"
        "next: kldrift show 'my orders.yaml' payment_type\n"
    )


def test_the_next_command_is_right_for_the_time_of_the_run_and_for_odd_names():
    unscored = result({**UNSCORED, "status": "empty"}, exit_code=4)
    lines = run_lines(
        unscored, "critical", Path("m.yaml"), as_of=dt.datetime(2024, 1, 3, tzinfo=dt.UTC)
    )
    assert [*lines][-1].text == "next: kldrift check m.yaml --as-of 2024-01-03"
    odd = result({"severity": "critical", "feature": "-x"}, exit_code=3)
    assert text(odd, config=Path("m.yaml")).endswith("\nnext: kldrift show -- m.yaml -x\n")
    sets = ["output.path=my drift", "spark.conf.a.password=abc"]
    *_, last = run_lines(odd, "critical", Path("m.yaml"), sets)
    told = "--set 'output.path=my drift' --set spark.conf.a.password=..."
    assert last.text == f"next: kldrift show {told} -- m.yaml -x"


@pytest.mark.parametrize(
    ("missing", "rows", "expected"),
    [
        (0, 1000, ""),
        (1, 100_000, "0.001 %"),
        (1, 2000, "0.05 %"),
        (1000, 1000, "100.0 %"),
        (None, None, ""),
    ],
)
def test_a_few_nulls_are_not_shown_as_none(missing, rows, expected):
    row = {"missing_current": missing, "n_current": rows, "feature": "f", "severity": "warning"}
    (whole,) = records(result(row).scores)
    figures = [*row_block(whole, DRIFT_CELLS.empty_table(), "UTC", Past.of([]))][1].text
    assert (f"nulls 0.0 % -> {expected}" in figures) == bool(expected)
    assert ("nulls" in figures) == bool(expected)


def test_the_next_command_is_about_what_is_not_muted():
    found = result(
        {"severity": "critical", "kl": 9.0, "alert": "muted"},
        {"severity": "critical", "kl": 0.5, "alert": "raised"},
    )
    assert text(found, config=Path("a.yaml")).splitlines()[-1] == "next: kldrift show a.yaml f1"


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        (
            ["raised", "raised", "none"],
            "an alert of 2 features is open still: no drift in 3 features",
        ),
        (["pending", "muted", "none"], "no drift in 3 features"),
    ],
)
def test_an_alert_that_is_open_where_nothing_drifts_is_said(alerts, said):
    """The run fails for it, and the verdict said that there is no drift."""
    found = result(*({"alert": alert} for alert in alerts))
    assert text(found).splitlines()[0] == f"ok: {said}"


def test_a_run_says_since_when_a_feature_drifts(monkeypatch):
    found = result({"severity": "critical"})
    days = [dt.datetime(2026, 10, day, tzinfo=dt.UTC) for day in (1, 2, 3)]
    windows = [Window(*ends) for ends in pairwise(days)]
    past = Past.of([(window, found.scores) for window in windows])
    monkeypatch.setattr(RunResult, "past", lambda _: past)
    drifts = "  drifts since 1 Oct 2026, 2 windows in a row, or longer"
    assert drifts in text(found).splitlines()


def test_what_is_not_shown_is_counted():
    found = result(
        *[{"severity": "critical"}] * 12,
        *[{"severity": "warning"}] * 8,
        *[{}] * 20,
        skipped=[(f"c{n}", "an array") for n in range(13)],
    )
    lines = text(found).splitlines()
    blocks = [line for line in lines if line.startswith(("critical ", "warning "))]
    assert len(blocks) == MOST_CAUSES
    assert sum(line.startswith("  kl ") for line in lines) == MOST_BLOCKS
    assert "and 5 more that are not ok; see table drift_scores" in lines
    assert lines[0] == "critical: 20 of 40 features drifted: 12 critical, 8 warning"
    assert lines[-1].endswith("; 20 of 40 features are ok")
    assert "13 columns skipped:" in lines
    assert "  c9: an array" in lines
    assert "  c10: an array" not in lines
    assert "  and 3 more; see table runs" in lines


def test_segments_that_are_not_shown_are_counted_too():
    parts = [{"segment": f"s={n}", "severity": "critical"} for n in range(19)]
    lines = text(result({}, *parts, {"severity": "warning"})).splitlines()
    assert "and 5 more that are not ok; see table drift_scores" in lines
    assert lines[0] == (
        "critical: 1 of 2 features drifted: 1 warning; "
        "by segment: 19 of 19 scores drifted: 19 critical"
    )


def test_a_feature_is_one_block_and_says_in_which_segments_it_drifted():
    whole = {"feature": "a", "severity": "critical"}
    parts = [whole | {"segment": f"s={n}"} for n in range(3)] + [{"feature": "a", "segment": "s=3"}]
    lines = text(result(whole, *parts)).splitlines()
    assert [line for line in lines if line.startswith("critical ")] == ["critical  a"]
    assert "  drifted in 3 of 4 segments" in lines


def test_notes_come_after_the_verdict():
    found = replace(result({}), notes=["no feature was scored\x1b"])
    assert text(found).splitlines()[1] == "note: no feature was scored\\x1b"


def test_ok_features_that_are_not_shown_are_no_news():
    assert "more" not in text(result(*[{}] * 12))


@pytest.mark.parametrize(
    ("exit_code", "fail_on", "expected"),
    [
        (0, "critical", "exit code 0: no drift at or above critical"),
        (0, "never", "exit code 0: done; drift does not fail this run"),
        (3, "warning", "exit code 3: drift at or above warning"),
        (
            4,
            "warning",
            "exit code 4: no drift at or above warning, "
            "but a feature that should have been scored could not be",
        ),
    ],
)
def test_the_exit_code_is_explained(exit_code, fail_on, expected):
    assert (
        text(result({}, exit_code=exit_code), fail_on).splitlines()[-1]
        == f"{expected}; 1 of 1 feature is ok"
    )


@pytest.mark.parametrize(
    ("alerts", "begin", "end"),
    [
        (
            ("muted", "muted"),
            "critical: all that is critical is muted: 2 of 3 features drifted: 2 critical",
            "exit code 0: nobody is called about the drift at or above critical, "
            "which is muted or not yet an alert; 1 of 3 features is ok",
        ),
        (
            ("muted", "pending"),
            "critical: 2 of 3 features drifted: 2 critical",
            "exit code 0: nobody is called about the drift at or above critical, "
            "which is muted or not yet an alert; 1 of 3 features is ok",
        ),
    ],
)
def test_drift_that_calls_nobody_is_not_said_to_be_none(alerts, begin, end):
    rows = [{"severity": "critical", "feature": a, "alert": a} for a in alerts]
    lines = text(result(*rows, {"feature": "quiet", "alert": "none"})).splitlines()
    assert (lines[0], lines[-1]) == (begin, end)


HOSTILE = "a\x1b[31m[red]b\r\n\u202eo\u2028"


def test_names_from_data_cannot_act_on_the_screen():
    found = result(
        {"feature": HOSTILE, "reason": HOSTILE, "severity": "warning"}, skipped=[(HOSTILE, HOSTILE)]
    )
    shown = text(found)
    assert shown.count("a\\x1b[31m[red]b\\r\\n\\u202eo\\u2028") == 4
    assert all(line.isprintable() for line in shown.split("\n"))


def test_a_long_name_is_cut():
    shown = text(result({"feature": "x" * 5000, "severity": "warning"}))
    assert max(map(len, shown.splitlines())) <= 80


def test_cells_then_and_now_are_heights_of_characters():
    cells = [
        {"feature": "f0", "cell": n, "rows_reference": a, "rows_current": b}
        | {"probability_reference": 0.5, "probability_current": 0.5}
        for n, (a, b) in enumerate([(100, 0), (50, 50), (0, 100)])
    ]
    found = result({"severity": "critical"})
    found = replace(found, cell_rows=pa.Table.from_pylist(cells, DRIFT_CELLS))
    assert text(found).splitlines()[4:6] == ["  then |█▄ |", "  now  | ▄█|"]


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


LINES = [Line("critical  [b]x", "critical"), Line("critical is a word here")]


def test_on_a_terminal_only_the_severity_is_coloured(terminal):
    show(LINES, terminal)
    assert terminal.getvalue() == "\x1b[1;31mcritical\x1b[0m  [b]x\ncritical is a word here\n"


def test_no_color_is_respected(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    show(LINES, terminal)
    assert "31m" not in terminal.getvalue()


def test_on_a_terminal_a_long_sentence_keeps_its_indent_and_a_row_is_not_torn(terminal):
    row = Line("ok " + "word " * 12, "ok", whole=True)
    show([row, Line("    " + "word " * 12)], terminal)
    first, *rest = terminal.getvalue().splitlines()
    assert first.endswith(" word" * 12 + " ")
    assert len(rest) == 2
    assert all(line.startswith("    word") and len(line) <= 40 for line in rest)


PATH = "/data/" + "x" * 240


@pytest.mark.parametrize("width", [80, 60, 200])
@pytest.mark.parametrize(
    ("line", "hang"),
    [
        (Line("critical: " + "some words of a verdict, " * 20, "critical"), 2),
        (Line("  " + "shifted by 0.5 standard deviations; " * 9), 2),
        (Line(f"  column_name   {'why it was left out ' * 12}", hang=16), 16),
        (Line("  名前 " + "値が増えた " * 60), 2),
    ],
    ids=["verdict", "reason", "row", "wide"],
)
def test_on_a_terminal_sentences_are_folded_between_words(terminal, monkeypatch, width, line, hang):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    show([line], terminal)
    first, *rest = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()
    assert rest
    assert " ".join([first, *rest]).split() == line.text.split()
    assert all(cell_len(part) <= width for part in (first, *rest))
    assert all(len(part) - len(part.lstrip()) == hang for part in rest)


@pytest.mark.parametrize("width", range(30, 60))
def test_no_line_of_a_terminal_ends_within_a_figure(terminal, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    show(
        [Line("  kl 0.5, q < 1e-12; null: 0.4 % -> 6.7 %; 5: 4.0 % of 2 % (3 %) or 100 %")],
        terminal,
    )
    parts = terminal.getvalue().splitlines()
    assert len(parts) > 1
    for part in parts:
        assert not re.match(r" *(%|<|1e-12)", part)
        assert not part.endswith((" q", "<"))


@pytest.mark.parametrize("line", [Line(f"next: kldrift show {PATH}", whole=True), Line(PATH)])
def test_a_command_and_a_path_are_never_torn(terminal, line):
    show([line], terminal)
    assert line.text in terminal.getvalue()


def test_elsewhere_nothing_wraps_and_nothing_is_coloured(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.StringIO()
    show([Line("critical " + "word " * 50, "critical")], stream)
    assert stream.getvalue() == "critical " + "word " * 50 + "\n"


def test_signs_that_a_stream_lacks_are_plain_ones():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    show([Line("a × b: 1 → 2, and ü…")], out)
    assert out.buffer.getvalue() == b"a x b: 1 -> 2, and \\xfc...\n"
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    show([Line("a × b")], out)
    assert out.buffer.getvalue().decode() == "a × b\n"


def test_json_is_strict_and_one_line(terminal, monkeypatch):
    for stream in (io.StringIO(), terminal):
        monkeypatch.setattr(sys, "stdout", stream)
        show_json({"a": "[red]\x1b é\n" * 30, "b": None})
        assert json.loads(stream.getvalue()) == {"a": "[red]\x1b é\n" * 30, "b": None}
        assert stream.getvalue().count("\n") == 1
        assert "\x1b" not in stream.getvalue()
    with pytest.raises(ValueError, match="not JSON compliant"):
        show_json({"a": math.nan})


@pytest.mark.parametrize("letter", ["\ud800", "\x85", "\xa0", "\u200b", "\t", "\x7f"])
def test_what_cannot_be_seen_is_written_as_an_escape(letter):
    assert escaped(f"a{letter}b").isprintable()
    assert escaped(f"a{letter}b").startswith("a\\")


def python(code):
    """Start Python as a scheduler would: its standard streams are pipes, and buffered."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )


def test_only_our_lines_reach_standard_output():
    code = (
        "import os, sys\n"
        "from kldrift.cli.terminal import stdout_is_ours, show_json\n"
        "print('before')\n"
        "kept = sys.stdout\n"
        "with stdout_is_ours():\n"
        "    print('python')\n"
        "    kept.write('a logger')\n"
        "    os.write(1, b'a library')\n"
        "    os.system('echo a child')\n"
        "show_json({'a': 1})\n"
    )
    out, err = python(code).communicate(timeout=60)
    assert out == 'before\n{"a": 1}\n'
    assert all(word in err for word in ("python", "a logger", "a library", "a child"))


@pytest.mark.parametrize("lines", [1, 10_000])
def test_a_reader_that_has_seen_enough_is_no_error(lines):
    code = (
        "import sys\n"
        "from kldrift.cli.terminal import Line, show\n"
        "sys.stdin.read()\n"
        f"show([Line('x' * 100)] * {lines})\n"
        "sys.exit(3)\n"
    )
    process = python(code)
    process.stdout.close()
    process.stdin.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), err) == (3, "")


def test_what_happened_in_the_only_segment_of_a_list_is_said():
    whole = {"severity": "critical", "feature": "km", "reason": "10 % of the values are above 80"}
    shifted = "shifted up; explained by a factor of 1,000; kl 8"
    parts = [
        {**whole, "segment": "country=PL", "reason": shifted, "kl": 0.9},
        *({"feature": "km", "segment": f"country={c}"} for c in ("DE", "FR")),
        *({**whole, "segment": f"channel={c}", "reason": "moved"} for c in ("web", "app")),
    ]
    said = text(result(whole, *parts, exit_code=3))
    assert "  drifted in 1 of 3 segments by country (country=PL), 2 of 2 by channel\n" in said
    only = "  in country=PL, the only one of 3 segments by country that drifted: "
    assert f"{only}shifted up, explained by a factor of 1,000\n" in said


def test_a_segment_that_is_worse_than_all_rows_says_what_happened_to_these():
    lost = {"severity": "warning", "feature": "km", "reason": "4 in place of 9; kl 0.12"}
    worse = {**lost, "severity": "critical", "reason": "1 in place of 3; kl 0.2"}
    parts = [{**part, "segment": f"by={i}"} for i, part in enumerate((worse, lost, lost))]
    said = text(result(lost, *parts, exit_code=3))
    assert (
        "critical  km [by=0]\n  1 in place of 3\n  over all rows: 4 in place of 9\n"
        "  drifted in 3 of 3 segments\n"
    ) in said


def test_one_cause_is_one_block_that_names_its_features():
    lost = {"severity": "critical", "missing_current": 200, "kl": 0.4}
    reason = "nulls rose from 0.0 % to 10.0 % of the rows, as many as in 'a', 'b' and 5 more"
    names = [{**lost, "feature": name, "reason": reason} for name in "abcdefg"]
    gone = [
        {**UNSCORED, "feature": f"old_{n}", "reason": "not in the current dataset"} for n in "12"
    ]
    shifted = "shifted up; explained by a factor of 1,000; kl 8"
    parts = [
        {"feature": name, "segment": f"country={c}", "severity": "critical" if c == "PL" else "ok"}
        | {"reason": shifted * (c == "PL"), "kl": 0.9 if c == "PL" else 0.01}
        for name in ("km", "miles")
        for c in ("PL", "DE", "FR")
    ]
    whole = [{"feature": name, "severity": "ok"} for name in ("km", "miles")]
    lines = text(result(*names, *gone, *whole, *parts, exit_code=3)).splitlines()
    heads = {
        line: lines[at + 1]
        for at, line in enumerate(lines)
        if line.startswith(("critical ", "unscored "))
    }
    assert heads == {
        "critical  7 features: a, b, c, d, e and 2 more": "  over all rows nulls rose from 0.0 % "
        "to 10.0 % of the rows, in the same rows: most likely one cause",
        "critical  2 features: km, miles": "  in country=PL, the only one of 3 segments that "
        "drifted; km shifted up, explained by a factor of 1,000",
        "unscored  2 features: old_1, old_2": "  not scored: not in the current dataset",
    }


def test_a_window_that_a_run_caught_up_on_says_why_the_exit_code_is_its_own():
    bounds = {
        "window_start": dt.datetime(2024, 2, 4, tzinfo=dt.UTC),
        "window_end": dt.datetime(2024, 2, 5, tzinfo=dt.UTC),
    }
    missed = replace(
        result({"feature": "device", "severity": "critical"}, exit_code=3),
        run={**bounds, "rows_current": 718},
    )
    fine = replace(missed, exit_code=0)
    said = text(replace(result({}, exit_code=3), earlier=(fine, missed)))
    assert said.startswith("ok: no drift in 1 feature\n")
    assert (
        "1 earlier window of this run did not pass:\n"
        "severity  window      rows  critical  warning  ok  unscored  worst feature\n"
        "critical  4 Feb 2024  718   1         0        0   0         device\n"
    ) in said


def test_a_backfill_that_had_nothing_to_run_says_nothing_of_drift():
    lines = [line.text for line in backfill_lines(Backfill([], [], "drift"), "critical")]
    assert lines[-1] == "exit code 0: no window was run"
