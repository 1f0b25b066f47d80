"""The page on model shift runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.spark

PAGE = (Path(__file__).parents[3] / "docs" / "model-shift.md").read_text()


def test_the_page_runs_from_top_to_bottom(spark, tmp_path, monkeypatch, capsys):  # noqa: ARG001
    monkeypatch.chdir(tmp_path)
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
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
