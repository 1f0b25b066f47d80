"""The categories that have limits of their own: a subject of verdicts for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from kldrift.config import CategoryLimits, Config
from kldrift.config.problems import nearest
from kldrift.counting.group_names import written
from kldrift.errors import ConfigError
from kldrift.features.pairs import Pair
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import CategoricalSupport
from kldrift.scoring.category import one_category
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.verdict import Subject

CATEGORY: Final = "category"
"""The kind of such a subject."""
SHOWN: Final = 20
"""Of the reference's categories, the most frequent, that an error names."""


def limits_of(p: Pair, config: Config) -> Mapping[str, CategoryLimits]:
    """The limits of single categories of a feature that is compared, by category."""
    override = config.features.override.get(p.feature.name)
    return override.categories if override is not None and p.both and not p.changed else {}


def check_kinds(pairs: Sequence[Pair], config: Config) -> None:
    """Check that features whose categories have limits have categories."""
    pairs_by_name = {p.feature.name: p for p in pairs}
    problems = []
    for name, override in config.features.override.items():
        p = pairs_by_name.get(name)
        if override.categories and p is None:
            problems.append((name, "it is no feature by itself"))
        elif p is not None and limits_of(p, config) and p.feature.kind != "categorical":
            problems.append((name, f"{p.feature.type} is numeric; set kind: categorical"))
    lines = (
        f"features.override.{name}.categories: expected a categorical feature, but {why}"
        for name, why in problems
    )
    if problems:
        raise ConfigError("\n".join(lines))


def check_categories(
    pairs: Sequence[Pair], references: Mapping[str, Profile], config: Config
) -> None:
    """Check that categories with limits of their own are in the reference."""
    problems = []
    for p in pairs:
        support = references[p.feature.name].support
        known = support.categories if isinstance(support, CategoricalSupport) else ()
        problems += [
            f"features.override.{p.feature.name}.categories: the reference has no {category!r}"
            f"{nearest(category, known[:SHOWN]) if known else ''}"
            for category in limits_of(p, config)
            if category not in known
        ]
    if problems:
        raise ConfigError("\n".join(problems))


def category_subjects(
    pairs: Sequence[Pair], comparisons: Sequence[Comparison], config: Config
) -> Iterator[Subject]:
    """A subject for each category that has limits of its own, named as ``column=category``."""
    for p, comparison in zip(pairs, comparisons, strict=True):
        for category, limits in limits_of(p, config).items():
            yield Subject(
                f"{written(p.feature.name)}={written(category)}",
                CATEGORY,
                limits.limits,
                one_category(comparison, category),
            )
