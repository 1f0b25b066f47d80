"""What happens in the demo data and when: the answer key.

Days count from 1. The first 28, four whole weeks, are the reference, and what is usual is learnt
from them; all that goes wrong begins later.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from kldrift.features.names import ROWS_FEATURE

FIRST_DAY: Final = dt.date(2026, 2, 1)
DAYS: Final = 60
GROUP: Final = "discounts"
"""The joint group that the demo's configuration names."""


@dataclass(frozen=True)
class Planted:
    """Something that goes wrong, and what must notice it.

    No features change where only the number of rows does; ``shows_in`` must notice it.
    """

    features: tuple[str, ...]
    day_from: int
    day_to: int
    what: str
    shows_in: str


@dataclass(frozen=True)
class Decoy:
    """Something that looks odd but is no drift, and must raise no alert."""

    features: tuple[str, ...]
    day_from: int
    day_to: int
    what: str


PLANTED: Final = (
    Planted(("distance_km",), 43, 60, "kilometres become metres", "distance_km"),
    Planted(("payment_method",), 40, 60, "a new category: instant_transfer", "payment_method"),
    Planted(("customer_age",), 45, 54, "a burst of nulls: the sign-up form breaks", "customer_age"),
    Planted(("load_factor",), 29, 60, "a slow rise, a little every day", "load_factor"),
    Planted(
        ("delivery_minutes",), 36, 60, "the spread doubles, the mean stays", "delivery_minutes"
    ),
    Planted(
        ("basket_value", "discount_rate"), 29, 60, "two columns turn against each other", GROUP
    ),
    Planted((), 47, 53, "twice as many orders, otherwise as before", ROWS_FEATURE),
)

DECOYS: Final = (
    Decoy(("items", "device"), 1, 60, "weekends differ from weekdays"),
    Decoy(("weight_kg",), 44, 44, "one enormous outlier"),
    Decoy(("country",), 5, 12, "a rare category comes and goes: IS"),
    Decoy(("country",), 40, 46, "a rare category comes and goes: MT"),
)


def date_of(day: int) -> dt.date:
    """The date of a day of the demo, which counts from 1."""
    return FIRST_DAY + dt.timedelta(days=day - 1)
