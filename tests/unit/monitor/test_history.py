"""A reference of earlier windows reads what it is made of, however long the history is."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from daily_sample import config_of, rows, run_days, window

import kldrift
from kldrift.config import Time
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor.history import SEGMENT_CRITICAL, History, PastWindow, chosen_windows
from kldrift.monitor.plan import make_plan
from kldrift.monitor.stages import Reference, read_reference
from kldrift.reporting.causes import drifted
from kldrift.sources.table import TableSource
from kldrift.tables import Window

YEARS = 3 * 365
ROWS = 500


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Reference:
    first = TableSource(rows(0, ROWS))
    plan = make_plan(config_of(tmp_path_factory.mktemp("base")), first, first)
    return read_reference(plan, MemoryEngine(first, first), SILENT)


def asked_for(base: Reference, rule, days, damaged=()) -> tuple[list[int], list[int]]:
    """The days that are read for some windows, and the rows of their references."""
    config, read = config_of("drift", reference=rule), []

    def past(one: Window) -> PastWindow | None:
        day = (one.start - window(0).start).days
        read.append(day)
        return None if day in damaged else PastWindow(base.profiles, {})

    history = History(stored=map(window, range(YEARS)), read=past)
    made = [history.reference(base, config.reference, config.time, window(day)) for day in days]
    return read, [reference.rows for reference in made]


def test_years_of_windows_before_a_trailing_reference_are_not_read(base):
    days = range(YEARS, YEARS + 2)
    read, sizes = asked_for(base, {"trailing": "30d"}, days)
    assert read == list(range(YEARS - 30, YEARS))
    assert sizes == [30 * ROWS, 29 * ROWS]
    read, sizes = asked_for(base, {"trailing": "30d", "same": "weekday"}, days)
    assert len(read) == 8
    assert sizes == [4 * ROWS] * 2


def test_a_damaged_window_is_passed_over_and_the_one_before_it_is_read(base):
    read, sizes = asked_for(base, {"previous": 2}, [YEARS], damaged={YEARS - 1, YEARS - 2})
    assert sorted(read) == list(range(YEARS - 4, YEARS))
    assert sizes == [2 * ROWS]


@pytest.mark.parametrize("day", [datetime(2024, 3, 29), datetime(2024, 10, 25)], ids=str)
@pytest.mark.parametrize(("trailing", "days"), [("1d", 1), ("2d", 2), ("1w", 7)])
def test_a_trailing_reference_has_all_its_days_where_one_of_them_has_23_or_25_hours(
    day, trailing, days, tmp_path
):
    time = Time("at", "1d", zone="Europe/Berlin")
    begin = time.windows.due(day.replace(tzinfo=UTC), time.late)
    starts = list(time.windows.between(begin, datetime(day.year, 12, 1, tzinfo=UTC)))[:15]
    every = [Window(start, time.windows.end(start)) for start in starts]
    rule = config_of(tmp_path, reference={"trailing": trailing}).reference
    for place, judged in enumerate(every[days:], days):
        assert chosen_windows(rule, time, every, judged) == every[place - days : place]


def with_one_part_elsewhere(day: int) -> pa.Table:
    """Rows of a day; from the eighth on those of a small part lie elsewhere."""
    rng, n = np.random.default_rng(day), 2_000
    part = rng.choice(["large", "small"], n, p=[0.9, 0.1])
    x = rng.normal(0, 1, n) + 1.5 * (day >= 8) * (part == "small")
    return pa.table({"x": x, "part": part})


def test_windows_in_which_a_segment_was_critical_are_no_reference_for_it(tmp_path):
    limits = {"kl": {"warning": 0.1, "critical": 0.25}}
    fixed = config_of(tmp_path, segments=[["part"]], thresholds=limits)
    run_days(fixed, range(16), with_one_part_elsewhere, reference_rows=with_one_part_elsewhere(0))
    trailing = config_of(
        tmp_path, segments=[["part"]], thresholds=limits, reference={"trailing": "5d"}
    )
    found = kldrift.rescore(trailing, fail_on="never").results
    every = [one.scores[one.scores["feature"] == "x"] for one in found]
    parts = [scores[scores["segment"] == "part=small"].iloc[0] for scores in every]
    assert [part["severity"] for part in parts[3:13]] == ["ok"] * 5 + ["critical"] * 5
    assert parts[12]["n_reference"] < parts[8]["n_reference"] / 3  # one good window is left
    assert (parts[13]["severity"], parts[13]["reason"]) == ("unscored", SEGMENT_CRITICAL)
    wholes = [scores[scores["segment"].isna()].iloc[0] for scores in every]
    assert {whole["severity"] for whole in wholes[3:]} == {"ok"}
    assert {whole["n_reference"] for whole in wholes[5:]} == {10_000}
    # Every row lies in a segment, whichever windows the reference is made of.
    assert not [why for one in found for name, why in one.skipped if name == "segment part"]
    # The split of the whole stays one against all that it is compared with.
    split = found[12].splits.set_index("feature").loc["x"]
    assert split["mix"] < 0.01
    assert split["mix"] + split["within"] == pytest.approx(split["total"], abs=1e-12)


def severities_beside_trailing_windows(folder, moved) -> list[str]:
    """Of a number that lies elsewhere on some days, beside the 14 days before each."""

    def of_day(day: int) -> pa.Table:
        shift = 2.0 * (day in moved)
        return pa.table({"x": np.random.default_rng(day).normal(shift, 1, 500)})

    limits = {"kl": {"warning": 0.1, "critical": 0.25}}
    run_days(config_of(folder, thresholds=limits), range(36), of_day, reference_rows=of_day(99))
    trailing = config_of(folder, thresholds=limits, reference={"trailing": "14d"})
    found = kldrift.rescore(trailing, fail_on="never").scores
    return found.loc[found["feature"] == "x", "severity"].tolist()


def test_a_level_that_most_windows_have_is_usual_and_one_that_ended_is_not(tmp_path):
    stays = severities_beside_trailing_windows(tmp_path / "stays", range(15, 36))
    assert stays[15:23] == ["critical"] * 8  # it is left out of its own history
    assert stays[28:] == ["ok"] * 8
    ended = severities_beside_trailing_windows(tmp_path / "ended", range(15, 22))
    assert ended[15:] == ["critical"] * 7 + ["ok"] * 14


def test_nulls_in_the_same_rows_are_one_cause_where_references_are_of_other_windows(tmp_path):
    """One window was left out of the history of y, so it was apart from x."""

    def of_day(day: int) -> pa.Table:
        rng, n = np.random.default_rng(day), 2_000
        gone = rng.random(n) < (0.3 if day == 12 else 0.05)
        x, y = rng.normal(size=n), rng.normal(2.0 * (day == 6), 1, n)
        return pa.table({"x": pa.array(x, mask=gone), "y": pa.array(y, mask=gone)})

    limits = {"kl": {"warning": 0.05, "critical": 0.1}}
    run_days(config_of(tmp_path, thresholds=limits), range(13), of_day, reference_rows=of_day(99))
    trailing = config_of(tmp_path, thresholds=limits, reference={"trailing": "10d"})
    rows = kldrift.rescore(trailing, fail_on="never").results[-1].scores.set_index("feature")
    assert rows.loc["x", "n_reference"] > rows.loc["y", "n_reference"] > 0
    for one, other in ("xy", "yx"):
        assert f"as many as in '{other}'" in rows.loc[one, "reason"]
    (cause,) = drifted(pa.Table.from_pandas(rows.loc[["x", "y"]].reset_index())).causes
    assert sorted(cause.features) == ["x", "y"]
