"""Stored profiles are scored again to the bits of the run that wrote them."""

from __future__ import annotations

import pytest
from rescoring import differences, rescored, stored
from stored_run import WINDOW, config_of, run_in_memory

from kldrift.tables import read_table


@pytest.fixture(params=["cell", "exclude"])
def run(request, tmp_path):
    """A run in memory whose tables are written, and its configuration."""
    config = config_of(str(tmp_path), request.param)
    return config, *run_in_memory(config), str(tmp_path)


def test_stored_profiles_give_the_scores_of_the_run_bit_for_bit(run):
    config, _, reference, folder = run
    scores = rescored(
        *stored(folder, "daily", reference.reference_id, WINDOW),
        pseudocount=config.scoring.pseudocount,
        missing=config.scoring.missing,
        ridge=config.joint["pair"].ridge,
    )
    table = read_table(folder, "drift_scores")
    scored = [row for row in table.to_pylist() if row["kl"] is not None]
    assert {(row["feature"], row["segment"]) for row in scored} <= scores.keys()
    assert {"pair", "vector", "huge", "wide"} <= {row["feature"] for row in scored}
    assert sum(row["segment"] is not None for row in scored) > 50
    assert differences(table, scores) == []


def test_stored_groups_of_a_list_add_up_to_the_whole_with_the_rest(run):
    _, plan, reference, folder = run
    supports, before, now = stored(folder, "daily", reference.reference_id, WINDOW)
    assert [len(s.names) for s in supports.segments] == [5, 5]
    for found, _ in (before, now):
        for profile in found.values():
            whole = profile.of_list(-1)
            for number in range(2):
                part = profile.of_list(number)
                assert part.keys.is_rest.any()
                assert part.counts.sum(0).tolist() == whole.counts[0].tolist()
    assert plan.segments
