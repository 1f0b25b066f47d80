"""What a run tells while it works."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import stat
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import pytest

from kldrift.errors import KldriftError
from kldrift.execution.progress import SILENT, BarProgress, LogProgress
from kldrift.execution.session import require_java


class Clock:
    """Seconds that a test moves on."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def log():
    stream, clock = io.StringIO(), Clock()
    progress = LogProgress(stream, every=30, clock=clock, time_text=lambda: "T")
    return progress, clock, lambda: stream.getvalue().splitlines()


def test_each_stage_is_a_line_when_it_begins_and_one_when_it_is_done(log):
    progress, clock, lines = log
    progress.stage("planning")
    clock.seconds = 1.25
    progress.stage("counting")
    progress.update(7, 40, "files")
    clock.seconds = 2.5
    progress.update(39, 40, "files")
    progress.stage("writing")
    progress.close()
    assert lines() == [
        "T planning",
        "T planning done: 1.2 s",
        "T counting",
        "T counting done: 40 files, 1.2 s",
        "T writing",
        "T writing done: 0.0 s",
    ]


def test_a_long_stage_says_from_time_to_time_how_far_it_is(log):
    progress, clock, lines = log
    progress.stage("counting")
    for second in range(70):
        clock.seconds = float(second)
        progress.update(second * 1000, None, "rows")
    assert lines() == [
        "T counting",
        "T counting: 30,000 rows, 30.0 s",
        "T counting: 60,000 rows, 60.0 s",
    ]


def test_a_stage_that_fails_is_not_said_to_be_done(log):
    progress, _, lines = log

    def fail():
        with progress:
            progress.stage("counting")
            progress.update(3, 12, "files")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert lines() == ["T counting", "T counting failed: 3 of 12 files, 0.0 s"]


def test_the_end_of_a_run_without_a_stage_says_nothing(log):
    progress, _, lines = log
    with progress:
        progress.update(1, 2, "files")
    assert lines() == []


def test_log_lines_begin_with_the_time_and_go_to_standard_error(capsys):
    LogProgress().stage("counting")
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err[:2] == "20"
    assert written.err[19:] == "Z counting\n"


def test_a_bar_shows_every_stage_and_how_far_it_came():
    stream = io.StringIO()
    with BarProgress(stream) as progress:
        progress.stage("planning")
        progress.stage("[red]counting")
        progress.update(3, 12, "files")
    planning, counting = stream.getvalue().splitlines()
    assert planning.split()[0] == "planning"
    assert "files" not in planning
    assert "[red]counting" in counting
    assert " 12 files " in counting


def test_a_long_name_of_a_stage_is_cut_and_not_how_long_it_took(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stream = io.StringIO()
    with BarProgress(stream) as progress:
        progress.stage("planning")
        progress.stage(
            "reference: unchanged, as read by run 20261130T025014Z-33b2361f on 2026-11-30"
        )
    planning, long = stream.getvalue().splitlines()
    assert planning.endswith("0:00:00")
    assert "…" in long
    assert long.endswith("0:00:00")


def test_a_bar_of_a_stage_that_fails_stays_where_it_was():
    stream = io.StringIO()
    progress = BarProgress(stream)
    progress.stage("counting")
    progress.update(3, 12, "files")
    progress.close(failed=True)
    assert "3 of 12 files" in stream.getvalue()


DRAWN = """
import os, subprocess, time
from kldrift.execution.progress import BarProgress
with BarProgress() as progress:
    progress.stage("reference: choosing supports")
    for done in range(5):
        progress.update(done * 123_456, 3_000_000, "rows")
        os.write(2, b"26/11/28 WARN Spark says [red]\\n")
        subprocess.run("echo of a child >&2", shell=True)
        time.sleep(0.15)
os.write(2, b"and after it\\n")
"""


@pytest.mark.parametrize("columns", [80, 200])
def test_what_others_print_stands_on_lines_of_its_own_above_the_bar(columns):
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([sys.executable, "-c", DRAWN], stderr=theirs, env=env) as process:
        os.close(theirs)
        raw = b""
        with suppress(OSError):  # the end of a terminal
            while part := os.read(mine, 4096):
                raw += part
    os.close(mine)
    assert process.returncode == 0
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", x) for x in re.split(r"[\r\n]+", raw.decode())]
    assert lines.count("26/11/28 WARN Spark says [red]") == 5
    assert lines.count("of a child") == 5
    assert lines.count("and after it") == 1
    assert all("WARN" not in x and "child" not in x for x in lines if "choosing" in x)
    assert max(map(len, lines)) <= columns
    assert any("choosing supports" in x and "493,824 of 3,000,000 rows" in x for x in lines)


def test_silence_is_a_progress(capsys):
    SILENT.stage("counting")
    SILENT.update(1, 2, "files")
    assert capsys.readouterr() == ("", "")


def make_java(folder):
    folder.mkdir(parents=True)
    java = folder / ("java.exe" if os.name == "nt" else "java")
    java.write_text("")
    java.chmod(stat.S_IRWXU)


@pytest.mark.parametrize("home", [True, False], ids=["JAVA_HOME", "PATH"])
def test_java_is_found_where_spark_looks_for_it(tmp_path, monkeypatch, home):
    make_java(tmp_path / "bin")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path) if home else "")
    monkeypatch.setenv("PATH", str(tmp_path if home else tmp_path / "bin"))
    require_java()


def test_without_java_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KldriftError, match="no java is on PATH; install Java 17 or later"):
        require_java()


def test_a_wrong_java_home_is_named_even_if_there_is_another_java(tmp_path, monkeypatch):
    # Spark does not look further than JAVA_HOME either.
    make_java(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    with pytest.raises(KldriftError, match=r"JAVA_HOME is '.*gone', but there is no bin/java"):
        require_java()
