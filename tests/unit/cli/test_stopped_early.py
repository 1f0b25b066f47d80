"""A run that is stopped while it reads its configuration and imports what it needs leaves a row."""

from __future__ import annotations

import signal

import pytest
from daily_sample import config_of, run_days

from kldrift import config as configurations
from kldrift.cli import main as command_line
from kldrift.execution.stopping import let_signals, signals_held, signals_raised
from kldrift.tables.read import read_table

RUN = "monitor: daily\nreference: {path: .}\ncurrent: {path: .}\noutput: {path: ../out}\n"
TIMED = RUN + "time: {column: at, window: 1d}\n"
SHIFT = "monitor: daily\ndata: {path: .}\nchampion: a\nchallenger: b\noutput: {path: ../out}\n"
RANGE = ["--from", "2024-01-01", "--to", "2024-01-03"]


@pytest.fixture
def _python_s_own_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner may have its own
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_python_s_own_handler")
@pytest.mark.parametrize(
    ("sent", "end"),
    [(signal.SIGINT, (130, "interrupted")), (signal.SIGTERM, (143, "terminated"))],
)
@pytest.mark.parametrize(
    ("command", "text", "options"),
    [
        ("run", RUN, []),
        ("run", TIMED, []),
        ("backfill", TIMED, RANGE),
        ("rescore", TIMED, []),
        ("model-shift", SHIFT, []),
    ],
    ids=["run", "run of a window", "backfill", "rescore", "model-shift"],
)
def test_a_signal_while_the_configuration_is_read_leaves_a_row(
    tmp_path, monkeypatch, capsys, command, text, options, sent, end
):
    if command == "rescore":
        run_days(config_of(tmp_path / "out"), range(2))
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "kldrift.yaml").write_text(text)
    load = "load_model_shift" if command == "model-shift" else "load_config"
    read = getattr(configurations, load)

    def stopped(*given, **more):
        signal.raise_signal(sent)
        return read(*given, **more)

    monkeypatch.setattr(configurations, load, stopped)
    assert command_line.main([command, str(folder / "kldrift.yaml"), *options]) == end[0]
    assert capsys.readouterr().err == f"kldrift: error: {end[1]}\n"
    rows = read_table(str(tmp_path / "out"), "runs").to_pylist()
    last = max(rows, key=lambda row: row["started_at"])
    assert (last["exit_code"], last["error"]) == end


@pytest.mark.usefixtures("_python_s_own_handler")
def test_a_signal_beside_a_wrong_configuration_is_what_ends_the_command(monkeypatch, tmp_path):
    def wrong(*_, **__):
        signal.raise_signal(signal.SIGTERM)
        raise configurations.load.ConfigError("wrong")

    monkeypatch.setattr(configurations, "load_config", wrong)
    assert command_line.main(["run", str(tmp_path / "kldrift.yaml")]) == 143


def twice() -> None:
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    raise AssertionError("went on")


@pytest.mark.usefixtures("_python_s_own_handler")
def test_of_the_signals_that_are_held_back_the_second_acts_at_once():
    with signals_raised():
        with pytest.raises(KeyboardInterrupt):
            signals_held()(twice)()
        let_signals()  # nothing is left
