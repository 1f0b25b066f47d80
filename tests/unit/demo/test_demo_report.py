from __future__ import annotations

import pandas as pd
import pytest

from kldrift.demo import DECOYS, PLANTED, EventOutcome, planted_against_flagged, to_text

BY_KL = [f for e in PLANTED if e.caught_by == "kl" for f in e.features]
QUIET = [f for e in DECOYS for f in e.features] + ["basket_value", "discount_rate", "amount"]


def _scores(**changed: str | None) -> pd.DataFrame:
    """What a monitor with no fault finds, with some severities changed or rows left out."""
    flagged = dict.fromkeys([*BY_KL, "discounts"], "critical")
    severities = flagged | dict.fromkeys(QUIET, "ok") | changed
    rows = [
        (feature, severity, {"critical": 1.5, "warning": 0.2, "ok": 0.001}.get(severity))
        for feature, severity in severities.items()
        if severity is not None
    ]
    return pd.DataFrame(rows, columns=["feature", "severity", "kl"])


def _outcome(feature: str, scores: pd.DataFrame) -> EventOutcome:
    return next(o for o in planted_against_flagged(scores) if feature in o.features)


def test_a_perfect_run_catches_what_is_planted_and_nothing_else() -> None:
    outcomes = planted_against_flagged(_scores())
    assert [o.verdict for o in outcomes] == (["caught"] * 6 + ["quiet"] * (len(DECOYS) + 1))
    assert [o.features for o in outcomes][:-1] == [e.features for e in (*PLANTED, *DECOYS)]
    assert outcomes[-1].features == ("amount",)


@pytest.mark.parametrize("severity", ["ok", "unscored", None])
def test_a_correlation_that_only_the_group_can_show_is_missed_without_it(severity) -> None:
    outcome = _outcome("discount_rate", _scores(discounts=severity))
    assert (outcome.verdict, outcome.features) == ("missed", ("basket_value", "discount_rate"))


@pytest.mark.parametrize("severity", ["ok", "unscored", None])
def test_a_planted_event_that_is_not_flagged_is_missed(severity: str | None) -> None:
    outcome = _outcome("load_factor", _scores(load_factor=severity))
    assert outcome.verdict == "missed"
    assert outcome.severity == ("ok" if severity == "ok" else "not scored")


def test_a_warning_is_enough_to_be_caught() -> None:
    outcome = _outcome("distance_km", _scores(distance_km="warning"))
    assert (outcome.verdict, outcome.severity, outcome.kl) == ("caught", "warning", 0.2)


@pytest.mark.parametrize("feature", ["weight_kg", "discount_rate", "amount", "address.area"])
def test_a_feature_that_should_stay_quiet_and_is_flagged_is_a_false_alarm(feature: str) -> None:
    outcome = _outcome(feature, _scores(**{feature: "warning"}))
    assert (outcome.verdict, outcome.features) == ("FALSE ALARM", (feature,))


@pytest.mark.parametrize("severity", ["unscored", None])
def test_a_decoy_that_was_not_scored_is_not_called_quiet(severity: str | None) -> None:
    outcome = _outcome("weight_kg", _scores(weight_kg=severity))
    assert (outcome.verdict, outcome.kl) == ("not scored", None)


def test_the_table_is_plain_text_with_one_line_for_each_outcome() -> None:
    outcomes = planted_against_flagged(_scores(weight_kg=None))
    lines = to_text(outcomes).splitlines()
    assert len(lines) == 1 + len(outcomes)
    assert lines[1].split("  ")[0] == "kilometres become metres"
    assert lines[1].endswith("critical    1.500  caught")
    assert not any(line != line.rstrip() for line in lines)
