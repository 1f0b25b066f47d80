"""Sentences have numbers that one can read aloud: no exponent where one can do without."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import kldrift
from kldrift.expectations.wording import observed
from kldrift.profiles.cells import CellKind
from kldrift.profiles.number_text import grouped, percent, plain
from kldrift.profiles.support import NumericSupport
from kldrift.reporting.cell_names import open_bin
from kldrift.reporting.row_words import score_words
from kldrift.scoring.metrics import Threshold
from kldrift.scoring.reasons import above, beyond_history, extremes
from kldrift.scoring.sentences import Change, sentence
from kldrift.scoring.threshold import Severity

EXPONENT = re.compile(r"\de[+-]\d")
LIMITS = {"threshold_warning": 2_500_000.0, "threshold_critical": None, "severity": "warning"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (sentence(Change(CellKind.BIN, "", 0, 0, shift=0.0, spread=760.0, ks=0.5)), "760 times"),
        (sentence(Change(CellKind.BIN, "", 0, 0, shift=12345.6, spread=1.0, ks=0.5)), "12,346"),
        (percent(1.2e-7), "0.000012 %"),
        (percent(1.0), "100.0 %"),
        (
            above(
                "psi", 12345.6, Severity.WARNING, Threshold(1_234_567.0, None), 0.001, (9e3, 2e6)
            ),
            "psi 12,346 (9,000 to 2,000,000) is above warning 1,234,567,",
        ),
        (beyond_history(1234.5, 0.00001234, 0.01, 7.0), "kl 1,234 from the 7 windows"),
        (
            extremes(123456.0, (0.0, 1e9), (0.0, 2.0), NumericSupport(np.array([0.0, 1.0]))),
            "gaussian_kl 123,456",
        ),
        (score_words({"kl": 3_000_000.0} | LIMITS), "kl 3,000,000, warning above 2,500,000"),
        (open_bin(1_234_567.0, None), "1234570 and above"),
        (
            observed({"because": "", "mean_reference": 1234567.0, "mean_current": 0.0000123})[0],
            "mean 1,234,567 -> 0.0000123",
        ),
    ],
)
def test_figures_of_sentences_have_no_exponent(said, expected):
    assert expected in said
    assert not EXPONENT.search(said)


@pytest.mark.parametrize("digits", [2, 3, 4, 6])
def test_a_figure_is_right_to_its_digits(digits):
    rng = np.random.default_rng(digits)
    for number in 10.0 ** rng.uniform(-5.9, 8.9, 400) * rng.choice([-1, 1], 400):
        for text in (grouped(number, digits), plain(number, digits)):
            assert "e" not in text
            assert float(text.replace(",", "")) == pytest.approx(
                number, rel=0.6 * 10 ** (1 - digits)
            )


def test_what_is_huge_or_tiny_keeps_its_exponent():
    assert [grouped(x) for x in (1.5e9, 1e-9, np.inf, -0.0)] == ["1.5e+09", "1e-09", "inf", "0"]


def test_lengths_of_time_are_written_in_days_hours_minutes_and_seconds() -> None:
    rng = np.random.default_rng(0)

    def lengths(seconds: np.ndarray) -> pd.Series:
        return pd.Series(np.round(seconds * 1e6).astype("timedelta64[us]"))

    trips = np.round(rng.lognormal(8, 0.6, (2, 5_000)))
    few = [rng.choice(some, 5_000) for some in ((300, 900, 1_800), (300, 900, 1_800, 5_400))]
    before = {"later": trips[0], "few": few[0], "capped": trips[0], "short": trips[0] / 1e4}
    now = {
        "later": trips[1] + 3_600,
        "few": few[1],
        "capped": np.minimum(trips[1], 5_400),
        "short": trips[1] / 1e4 + 0.2,
    }
    sides = [pd.DataFrame({n: lengths(x) for n, x in side.items()}) for side in (before, now)]
    found = kldrift.compare(*sides)
    reason = found.scores.set_index("feature")["reason"]
    assert re.search(r"the mean rose from 5\d min \d+ s to 2 h", reason["later"])
    assert reason["capped"].startswith("values above 1 h 30 min are 1 h 30 min now;")
    assert (
        "are above 30 min, the reference's largest: the largest is 1 h 30 min now" in reason["few"]
    )
    assert re.search(r"the mean rose from 0\.3\d+ s to 0\.5\d+ s", reason["short"])
    assert not re.search(r"(?<![.\d])\d{4,}", " ".join(reason))
    labels = found.cells.groupby("feature")["label"].apply(list)
    assert labels["few"][:3] == ["5 min", "15 min", "30 min"]
    assert all(" to " in label for label in labels["later"][:3])
    assert "15 min" in found.to_html()
