"""``segments``: lists of columns, each of which parts the rows by the values of its columns."""

from __future__ import annotations

from collections.abc import Iterator

from kldrift.config.problems import Problem
from kldrift.config.section import Section

Segments = tuple[tuple[str, ...], ...]


def read_segments(top: Section) -> Segments:
    """Read the lists; none if nothing is stated."""
    lists = top.value("segments")
    if lists is None:
        return ()
    if not isinstance(lists, list) or not all(isinstance(item, list) for item in lists):
        what = "a list of lists of columns, such as [[sex], [sex, race]]"
        top.problems.expected(top.at("segments"), what, lists)
        return ()
    each = Section({str(i): item for i, item in enumerate(lists)}, top.at("segments"), top.problems)
    return tuple(each.texts(name, ()) for name in each.names())


def segment_problems(segments: Segments) -> Iterator[Problem]:
    """Yield what no run could do."""
    known = set()
    for columns in segments:
        spelled = ", ".join(columns)
        if not columns:
            yield (), "expected one column or more in each list, got an empty one"
        elif len(set(columns)) != len(columns):
            yield (), f"expected each column of a list once, got [{spelled}]"
        elif frozenset(columns) in known:
            yield (), f"expected each list once, got [{spelled}] again"
        known.add(frozenset(columns))
