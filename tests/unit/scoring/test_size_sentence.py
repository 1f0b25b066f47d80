"""What a reason says of the size of a change, why it is no worse, and what a history hides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from profile_sample import one_group

import kldrift
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.profiles.support import CategoricalSupport
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.judge import Case, by_limits
from kldrift.scoring.metrics import Threshold
from kldrift.scoring.rules import Rules
from kldrift.scoring.scores import score
from kldrift.scoring.threshold import SEVERITIES
from kldrift.scoring.verdict import Subject

KL = {"kl": Threshold(0.1, 0.25)}
QUIET = {"p_learned": 0.5, "p_limit": 1e-4, "kl_learned": 0.001, "limit_learned": 0.01}


def judged(
    p: list[int], q: list[int], windows: int, thresholds: Mapping[str, Threshold] = KL
) -> tuple[str, str]:
    """Severity and reason of a feature that is held to what is learnt, too."""
    support = CategoricalSupport(tuple(f"v{i}" for i in range(len(q))))
    sides = (one_group(support, np.array([*rows, 0, 0])) for rows in (p, q))
    now, before = sides
    comparison = Comparison.of(now, before, merge_for_scoring(support, before.counts[0], 20))
    subject = Subject("x", "categorical", thresholds, comparison, learned=True)
    (found,) = by_limits([Case([subject], score([comparison]), [])], Rules())
    learnt = {"history_windows": windows} | (QUIET if windows >= 28 else {})
    verdicts = found.beside({name: np.array([float(x)]) for name, x in learnt.items()})
    return str(SEVERITIES[verdicts.severity[0]]), verdicts.reason[0]


def test_a_row_that_learns_says_why_it_is_no_more_than_a_warning():
    severity, reason = judged([900, 100], [500, 500], 12)
    assert severity == "warning"
    assert "kl 0.367 (0.313 to 0.421) is above warning 0.1" in reason
    assert "also above critical 0.25, but no more than a warning while it learns" in reason
    assert "(12 of 28 windows)" in reason
    assert judged([900, 100], [500, 500], 40)[0] == "critical"


def test_a_row_that_learns_beside_a_critical_limit_alone_is_a_warning_in_words_as_well():
    severity, reason = judged([900, 100], [500, 500], 12, {"kl": Threshold(None, 0.25)})
    assert severity == "warning"
    assert "is above critical 0.25, q 0.0002; no more than a warning while it learns" in reason
    assert reason.count("critical") == 1


def test_a_size_above_the_critical_limit_that_is_not_sure_is_said():
    before = pd.DataFrame({"x": ["a"] * 300 + ["b"] * 300})
    now = pd.DataFrame({"x": ["a"] * 89 + ["b"] * 11})
    limits = {"kl": {"warning": 0.1, "critical": 0.25}}
    (row,) = kldrift.compare(before, now, thresholds=limits).scores.to_dict("records")
    assert row["kl"] > 0.25
    assert row["severity"] == "warning"
    assert row["q_critical"] > 0.01
    assert "is above warning 0.1, q" in row["reason"]
    assert (
        f"also above critical 0.25, but not surely so (q {row['q_critical']:.1g})"
        in (row["reason"])
    )


def test_what_moved_with_its_history_is_a_warning_from_the_warning_limit_on():
    p, q = [710, 290], [470, 530]
    severity, reason = judged(p, q, 40)
    assert judged(p, q, 40, {"kl": Threshold(0.2, 0.5)})[0] == "ok"
    assert severity == "warning"
    assert reason.startswith("'v1' fell from 53.0 % to 29.0 % of the rows; kl 0.118")
    assert "is above warning 0.1, q" in reason
    assert "not surely above it, but surely another distribution (p < 1e-12)" in reason


@pytest.mark.parametrize(("p", "q"), [([505, 495], [500, 500]), ([40, 20], [23, 37])])
def test_what_is_small_or_may_be_chance_stays_ok_beside_its_history(p, q):
    assert judged(p, q, 40) == ("ok", "")
