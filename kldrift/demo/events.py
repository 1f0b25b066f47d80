"""What happens in the demo data and when: the answer key.

Days count from 1. The reference is days 1 to 28, current is days 33 to 60; both are four whole
weeks, so a weekly season is the same in both.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

FIRST_DAY: Final = dt.date(2026, 2, 1)
DAYS: Final = 60
REFERENCE: Final = range(1, 29)
GROUP: Final = "discounts"
"""The joint group that the demo's configuration names."""
CURRENT: Final = range(33, 61)


@dataclass(frozen=True)
class Planted:
    """Something that goes wrong, and what must notice it.

    Attributes:
        features: the features that it shows in; all of them together if caught jointly.
        day_from: the first day.
        day_to: the last day, included.
        what: what happens, for people.
        caught_by: ``kl`` of each feature alone, or ``joint``: no feature alone can show it.
    """

    features: tuple[str, ...]
    day_from: int
    day_to: int
    what: str
    caught_by: Literal["kl", "joint"]


@dataclass(frozen=True)
class Decoy:
    """Something that looks odd and is no drift; the features must stay quiet.

    Attributes:
        features: the features that it shows in.
        day_from: the first day.
        day_to: the last day, included.
        what: what happens, for people.
    """

    features: tuple[str, ...]
    day_from: int
    day_to: int
    what: str


PLANTED: Final = (
    Planted(("distance_km",), 43, 60, "kilometres become metres", "kl"),
    Planted(("payment_method",), 40, 60, "a new category: instant_transfer", "kl"),
    Planted(("customer_age",), 45, 54, "a burst of nulls: the sign-up form breaks", "kl"),
    Planted(("load_factor",), 29, 60, "a slow rise, a little every day", "kl"),
    Planted(("delivery_minutes",), 36, 60, "the spread doubles, the mean stays", "kl"),
    Planted(
        ("basket_value", "discount_rate"),
        29,
        60,
        "the correlation changes its sign, each feature alone stays as it was",
        "joint",
    ),
)

DECOYS: Final = (
    Decoy(("items", "device"), 1, 60, "a weekly season: weekends differ"),
    Decoy(("is_returning", "coupon", "temperature_c"), 47, 53, "twice as many rows in a week"),
    Decoy(("weight_kg",), 44, 44, "one enormous outlier"),
    Decoy(("country",), 5, 12, "a rare category comes and goes: IS"),
    Decoy(("country",), 40, 46, "a rare category comes and goes: MT"),
)


def date_of(day: int) -> dt.date:
    """The date of a day of the demo, which counts from 1."""
    return FIRST_DAY + dt.timedelta(days=day - 1)
