"""What may be a secret is in no output, no log and no table."""

from __future__ import annotations

import pickle

import pandas as pd
import pytest

from kldrift.cli.main import main
from kldrift.errors import DatasetError

SECRET = "hunter2-and-more"


@pytest.mark.spark
@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("scan", ["auto", "dataframe"])
@pytest.mark.parametrize("path", ["nosuch://lake/x.parquet?sig={}", "s3://me:{}@lake/x.csv"])
def test_the_query_and_the_password_of_an_address_are_nowhere(tmp_path, capfd, path, scan):
    config = tmp_path / "kldrift.yaml"
    config.write_text(
        f"monitor: m\nreference: {{path: '{path.format(SECRET)}'}}\n"
        f"current: {{path: '{path.format(SECRET)}'}}\noutput: {{path: out}}\n"
        f"scan: {scan}\nexpectations: false\n"
    )
    for more in ([], ["--json"], ["--debug"]):
        assert main(["run", str(config), *more]) in (1, 2)
    assert main(["check", str(config)]) in (1, 2)
    said = capfd.readouterr()
    assert "error" in said.err
    assert SECRET not in said.out + said.err
    rows = pd.read_parquet(tmp_path / "out" / "runs")
    assert len(rows) == 3
    assert SECRET not in "".join(rows["error"])
    for file in (tmp_path / "out").rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


def test_errors_keep_no_secret_on_their_way_between_processes():
    error = DatasetError(f"cannot open 'abfs://data@lake/x?sv=1&sig={SECRET}'")
    assert str(pickle.loads(pickle.dumps(error))) == "cannot open 'abfs://data@lake/x?...'"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scan", "${PASSWORD}"),
        ("scoring.bins", "${PASSWORD}"),
        ("monitor", "my ${PASSWORD} monitor"),
        ("thresholds", "${PASSWORD}"),
        ("segments", "[['${PASSWORD}', '${PASSWORD}']]"),
        ("thresholds.kl.warning", "x" * 80 + "${PASSWORD}"),
    ],
)
def test_a_value_of_the_environment_in_a_wrong_place_is_not_echoed(
    monkeypatch, tmp_path, capsys, key, value
):
    monkeypatch.setenv("PASSWORD", SECRET)
    config = tmp_path / "kldrift.yaml"
    config.write_text(
        "monitor: m\nreference: {path: x.parquet}\ncurrent: {path: y.parquet}\noutput: {path: o}\n"
    )
    assert main(["check", str(config), "--set", f"{key}={value}"]) == 2
    said = capsys.readouterr().err
    assert "${PASSWORD}" in said or "x" * 20 in said
    assert SECRET not in said
    assert SECRET[-6:] not in said
