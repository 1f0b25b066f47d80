"""New categories have some time before anybody is called about them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from daily_sample import config_of, rows, run_days

import kldrift
from kldrift.errors import ConfigError
from kldrift.tables.read import read_table

CONFIG = {
    "thresholds": {"kl": {"warning": 0.1, "critical": 0.2}},
    "features": {"include": ["kind", "x"]},
}


def with_new_category(day: int) -> pa.Table:
    """From day 1 on, half of the rows are of a new kind; on day 2 a number moves too."""
    table = rows(day, shift=3.0 if day == 2 else 0.0)
    kinds = table["kind"].to_pylist()
    if day > 0:
        kinds[::2] = ["c"] * len(kinds[::2])
    return table.set_column(table.schema.get_field_index("kind"), "kind", pa.array(kinds))


def alerts(folder, feature):
    found = read_table(str(folder), "drift_scores").to_pandas()
    return list(found.loc[found["feature"] == feature, "alert"])


def test_a_new_category_is_pending_for_its_grace_and_then_raised_and_other_drift_at_once(tmp_path):
    config = config_of(tmp_path, alarms={"grace": "2d"}, **CONFIG)
    found = run_days(config, [0, 1], with_new_category)
    for day in (2, 3):  # as a schedule does
        found += run_days(config, [day], with_new_category)
    assert alerts(tmp_path, "kind") == ["none", "pending", "pending", "raised"]
    assert alerts(tmp_path, "x")[2] == "raised"
    assert [r.exit_code for r in found] == [0, 0, 3, 3]
    kldrift.rescore(config)
    assert alerts(tmp_path, "kind") == ["none", "pending", "pending", "raised"]
    kldrift.rescore(config_of(tmp_path, alarms={}, **CONFIG))
    assert alerts(tmp_path, "kind") == ["none"] + ["raised"] * 3


def with_weekends(first: int) -> Callable[[int], pa.Table]:
    """Weekends have another mix of kinds; from a day on a few rows are of a new one."""

    def of_day(day: int) -> pa.Table:
        rng = np.random.default_rng(day)
        share = 0.5 if day % 7 < 5 else 0.3
        kinds = rng.choice(["a", "b"], 800, p=[share, 1 - share])
        kinds[: 40 * (day >= first)] = "c"
        table = rows(day, n=800)
        return table.set_column(table.schema.get_field_index("kind"), "kind", pa.array(kinds))

    return of_day


def test_a_new_category_is_pending_on_a_weekend_whose_season_moves_more_rows(tmp_path):
    config = config_of(tmp_path, thresholds="learned", alarms={"grace": "2d"})
    assert 40 % 7 == 5
    run_days(config, range(44), with_weekends(40))
    assert alerts(tmp_path, "kind")[38:] == ["none"] * 2 + ["pending"] * 2 + ["raised"] * 2


def test_a_grace_is_a_duration(tmp_path):
    with pytest.raises(ConfigError, match=r"alarms\.grace: expected a duration such as"):
        config_of(tmp_path, alarms={"grace": "soon"})


def test_days_that_are_known_to_be_odd_are_muted_for_all_features_and_cost_no_page(tmp_path):
    mute = {
        "feature": "*",
        "from": "2024-01-03",
        "until": "2024-01-04",
        "owner": "ana",
        "why": "fair",
    }
    config = config_of(tmp_path, alarms={"mute": [mute]}, **CONFIG)
    found = run_days(config, range(4), lambda day: rows(day, shift=3.0 if day in (1, 2) else 0.0))
    assert [r.exit_code for r in found] == [0, 3, 0, 0]
    assert alerts(tmp_path, "x") == ["none", "raised", "muted", "none"]
    assert found[-1].run["pages_spent"] == 1


def test_a_mute_that_mutes_nothing_says_so_and_names_the_nearest_feature(tmp_path):
    mute = {"until": "2024-02-03", "owner": "ana", "why": "new scale"}
    mutes = [{"feature": "kinds", **mute}, {"feature": "k*", **mute}, {"feature": ":rows", **mute}]
    config = config_of(tmp_path, alarms={"mute": mutes}, **CONFIG)
    run_days(config, [0])
    said = [note for note in kldrift.rescore(config).notes if "mute" in note]
    assert said == ["alarms.mute: 'kinds' is no feature of these rows; did you mean 'kind'?"]
