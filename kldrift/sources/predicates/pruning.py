"""Drops row groups that cannot hold a row that a predicate keeps, by bounds of their columns.

A row group, or a whole file by the log of a table, is dropped only if no value within its bounds
meets the predicate, so wider bounds than those of its values do no harm. Known are the least and
greatest value of whole numbers, decimals, dates and timestamps, the values of partitions, and
whether there are nulls. The bounds of floats are never looked at: Parquet leaves out NaN, which in
Spark is greater than every number. Those of text are not either: writers cut them, and the footer
as Arrow gives it does not say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlglot import exp

from kldrift.features.sentinels import is_text
from kldrift.sources.parquet.bounds import ALL_NULL, UNKNOWN, Bounds, bounds_in, bounds_of_value
from kldrift.sources.parquet.column_types import partition_scalar
from kldrift.sources.parquet.files import File, Footers
from kldrift.sources.predicates.operands import column, literal, operand
from kldrift.sources.predicates.spark_semantics import MIRRORED, OPPOSITE
from kldrift.sources.predicates.translate import OPERATORS, columns, parse
from kldrift.sources.predicates.units import (
    Column,
    LiteralValue,
    RefusedError,
    counts_units,
    in_units,
)

BoundsByColumn = Mapping[str, Bounds]
"""Bounds of the values in some rows, by top-level column."""
Matcher = Callable[[BoundsByColumn], bool]
"""Tells from bounds whether a row within them may meet a predicate."""


def prune(footers: Footers, where: str) -> Footers:
    """Drop the row groups that hold no row that a predicate keeps."""
    absent = dict.fromkeys(columns(where, footers.schema), ALL_NULL)
    matches = matcher(where, footers.schema)
    pieces, bounds = [], []
    file, fixed, logged = None, {}, {}
    for piece, known in zip(footers.pieces, footers.bounds, strict=True):
        if piece.file is not file:
            file, fixed = piece.file, partition_bounds(piece.file, footers.partitions)
            logged = {n: bounds_of_value(v) for n, v in file.partition if n in absent}
        if matches({**absent, **logged, **known, **fixed}):
            pieces.append(piece)
            bounds.append(known)
    share = sum(p.size for p in pieces) / max(1, sum(p.size for p in footers.pieces))
    sizes = {name: int(size * share) for name, size in (footers.sizes or {}).items()}
    return replace(footers, pieces=tuple(pieces), bounds=tuple(bounds), sizes=sizes)


def prune_groups(
    metadata: pq.FileMetaData,
    groups: Sequence[int],
    fixed: BoundsByColumn,
    inside: Mapping[str, str],
    matches: Matcher,
) -> list[int]:
    """Drop the row groups of one file that hold no row that a predicate keeps.

    ``fixed`` bounds hold for the whole file; ``inside`` are the columns of the predicate that the
    file has, as it calls them. One that is neither there nor fixed is null.
    """
    known = bounds_in(metadata, metadata.schema.to_arrow_schema(), inside)
    return [i for i in groups if matches({**fixed, **known(i)})]


def partition_bounds(file: File, partitions: pa.Schema) -> dict[str, Bounds]:
    """The bounds that a file's partition values give all of its rows, by column."""
    values = dict(file.partition)
    return {
        field.name: bounds_of_value(partition_scalar(values.get(field.name), field.type).as_py())
        for field in partitions
    }


def matcher(where: str, schema: pa.Schema) -> Matcher:
    """Ask whether rows within bounds may meet a predicate.

    Returns:
        A function of what is known, by top-level column; it is false only if no such row can
        meet the predicate.

    Examples:
        >>> may_match = matcher("n > 5 OR n IS NULL", pa.schema([("n", pa.int64())]))
        >>> may_match({"n": Bounds(1, 5, nulls=False)})
        False
        >>> may_match({"n": Bounds(1, 6)})
        True
    """
    return _may(parse(where), True, schema)


def _may(node: exp.Expression, value: bool, schema: pa.Schema) -> Matcher:
    """Whether the node may be ``value`` for a row within the bounds; a null is neither."""
    matcher: Matcher
    match node:
        case exp.Paren():
            matcher = _may(node.this, value, schema)
        case exp.Not():
            matcher = _may(node.this, not value, schema)
        case exp.And() | exp.Or():
            sides = [_may(side, value, schema) for side in (node.this, node.expression)]
            enough = all if isinstance(node, exp.And) == value else any
            matcher = lambda known: enough(side(known) for side in sides)  # noqa: E731
        case exp.Between():
            low = exp.GTE(this=node.this, expression=node.args["low"])
            high = exp.LTE(this=node.this, expression=node.args["high"])
            matcher = _may(exp.and_(low, high), value, schema)
        case exp.Boolean():
            matcher = _always if node.this == value else _never
        case exp.Null():
            matcher = _never
        case _:
            try:
                matcher = _leaf(node, value, schema)
            except RefusedError:
                matcher = _always
    return matcher


def _never(_: BoundsByColumn) -> bool:
    return False


def _always(_: BoundsByColumn) -> bool:
    return True


def _leaf(node: exp.Expression, value: bool, schema: pa.Schema) -> Matcher:
    """Whether a predicate about one column may be ``value``; any other predicate may."""
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        one = column(node.this, schema)
        return lambda known: _bounds(one, known).nulls if value else _bounds(one, known).values
    if isinstance(node, exp.In) and value and node.expressions:
        one = column(node.this, schema)
        tests = [_compared(one, "=", literal(item, schema)) for item in node.expressions]
        return lambda known: any(test(known) for test in tests)
    if type(node) not in OPERATORS:
        return _always
    op = OPERATORS[type(node)]
    if not value:
        op = OPPOSITE[op]
    left, right = operand(node.this, schema), operand(node.expression, schema)
    if isinstance(left, Column) and not isinstance(right, Column):
        return _compared(left, op, right)
    if isinstance(right, Column) and not isinstance(left, Column):
        return _compared(right, MIRRORED.get(op, op), left)
    return _always


def _bounds(one: Column, known: BoundsByColumn) -> Bounds:
    # A dot is a struct's field or a part of a name; which of the two is not looked at.
    return UNKNOWN if "." in one.name else known.get(one.name, UNKNOWN)


def _compared(one: Column, op: str, value: LiteralValue) -> Matcher:
    """Whether a comparison with a literal may be true."""
    than = _ordered(one, value)

    def may(known: BoundsByColumn) -> bool:
        bounds = _bounds(one, known)
        if value is None:
            return {"<=>": bounds.nulls, "<!>": bounds.values}.get(op, False)
        if op == "<!>" and bounds.nulls:
            return True
        if not bounds.values:
            return False
        low, high = _ordered(one, bounds.low), _ordered(one, bounds.high)
        if low is None or high is None or than is None:
            return True
        holds: bool = {
            "=": low <= than <= high,
            "<=>": low <= than <= high,
            "!=": not low == than == high,
            "<!>": not low == than == high,
            "<": low < than,
            "<=": low <= than,
            ">": high > than,
            ">=": high >= than,
        }[op]
        return holds

    return may


def _ordered(one: Column, value: Any) -> Any:
    """A value as what is compared: whole units of its column, or text; None if it has no order."""
    if value is None:
        return None
    if is_text(one.type):
        return value.encode() if isinstance(value, str) else None
    if not counts_units(one.type):
        return None
    try:
        return Fraction(in_units(one, value))
    except RefusedError:
        return None
