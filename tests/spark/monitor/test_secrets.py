"""What may be a secret is in no output, no log and no table."""

from __future__ import annotations

import pickle
import re

import pandas as pd
import pyarrow.parquet as pq
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


IN_USE = """\
monitor: m
reference: {path: reference.parquet}
current: {path: current.parquet, where: "x < 1000 and '${LAKE_PASSWORD}' <> 'x'"}
features: {derived: {d: "n + length('${LAKE_PASSWORD}')"}}
segments: [{name: long, where: "x > 0 and '${LAKE_PASSWORD}' <> 'x'"}]
spark: {conf: {spark.hadoop.fs.s3a.secret.key: '${LAKE_PASSWORD}'}}
output: {path: out}
report: {path: out/report.html}
expectations: {path: gx, data_docs: true}
"""


@pytest.mark.spark
@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize("scan", ["auto", "dataframe"])
def test_a_secret_of_the_environment_that_is_in_use_is_nowhere(tmp_path, monkeypatch, capfd, scan):
    monkeypatch.setenv("LAKE_PASSWORD", SECRET)
    for name, shift in (("reference", 0), ("current", 1)):
        rows = pd.DataFrame({"n": [i % 7 for i in range(300)], "x": [i % 40 for i in range(300)]})
        rows["x"] += 10.5 * shift
        rows.to_parquet(tmp_path / f"{name}.parquet")
    config = tmp_path / "kldrift.yaml"
    config.write_text(IN_USE + f"scan: {scan}\n")
    good = ["run", "check", "rescore", "report", "show"]
    for asked in (*([c] for c in good), *([c, "--json"] for c in good), ["show", "d"]):
        assert main([asked[0], str(config), *asked[1:]]) in (0, 3), asked
    for broken, code in (
        ("select * from nothing where a = '${LAKE_PASSWORD}'", 2),
        ("select raise_error('${LAKE_PASSWORD}') as n, 1 as x", 1),
    ):
        config.write_text(re.sub("current: .*", f'current: {{sql: "{broken}"}}', IN_USE))
        assert main(["run", str(config), "--debug"]) == code
    said = capfd.readouterr()
    assert "${LAKE_PASSWORD}" in said.out
    kept = [line for line in said.err.splitlines() if " ERROR " not in line]  # of Spark's own tasks
    assert SECRET not in said.out
    assert not [line for line in kept if SECRET in line and "org.apache.spark" not in line]
    files = [f for f in tmp_path.rglob("*") if f.is_file() and f != config]
    assert {"out", "gx"} <= {f.relative_to(tmp_path).parts[0] for f in files}
    for file in files:
        assert SECRET.encode() not in file.read_bytes(), file
        if file.suffix == ".parquet":
            assert SECRET not in str(pq.read_table(file).to_pylist()), file


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
