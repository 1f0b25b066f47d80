"""Two classifiers of the census data: who is judged otherwise by the one that would come."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.special import log_softmax, softmax
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kldrift.cli.main import main
from kldrift.reporting.order import SEVERITY_NAMES

pytestmark = pytest.mark.spark
SEGMENTS = ["sex", "race"]


def two_logits(margin):
    """Logits of both classes from the log odds of one."""
    return np.stack([np.zeros_like(margin), margin], -1)


@pytest.fixture(scope="module")
def judged(data):
    """The rows that were not learnt from, with the logits of both models."""
    adults = pd.read_parquet(data / "adult_census" / "adults.parquet").iloc[:24_000]
    rich = (adults["class"] == ">50K").to_numpy()
    known = pd.get_dummies(adults.drop(columns=["class", "fnlwgt"]), dtype=float).to_numpy()
    learn = np.arange(len(adults)) % 2 == 0
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
    boosted = HistGradientBoostingClassifier(max_iter=30, random_state=0)
    rows = adults[~learn][SEGMENTS].astype(str).reset_index(names="person")
    for name, model in (("linear", linear), ("boosted", boosted)):
        model.fit(known[learn], rich[learn])
        rows[name] = list(two_logits(model.decision_function(known[~learn])))
    return rows


@pytest.fixture(scope="module")
def kl(judged):
    q, p = (np.stack(judged[name]) for name in ("linear", "boosted"))
    return (softmax(p, -1) * (log_softmax(p, -1) - log_softmax(q, -1))).sum(-1)


def test_the_shift_by_sex_and_race_is_that_of_numpy_and_printed_as_a_table(
    spark,  # noqa: ARG001 - the command takes the session that is there
    judged,
    kl,
    tmp_path,
    capsys,
):
    pq.write_table(
        pa.Table.from_pandas(judged, preserve_index=False),
        tmp_path / "judged.parquet",
        row_group_size=3000,
    )
    config = {
        "monitor": "census",
        "data": {"path": "judged.parquet"},
        "champion": "linear",
        "challenger": "boosted",
        "key": "person",
        "segments": [[name] for name in SEGMENTS],
        "thresholds": {"kl": {"warning": 0.02, "critical": 0.03}},
        "output": {"path": "drift"},
        "expectations": False,
    }
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(config))
    code = main(["model-shift", str(tmp_path / "models.yaml")])
    lines = capsys.readouterr().out.splitlines()
    scores = pd.read_parquet(tmp_path / "drift" / "drift_scores")
    assert code == (3 if "critical" in set(scores["severity"]) else 0)

    expected = {"all": kl.mean()}
    for name in SEGMENTS:
        for value, here in judged.groupby(name).groups.items():
            expected[f"{name}={value}"] = kl[here].mean()
    found = scores.set_index(scores["segment"].fillna("all"))["kl"]
    assert set(found.index) == set(expected)
    assert len(expected) == 1 + 2 + 5
    for segment, mean in expected.items():
        assert found[segment] == pytest.approx(mean, rel=1e-9)

    severities = scores["severity"].tolist()
    worst_of_all = next(s for s in ("critical", "warning", "ok") if s in severities)
    assert lines[0].startswith(f"{worst_of_all}: boosted vs linear, on the same rows: ")
    heads = [line for line in lines[1:] if line.split("  ")[0] in ("critical", "warning", "ok")]
    assert [line.split("  ")[0] for line in heads] == sorted(severities, key=SEVERITY_NAMES.index)
    women = lines.index(next(line for line in heads if "sex=Female" in line))
    assert f"kl {expected['sex=Female']:.3g}" in " ".join(lines[women : women + 2])
    worst = judged["person"].iloc[np.argsort(-kl)[0]]
    place = lines.index("rows that differ most:")
    assert lines[place + 1].startswith(f"  {worst}: kl {kl.max():.3g}, class ")
