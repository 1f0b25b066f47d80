"""A folder of expectations that becomes read-only ends a run with one line that names it."""

from __future__ import annotations

import errno
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from config_sample import minimal

from kldrift.config import config_from_mapping
from kldrift.errors import OutputError
from kldrift.monitor.publish import publish_expectations


def test_a_folder_of_expectations_that_becomes_read_only_is_named(monkeypatch, tmp_path):
    def read_only(*_args, **_more):
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / "gx" / ".new-1"))

    monkeypatch.setitem(sys.modules, "kldrift.expectations", SimpleNamespace(publish=read_only))
    config = config_from_mapping(minimal(expectations={"path": str(tmp_path / "gx")}))
    record = SimpleNamespace(config=config, started=None)
    with pytest.raises(OutputError, match=r"/gx: cannot be written: Read-only file system$"):
        publish_expectations(record, pd.DataFrame(), {}, "scores.parquet", "r")
