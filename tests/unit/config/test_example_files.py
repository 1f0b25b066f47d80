"""The example configurations can be read, and are what their names say."""

from __future__ import annotations

from pathlib import Path

import pytest

from kldrift.config import load_config

CONF = Path(__file__).parents[3] / "conf"


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_can_be_read_and_has_a_folder_of_its_own(path):
    config = load_config(path)
    assert config.monitor == path.stem
    assert Path(config.output.path).name == path.stem
    assert f"conf/{path.name}" in path.read_text() or config.time is None


def test_there_is_one_by_month_by_day_by_year_and_by_season():
    of = {path.stem: load_config(path) for path in CONF.glob("*.yaml")}
    month, day = of["nyc_taxi_by_month"], of["nyc_taxi_by_day"]
    assert (month.time.window, day.time.window) == ("1mo", "1d")
    assert day.learned
    assert month.reference.since == "2019-03-01"
    assert of["bike_sharing_by_month"].reference.same == "month"
    assert of["employment_by_year"].segments == (("SEX",), ("NATIVITY",))
