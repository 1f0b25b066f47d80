"""What a run tells of its stages."""

from __future__ import annotations

from daily_sample import START, config_of, window

from kldrift.execution.progress import SILENT
from kldrift.monitor.record import Record


def stages(record):
    return [one["stage"] for one in record.seconds()]


def test_stages_that_come_again_are_one_with_the_time_of_all(tmp_path, monkeypatch):
    clock = iter([0.0, 1.0, 3.0, 6.0, 10.0])
    monkeypatch.setattr("kldrift.monitor.record.time.perf_counter", lambda: next(clock))
    record = Record(config_of(tmp_path), window(0), START, SILENT)
    for name in ("planning", "scoring", "writing", "scoring"):
        record.stage(name)
    assert record.seconds() == [
        {"stage": "planning", "seconds": 1.0},
        {"stage": "scoring", "seconds": 2.0 + 4.0},
        {"stage": "writing", "seconds": 3.0},
    ]


class Told:
    """Progress that keeps the names of stages."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, name: str) -> None:
        self.stages.append(name)

    def update(self, *_: object) -> None:
        pass


def test_a_window_has_the_stages_of_its_own_and_the_run_has_all(tmp_path):
    progress = Told()
    record = Record(config_of(tmp_path), window(9), START, progress)
    record.stage("scoring")
    found = []
    for day in range(3):
        one = record.of_window(window(day))
        one.stage("writing tables")
        found.append((one.window, one.run_id, stages(one)))
    assert [s for *_, s in found] == [["writing tables"]] * 3
    assert [w for w, *_ in found] == [window(day) for day in range(3)]
    assert len({run_id for _, run_id, _ in found} | {record.run_id}) == 4
    assert stages(record) == ["scoring", "writing tables"]
    assert progress.stages == ["scoring"]  # or a backfill of a year would show a line for each day


def test_no_stage_takes_no_time(tmp_path):
    assert Record(config_of(tmp_path), window(0), START, SILENT).seconds() == []
