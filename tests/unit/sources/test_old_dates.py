"""How dates of centuries ago are asked for, whatever a session tells of its settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kldrift.sources.dataframe.load import old_dates


def session(mode):
    def get(name):
        if mode is None:
            raise type("Refused", (Exception,), {"__module__": "pyspark.errors"})(name)
        return mode

    return SimpleNamespace(conf=SimpleNamespace(get=get))


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("EXCEPTION", {"datetimeRebaseMode": "CORRECTED", "int96RebaseMode": "CORRECTED"}),
        ("CORRECTED", {}),
        ("LEGACY", {}),
        (None, {}),
    ],
)
def test_a_session_that_would_refuse_is_told_how_and_one_that_tells_nothing_is_left(mode, options):
    assert old_dates(session(mode)) == options
