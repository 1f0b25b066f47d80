"""Random halves of real data raise nothing, nor do names of which chance gives some a cell."""

import numpy as np
import pandas as pd
import pytest

import kldrift
from tests.bench.halves import DATA, data_sets, flagged, page, read


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real data beside the checkout: ../shared")
@pytest.mark.parametrize("name", ["bike_sharing/hour", "chicago_taxi/data"])
def test_halves_of_real_data_raise_nothing(name):
    rows = read(data_sets()[name], most=2_000)
    compared, alarms = flagged(rows, seed=0)
    assert compared > rows.shape[1] // 2
    assert alarms["reason"].tolist() == []


@pytest.mark.parametrize(("names", "rows"), [(150, 7_500), (400, 20_000)])
def test_names_with_a_cell_by_chance_do_not_make_all_others_look_more_frequent(names, rows):
    severities, p_values = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        sides = (pd.DataFrame({"x": rng.integers(0, names, rows).astype(str)}) for _ in range(2))
        score = kldrift.compare(*sides).scores.iloc[0]
        severities.append(score["severity"])
        p_values.append(score["p_value"])
    assert set(severities) == {"ok"}
    assert min(p_values) > 0.001


def test_a_page_about_halves_names_every_alarm():
    row = {"data set": "a", "rows a half": 500, "seeds": 2, "compared": 20, "alarms": 1}
    text = page(pd.DataFrame([row | {"which": ["x (seed 1): moved"]}]), "make it")
    assert "| a | 500 | 2 | 20 | 1 |" in text
    assert "- a: x (seed 1): moved" in text
