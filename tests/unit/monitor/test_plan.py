"""What a plan says of itself."""

from __future__ import annotations

import pyarrow as pa

from kldrift.config import config_from_mapping
from kldrift.monitor.plan import make_plan
from kldrift.sources.table import TableSource

CONFIG = config_from_mapping(
    {"monitor": "m", "reference": {"path": "a"}, "current": {"path": "b"}, "output": {"path": "c"}}
)


def test_a_long_name_moves_its_own_line_alone():
    long = "n" * 300
    source = TableSource(pa.table({"a": [1.5], long: [2.5], "raw": [b"x"], f"{long}b": [b"x"]}))
    lines = make_plan(CONFIG, source, source).lines()
    assert f"  {'a':<60}  numeric (double)" in lines
    assert f"  {long}  numeric (double)" in lines
    (skipped,) = (line for line in lines if line.startswith("  raw "))
    assert skipped.index("binary") == 64
