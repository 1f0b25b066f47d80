"""What was stored is scored again to the bits of the run that wrote it, and as is asked now."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from daily_sample import config_of as daily
from daily_sample import run_days
from stored_run import config_of, run_in_memory

import kldrift
from kldrift.errors import ConfigError, OutputError
from kldrift.tables import TABLES
from kldrift.tables.read import read_table

OWN = ("run_id", "config_hash")


def tables(folder):
    return {
        name: read_table(folder, name).select([c for c in TABLES[name].names if c not in OWN])
        for name in ("drift_scores", "drift_cells", "profiles")
    }


@pytest.mark.parametrize("missing", ["cell", "exclude"])
def test_the_same_question_gives_the_same_bits(tmp_path, missing):
    config = config_of(str(tmp_path), missing)
    run_in_memory(config)
    before = tables(str(tmp_path))
    found = kldrift.rescore(config)
    after = tables(str(tmp_path))
    assert len(found.results) == 1
    for name, table in before.items():
        assert after[name].equals(table), name
    assert before["drift_scores"].num_rows > 100


@pytest.mark.parametrize(("bins", "rows"), [(6, (3000, 2000)), (80, (290, 200))])
def test_other_settings_give_what_a_run_with_them_gives(tmp_path, bins, rows):
    old, new = (config_of(str(tmp_path / name)) for name in ("old", "new"))
    changed = replace(
        new, scoring=replace(new.scoring, bins=bins, pseudocount=2.0, missing="exclude")
    )
    run_in_memory(old, rows)
    run_in_memory(changed, rows)
    counted = {file: file.read_bytes() for file in (tmp_path / "old" / "profiles").iterdir()}
    kldrift.rescore(replace(changed, output=old.output))
    assert {file: file.read_bytes() for file in counted} == counted  # of the run that counted
    for name in ("drift_scores", "drift_cells"):
        kept = [c for c in TABLES[name].names if c not in (*OWN, "reference_id")]
        found, expected = (
            read_table(str(tmp_path / where), name).select(kept) for where in ("old", "new")
        )
        assert found.equals(expected), name


def test_other_segments_need_the_data_and_another_monitor_has_no_window(tmp_path):
    config = config_of(str(tmp_path))
    run_in_memory(config)
    with pytest.raises(ConfigError, match="segments: the tables have 2 lists of segments"):
        kldrift.rescore(replace(config, segments=(("group",),)))
    with pytest.raises(OutputError, match="no window of 'other' to score again"):
        kldrift.rescore(replace(config, monitor="other"))


def test_cells_of_earlier_windows_are_in_the_tables_only_and_read_from_there(tmp_path):
    config = daily(tmp_path)
    run_days(config, range(3))
    first, second, last = kldrift.rescore(config).results
    assert callable(first.cell_rows)
    assert not callable(last.cell_rows)
    stored = read_table(str(tmp_path), "drift_cells").to_pandas()
    for one in (first, last):
        mine = stored[stored["window_start"] == one.run["window_start"]].reset_index(drop=True)
        pd.testing.assert_frame_equal(one.cells, mine)
    kldrift.rescore(config)
    with pytest.raises(OutputError, match="is of another run than this result"):
        _ = second.cells
