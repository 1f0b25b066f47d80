"""What ``import kldrift`` offers, and what its functions take."""

from __future__ import annotations

import datetime as dt
import inspect
import re
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest

import kldrift
from kldrift.config import Config, ModelShift, config_from_mapping
from kldrift.errors import ConfigError

MONITOR = {
    "monitor": "trips",
    "reference": {"path": "a.parquet"},
    "current": {"path": "b.parquet"},
    "output": {"path": "out"},
}
SHIFT = {
    "monitor": "models",
    "data": {"path": "a.parquet"},
    "champion": "p",
    "challenger": "q",
    "inputs": "logits",
    "output": {"path": "out"},
}
DAY = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


@pytest.fixture(params=["monitor", "model shift"])
def asked(request, monkeypatch):
    """Call `run` or `model_shift`, and return the configuration and the options of the job."""
    job, function, mapping = {
        "monitor": ("kldrift.monitor.run.run", kldrift.run, MONITOR),
        "model shift": ("kldrift.shift.run.run", kldrift.model_shift, SHIFT),
    }[request.param]
    seen: list[Any] = []
    monkeypatch.setattr(job, lambda config, **options: seen.append((config, options)))

    def call(config: Any = None, **options: Any) -> tuple[Config | ModelShift, dict[str, Any]]:
        function(mapping if config is None else config, **options)
        return seen.pop()

    call.mapping = mapping  # type: ignore[attr-defined]
    return call


@pytest.mark.parametrize("name", ["compare", "run", "backfill", "rescore", "backtest", "report"])
def test_a_signature_shows_no_address_in_memory(name):
    assert " at 0x" not in str(inspect.signature(getattr(kldrift, name)))


def test_everything_that_is_offered_is_shown_and_there():
    program = "import kldrift; print([n for n in dir(kldrift) if getattr(kldrift, n) is None])"
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
    for name in ("Result", "RunResult", "ShiftResult", "ConfigError", "DatasetError", "divergence"):
        assert name in dir(kldrift)
    assert set(dir(kldrift)) == set(kldrift.__all__)


def test_what_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'comparee'"):
        kldrift.comparee  # noqa: B018


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-23",
        "2026-11-23T02:00:00+02:00",
        dt.date(2026, 11, 23),
        dt.datetime(2026, 11, 23),
        DAY,
        pd.Timestamp("2026-11-23"),
        pd.Timestamp("2026-11-23T01:00", tz="Europe/Berlin"),
    ],
    ids=repr,
)
def test_a_time_is_what_the_command_line_takes_a_date_or_a_datetime(asked, moment):
    as_of = asked(as_of=moment)[1]["as_of"]
    assert (as_of, as_of.tzinfo) == (DAY, dt.UTC)
    assert asked()[1]["as_of"] is None


@pytest.mark.parametrize("moment", ["yesterday", 20261123, pd.NaT, ""], ids=repr)
def test_what_is_no_time_is_refused_before_anything_runs(asked, moment):
    with pytest.raises(ConfigError, match=r"as_of: expected .*such as 2020-04-01T00:00:00Z, got"):
        asked(as_of=moment)


def test_values_of_a_mapping_are_set_and_the_mapping_stays_as_it_is(asked):
    metric, warning = next((m, t.warning) for m, t in asked()[0].thresholds.items())
    config, _ = asked(set={"output.path": "/there", f"thresholds.{metric}.critical": 0.5})
    assert config.output.path == "/there"
    found = config.thresholds[metric]
    assert (found.warning, found.critical) == (warning, 0.5)
    assert asked.mapping["output"] == {"path": "out"}


def test_values_of_a_file_are_set(asked, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("\n".join(f"{key}: {value}" for key, value in asked.mapping.items()))
    assert asked(path, set={"output.path": "/there"})[0].output.path == "/there"
    assert asked(str(path), set={"output.path": "there"})[0].output.path == str(tmp_path / "there")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output.paths": 1}, "^set: output.paths: unknown key; did you mean 'path'"),
        ({"monitor.x": 1}, "^set: monitor is '.*' and has no keys; set monitor as a whole"),
        (
            {"output.path=x": 1},
            "^set: 'output.path=x': expected a key path, such as 'scoring.bins'",
        ),
        ({"a..b": 1}, "^set: 'a..b': expected a key path"),
        ({3: 1}, "^set: 3: expected a key path"),
    ],
    ids=str,
)
def test_what_cannot_be_set_is_refused(asked, changes, message):
    with pytest.raises(ConfigError, match=message):
        asked(set=changes)


def test_a_configuration_that_is_made_already_is_not_set():
    with pytest.raises(ConfigError, match="set: a configuration that is made already"):
        kldrift.run(config_from_mapping(MONITOR), set={"scoring.bins": 40})


@pytest.mark.parametrize("call", ["run", "backfill", "rescore", "model_shift"])
def test_what_a_run_fails_on_is_checked_before_it_runs(call):
    asked = ("2024-01-01", "2024-01-02") if call == "backfill" else ()
    text = "fail_on: expected critical, warning, never, got 'warn'; did you mean 'warning'?"
    with pytest.raises(kldrift.ConfigError, match=re.escape(text)):
        getattr(kldrift, call)(SHIFT if call == "model_shift" else MONITOR, *asked, fail_on="warn")
