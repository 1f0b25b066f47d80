"""What a run keeps of its reference is used as it was written, or not at all."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_run import config_of, run_in_memory

from kldrift.monitor import reference_store
from kldrift.tables.schema import TABLES


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A run's plan, reference and output folder, which no test may change."""
    folder = tmp_path_factory.mktemp("written")
    return *run_in_memory(config_of(str(folder))), folder


@pytest.fixture
def kept(written, tmp_path):
    """The same with a folder of its own."""
    plan, reference, folder = written
    shutil.copytree(folder, tmp_path / "drift")
    plan = replace(plan, config=config_of(str(tmp_path / "drift")))
    return plan, reference, tmp_path / "drift"


def test_a_stored_reference_is_found_by_its_key_and_is_what_was_known(kept):
    plan, reference, _ = kept
    found = reference_store.find(plan, "key")
    assert found.complete
    assert found.reference.reference_id == reference.reference_id
    assert str(found) == "as read by run run-1 on 2024-02-01 00:00 UTC"
    for field in ("skipped", "pivots", "rows"):
        assert getattr(found.reference, field) == getattr(reference, field)
    assert list(found.reference.profiles) == list(reference.profiles)
    for name, profile in reference.profiles.items():
        assert found.reference.profiles[name] == profile
    assert reference_store.find(plan, "another key") is None
    assert reference_store.find(plan, None) is None


def files(folder: Path) -> list[Path]:
    """The two files of a reference."""
    return [*folder.glob("supports/*"), *folder.glob("profiles/*--reference-*")]


@pytest.mark.parametrize("which", [0, 1], ids=["supports", "profiles"])
def test_a_file_that_is_cut_off_anywhere_costs_a_scan_and_nothing_else(kept, which):
    plan, _, folder = kept
    file = files(folder)[which]
    whole = file.read_bytes()
    for size in [0, 4, 8, *np.linspace(9, len(whole) - 1, 40).astype(int).tolist()]:
        file.write_bytes(whole[:size])
        assert reference_store.find(plan, "key") is None
    file.write_bytes(whole)
    assert reference_store.find(plan, "key") is not None
    file.unlink()
    assert reference_store.find(plan, "key") is None
    file.mkdir()
    assert reference_store.find(plan, "key") is None


@pytest.mark.parametrize("which", [0, 1], ids=["supports", "profiles"])
def test_a_flipped_byte_is_found_or_changes_nothing(kept, which):
    plan, reference, folder = kept
    file = files(folder)[which]
    whole = file.read_bytes()
    rng = np.random.default_rng(which)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    places = [*rng.integers(0, footer, 60), *rng.integers(footer, len(whole), 60)]
    refused = 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(0, 8))
        file.write_bytes(damaged)
        found = reference_store.find(plan, "key")
        refused += found is None
        if found is not None:
            assert found.reference.profiles == reference.profiles
            assert found.reference.pivots == reference.pivots
            for name, joint in reference.joint.items():
                for width, moments in joint.moments.items():
                    again = found.reference.joint[name].moments[width]
                    for a, b in zip(moments.arrays, again.arrays, strict=True):
                        assert a.tobytes() == b.tobytes()
    assert refused > 30


def changed(column, change):
    """A file whose column holds something else, in a Parquet file that is whole."""

    def damage(table):
        place = table.column_names.index(column)
        if change is None:
            return table.remove_column(place)
        values = change(table[column].to_pylist())
        return table.set_column(place, column, pa.array(values))

    return damage


@pytest.mark.parametrize("table", ["supports", "profiles"])
@pytest.mark.parametrize(
    "change",
    [
        None,
        lambda v: [None] * len(v),
        lambda v: [x if x is None else str(x) for x in v],
        lambda v: [[1]] * len(v),
    ],
    ids=["missing", "null", "text", "lists"],
)
def test_a_column_of_another_kind_costs_a_scan_and_nothing_else(kept, table, change):
    plan, _, folder = kept
    file = files(folder)[["supports", "profiles"].index(table)]
    whole = pq.read_table(file)
    for column in TABLES[table].names:
        damaged = changed(column, change)(whole)
        if change is None or damaged[column].to_pylist() != whole[column].to_pylist():
            pq.write_table(damaged, file)
            found = reference_store.find(plan, "key")
            assert found is None or column in NO_SCORE_NEEDS[table]


NO_SCORE_NEEDS = {
    "supports": {"cell_kind", "lower", "upper", "label", "note"},
    "profiles": {
        *("segment", "new_values", "new_rows", "new_distinct", "frequent_value", "frequent_rows")
    },
}


@pytest.mark.parametrize("table", ["supports", "profiles"])
def test_rows_that_are_missing_or_there_twice_cost_a_scan(kept, table):
    plan, _, folder = kept
    file = files(folder)[["supports", "profiles"].index(table)]
    whole = pq.read_table(file)
    for rows in (whole.slice(1), whole.slice(0, whole.num_rows - 1), whole.slice(0, 0)):
        pq.write_table(rows, file)
        assert reference_store.find(plan, "key") is None
    pq.write_table(pa.concat_tables([whole, whole.slice(0, 1)]), file)
    assert reference_store.find(plan, "key") is None


def test_of_several_stored_references_the_damaged_ones_are_passed_over(kept):
    plan, reference, folder = kept
    supports, profiles = files(folder)
    for other in ("0" * 16, "f" * 16):
        name = supports.name.replace(reference.reference_id, other)
        (supports.parent / name).write_bytes(supports.read_bytes())
        name = profiles.name.replace(reference.reference_id, other)
        (profiles.parent / name).write_bytes(profiles.read_bytes())
    found = reference_store.find(plan, "key")
    assert found.reference.reference_id == reference.reference_id


def test_a_plan_that_asks_for_less_is_served_and_kept_as_a_reference_of_its_own(kept):
    plan, reference, folder = kept
    less = replace(plan, pairs=tuple(p for p in plan.pairs if p.feature.name != "huge"))
    found = reference_store.find(less, "key")
    assert not found.complete
    assert "huge" not in found.reference.profiles
    reference_store.save(less, found.reference, found.origin)
    assert len(files(folder)) == 4
    again = reference_store.find(less, "key")
    assert again.complete
    assert again.reference.reference_id == found.reference.reference_id
    assert reference_store.find(plan, "key").reference.reference_id == reference.reference_id


def test_another_monitor_of_the_folder_is_not_served(kept):
    plan, _, folder = kept
    other = replace(plan, config=replace(config_of(str(folder)), monitor="hourly"))
    assert reference_store.find(other, "key") is None


@pytest.mark.parametrize("error", [KeyError, OverflowError, MemoryError, TypeError, AssertionError])
def test_damage_of_any_kind_costs_a_scan_and_nothing_else(kept, monkeypatch, error):
    plan, _, _ = kept

    def damaged(*_):
        raise error("damaged")

    monkeypatch.setattr(reference_store, "stored_profiles", damaged)
    assert reference_store.find(plan, "key") is None
