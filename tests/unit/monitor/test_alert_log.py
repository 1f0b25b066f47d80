"""Alerts: raised after some of several windows, cleared likewise, muted; one row for one cause."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from daily_sample import START as START_OF_DAYS
from daily_sample import config_of, run_days

from kldrift.cli.blocks import cause_rows
from kldrift.config import Mute
from kldrift.monitor.alert_log import AlertFacts, Logged, alerts_of, log_table, logged
from kldrift.reporting.stored import stored_page
from kldrift.scoring.alerts import Alerts, Seen
from kldrift.tables.read import read_table

START = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
X = ("x", None)


def day(number):
    return START + dt.timedelta(days=number)


def followed(text, windows, muted=lambda _: False, length=1):
    """The states of one row after windows, of some days each.

    They were critical (c), critical as they usually are (u), quiet (.) or unscored (?).
    """
    alerts, found = Alerts(), []
    for number, sign in enumerate(text):
        critical, usual, unscored = ({X} if sign in signs else set() for signs in ("cu", "u", "?"))
        seen = Seen(day(number * length), critical, unscored, usual=usual)
        alerts = alerts.after(seen, windows, muted)
        found.append(alerts.of(X))
    return found


@pytest.mark.parametrize(
    ("text", "windows", "states"),
    [
        ("c.c", (1, 1), "r-r"),
        ("cc.", (1, 1), "rr-"),
        ("c.c.", (2, 3), "p-r-"),
        ("cc..c", (2, 3), "prr-p"),
        ("ccc.c.", (2, 3), "prrrr-"),
        ("c..c..c", (2, 3), "p--p--p"),
        ("cc??c.", (2, 3), "prrrrr"),
        ("c?c", (2, 3), "p-r"),
        ("c??c", (2, 3), "p--r"),
        ("c.??c", (2, 3), "p---r"),
        ("cc.??.", (2, 3), "prrrr-"),
        ("c?" * 9, (9, 10), "p-" * 8 + "r" + "r"),
        ("uuuu....", (1, 1), "ppprrrr-"),
        ("uu.u.u", (1, 1), "pp-p-r"),
        ("u..u..u", (1, 1), "p--p--p"),
        ("cu.c", (1, 1), "rr-r"),
        ("uuuuu", (5, 5), "ppppr"),
    ],
)
def test_an_alert_is_raised_after_some_windows_and_cleared_likewise(text, windows, states):
    signs = {"none": "-", "pending": "p", "raised": "r", "muted": "m"}
    assert "".join(signs[state.alert] for state in followed(text, windows)) == states


@pytest.mark.parametrize(("nights", "raised"), [("u...", False), ("uu..", False), ("uuu.", True)])
def test_most_windows_of_a_week_are_those_of_its_nights_and_days(nights, raised):
    found = followed(nights * 14, (1, 1), length=0.25)
    assert any(state.alert == "raised" for state in found[28:]) == raised


def test_a_week_in_which_the_clock_is_moved_has_seven_days():
    alerts = Alerts()
    for number, sign in enumerate(".uuu...u"):
        start, critical = day(number), {X} if sign == "u" else set()
        start -= dt.timedelta(hours=number > 3)
        alerts = alerts.after(Seen(start, critical, usual=critical), (1, 1), lambda _: False)
    assert alerts.of(X).alert == "raised"


def test_an_alert_is_about_the_windows_from_its_first_critical_one_on():
    found = followed(".cc.c", (2, 3))
    assert [state.since for state in found[1:]] == [day(1)] * 4
    assert followed("cc", (1, 1), lambda _: True)[1].alert == "muted"


def facts(number, keys, cause):
    return AlertFacts(day(number), frozenset(keys), dict.fromkeys(keys, 0.3), {}, cause)


def logs(*windows, mutes=None):
    """The log after windows, each with its critical rows and the causes of features."""
    mutes, alerts, log = mutes or {}, Alerts(), ()
    for number, (keys, cause) in enumerate(windows):
        alerts = alerts.after(Seen(day(number), set(keys)), (1, 1), lambda key: key in mutes)
        log = logged(log, alerts, facts(number, keys, cause), mutes)
    return log


def test_all_segments_of_a_feature_are_one_alert():
    log = logs(([("x", "s=a")], {}), ([("x", "s=a"), ("x", "s=b"), X], {}), ([], {}))
    (one,) = log
    assert (one.feature, one.segment, one.windows) == ("x", None, 2)
    assert (one.opened, one.closed) == (day(0), day(2))


def test_features_of_one_cause_are_one_alert_and_others_are_not():
    rows = [("a", "s=nz"), ("b", "s=nz"), ("c", None), ("d", None)]
    log = logs((rows, {"a": 0, "b": 0, "c": 1}))
    said = [(one.features, one.segment) for one in log]
    assert said == [(("a", "b"), "s=nz"), (("c",), None), (("d",), None)]


def test_features_of_one_large_segment_are_one_alert_although_all_rows_move_with_it(tmp_path):
    lists = {"part": ["left", "right"], "zone": ["u", "v"]}
    limits = {"kl": {"warning": 0.05, "critical": 0.1}}
    config = config_of(
        tmp_path,
        features={"include": ["a", "b", "c"]},
        segments=[["part"], ["zone"]],
        alarms={"after": "1 of 1"},
        thresholds=limits,
    )

    def table(by, rows=600):
        rng = np.random.default_rng(3)
        places = {name: rng.choice(values, rows) for name, values in lists.items()}
        inside = places["part"] == "left"
        values = {name: rng.normal(0, 1, rows) + by[name] * inside for name in by}
        return pa.table(places | values)

    moved, still = {"a": 3.0, "b": 3.0, "c": 0.0}, dict.fromkeys("abc", 0.0)
    run_days(config, [1], lambda _: table(moved), reference_rows=table(still, 4_000))
    scores = read_table(str(tmp_path), "drift_scores").to_pandas()
    raised = scores[scores["alert"] == "raised"]
    assert set(raised["segment"].fillna("")) == {"", "part=left", "zone=u", "zone=v"}
    (one,) = read_table(str(tmp_path), "alerts").to_pylist()
    assert sorted(one["features"]) == ["a", "b"]


PARTS = {"left": 0.2, "middle": 0.4, "right": 0.4}


@pytest.mark.parametrize(
    ("parts", "shifts", "nulls", "causes"),
    [
        (PARTS, (3.0, 0.0, 0.0), 0.0, ["a, b"]),
        (PARTS, (1.5, 0.8, 0.8), 0.0, ["a", "b"]),  # the others are ok, but not much nearer
        (PARTS, (3.0, 3.0, 0.0), 0.0, ["a", "b"]),
        (PARTS, (3.0, 0.0, 0.0), 0.5, ["a, b"]),
        (PARTS, (0.0, 0.0, 0.0), 0.5, ["a, b"]),
        ({"left": 0.03, "right": 0.97}, (0.0, 1.5), 0.0, ["a", "b"]),
    ],
    ids=["one part", "parts near a limit", "two parts", "nulls in one part", "nulls", "most rows"],
)
def test_alerts_pages_and_the_terminal_know_the_same_causes(tmp_path, parts, shifts, nulls, causes):
    config = config_of(
        tmp_path,
        features={"include": ["a", "b"]},
        segments=[["part"]],
        alarms={"after": "1 of 1"},
        thresholds={"kl": {"warning": 0.4, "critical": 0.5}},
    )

    def table(by, gone, rows=3000):
        rng = np.random.default_rng(3)
        part = rng.choice([*parts], rows, p=[*parts.values()])
        mask = rng.random(rows) < np.where(part == "left", max(gone, 0.02), 0.02)
        moved = np.select([part == name for name in parts], [*by])
        values = {n: pa.array(rng.normal(moved, 1, rows), mask=mask) for n in "ab"}
        return pa.table(values | {"part": part})

    still = (0.0,) * len(parts)
    run_days(config, [1], lambda _: table(shifts, nulls), reference_rows=table(still, 0.0, 9000))
    of_alerts = read_table(str(tmp_path), "alerts")["features"].to_pylist()
    assert sorted(", ".join(sorted(features)) for features in of_alerts) == causes
    told = [card.cause for card in stored_page(config).cards if card.worst.severity == "critical"]
    told += [one.cause for one in cause_rows(read_table(str(tmp_path), "drift_scores"))]
    assert sorted(", ".join(sorted(cause.features)) for cause in told) == sorted(causes * 2)


def test_a_feature_that_is_raised_later_for_a_cause_joins_its_alert_and_no_other():
    nz, other = ("a", "s=nz"), ("d", "s=nz")
    both = {"d": 0, "a": 0, "c": 1}
    log = logs(([nz], {"a": 0}), ([nz, other, ("c", None)], both), ([nz, other], {"a": 0, "d": 1}))
    assert [(one.features, one.windows) for one in log] == [(("a", "d"), 3), (("c",), 1)]
    apart = logs(([nz], {"a": 0}), ([], {}), ([nz, other], both))
    assert [one.features for one in apart] == [("a",), ("d", "a")]


COUNTRIES = ["de", "es", "fr", "it", "pl"]


@pytest.mark.parametrize(
    ("factor", "rows_of_de", "qty", "causes"),
    [
        (100.0, 1.0, 0.0, [["amount", ":rows", "country"]]),
        (1.0, 3.0, 0.0, [[":rows", "country"]]),
        (1.0, 0.02, 0.0, [[":rows", "country"]]),
        (100.0, 1.0, 3.0, [["amount", ":rows", "country"], ["qty"]]),
        (1.0, 1.0, 3.0, [["qty"]]),
    ],
    ids=["x 100 in one country", "one country thrice", "a country goes", "two causes", "one"],
)
def test_rows_that_change_their_segment_are_of_the_cause_that_moved_them(
    tmp_path, factor, rows_of_de, qty, causes
):
    config = config_of(
        tmp_path,
        features={"include": ["amount", "country", "qty"]},
        segments=[["country"], ["large"]],
        alarms={"after": "1 of 1"},
    )

    def table(day):
        rng, odd = np.random.default_rng(day), day == 12
        share = np.array([rows_of_de if odd else 1.0, 1, 1, 1, 1])
        n = int(800 * share.sum())
        country = rng.choice(COUNTRIES, n, p=share / share.sum())
        amount = np.exp(rng.normal(3, 1, n)) * np.where(odd & (country == "de"), factor, 1)
        values = {"amount": amount, "qty": rng.normal(qty * odd, 1, n), "country": country}
        return pa.table(values | {"large": amount > 100})

    run_days(config, range(1, 13), table, reference_rows=table(0))
    found = read_table(str(tmp_path), "alerts")["features"].to_pylist()
    assert sorted(found) == sorted(causes)
    said = {one.cause.features: one.cause.what for one in cause_rows(of_day(tmp_path, 12))}
    assert set(said) == set(map(tuple, causes))
    if factor > 1:
        what = said["amount", ":rows", "country"]
        assert what.endswith("; with it rows moved between segments by large")
        assert "amount shifted up" in what or "amount: " in what
    elif rows_of_de != 1:
        what = said[":rows", "country"]
        assert re.fullmatch(
            r"in country=de, the only one of 5 segments by country that drifted; [\d,]+ rows, and "
            r"usually about \d+ \(11 windows before\); with it the mix of country moved",
            what,
        )


def of_day(folder, day):
    scores = read_table(str(folder), "drift_scores")
    return scores.filter(pc.equal(scores["window_start"], START_OF_DAYS + dt.timedelta(days=day)))


def test_a_muted_alert_says_who_and_why_and_is_no_page():
    mute = Mute("x", "2024-04-01", "ana", "new terminals")
    (one,) = logs(([X], {}), mutes={X: mute})
    assert not one.is_page
    assert (one.muted_by, one.muted_until, one.why) == ("ana", "2024-04-01", "new terminals")


def test_a_log_is_read_as_it_is_written():
    log = logs(([X, ("y", "s=a")], {}), ([X], {}))
    assert alerts_of(log_table("daily", log)) == log
    assert all(isinstance(one, Logged) for one in log)
