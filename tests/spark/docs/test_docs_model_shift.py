"""The page on model shift runs as it stands."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest

import kldrift

pytestmark = pytest.mark.spark

PAGE = (Path(__file__).parents[3] / "docs" / "model-shift.md").read_text()


def test_the_page_runs_from_top_to_bottom(spark, tmp_path, monkeypatch, capsys):  # noqa: ARG001
    monkeypatch.chdir(tmp_path)
    text, of_columns = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    Path("models.yaml").write_text(text + "expectations: false\n")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/model-shift.md", "exec"), names)
    assert "group=b" in capsys.readouterr().out
    page = names["page"]
    assert "2 of 3 segments drifted" in page or "1 of 3 segments drifted" in page
    assert page.count("shares of rows by divergence, in nats") == 3
    assert page.index('class="name">group=b') < page.index('class="name">group=a')
    assert "Rows that differ most" in page
    assert len(page.encode()) < 200_000
    scores = pd.DataFrame({"id": range(100), "old": 0.5, "new": [0.5, 0.9] * 50})
    scores.to_parquet("scores.parquet")
    of_columns = of_columns.replace("/data", str(tmp_path)) + "expectations: false\n"
    Path("columns.yaml").write_text(of_columns)
    (row,) = kldrift.model_shift("columns.yaml").scores.to_dict("records")
    one = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert row["kl"] == pytest.approx(one / 2)
