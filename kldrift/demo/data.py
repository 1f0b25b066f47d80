"""Sixty days of orders of a web shop, the same for the same seed.

Each day is drawn from a generator of its own, so that a day does not depend on how many rows the
days before it have. What is planted stands in ``events``; here is how.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.arrays import Floats
from kldrift.demo.events import DAYS, DECOYS, GROUP, PLANTED, Decoy, Planted, date_of

UNIT, CATEGORY, NULLS, SLOW, SPREAD, CORRELATION, VOLUME = PLANTED
SEASON, OUTLIER, *RARE = DECOYS

# Rows from Monday to Sunday, relative to the mean of the week.
WEEKDAY_FACTORS: Final = (0.88, 0.90, 0.94, 0.98, 1.08, 1.14, 1.08)
COUNTRIES: Final = {"DE": 0.42, "FR": 0.23, "NL": 0.14, "PL": 0.12, "AT": 0.09}
DEVICES: Final = {"mobile": 0.52, "desktop": 0.36, "tablet": 0.08, "app": 0.04}
WEEKEND_DEVICES: Final = {"mobile": 0.66, "desktop": 0.18, "tablet": 0.12, "app": 0.04}
PAYMENTS: Final = {"card": 0.55, "invoice": 0.25, "wallet": 0.15, "voucher": 0.05}
COUPONS: Final = ("SPRING10", "WELCOME5", "FREESHIP", "FRIEND20")
TAGS: Final = ("gift", "express", "fragile", "bulky")

ORDERS: Final = pa.schema(
    [
        ("order_id", pa.int64()),
        ("ordered_at", pa.timestamp("us", tz="UTC")),
        ("country", pa.string()),
        ("device", pa.string()),
        ("payment_method", pa.string()),
        ("basket_value", pa.float64()),
        ("discount_rate", pa.float64()),
        ("amount", pa.decimal128(10, 2)),
        ("items", pa.int32()),
        ("weight_kg", pa.float64()),
        ("distance_km", pa.float64()),
        ("delivery_minutes", pa.float64()),
        ("load_factor", pa.float64()),
        ("temperature_c", pa.float64()),
        ("customer_age", pa.int32()),
        ("is_returning", pa.bool_()),
        ("coupon", pa.string()),
        ("address", pa.struct([("area", pa.string()), ("floor", pa.int32())])),
        ("tags", pa.list_(pa.string())),
    ]
)


def write_demo(path: Path, *, seed: int = 7, rows_per_day: int = 3000) -> None:
    """Write the orders, a Parquet file a day: ``<path>/orders/2026-02-01.parquet`` and on.

    Another seed gives other rows with the same events.
    """
    folder = path / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    for day in range(1, DAYS + 1):
        orders = make_day(day, seed=seed, rows_per_day=rows_per_day)
        pq.write_table(orders, folder / f"{date_of(day)}.parquet")


def demo_config(path: Path) -> str:
    """Write the monitor's configuration, as YAML.

    ``path`` is the folder of the demo, as the configuration is to name it.

    Examples:
        >>> print(demo_config(Path()).splitlines()[1])
        reference: {path: "orders/2026-02-*.parquet"}
    """

    def inside(*names: str) -> str:
        return json.dumps(str(path.joinpath(*names)))

    return f"""\
monitor: demo
reference: {{path: {inside("orders", "2026-02-*.parquet")}}}
current: {{path: {inside("orders", "*.parquet")}}}
time: {{column: ordered_at, window: 1d}}
features: {{exclude: [order_id]}}
joint: {{{GROUP}: {{features: [{", ".join(CORRELATION.features)}]}}}}
thresholds: learned
alarms: {{budget: {{pages: 1, days: 90}}}}
output: {{path: {inside("drift")}}}
report: {{path: {inside("drift", "report.html")}}}
"""


def make_day(day: int, *, seed: int, rows_per_day: int) -> pa.Table:
    """Make the orders of one day, with the events that fall on it."""
    rng = np.random.default_rng([seed, day])
    weekday = date_of(day).weekday()
    rows = round(rows_per_day * WEEKDAY_FACTORS[weekday]) * (2 if _on(VOLUME, day) else 1)
    weekend = weekday >= 5
    basket, discount = _basket_and_discount(rng, rows, -0.7 if _on(CORRELATION, day) else 0.7)
    items = 1 + rng.poisson(2.6 if weekend else 1.4, rows)
    columns = {
        "order_id": day * 10**9 + np.arange(rows),
        "ordered_at": _moments(rng, rows, day),
        "country": _countries(rng, rows, day),
        "device": _choose(rng, rows, WEEKEND_DEVICES if weekend else DEVICES),
        "payment_method": _payments(rng, rows, day),
        "basket_value": basket,
        "discount_rate": discount,
        "amount": _amounts(rng, basket),
        "items": pa.array(items, pa.int32()),
        "weight_kg": _weights(rng, rows, day),
        "distance_km": _distances(rng, rows, day),
        "delivery_minutes": _delivery(rng, rows, day),
        "load_factor": _load_factors(rng, rows, day),
        "temperature_c": np.where(
            rng.random(rows) < 0.02, np.nan, np.round(rng.normal(6.0, 3.0, rows), 1)
        ),
        "customer_age": _ages(rng, rows, day),
        "is_returning": rng.random(rows) < 0.37,
        "coupon": pa.array(rng.choice(COUPONS, rows), mask=rng.random(rows) < 0.94),
        "address": _addresses(rng, rows),
        "tags": _tags(rng, rows),
    }
    return pa.table(columns, schema=ORDERS)


def _on(event: Planted | Decoy, day: int) -> bool:
    return event.day_from <= day <= event.day_to


def _choose(rng: np.random.Generator, rows: int, shares: dict[str, float]) -> Any:
    return rng.choice(list(shares), rows, p=list(shares.values()))


def _moments(rng: np.random.Generator, rows: int, day: int) -> pa.Array:
    """Orders through the day, most of them in the afternoon and the evening."""
    midnight = dt.datetime.combine(date_of(day), dt.time(), dt.UTC)
    seconds = np.sort(rng.beta(4, 2.2, rows)) * 86_400
    since = int(midnight.timestamp()) * 10**6
    return pa.array(since + (seconds * 10**6).astype(np.int64), ORDERS.field("ordered_at").type)


def _basket_and_discount(
    rng: np.random.Generator, rows: int, correlation: float
) -> tuple[Floats, Floats]:
    """A Gaussian copula: whatever the correlation, each feature alone has the same law."""
    first, other = rng.standard_normal((2, rows))
    second = correlation * first + np.sqrt(1 - correlation**2) * other
    return np.round(np.exp(3.6 + 0.55 * first), 2), np.round(0.4 / (1 + np.exp(1 - second)), 3)


def _amounts(rng: np.random.Generator, basket: Floats) -> list[Decimal]:
    shipping = rng.choice([0, 390, 590], len(basket), p=[0.3, 0.5, 0.2])
    cents = np.rint(basket * 100).astype(np.int64) + shipping
    return [Decimal(int(cent)).scaleb(-2) for cent in cents]


def _countries(rng: np.random.Generator, rows: int, day: int) -> Any:
    countries = _choose(rng, rows, COUNTRIES)
    rare = rng.random(rows) < 0.0015
    for decoy, country in zip(RARE, ("IS", "MT"), strict=True):
        if _on(decoy, day):
            countries[rare] = country
    return countries


def _payments(rng: np.random.Generator, rows: int, day: int) -> Any:
    payments = _choose(rng, rows, PAYMENTS).astype(object)
    instant = rng.random(rows) < 0.18
    if _on(CATEGORY, day):
        payments[instant] = "instant_transfer"
    return payments


def _weights(rng: np.random.Generator, rows: int, day: int) -> Floats:
    weights = np.round(rng.gamma(2.0, 1.3, rows) + 0.1, 2)
    if _on(OUTLIER, day):
        weights[rows // 2] = 1e9
    return weights


def _distances(rng: np.random.Generator, rows: int, day: int) -> Floats:
    kilometres = np.round(rng.gamma(2.5, 2.4, rows) + 0.2, 3)
    return kilometres * 1000 if _on(UNIT, day) else kilometres


def _delivery(rng: np.random.Generator, rows: int, day: int) -> Floats:
    minutes = rng.normal(40, 10 if _on(SPREAD, day) else 5, rows)
    return np.round(minutes.clip(min=1), 1)


def _load_factors(rng: np.random.Generator, rows: int, day: int) -> Floats:
    """A share between 0 and 1, whose logit rises by 0.04 a day."""
    rise = 0.04 * max(0, day + 1 - SLOW.day_from)
    logits: Floats = rng.normal(0.1, 0.8, rows) + rise
    shares: Floats = 1.0 / (1.0 + np.exp(-logits))
    return np.round(shares, 4)


def _ages(rng: np.random.Generator, rows: int, day: int) -> pa.Array:
    ages = np.clip(rng.normal(41, 13, rows), 18, 95).astype(np.int32)
    return pa.array(ages, mask=rng.random(rows) < (0.8 if _on(NULLS, day) else 0.03))


def _addresses(rng: np.random.Generator, rows: int) -> pa.Array:
    areas = rng.choice(["north", "east", "south", "west"], rows, p=[0.2, 0.3, 0.35, 0.15])
    floors = pa.array(rng.poisson(1.6, rows).astype(np.int32), mask=rng.random(rows) < 0.1)
    fields = list(ORDERS.field("address").type)
    return pa.StructArray.from_arrays([pa.array(areas), floors], fields=fields)


def _tags(rng: np.random.Generator, rows: int) -> pa.Array:
    given = rng.random((rows, len(TAGS))) < 0.1
    ends = np.cumsum(given.sum(axis=1))
    values = np.array(TAGS)[np.nonzero(given)[1]]
    return pa.ListArray.from_arrays(np.concatenate([[0], ends]).astype(np.int32), values)
