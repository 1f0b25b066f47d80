"""The time that a run is for, in paths and conditions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kldrift.config import Time, config_from_mapping
from kldrift.config.as_of import with_time
from kldrift.errors import ConfigError

MOMENT = datetime(2024, 3, 1, 7, tzinfo=UTC)


def config(path, **current):
    return config_from_mapping(
        {
            "monitor": "m",
            "reference": {"path": "/ref.parquet"},
            "current": {"path": path, **current},
            "output": {"path": "/drift"},
        }
    )


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("/o/{as_of}/*.parquet", "/o/2024-03-01/*.parquet"),
        ("/o/{as_of:%Y/%m/%d}.csv", "/o/2024/03/01.csv"),
        ("/o/day={as_of - 1d}", "/o/day=2024-02-29"),
        ("/o/{as_of-1d:%Y-%m-%d}", "/o/2024-02-29"),
        ("/o/{as_of - 8h:%Y%m%dT%H}", "/o/20240229T23"),
        ("/o/{as_of + 1w}/{a,b}", "/o/2024-03-08/{a,b}"),
        ("s3://b/{as_of:%Y}/x", "s3://b/2024/x"),
    ],
)
def test_a_placeholder_is_the_time_that_the_run_is_for(text, right):
    read, as_of = with_time(config(text, where="d = '{as_of - 1d}'"), MOMENT)
    assert read.current.path == (right,)
    assert read.current.where == "d = '2024-02-29'"
    assert as_of == MOMENT


def test_the_question_is_the_same_tomorrow():
    asked = config("/o/{as_of}/x.parquet")
    assert asked.current.path == ("/o/{as_of}/x.parquet",)


def test_without_a_time_it_is_today_so_that_a_repeated_run_replaces_itself():
    _, as_of = with_time(config("/o/{as_of}/x.parquet"), None)
    assert as_of is not None
    assert as_of.timetz() == datetime(2024, 1, 1, tzinfo=UTC).timetz()
    _, as_of = with_time(config("/o/x.parquet"), None)
    assert as_of is None
    _, as_of = with_time(config("/o/{as_of:%Y%m%d%H}.parquet"), None)
    assert as_of is not None


@pytest.mark.parametrize("text", ["/o/{as_of:%Q}", "/o/{as_of-1x}", "/o/{asof}", "/o/{as_of"])
@pytest.mark.parametrize("key", ["path", "where"])
def test_a_placeholder_that_cannot_be_read_is_an_error(text, key):
    with pytest.raises(ConfigError, match=r"current\.(path|where).*expected \{as_of\}"):
        config(**{"path": "/x", key: text})


@pytest.mark.parametrize(
    ("form", "options", "right"),
    [
        ("csv", {"sep": ";"}, {"sep": ";", "timeZone": "Asia/Tokyo"}),
        ("json", {}, {"timeZone": "Asia/Tokyo"}),
        ("csv", {"timezone": "UTC"}, {"timezone": "UTC"}),
        ("parquet", {}, {}),
    ],
)
def test_times_of_text_files_are_in_the_zone_of_the_windows(form, options, right):
    asked = config("/o/x", format=form, options=options)
    assert with_time(asked, MOMENT)[0].current.options == options
    for zone in ("Asia/Tokyo", "UTC"):  # a session may have another one
        zoned = replace(asked, time=Time("at", "1d", zone=zone))
        in_it = {k: zone if k == "timeZone" else v for k, v in right.items()}
        assert with_time(zoned, MOMENT)[0].current.options == in_it
