"""The log of alerts: one row of ``alerts`` for each cause, updated until it is cleared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from kldrift.config.alarms import Mute
from kldrift.monitor.rows import score_table
from kldrift.reporting.causes import Cause, drifted
from kldrift.scoring.alerts import OPEN, Alert, Alerts, Key
from kldrift.scoring.learned import unusual
from kldrift.scoring.threshold import RANK, Severity
from kldrift.scoring.verdict import Verdicts
from kldrift.tables.schema import ALERTS, SCHEMA_VERSION
from kldrift.tables.stamp import Stamp
from kldrift.tables.window import Window

OpenFeature = tuple[str, bool]
"""A feature with rows whose alert is open, and whether they are muted."""


@dataclass(frozen=True)
class Logged:
    """One alert, with the columns of ``alerts``."""

    feature: str
    features: tuple[str, ...]
    segment: str | None
    since: datetime
    opened: datetime
    closed: datetime | None
    windows: int
    peak: float | None
    p_value: float | None
    muted_by: str | None = None
    muted_until: str | None = None
    why: str | None = None

    @property
    def is_page(self) -> bool:
        """Whether the alert paged somebody."""
        return self.muted_by is None

    def open_at(self, start: datetime) -> bool:
        """Whether it was raised before a window and is still open when that begins."""
        return self.opened < start and (self.closed is None or self.closed >= start)


def log_table(monitor: str, log: Sequence[Logged]) -> pa.Table:
    """The rows of ``alerts``, in the order in which they were raised."""
    about = {"schema_version": SCHEMA_VERSION, "monitor": monitor}
    rows = [about | vars(one) for one in log]
    return pa.Table.from_pylist(rows, schema=ALERTS)


def alerts_of(table: pa.Table) -> tuple[Logged, ...]:
    """The alerts of some rows of ``alerts``."""
    rows = table.drop_columns(["schema_version", "monitor"]).to_pylist()
    return tuple(Logged(**{**row, "features": tuple(row["features"])}) for row in rows)


@dataclass(frozen=True)
class AlertFacts:
    """The facts of a window about the rows that are raised in it.

    ``cause`` is, by feature, a number that those have in common which drifted for one cause.
    """

    start: datetime
    critical: frozenset[Key]
    kl: Mapping[Key, float]
    p_value: Mapping[Key, float]
    cause: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, verdicts: Verdicts, start: datetime, keys: Iterable[Key]) -> AlertFacts:
        """The facts of some rows."""
        wanted, v = set(keys), verdicts
        names = {feature for feature, _ in wanted}
        mine = [i for i in range(len(v)) if v.subjects[v.of[i]].name in names] if names else []
        place = {key: i for i in mine if (key := v.key(i)) in wanted}
        is_unusual = unusual(v)
        causes: Sequence[Cause] = ()
        if mine:
            stamp = Stamp("", "", Window(None, None), None, "")
            causes = drifted(score_table(v.take(np.array(mine)), stamp)).causes
        return cls(
            start,
            frozenset(k for k, i in place.items() if v.severity[i] == RANK[Severity.CRITICAL]),
            {k: float(v.scores["kl"][i]) for k, i in place.items()},
            {k: float(v.scores["p_learned"][i]) for k, i in place.items() if is_unusual[i]},
            {feature: at for at, cause in enumerate(causes) for feature in cause.features},
        )


def logged(
    log: Sequence[Logged], alerts: Alerts, facts: AlertFacts, mutes: Mapping[Key, Mute]
) -> tuple[Logged, ...]:
    """The log after one more window.

    All segments of one feature have one alert, and so have features that are raised for one cause,
    by the rule that results are shown by: also those that are raised later than others of it.
    """
    rows: dict[OpenFeature, list[Key]] = {}
    for key, state in alerts.states.items():
        if state.alert in OPEN:
            rows.setdefault((key[0], state.alert is Alert.MUTED), []).append(key)
    after, known = _continued(log, rows, facts)
    for of_cause in _by_cause([one for one in rows if one not in known], facts):
        keys = [key for one in of_cause for key in rows[one]]
        _, muted = of_cause[0]
        after.append(_opened(keys, alerts, facts, mutes.get(keys[0]) if muted else None))
    return tuple(after)


def _continued(
    log: Sequence[Logged], rows: Mapping[OpenFeature, Sequence[Key]], facts: AlertFacts
) -> tuple[list[Logged], set[OpenFeature]]:
    """The alerts of a log after one more window, and the features that they are about."""
    after, known = list[Logged](), set[OpenFeature]()
    paged = {name for one in log if one.closed is None and one.is_page for name in one.features}
    fresh = [name for name, muted in rows if not muted and name not in paged]
    for entry in log:
        if entry.closed is not None:
            after.append(entry)
            continue
        one = _wider(entry, fresh, facts) if entry.is_page else entry
        fresh = [name for name in fresh if name not in one.features]
        mine = [(name, not one.is_page) for name in one.features]
        if keys := [key for feature in mine for key in rows.get(feature, ())]:
            known.update(mine)
            after.append(_longer(one, keys, facts))
        else:
            after.append(replace(one, closed=facts.start))
    return after, known


def _by_cause(features: Iterable[OpenFeature], facts: AlertFacts) -> Iterator[list[OpenFeature]]:
    """Features that are new in a window, those of one cause together, the first of it first."""
    causes: dict[Any, list[OpenFeature]] = {}
    for one in features:
        name, muted = one
        causes.setdefault(one if muted else facts.cause.get(name, name), []).append(one)
    order = {name: at for at, name in enumerate(facts.cause)}
    for of_cause in causes.values():
        yield sorted(of_cause, key=lambda one: order.get(one[0], -1))


def _wider(one: Logged, fresh: Iterable[str], facts: AlertFacts) -> Logged:
    """An open alert with the features that are raised for its cause now."""
    causes = {facts.cause.get(name) for name in one.features} - {None}
    more = [name for name in fresh if facts.cause.get(name) in causes]
    return replace(one, features=(*one.features, *more))


def _opened(keys: Sequence[Key], alerts: Alerts, facts: AlertFacts, mute: Mute | None) -> Logged:
    features = tuple(dict.fromkeys(feature for feature, _ in keys))
    muted = {} if mute is None else {"muted_by": mute.owner, "muted_until": mute.until}
    one = Logged(
        feature=features[0],
        features=features,
        segment=_segment(keys),
        since=min(since for key in keys if (since := alerts.of(key).since) is not None),
        opened=facts.start,
        closed=None,
        windows=0,
        peak=None,
        p_value=None,
        why=None if mute is None else mute.why,
        **muted,
    )
    return _longer(one, keys, facts)


def _segment(keys: Sequence[Key]) -> str | None:
    """The segment that rows are of; None for all rows, or several segments."""
    first, *others = {segment for _, segment in keys}
    return None if others else first


def _longer(one: Logged, keys: Sequence[Key], facts: AlertFacts) -> Logged:
    """An alert after one more window."""
    kl = [facts.kl[key] for key in keys if not np.isnan(facts.kl.get(key, np.nan))]
    p = [facts.p_value[key] for key in keys if key in facts.p_value]
    return replace(
        one,
        segment=one.segment if one.segment == _segment(keys) else None,
        windows=one.windows + any(key in facts.critical for key in keys),
        peak=max([*kl, *([] if one.peak is None else [one.peak])], default=None),
        p_value=min([*p, *([] if one.p_value is None else [one.p_value])], default=None),
    )
