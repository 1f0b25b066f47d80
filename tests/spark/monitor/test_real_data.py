"""Real data: known drift is found and named, quiet pairs stay quiet, every set runs as it is."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kldrift
from kldrift.cli.init import init
from kldrift.config import load_config

CONF = Path(__file__).parents[3] / "conf"


def taxi(data: Path, month: str) -> Path:
    return data / "nyc_yellow_taxi" / f"yellow_tripdata_sample_{month}.csv.gz"


def trips(data: Path, month: str) -> pd.DataFrame:
    frame = pd.read_csv(taxi(data, month), parse_dates=["pickup_datetime", "dropoff_datetime"])
    frame["trip_minutes"] = (frame.dropoff_datetime - frame.pickup_datetime).dt.total_seconds() / 60
    return frame


@pytest.fixture(scope="module")
def months(data, tmp_path_factory) -> Path:
    """Months of trips as Parquet, which goes the Arrow way."""
    folder = tmp_path_factory.mktemp("trips")
    for month in ("2020-01", "2020-02", "2020-04"):
        trips(data, month).to_parquet(folder / f"{month}.parquet", row_group_size=3000)
    return folder


@pytest.mark.spark
@pytest.mark.usefixtures("data")
def test_the_lockdown_is_found_in_the_trips_and_its_changes_are_named(spark, tmp_path):
    overrides = [f"output.path={tmp_path / 'drift'}", f"expectations.path={tmp_path / 'gx'}"]
    result = kldrift.run(load_config(CONF / "nyc_taxi.yaml", overrides=overrides), spark=spark)
    assert result.exit_code == 3
    flagged = result.scores[result.scores["severity"].isin(["warning", "critical"])]
    reasons = flagged.set_index("feature")["reason"]
    assert {
        "pickup_location_id",
        "dropoff_location_id",
        "payment_type",
        "hour(pickup_datetime)",
        "trip_minutes",
        "passenger_count",
    } <= set(reasons.index)
    assert "null (0.92 % -> 8.0 %)" in reasons["passenger_count"]
    assert "'2' (23.4 % -> 34.6 %)" in reasons["payment_type"]
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "drift" / "drift_scores")[result.scores.columns],
        result.scores,
        check_dtype=False,
    )


@pytest.mark.spark
def test_parquet_files_of_the_trips_give_the_scores_of_the_csv_files(spark, data, months, tmp_path):
    scores = {}
    for name, source in (
        ("csv", {"path": str(taxi(data, "2020-02")), "format": "csv"}),
        ("parquet", {"path": str(months / "2020-02.parquet")}),
    ):
        current = {k: v.replace("2020-02", "2020-04") for k, v in source.items()}
        config = {
            "monitor": "trips",
            "reference": source,
            "current": current,
            "features": {"exclude": ["trip_minutes", "*_datetime"]},
            "output": {"path": str(tmp_path / name)},
            "expectations": False,
        }
        scores[name] = kldrift.run(config, spark=spark).scores.set_index("feature")["kl"]
    pd.testing.assert_series_equal(scores["csv"], scores["parquet"].loc[scores["csv"].index])


def test_january_and_february_are_quiet(data):
    parts = {"pickup_datetime": {"parts": ["hour", "weekday"]}}
    codes = {c: {"kind": "categorical"} for c in ("pickup_location_id", "dropoff_location_id")}
    sides = trips(data, "2020-01"), trips(data, "2020-02")
    result = kldrift.compare(*sides, override=parts | codes, thresholds={"kl": {"warning": 0.1}})
    assert set(result.scores["severity"]) == {"ok"}
    assert result.scores["kl"].max() < 0.05


def test_one_impossible_trip_moves_the_gaussian_kl_and_the_row_says_why(data):
    result = kldrift.compare(trips(data, "2020-10"), trips(data, "2020-11"))
    row = result.scores.set_index("feature").loc["trip_distance"]
    assert row["kl"] < 0.005
    assert row["gaussian_kl"] > 100
    assert row["severity"] == "ok"
    assert row["std_current"] > 100 * row["std_reference"]
    assert "from 0 to 46830, and from 0 to 133 in the reference" in row["reason"]


SETS = {
    "taxi": ("nyc_yellow_taxi/yellow_tripdata_sample_2019-06.csv.gz", None),
    "chicago": ("chicago_taxi/data.csv", None),
    "bikes by hour": ("bike_sharing/hour.csv", None),
    "bikes by day": ("bike_sharing/day.csv", None),
    "adults": ("adult_census/adults.parquet", None),
    "employment": (
        "employment_ma/employment_MA_analysis.parquet",
        "employment_ma/employment_MA_reference.parquet",
    ),
    "flights": (
        "flight_delays/flight_delays.csv.gz",
        "flight_delays/flight_delays_reference.csv.gz",
    ),
}


@pytest.mark.spark
@pytest.mark.parametrize(("source", "reference"), SETS.values(), ids=SETS)
def test_every_data_set_runs_from_the_configuration_that_init_wrote(
    spark, data, tmp_path, source, reference
):
    text = init(str(data / source), reference=str(data / reference) if reference else None)
    path = tmp_path / "kldrift.yaml"
    path.write_text(text)
    day = re.search(r"--as-of (\S+)", text)
    as_of = day and day[1]  # of a file with its month in the name
    result = kldrift.run(path, spark=spark, as_of=as_of, set={"expectations": False})
    # Columns are missing in the employment data, and flights differ with the season.
    expected = {"employment_ma": (3, 4), "flight_delays": (3,)}
    assert result.exit_code in expected.get(source.split("/")[0], (0,))
    assert set(result.scores["status"]) <= {"ok", "constant", "missing_feature"}
    assert len(result.scores) > 5


def test_cash_and_card_trips_changed_by_themselves_and_add_up_to_all(data):
    sides = trips(data, "2020-02"), trips(data, "2020-04")
    result = kldrift.compare(*sides, segments=[["payment_type"]], exclude=["*_datetime"])
    scores = result.scores
    whole = scores[scores["segment"].isna()].set_index("feature")
    parts = scores[scores["segment"].notna()]
    names = {f"payment_type={kind:g}" for kind in sides[0]["payment_type"].dropna().unique()}
    assert names <= set(parts["segment"])
    for side in ("reference", "current"):
        rows = parts.groupby("feature")[f"n_{side}"].sum()
        assert rows.to_dict() == whole[f"n_{side}"].to_dict()
    minutes = parts[parts["feature"] == "trip_minutes"].set_index("segment")
    assert minutes.loc["payment_type=1", "severity"] == "critical"
    for column in ("mean_reference", "std_current"):
        side = sides[0] if column.endswith("reference") else sides[1]
        values = side.loc[side["payment_type"] == 1, "trip_minutes"]
        expected = values.mean() if column.startswith("mean") else values.std(ddof=0)
        assert minutes.loc["payment_type=1", column] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("segments", [[["sex"]], [["race", "sex"]]], ids=str)
def test_random_halves_of_the_census_raise_no_alarm_in_any_segment(data, segments):
    adults = pd.read_parquet(data / "adult_census/adults.parquet")
    for seed in range(5):
        left = np.random.default_rng(seed).random(len(adults)) < 0.5
        scores = kldrift.compare(adults[left], adults[~left], segments=segments).scores
        assert not set(scores["severity"]) & {"critical", "warning"}, seed
        assert scores["segment"].nunique() == (2 if segments == [["sex"]] else 10)


@pytest.mark.parametrize("source", [s for s, _ in SETS.values()], ids=SETS)
def test_two_random_halves_of_a_data_set_raise_no_alarm(data, source):
    path = data / source
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    for seed in range(20):
        left = np.random.default_rng(seed).random(len(frame)) < 0.5
        scores = kldrift.compare(frame[left], frame[~left]).scores
        assert set(scores["severity"]) == {"ok"}, seed


@pytest.mark.spark
@pytest.mark.usefixtures("data")
def test_summer_and_winter_weather_differ_together_as_the_example_says(spark, tmp_path):
    result = _example(spark, tmp_path, "bike_sharing")
    scores = result.scores.set_index("feature")
    assert list(scores.loc[["temp", "atemp", "weather"], "severity"]) == ["critical"] * 3
    pair = result.cells[result.cells["label"] == "temp × hum"].iloc[0]
    assert round(pair["correlation_reference"], 2) == 0.06
    assert round(pair["correlation_current"], 2) == -0.77


@pytest.mark.spark
@pytest.mark.usefixtures("data")
def test_flights_differ_in_no_feature_but_together_as_the_example_says(spark, tmp_path):
    result = _example(spark, tmp_path, "flight_delays")
    scores = result.scores.set_index("feature")
    assert scores.loc["flight", "severity"] in ("warning", "critical")
    assert set(scores.drop("flight")["severity"]) == {"ok"}
    pair = result.cells[result.cells["label"] == "AIR_TIME × DISTANCE"].iloc[0]
    assert round(pair["correlation_reference"], 3) == 0.978
    assert round(pair["correlation_current"], 3) == 0.991


def _example(spark, folder, name):
    overrides = [f"output.path={folder / 'drift'}", "expectations=false"]
    return kldrift.run(load_config(CONF / f"{name}.yaml", overrides=overrides), spark=spark)
