"""Windows that could not be scored again leave a row that says so, as a run that failed does."""

from __future__ import annotations

import signal
from contextlib import nullcontext

import pytest
from daily_sample import config_of, run_days, window

import kldrift
from kldrift.cli import main as command_line
from kldrift.errors import ConfigError, KldriftError, OutputError, Terminated
from kldrift.tables.layout import window_file
from kldrift.tables.read import read_table

CONFIG = (
    "monitor: daily\nreference: {sql: r}\ncurrent: {sql: c}\n"
    "time: {column: at, window: 1d}\noutput: {path: out}\nexpectations: false\n"
)


class Stopped:
    """Progress that gets a signal or an error once a window is scored."""

    def __init__(self, by: signal.Signals | type[BaseException]) -> None:
        self.by = by

    def stage(self, name: str) -> None:
        pass

    def update(self, *_: object) -> None:
        if isinstance(self.by, signal.Signals):
            signal.raise_signal(self.by)
        else:
            raise self.by("as told")


@pytest.fixture
def stored(tmp_path):
    run_days(config_of(tmp_path / "out"), range(3))
    (tmp_path / "kldrift.yaml").write_text(CONFIG)
    return tmp_path


def ends(folder):
    """The rows of ``runs`` since the first three, window by window."""
    rows = read_table(str(folder / "out"), "runs").to_pylist()
    new = [r for r in rows if r["started_at"].year > 2024]
    new.sort(key=lambda r: r["window_start"])
    return [(r["window_start"], r["exit_code"], r["error"]) for r in new]


def test_a_damaged_window_leaves_a_row(stored):
    damaged = stored / "out" / window_file("profiles", "daily", window(1))
    damaged.write_bytes(b"nothing")
    with pytest.raises(OutputError) as failed:
        kldrift.rescore(config_of(stored / "out"))
    assert ends(stored) == [(window(2).start, 1, str(failed.value))]
    assert command_line.main(["rescore", str(stored / "kldrift.yaml"), "--quiet"]) == 1
    assert ends(stored) == [(window(2).start, 1, str(failed.value))] * 2


@pytest.mark.parametrize(
    ("by", "code", "word"),
    [
        (KeyboardInterrupt, 130, "interrupted"),
        (Terminated, 143, "terminated"),
        (ConfigError, 2, "as told"),
        (ValueError, 1, "as told"),
    ],
)
def test_what_stops_python_leaves_a_row_beside_those_of_judged_windows(stored, by, code, word):
    with pytest.raises(by):
        kldrift.rescore(config_of(stored / "out"), progress=Stopped(by))
    first, last = ends(stored)
    assert first[0] == window(0).start
    assert first[2] is None
    assert last == (window(2).start, code, word)


@pytest.mark.parametrize(
    ("by", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_to_the_command_leaves_a_row(stored, by, code, word, monkeypatch, capsys):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner may have its own
    monkeypatch.setattr(command_line, "shown_progress", lambda **_: nullcontext(Stopped(by)))
    try:
        assert command_line.main(["rescore", str(stored / "kldrift.yaml")]) == code
    finally:
        signal.signal(signal.SIGINT, before)
    assert ends(stored)[-1] == (window(2).start, code, word)
    assert capsys.readouterr().err == f"kldrift: error: {word}\n"


def test_a_failure_while_dependents_are_scored_again_is_the_run_s_alone(stored):
    config = config_of(stored / "out", alarms={})
    later = stored / "out" / window_file("profiles", "daily", window(2))
    later.write_bytes(b"nothing")
    with pytest.raises(KldriftError):
        run_days(config, range(1))
    assert ends(stored) == []  # the run that called for it writes the row
