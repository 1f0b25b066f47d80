"""The plan of a run: how both datasets are read, which features are compared, what is skipped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa

from kldrift.config import Config
from kldrift.errors import ConfigError, Mistakes, masked
from kldrift.features.feature import Feature, Skipped, feature_named
from kldrift.features.names import Patterns, check_names, misspelt_exclusions
from kldrift.features.pairs import Pair, pair
from kldrift.features.plan import EXCLUDED, FeaturePlan, plan_side
from kldrift.monitor.categories import check_kinds
from kldrift.monitor.groups import SegmentPlan, plan_segments
from kldrift.monitor.joint import JointPlan, plan_joint
from kldrift.sources.dataset import DatasetInfo
from kldrift.tables.supports import FeatureSupport

WIDEST: Final = 60
"""Characters of the column of names."""
SAME: Final = "reference and current are the same rows, so nothing can differ: name a reference"


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        joint: features that are scored together, and columns of vectors.
        stored: when and by which run the reference was read, if it need not be read again.
        segments: the lists of columns whose values split the rows.
        changed: a note where the reference is not what it was; empty if it is.
        twice: notes on files that are there under two names.
    """

    config: Config
    reference: DatasetInfo
    current: DatasetInfo
    pairs: tuple[Pair, ...]
    skipped: tuple[Skipped, ...]
    joint: tuple[JointPlan, ...] = ()
    stored: str = ""
    segments: tuple[SegmentPlan, ...] = ()
    changed: str = ""
    twice: tuple[str, ...] = ()

    @property
    def compared(self) -> tuple[Pair, ...]:
        """The features that both sides have."""
        return tuple(p for p in self.pairs if p.both)

    @property
    def same_data(self) -> bool:
        """Whether every row is compared with itself."""
        config = self.config
        return config.time is None and config.reference.asked() == config.current.asked()

    @property
    def notes(self) -> list[str]:
        """Notes on the comparison that need no rows."""
        names = {p.feature.name for p in self.pairs} | {s.column for s in self.skipped}
        names |= {*self.reference.schema.names, *self.current.schema.names}
        misspelt = misspelt_exclusions(self.config.features, names)
        changed = [self.changed] if self.changed else []
        return [*([SAME] if self.same_data else []), *changed, *self.twice, *misspelt]

    def of_features(self, names: Collection[str]) -> Plan:
        """The plan restricted to some features, without joint features and segments."""
        pairs = tuple(p for p in self.pairs if p.feature.name in names)
        return replace(self, pairs=pairs, joint=(), segments=())

    def with_gone(self, known: Sequence[FeatureSupport]) -> Plan:
        """The plan with features added that the current dataset no longer has a column for."""
        there = {*self.current.schema.names, *self.current.derived.names}
        asked = self.config.features
        included, excluded = Patterns(asked.include), Patterns(asked.exclude)
        gone = []
        for feature in (feature_named(f.name, f.kind) for f in known if f.rebinning is not None):
            names = {feature.column, feature.column.partition(".")[0]}
            if not names & there and included.match(*names) and not excluded.match(*names):
                gone.append(Pair(feature, None))
        return replace(self, pairs=(*self.pairs, *gone))

    def lines(self) -> list[str]:
        """The plan for a reader."""
        number = len(self.compared)
        plural = "" if number == 1 else "s"
        out = [f"monitor {self.config.monitor}: {number} feature{plural} to compare"]
        twice = "" if self.stored else "read twice: supports, then counts; "
        for name, side, read in (
            ("reference", self.reference, twice + self.reference_read),
            ("current", self.current, f"read once; {self.current.access_path}"),
        ):
            what = side_facts(side, self._features(name))
            facts = ", ".join(
                f"{value:,} {key.removesuffix('s') if value == 1 else key}"
                for key, value in what.items()
                if value is not None
            )
            out.append(f"{name}: {facts or 'size unknown'}; {read}")
        out.append("")
        out += _aligned([(p.feature.name, _pair_words(p)) for p in self.pairs])
        if self.joint:
            out += ["", "joint:", *_aligned([(g.name, _together(g)) for g in self.joint])]
        if self.segments:
            most = self.config.scoring.max_segments
            out += ["", f"segments, {most:,} of each list at most:"]
            out += [f"  {segments.name}" for segments in self.segments]
        out += ["", *(f"note: {note}" for note in self.notes)] if self.notes else []
        if self.skipped:
            out += ["", "skipped:", *_aligned([(s.column, s.reason) for s in self.skipped])]
        return out

    @property
    def reference_read(self) -> str:
        """How the reference is read, and why so."""
        if self.stored:
            return f"not read: unchanged, {self.stored}; --refresh-reference reads it again"
        return self.reference.access_path

    def as_dict(self) -> dict[str, Any]:
        """The plan for a program; strict JSON."""
        return {
            "monitor": self.config.monitor,
            "reference": {
                **side_facts(self.reference, self._features("reference")),
                "passes": 0 if self.stored else 2,
                "read": self.reference_read,
            },
            "current": {
                **side_facts(self.current, self._features("current")),
                "passes": 1,
                "read": self.current.access_path,
            },
            "features": [
                {"feature": p.feature.name, "kind": p.feature.kind, "what": _pair_words(p)}
                for p in self.pairs
            ],
            "joint": [{"group": g.name, "what": _together(g)} for g in self.joint],
            "segments": [[f.name for f in s.reference] for s in self.segments],
            "notes": self.notes,
            "skipped": [{"column": s.column, "reason": s.reason} for s in self.skipped],
        }

    def _repr_html_(self) -> str:
        from kldrift.reporting.page import lines_html  # noqa: PLC0415 - only in a notebook

        return lines_html(self.lines())

    def _features(self, side: str) -> list[Feature]:
        features = [f for p in self.pairs if (f := getattr(p, side)) is not None]
        return features + [f for s in self.segments for f in getattr(s, side) if f.sql is None]


def side_facts(source: DatasetInfo, features: list[Feature]) -> dict[str, int | None]:
    """The size of one side: rows, columns, bytes."""
    return {
        "rows": source.rows,
        "columns": len({f.path[0] for f in features}),
        "bytes": source.size(features),
    }


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Names and what is said of them, in two columns; a longer name moves its own line alone."""
    width = min(max((len(name) for name, _ in rows), default=0), WIDEST)
    return [f"  {name:<{width}}  {text}" for name, text in rows]


def _pair_words(p: Pair) -> str:
    feature = p.feature
    if p.ambiguous:
        return p.ambiguous
    if p.changed:
        return f"type changed: {p.changed}"
    if p.current is None:
        return "missing in the current dataset"
    if p.reference is None:
        return "new: not in the reference"
    details = f" from {masked(feature.sql)}" if feature.sql else ""
    return f"{feature.kind} ({feature.type}){details}"


def _together(g: JointPlan) -> str:
    if g.problem is not None:
        return g.problem[1]
    covariance = f"{g.joint.covariance_of(vector=g.vector)} covariance"
    if g.vector:
        return f"vectors in {g.pairs[0].feature.column}, {covariance}"
    return f"{', '.join(p.feature.name for p in g.pairs)}; {covariance}"


def make_plan(
    config: Config, reference: DatasetInfo, current: DatasetInfo, twice: tuple[str, ...] = ()
) -> Plan:
    """Match the features of both datasets; ``twice`` is what was noted of their files."""
    plans = [_side_plan(config, source) for source in (reference, current)]
    pairs = pair(plans[0], plans[1])
    skipped = tuple(dict.fromkeys(s for plan in plans for s in plan.skipped))
    names = [p.feature.name for p in pairs] + [s.column for s in skipped]
    columns = [*reference.schema.names, *current.schema.names]
    mistakes = Mistakes()
    with mistakes.noted():
        check_names(config.features, names, columns)
    monitored = {p.feature.name for p in pairs}
    skipped = tuple(s for s in skipped if s.column not in monitored and not s.mistake)
    joint: tuple[JointPlan, ...] = ()
    segments: tuple[SegmentPlan, ...] = ()
    with mistakes.noted():
        check_kinds(pairs, config)
    with mistakes.noted():
        joint = plan_joint(config, pairs, skipped)
    with mistakes.noted():
        segments = plan_segments(config, reference, current)
    mistakes.raise_any()
    if not pairs:
        reasons = "; ".join(f"{s.column}: {s.reason}" for s in skipped[:3])
        raise ConfigError(
            f"no feature is left to compare; check features.include ({reasons or 'no columns'})"
        )
    return Plan(config, reference, current, pairs, skipped, joint, segments=segments, twice=twice)


def _side_plan(config: Config, source: DatasetInfo) -> FeaturePlan:
    foreign = {s.column for s in source.foreign}
    derived = pa.schema([f for f in source.derived if f.name in config.features.derived])
    zone = "UTC" if config.time is None else config.time.zone
    plan = plan_side(source.schema, config.features, derived, zone)
    features = tuple(f for f in plan.features if f.path[0] not in foreign)
    kept = tuple(s for s in plan.skipped if s.column not in foreign)
    return FeaturePlan(features, (*kept, *_asked_for(source.foreign, config)))


def _asked_for(foreign: Sequence[Skipped], config: Config) -> list[Skipped]:
    """The columns that cannot be read, of those that the configuration does not leave out."""
    included, excluded = (Patterns(p) for p in (config.features.include, config.features.exclude))
    top = [(s, s.column.split(".")[0]) for s in foreign]
    return [
        replace(s, reason=EXCLUDED, mixed=False, ambiguous=False)
        if excluded.match(s.column, name)
        else s
        for s, name in top
        if included.match(s.column, name)
    ]
