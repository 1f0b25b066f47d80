"""Whole model shifts on Spark: tables, windows, segments, exit codes, Great Expectations."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from scipy import stats
from scipy.special import softmax
from shift_sample import row_kl

import kldrift
from kldrift.cli.main import main
from kldrift.errors import ConfigError, DatasetError
from kldrift.shift import run as job
from kldrift.statistics.significance import q_values

pytestmark = pytest.mark.spark
ROOT = Path(__file__).parents[3]
LISTS = pa.list_(pa.float64())
LEFT_OUT = {"null": 3, "length": 1, "nan": 2}


def made(n=4000, noise=0.2, seed=0) -> pa.Table:
    """Four days of rows; among women the challenger differs more; some rows cannot be compared."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Female", "Male"], n)
    q = rng.normal(0, 1, (n, 3))
    p = q + rng.normal(0, noise, (n, 3)) * np.where(sex == "Female", 8, 1)[:, None]
    champion, challenger = q.tolist(), p.tolist()
    for i in (10, 1010, 2010):
        champion[i] = None
    challenger[20] = [1.0]
    challenger[30] = challenger[31] = [math.nan, 0.0, 1.0]
    champion[40], challenger[40] = [0.0, -math.inf, 0.0], [0.0, 0.0, 0.0]
    at = [dt.datetime(2024, 1, 1) + dt.timedelta(minutes=1.44 * i) for i in range(n)]
    return pa.table(
        {
            "champion": pa.array(champion, LISTS),
            "challenger": pa.array(challenger, LISTS),
            "id": np.arange(n),
            "at": pa.array(at, pa.timestamp("us")),
            "sex": pa.array(sex),
            "raw": pa.array([b"\xff"] * n),
            "age": pa.array(rng.choice([20, 30, None], n).tolist(), pa.int64()),
            "score": rng.uniform(0, 1, n),
        }
    )


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of a finite divergence, with it."""
    good = [
        a is not None and len(a) == len(b) and bool(np.isfinite([*a, *b]).all())
        for a, b in zip(frame["champion"], frame["challenger"], strict=True)
    ]
    kept = frame[good].copy()
    sides = [np.stack(kept[c].tolist()) for c in ("challenger", "champion")]
    kept["kl"] = row_kl(*sides)
    kept["changed"] = sides[0].argmax(-1) != sides[1].argmax(-1)
    return kept


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return made()


@pytest.fixture(scope="module")
def folder(table, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models")
    for i, start in enumerate(range(0, len(table), 1500)):
        pq.write_table(table.slice(start, 1500), path / f"{i}.parquet", row_group_size=400)
    return path


def mapping(folder, output, **more):
    return {
        "monitor": "models",
        "data": {"path": str(folder)},
        "champion": "champion",
        "challenger": "challenger",
        "segments": [["sex"], ["sex", "age"]],
        "key": "id",
        "output": {"path": str(output)},
        "expectations": False,
    } | more


@pytest.mark.parametrize("scan", ["arrow", "dataframe"])
def test_a_run_equals_numpy_by_segment(spark, table, folder, tmp_path, scan):
    result = kldrift.model_shift(mapping(folder, tmp_path / "drift", scan=scan), spark=spark)
    assert result.exit_code == 3
    frame = table.to_pandas()
    kept = comparable(frame)
    scores = result.scores.set_index(result.scores["segment"].fillna("all"))
    assert len(scores) == 1 + 2 + 6
    for segment, here in {
        "all": kept,
        "sex=Female": kept[kept["sex"] == "Female"],
        "sex=Male, age=20": kept[(kept["sex"] == "Male") & (kept["age"] == 20)],
        "sex=Male, age=null": kept[(kept["sex"] == "Male") & kept["age"].isna()],
    }.items():
        row = scores.loc[segment]
        assert row["kl"] == pytest.approx(here["kl"].mean(), rel=1e-9)
        for name, share in (("kl_median", 0.5), ("kl_p90", 0.9), ("kl_p99", 0.99)):
            expected = np.quantile(here["kl"], share, method="inverted_cdf")
            assert row[name] == pytest.approx(expected, rel=0.01)
        test = stats.ttest_1samp(here["kl"], 0.1, alternative="greater")
        assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-6, abs=1e-300)
        cells = result.cells[result.cells["segment"].fillna("all") == segment]
        assert cells["contribution"].sum() == pytest.approx(row["kl"], rel=1e-12)
        assert cells["probability_current"].sum() == pytest.approx(1)
    everything = scores.loc["all"]
    infinite = frame["sex"].iloc[40]
    assert (everything["n_current"], everything["missing_current"]) == (4000, 6)
    assert "1 of 3,994 rows infinite" in everything["reason"]
    assert (
        "6 of 4,000 rows left out: 3 null, 1 empty or of two lengths, 2 with"
        in everything["reason"]
    )
    changed = kept["changed"].sum()  # on the infinite row both take the first class
    assert everything["top_class_changed"] == pytest.approx(changed / (len(kept) + 1), rel=1e-12)
    assert result.changed_classes()["rows"].sum() == changed
    assert result.class_pairs["rows"].sum() == len(kept) + 1
    assert everything["kind"] == "model_shift"
    assert everything["feature"] == "challenger vs champion"
    order = list(result.cells[result.cells["segment"].isna()]["cell_kind"])
    assert order[-1] == "infinite"
    assert f"sex={infinite}" in set(
        result.cells[result.cells["cell_kind"] == "infinite"]["segment"]
    )
    assert scores.loc["sex=Female", "severity"] == "critical"
    assert scores.loc["sex=Male", "severity"] == "ok"
    np.testing.assert_allclose(
        q_values(result.scores["p_value"].to_numpy()), result.scores["q_value"], rtol=1e-12
    )


def test_both_ways_and_any_files_give_the_same_tables_to_the_bit(spark, table, folder, tmp_path):
    pq.write_table(table, tmp_path / "one.parquet")
    ways = [
        {"scan": "arrow"},
        {"scan": "dataframe"},
        {"data": {"path": str(tmp_path / "one.parquet")}},
    ]
    found = [
        kldrift.model_shift(mapping(folder, tmp_path / str(i), **way), spark=spark)
        for i, way in enumerate(ways)
    ]
    for other in found[1:]:
        for name, drop in (
            ("scores", ["run_id", "config_hash"]),
            ("cells", ["run_id"]),
            ("worst_rows", ["run_id"]),
            ("class_pairs", ["run_id"]),
        ):
            places = {"cell", "place", "champion_class", "challenger_class"}
            by = ["segment", *sorted(places & set(getattr(other, name)))]
            frames = [
                getattr(r, name).drop(columns=drop).sort_values(by).reset_index(drop=True)
                for r in (found[0], other)
            ]
            pd.testing.assert_frame_equal(*frames, check_exact=True)


def test_windows_are_files_of_their_own_and_rows_without_a_window_are_told(
    spark, table, folder, tmp_path
):
    at = table["at"].to_pylist()
    at[5] = None
    late = table.set_column(3, "at", pa.array(at, pa.timestamp("us")))
    pq.write_table(late, tmp_path / "late.parquet")
    config = mapping(
        folder,
        tmp_path / "drift",
        data={"path": str(tmp_path / "late.parquet")},
        time={"column": "at", "window": "1d"},
        segments=[],
    )
    as_of = dt.datetime(2024, 1, 4, 12, tzinfo=dt.UTC)
    result = kldrift.model_shift(config, spark=spark, as_of=as_of)
    names = sorted(p.name for p in (tmp_path / "drift" / "drift_scores").glob("*.parquet"))
    assert names == [
        f"models--2024010{d}T000000Z_2024010{d + 1}T000000Z.parquet" for d in (1, 2, 3)
    ]
    assert result.skipped == [
        ("at", "1 rows without a time"),
        ("at", "1,000 rows of windows that end after --as-of are left to a later run"),
    ]
    kept = comparable(late.to_pandas())
    for row in result.scores.itertuples():
        here = kept[
            (kept["at"] >= row.window_start.tz_localize(None))
            & (kept["at"] < row.window_end.tz_localize(None))
        ]
        assert row.kl == pytest.approx(here["kl"].mean(), rel=1e-9)
    stored = pd.read_parquet(tmp_path / "drift" / "worst_rows")
    assert len(stored) == 60
    again = kldrift.model_shift(config, spark=spark)
    assert len(pd.read_parquet(tmp_path / "drift" / "drift_scores")) == 4
    assert again.run["rows_current"] == 3999
    assert len(pd.read_parquet(tmp_path / "drift" / "runs")) == 2


def test_the_worst_rows_are_named_by_their_key(spark, table, folder, tmp_path):
    result = kldrift.model_shift(mapping(folder, tmp_path / "drift"), spark=spark)
    worst = result.worst_of_all()
    kept = comparable(table.to_pandas()).sort_values("kl", ascending=False)
    assert list(worst["key"]) == ["40", *map(str, kept["id"][:19])]
    assert worst["kl"].isna().tolist() == [True] + [False] * 19
    assert len(result.summary()["worst_rows"]) == 20
    json.dumps(result.summary(), allow_nan=False)
    without = kldrift.model_shift(mapping(folder, tmp_path / "other", key=None), spark=spark)
    assert without.worst_rows.empty
    assert not list((tmp_path / "other" / "worst_rows").glob("*.parquet"))


def test_probabilities_give_what_their_logits_give(spark, folder, table, tmp_path):
    whole = comparable(table.to_pandas())
    columns = {
        name: pa.array(softmax(np.stack(whole[name].tolist()), -1).tolist(), LISTS)
        for name in ("champion", "challenger")
    }
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    config = mapping(folder, tmp_path / "drift", inputs="probabilities", segments=[], key=None)
    config["data"] = {"path": str(tmp_path / "p.parquet")}
    row = kldrift.model_shift(config, spark=spark).scores.iloc[0]
    assert row["kl"] == pytest.approx(whole["kl"].mean(), rel=1e-9)


@pytest.mark.parametrize(
    ("fail_on", "change", "expected"),
    [
        ("critical", {}, 3),
        ("never", {}, 0),
        ("critical", {"thresholds": {"kl": {"warning": 0.1}}}, 0),
        ("warning", {"thresholds": {"kl": {"warning": 0.1}}}, 3),
        ("critical", {"thresholds": {"kl": {"critical": 9}}}, 0),
        ("critical", {"min_rows": 5000}, 4),
        ("critical", {"data": {"sql": "no rows"}}, 4),
        ("critical", {"min_rows": 3000, "thresholds": {"kl": {"critical": 9}}}, 0),
    ],
    ids=[
        "critical",
        "never",
        "warning only",
        "warning",
        "high",
        "too few rows",
        "empty",
        "a small segment is no failure",
    ],
)
def test_the_exit_code_is_what_a_scheduler_asked_for(
    spark, folder, tmp_path, fail_on, change, expected
):
    if "data" in change:
        change = {"data": {"path": str(folder), "where": "id < 0"}}
    result = kldrift.model_shift(
        mapping(folder, tmp_path / "o", **change), spark=spark, fail_on=fail_on
    )
    assert result.exit_code == expected
    if expected == 4:
        row = result.scores[result.scores["segment"].isna()].iloc[0]
        assert row["severity"] == "unscored"
        assert row["status"] == ("empty" if "data" in change else "too_few_rows")
        assert pd.isna(row["kl"])


WRONG = {
    "no column": ({"champion": "champ"}, "champion: the data has no column 'champ'; did you mean"),
    "no list": (
        {"challenger": "age"},
        "challenger: expected a column of arrays of float or double, got 'age' of type int64; cast",
    ),
    "one number": (
        {"champion": "score"},
        r"'score' of type double; make .* in data.sql, such as array\(1 - score, score\)",
    ),
    "no time": ({"time": {"column": "sex", "window": "1d"}}, "time.column: expected a timestamp"),
    "a list as a segment": (
        {"segments": [["champion"]]},
        r"segments\[0\]\[0\]: expected a column of",
    ),
    "bytes as a key": ({"key": "raw"}, "key: expected a column of plain values, got 'raw' of type"),
    "a list as a key": ({"key": "champion"}, "key: expected a column of plain values"),
}


@pytest.mark.parametrize("case", WRONG)
def test_columns_that_do_not_fit_are_told_before_rows_are_read(spark, folder, tmp_path, case):
    change, expected = WRONG[case]
    with pytest.raises(ConfigError, match=expected):
        kldrift.model_shift(mapping(folder, tmp_path / "o", **change), spark=spark)


def test_a_column_for_each_class_is_an_array_of_a_query(spark, tmp_path):
    rng = np.random.default_rng(0)
    old, new = rng.uniform(0.1, 0.9, (2, 500))
    pq.write_table(pa.table({"old": old, "new": new}), tmp_path / "scores.parquet")
    both = "array(1 - old, old) as a, array(1 - new, new) as b"
    data = {"sql": f"select {both} from parquet.`{tmp_path / 'scores.parquet'}`"}
    config = mapping(tmp_path, tmp_path / "o", data=data, inputs="probabilities")
    config |= {"champion": "a", "challenger": "b", "segments": [], "key": None}
    result = kldrift.model_shift(config, spark=spark)
    expected = new * np.log(new / old) + (1 - new) * np.log((1 - new) / (1 - old))
    assert result.scores["kl"][0] == pytest.approx(expected.mean(), rel=1e-9)


def test_too_many_segments_fail_the_run_and_say_what_to_do(spark, folder, tmp_path):
    rows = 10_001
    many = pa.table({"champion": [[0.0]] * rows, "challenger": [[0.0]] * rows, "id": range(rows)})
    pq.write_table(many, tmp_path / "many.parquet")
    config = mapping(folder, tmp_path / "o", segments=[["id"]], key=None)
    config["data"] = {"path": str(tmp_path / "many.parquet")}
    with pytest.raises(DatasetError, match="more than 10,000 groups; leave out a column"):
        kldrift.model_shift(config, spark=spark)
    assert pd.read_parquet(tmp_path / "o" / "runs")["exit_code"].tolist() == [1]


def test_there_is_one_scan(spark, folder, tmp_path, monkeypatch):
    collected = []
    scan = job.compare_models

    def counted(session, source, program, collect):
        return scan(session, source, program, lambda f: collected.append(f) or collect(f))

    monkeypatch.setattr(job, "compare_models", counted)
    kldrift.model_shift(mapping(folder, tmp_path / "o"), spark=spark)
    assert len(collected) == 1


def test_great_expectations_has_a_result_for_each_threshold_and_segment(spark, folder, tmp_path):
    config = mapping(folder, tmp_path / "drift", expectations={"data_docs": False})
    config |= {"segments": [["sex"]], "time": {"column": "at", "window": "2d"}}
    result = kldrift.model_shift(config, spark=spark)
    files = list((tmp_path / "drift" / "gx").rglob("validations/**/*.json"))
    found = [json.loads(f.read_text()) for f in files]
    assert len(found) == result.scores["window_start"].nunique() == 2 + 1
    for suite in found:
        kwargs = [r["expectation_config"]["kwargs"] for r in suite["results"]]
        assert sorted((k.get("segment") or "", k["threshold"]) for k in kwargs) == [
            (segment, level) for segment in ("", "sex=Female", "sex=Male") for level in (0.1, 0.25)
        ]
        for r in suite["results"]:
            rows = result.scores[result.scores["kl"] == r["result"]["observed_value"]]
            assert len(rows) == 1
            kwargs, row = r["expectation_config"]["kwargs"], rows.iloc[0]
            assert kwargs.get("segment") == (row["segment"] if pd.notna(row["segment"]) else None)
            assert r["success"] is not bool(
                row["kl"] > kwargs["threshold"] and row["q_value"] < kwargs["alpha"]
            )
    severities = result.scores.groupby("severity").size()
    assert severities["critical"] >= 3
    assert severities["ok"] >= 3


def as_a_job(options):
    done = subprocess.run(
        [sys.executable, "jobs/model_shift.py", "--config", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)},
    )
    return done.returncode, done.stdout


def as_a_command(options):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        return main(["model-shift", *options]), said.getvalue()


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("program", [as_a_job, as_a_command])
def test_the_job_and_the_command_take_the_same_options(folder, tmp_path, program):
    path = tmp_path / "models.yaml"
    path.write_text(yaml.safe_dump(mapping(folder, tmp_path / "drift", segments=[["sex"]])))
    options = [str(path), "--set", "thresholds.kl.critical=0.2", "--as-of", "2024-02-01"]
    exit_code, text = program([*options, "--fail-on", "critical", "--json"])
    assert exit_code == 3, text
    said = json.loads(text)
    assert said["exit_code"] == 3
    assert said["worst"][0]["segment"] == "sex=Female"
    assert said["worst"][0]["threshold_critical"] == 0.2
    stored = pd.read_parquet(tmp_path / "drift" / "drift_scores")
    assert stored["window_end"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2024-02-01"]


def test_a_wrong_configuration_is_exit_code_2(tmp_path, capsys):
    path = tmp_path / "m.yaml"
    path.write_text("monitor: m\ndata: {path: a}\nchampion: a\noutput: {path: o}\nsegment: []\n")
    assert main(["model-shift", str(path), "--quiet"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("segment: unknown key; did you mean 'segments'?")
    assert second.endswith("challenger: expected text, but the key is missing")
