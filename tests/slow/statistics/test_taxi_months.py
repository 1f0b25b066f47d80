"""Limits that are learnt from months of real trips: they hold, and what is known stands out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kldrift.statistics.learned_limits import learned_limits

NUMBERS = ("trip_distance", "trip_minutes", "fare_amount", "hour")
CODES = ("pickup_location_id", "payment_type", "passenger_count", "rate_code_id")
QUIET = [f"2019-{month:02}" for month in range(4, 13)]
MONTHS = ["2019-02", *QUIET, "2020-04"]
CELLS = 41


def _trips(data: Path, month: str) -> pd.DataFrame:
    file = data / "nyc_yellow_taxi" / f"yellow_tripdata_sample_{month}.csv.gz"
    frame = pd.read_csv(file, parse_dates=["pickup_datetime", "dropoff_datetime"])
    frame["trip_minutes"] = (frame.dropoff_datetime - frame.pickup_datetime).dt.total_seconds() / 60
    frame["hour"] = frame.pickup_datetime.dt.hour
    return frame[[*NUMBERS, *CODES]].fillna(-1)


@pytest.fixture(scope="module")
def counts(data: Path) -> dict[str, np.ndarray]:
    """Rows per month, feature and cell: twenty cells of a number, or forty codes and the others."""
    trips = {month: _trips(data, month) for month in MONTHS}
    reference = pd.concat([trips[month] for month in QUIET])
    edges = {n: np.unique(reference[n].quantile(np.linspace(0.05, 0.95, 19))) for n in NUMBERS}
    codes = {n: reference[n].value_counts().index[: CELLS - 1] for n in CODES}
    found = {}
    for month, frame in trips.items():
        cells = [np.searchsorted(edges[n], frame[n]) for n in NUMBERS]
        cells += [codes[n].get_indexer(frame[n]) % CELLS for n in CODES]  # others are the last
        found[month] = np.array([np.bincount(c, minlength=CELLS) for c in cells])
    return found


def test_the_stated_rate_holds_on_the_months_of_2019(counts):
    p_values = np.array(
        [
            learned_limits(np.array([counts[m] for m in QUIET if m != month])).p_values(
                counts[month]
            )
            for month in QUIET
        ]
    )
    assert (p_values < 0.05).mean() <= 0.1
    assert p_values.min() > 1e-3


def test_the_lockdown_and_the_odd_passengers_of_february_stand_out(counts):
    learned = learned_limits(np.array([counts[month] for month in QUIET]))
    names = [*NUMBERS, *CODES]
    april = dict(zip(names, learned.p_values(counts["2020-04"]), strict=True))
    assert max(april[n] for n in ("pickup_location_id", "trip_minutes", "payment_type")) < 1e-6
    february = dict(zip(names, learned.p_values(counts["2019-02"]), strict=True))
    assert february.pop("passenger_count") < 1e-9
    assert min(february.values()) > 1e-4
