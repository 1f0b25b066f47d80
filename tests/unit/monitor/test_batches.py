"""Batches that were counted add up to the windows that one run would have counted."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from daily_sample import DAY, START, config_of, rows, run_days, window

import kldrift
from kldrift.errors import ConfigError, DatasetError, OutputError
from kldrift.tables import TABLES
from kldrift.tables.read import read_table

OWN = ("run_id", "config_hash")
MORE = {
    "features": {"exclude": ["at"]},
    "segments": [["part"]],
    "joint": {"both": {"features": ["x", "y"]}},
}


def timed(day: int) -> pa.Table:
    table = rows(day)
    at = [START + day * DAY + dt.timedelta(minutes=2 * i) for i in range(table.num_rows)]
    return table.append_column("at", pa.array(at, pa.timestamp("us", tz="UTC")))


def stored(folder, name):
    """What does not depend on the run, nor on the order in which doubles were added."""
    table = read_table(str(folder), name)
    lists = {f.name for f in table.schema if f.name.startswith("joint_")} | {"sum1_low", "sum2_low"}
    kept = [c for c in TABLES[name].names if c not in (*OWN, *lists)]
    if name == "profiles":
        table = table.filter(pa.compute.equal(table["dataset"], "current"))
    return table.select(kept)


@pytest.fixture
def at_once(tmp_path):
    """Three days that a run counted each as a whole."""
    config = config_of(tmp_path / "once", **MORE)
    run_days(config, range(3), timed)
    return tmp_path / "once"


def test_batches_that_cross_days_and_come_twice_are_judged_as_the_days_themselves(
    tmp_path, at_once
):
    config = config_of(tmp_path / "batches", **MORE)
    run_days(config, [0], timed)  # reads the reference
    everything = pa.concat_tables([timed(day) for day in range(3)])
    mixed = everything.take(np.random.default_rng(1).permutation(everything.num_rows))
    frames = [mixed.slice(start, 700) for start in (0, 700, 1400)]
    for number in (0, 1, 2, 1):
        kldrift.count(frames[number], config, batch=number)
    found = kldrift.rescore(config)
    assert [r.run["rows_current"] for r in found.results] == [600, 600, 600]
    assert [r.run["window_start"] for r in found.results] == [window(d).start for d in range(3)]
    for name in ("drift_scores", "drift_cells", "profiles"):
        new, old = (
            t.to_pandas() for t in (stored(tmp_path / "batches", name), stored(at_once, name))
        )
        pd.testing.assert_frame_equal(new, old, rtol=1e-12, atol=1e-13)


def test_pandas_frames_of_other_widths_count_alike_and_the_rows_are_given_back(tmp_path):
    config = config_of(tmp_path, features={"exclude": ["at"]})
    run_days(config, [0], timed)
    found = kldrift.count(timed(1).to_pandas(), config, batch="a.1")
    again = kldrift.count(timed(1), config, batch="b")
    assert set(found["dataset"]) == {"batch"}
    assert found["n"].tolist() == again["n"].tolist() == [600, 600, 600, 600]
    assert [list(c) for c in found["cells"]] == [list(c) for c in again["cells"]]


def test_a_window_that_is_not_over_is_counted_and_not_judged(tmp_path):
    config = config_of(tmp_path, features={"exclude": ["at"]}, time=_time(lateness="9999d"))
    run_days(config, [0], timed)
    kldrift.count(timed(1), config, batch=1)
    assert len(kldrift.rescore(config).results) == 1


def _time(**more):
    return {"column": "at", "window": "1d", **more}


def test_rows_that_the_reference_does_not_fit_are_refused_in_words(tmp_path):
    config = config_of(tmp_path, features={"exclude": ["at"]})
    with pytest.raises(OutputError, match="no reference of 'daily' yet; kldrift run reads it"):
        kldrift.count(timed(1), config, batch=1)
    run_days(config, [0], timed)
    day = timed(1)
    with pytest.raises(DatasetError, match="feature 'x' is in the reference and not in these"):
        kldrift.count(day.drop_columns(["x"]), config, batch=1)
    with pytest.raises(DatasetError, match="feature 'z' is not in the reference; exclude it"):
        kldrift.count(day.append_column("z", day["x"]), config, batch=1)
    text = day.set_column(0, "x", day["x"].cast(pa.string()))
    with pytest.raises(DatasetError, match="feature 'x' is of another type than in the reference"):
        kldrift.count(text, config, batch=1)
    with pytest.raises(ConfigError, match="batch: expected a number or up to 64 letters"):
        kldrift.count(day, config, batch="../x")
    with pytest.raises(ConfigError, match="batches are counted by window"):
        kldrift.count(day, {**MORE, "monitor": "m", **_sides(tmp_path)}, batch=1)


def _sides(folder):
    return {
        "reference": {"sql": "r"},
        "current": {"sql": "c"},
        "output": {"path": str(folder)},
        "expectations": False,
    }
