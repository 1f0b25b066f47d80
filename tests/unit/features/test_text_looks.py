"""Numbers, dates and times stored as text are told apart from names, with what mends it."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

import kldrift
from kldrift.features.text_looks import epochs, hint, look_of

RNG = np.random.default_rng(0)
NUMBERS = RNG.lognormal(8, 2, 200)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([str(x) for x in NUMBERS], "numbers"),
        ([*(str(x) for x in NUMBERS), "inf", "-Infinity", "NaN"], "numbers"),
        ([*(str(x) for x in NUMBERS), "n/a"], "numbers"),
        ([f" {x:.2f}" for x in NUMBERS], "numbers"),
        ([f"{x:.2f}".replace(".", ",") for x in NUMBERS], "numbers with a decimal comma"),
        (
            [f"{x:,.2f}".translate({44: 46, 46: 44}) for x in NUMBERS],
            "numbers with a decimal comma",
        ),
        ([f"{x:,.0f}" for x in NUMBERS], "numbers with commas in them"),
        ([f"2024-{m:02}-{d:02}" for m in range(1, 13) for d in range(1, 20)], "dates"),
        ([f"2024-01-{d:02} 18:{m:02}" for m in range(9) for d in range(1, 20)], "dates with times"),
        ([f"{d}.{m}.2024" for m in range(1, 9) for d in range(9)], "dates that begin with the day"),
        ([f"{h}:{m:02}" for m in range(9) for h in range(9)], "times of day"),
        ([f"{i:05}" for i in range(500)], None),
        ([f"v{i}" for i in range(50)], None),
        (list("12345"), None),
        ([f"{x:,.2f}".replace(",", " ") for x in NUMBERS], "numbers with spaces or apostrophes"),
        ([f"{x:,.0f}".replace(",", "'") for x in NUMBERS], "numbers with spaces or apostrophes"),
        ([f"{x:.1f}%" for x in NUMBERS], "numbers with a percent sign, a currency"),
        ([f"${x:,.2f}" for x in NUMBERS], "numbers with a percent sign, a currency"),
        ([f"{x:.2f} €" for x in NUMBERS], "numbers with a percent sign, a currency"),
        ([f"{x:.2f} %".replace(".", ",") for x in NUMBERS], "numbers with a decimal comma and a p"),
        (
            ["(€ 1.234,50)", *(f"€ {i},5" for i in range(40))],
            "numbers with a decimal comma and a p",
        ),
        ([f"€{x:.2f}" for x in NUMBERS - 2_000], "numbers with a percent sign, a currency"),
        (
            [f"{-x:.2f}-" for x in NUMBERS],
            "numbers with a percent sign, a currency or an odd minus",
        ),
        ([f"({x:,.2f})" for x in NUMBERS], "numbers with a percent sign, a currency or"),
        ([f"{x:.2f}-".replace(".", ",") for x in NUMBERS], "numbers with a decimal comma and a p"),
        (
            [f"{x:,.2f}".replace(",", "\u2009") for x in NUMBERS],
            "numbers with spaces or apostrophes",
        ),
        (
            [f"{x:,.2f} EUR".translate({44: 46, 46: 44}) for x in NUMBERS],
            "numbers with a decimal comma and a p",
        ),
        ([f"USD {x:,.2f}" for x in NUMBERS], "numbers with a percent sign, a currency"),
        ([f"{i}ABC" for i in range(50)], None),
        ([f"₹{x:,.2f}" for x in NUMBERS], "numbers with a percent sign, a currency"),
        ([f"2024{m:02}{d:02}" for m in range(1, 13) for d in range(1, 20)], "dates without a mark"),
        ([str(1_700_000_000 + 61 * i) for i in range(50)], "seconds since 1970"),
        (
            [f"{m}/{d}/2024" for m in range(1, 9) for d in range(1, 29)],
            "dates that begin with the m",
        ),
        (
            [f"{d}/{m}/2024" for m in range(1, 9) for d in range(1, 29)],
            "dates that begin with the d",
        ),
        ([f"{d}/{m}/2024" for m in range(1, 9) for d in range(1, 9)], None),
        (["2024-01-31"], "dates"),
        ([], None),
        ([f"{i}-{i}" for i in range(50)], None),
    ],
)
def test_a_look_is_that_of_nearly_all_values(values: list[str], name: str | None) -> None:
    found = look_of(pa.array(dict.fromkeys(values), pa.string()))
    assert (found is None) == (name is None)
    assert found is None or found.name.startswith(str(name))


@pytest.mark.parametrize("name", ["price", "a b", 'say "no"', "[x]", "nested.price", "on: off"])
def test_a_hint_is_a_line_of_configuration(name: str) -> None:
    look = look_of(pa.array([str(x) for x in NUMBERS]))
    assert look is not None
    features = YAML(typ="safe").load(hint(name, look).split("; set ")[1])["features"]
    assert features["exclude"] == [name]
    assert list(features["derived"]) == [f"{name}_value"]


def test_numbers_against_their_texts_are_told_with_what_reads_both() -> None:
    amounts = RNG.normal(size=100)
    texts = [f"{x:.2f}".replace(".", ",") for x in amounts]
    sides = pd.DataFrame({"a": amounts}), pd.DataFrame({"a": texts})
    for reference, current in (sides, sides[::-1]):
        (row,) = kldrift.compare(reference, current).scores.to_dict("records")
        assert row["status"] == "type_changed"
        assert row["reason"].endswith(
            "if texts are numbers: features: {exclude: [a], "
            "derived: {a_value: \"try_cast(replace(`a`, ',', '.') as double)\"}}"
        )


@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_whole_numbers_may_be_dates(dtype: str) -> None:
    days = pd.date_range("2023-12-01", periods=90).strftime("%Y%m%d").astype(dtype)
    rows = pd.DataFrame({"day": np.repeat(days, 3), "amount": np.repeat(days, 3) + 40})
    (note,) = kldrift.compare(rows, rows).notes[-1:]
    assert note.startswith(
        "'day': dates such as 20231201? as a derived feature: month(try_to_timestamp("
    )
    assert len([n for n in kldrift.compare(rows, rows).notes if "dates such as" in n]) == 1


def test_a_comparison_names_odd_columns_whether_they_are_scored_or_not() -> None:
    def drawn(scale: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "balance": scale * RNG.choice(1_000_000, 500, replace=False),
                "id": np.arange(500),
                "price": [f"{x:.2f}".replace(".", ",") for x in RNG.lognormal(3, 1, 500)],
                "at": 1_700_000_000 + RNG.integers(0, 10**6, 500),
                "kept": [str(x) for x in RNG.normal(size=500)],
            }
        )

    wanted = {"kept": {"keep": True}}
    result = kldrift.compare(drawn(1), drawn(40), override=wanted)
    scores = result.scores.set_index("feature")
    assert scores.loc["balance", "severity"] == "critical"
    assert [s[0] for s in result.skipped] == ["id", "price"]
    about = {note.split(":")[0]: note for note in result.notes if note.startswith("'")}
    assert set(about) == {"'balance'", "'price'", "'at'"}
    assert "if it is an identifier, set features: {exclude: [balance]}" in about["'balance'"]
    assert "numbers with a decimal comma as text" in about["'price'"]
    assert "hour(timestamp_seconds(`at`))" in about["'at'"]


def test_an_identifier_that_grows_is_scored_and_held_to_no_limit() -> None:
    def drawn(first: int) -> pd.DataFrame:
        return pd.DataFrame({"order_id": first + np.cumsum(RNG.integers(1, 1000, 500))})

    result = kldrift.compare(drawn(0), drawn(1_000_000))
    (row,) = result.scores.to_dict("records")
    assert (row["severity"], row["kl"] > 1) == ("ok", True)
    assert "all are larger than the reference's" in result.notes[0]
    (row,) = kldrift.compare(drawn(1_000_000), drawn(0)).scores.to_dict("records")
    assert row["severity"] == "critical"


@pytest.mark.parametrize("of_window", [1, 5])
def test_an_identifier_that_grows_may_do_so_in_longer_or_busier_windows(of_window: int) -> None:
    def drawn(first: int, rows: int, step: int) -> pd.DataFrame:
        return pd.DataFrame({"order_id": first + np.cumsum(RNG.integers(1, step, rows))})

    before = drawn(0, 500, 1000)
    for rows, step in ((500 * of_window, 1000), (500 * of_window, 1000 // of_window), (20, 9000)):
        (row,) = kldrift.compare(before, drawn(10**6, rows, step)).scores.to_dict("records")
        assert row["severity"] == "ok"


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint64", "object"])
@pytest.mark.parametrize("change", [lambda v: 40 * v, lambda v: 0 * v + 999_999])
def test_numbers_that_are_larger_throughout_but_do_not_go_on_are_judged(dtype, change) -> None:
    def drawn() -> pd.Series:
        return pd.Series(RNG.choice(np.arange(5_000, 50_000), 500, replace=False))

    def typed(balances: pd.Series) -> pd.DataFrame:
        if dtype == "object":
            return pd.DataFrame({"balance": [Decimal(int(v)) for v in balances]})
        return pd.DataFrame({"balance": balances.astype(dtype)})

    result = kldrift.compare(typed(drawn()), typed(change(drawn())))
    assert result.scores["severity"].tolist() == ["critical"]
    assert "no limit" not in result.notes[0]


@pytest.mark.parametrize(
    ("of_second", "read"),
    [
        (1, "timestamp_seconds(`at`)"),
        (10**3, "timestamp_millis(cast(`at` as bigint))"),
        (10**6, "timestamp_micros(cast(`at` as bigint))"),
    ],
)
def test_floats_may_be_times_since_1970_too(of_second, read):
    at = (1_700_000_000 + RNG.integers(0, 10**6, 300)) * float(of_second)
    at[::50] = np.nan  # pandas has integers among nulls as floats
    rows = pd.DataFrame({"at": at, "far": np.append(at[1:], 5.0)})
    assert [note for note in kldrift.compare(rows, rows).notes if read in note]
    assert not [note for note in kldrift.compare(rows, rows).notes if "`far`" in note]


@pytest.mark.parametrize(
    ("name", "column"), [("at", "`at`"), ("meta.at", "meta.at"), ("a`t", "`a``t`")]
)
def test_a_column_of_times_is_written_as_spark_reads_it(name, column):
    found = epochs(name, 1_700_000_000, 1_700_000_360)
    assert found.endswith(f": hour(timestamp_seconds({column}))")
