"""Which row groups cannot hold a row that a predicate keeps, by what is known of their columns.

A row group is dropped only if no value within its bounds meets the predicate, so wider bounds than
those of its values do no harm. Known are the least and greatest value of whole numbers, decimals,
dates and timestamps, the values of partitions, and whether there are nulls. The bounds of floats
are never looked at: Parquet leaves out NaN, which in Spark is greater than every number. Those of
text are not either: writers cut them, and the footer as Arrow gives it does not say so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pyarrow as pa
from sqlglot import exp

from kldrift.scan.bounds import ALL_NULL, UNKNOWN, Bounds, bounds_of_value
from kldrift.scan.files import File, Footers, partition_scalar
from kldrift.scan.operands import column, literal, operand
from kldrift.scan.predicate import OPERATORS, columns, parse
from kldrift.scan.spark_comparison import MIRRORED, OPPOSITE, is_string
from kldrift.scan.units import Column, RefusedError, Value, counts_units, in_units


def prune(footers: Footers, where: str) -> Footers:
    """Drop the row groups that hold no row that a predicate keeps.

    Args:
        footers: with the bounds of the columns that the predicate reads.
        where: a predicate that :func:`kldrift.scan.predicate.to_arrow` translates.
    """
    read = columns(where, footers.schema)
    matches = matcher(where, footers.schema)
    files = []
    for footer in footers.files:
        fixed = partition_bounds(footer.file, footers.partitions)
        there = set(footer.schema.names) - fixed.keys()
        fixed |= dict.fromkeys(read - there - fixed.keys(), ALL_NULL)
        kept = tuple(
            piece
            for piece, found in zip(footer.pieces, footer.bounds, strict=True)
            if matches({**found, **fixed})
        )
        if not kept:
            continue
        share = sum(p.size for p in kept) / max(1, sum(p.size for p in footer.pieces))
        sizes = {name: int(size * share) for name, size in footer.sizes.items()}
        files.append(replace(footer, pieces=kept, sizes=sizes, bounds=()))
    return replace(footers, files=tuple(files))


def partition_bounds(file: File, partitions: pa.Schema) -> dict[str, Bounds]:
    """What a file's partition says of all its rows, by column."""
    values = dict(file.partition)
    return {
        field.name: bounds_of_value(partition_scalar(values.get(field.name), field.type).as_py())
        for field in partitions
    }


def matcher(where: str, schema: pa.Schema) -> Callable[[Mapping[str, Bounds]], bool]:
    """Ask whether rows within bounds may meet a predicate.

    Args:
        where: a predicate that :func:`kldrift.scan.predicate.to_arrow` translates.
        schema: the columns of the dataset.

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
    parsed = parse(where)

    def may_match(known: Mapping[str, Bounds]) -> bool:
        try:
            return _may(parsed, True, schema, known)
        except RefusedError:
            return True

    return may_match


def _may(node: exp.Expression, value: bool, schema: pa.Schema, known: Mapping[str, Bounds]) -> bool:
    """Whether the node may be ``value`` for a row within the bounds; a null is neither."""
    recurse = functools.partial(_may, schema=schema, known=known)
    match node:
        case exp.Paren():
            found = recurse(node.this, value)
        case exp.Not():
            found = recurse(node.this, not value)
        case exp.And() | exp.Or():
            sides = (recurse(side, value) for side in (node.this, node.expression))
            found = all(sides) if isinstance(node, exp.And) == value else any(sides)
        case exp.Between():
            low = exp.GTE(this=node.this, expression=node.args["low"])
            high = exp.LTE(this=node.this, expression=node.args["high"])
            found = recurse(exp.and_(low, high), value)
        case exp.Boolean():
            found = node.this == value
        case exp.Null():
            found = False
        case _:
            found = _leaf(node, value, schema, known)
    return found


def _leaf(
    node: exp.Expression, value: bool, schema: pa.Schema, known: Mapping[str, Bounds]
) -> bool:
    """The same for a predicate about one column; anything else may be."""
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        bounds = _bounds(column(node.this, schema), known)
        return bounds.nulls if value else bounds.values
    if isinstance(node, exp.In) and value and node.expressions:
        one = column(node.this, schema)
        listed = [literal(item, schema) for item in node.expressions]
        return any(_compared(one, "=", item, known) for item in listed)
    if type(node) not in OPERATORS:
        return True
    op = OPERATORS[type(node)]
    if not value:
        op = OPPOSITE[op]
    left, right = operand(node.this, schema), operand(node.expression, schema)
    if isinstance(left, Column) and not isinstance(right, Column):
        return _compared(left, op, right, known)
    if isinstance(right, Column) and not isinstance(left, Column):
        return _compared(right, MIRRORED.get(op, op), left, known)
    return True


def _bounds(one: Column, known: Mapping[str, Bounds]) -> Bounds:
    # A dot is a struct's field or a part of a name; which of the two is not looked at.
    return UNKNOWN if "." in one.name else known.get(one.name, UNKNOWN)


def _compared(one: Column, op: str, value: Value, known: Mapping[str, Bounds]) -> bool:
    """Whether a comparison with a literal may be true."""
    bounds = _bounds(one, known)
    if value is None:
        return {"<=>": bounds.nulls, "<!>": bounds.values}.get(op, False)
    if op == "<!>" and bounds.nulls:
        return True
    if not bounds.values:
        return False
    low, high = _ordered(one, bounds.low), _ordered(one, bounds.high)
    than = _ordered(one, value)
    if low is None or high is None or than is None:
        return True
    found: bool = {
        "=": low <= than <= high,
        "<=>": low <= than <= high,
        "!=": not low == than == high,
        "<!>": not low == than == high,
        "<": low < than,
        "<=": low <= than,
        ">": high > than,
        ">=": high >= than,
    }[op]
    return found


def _ordered(one: Column, value: Any) -> Any:
    """A value as what is compared: whole units of its column, or text; None if it has no order."""
    if value is None:
        return None
    if is_string(one.type):
        return value.encode() if isinstance(value, str) else None
    if not counts_units(one.type):
        return None
    try:
        return Fraction(in_units(one, value))
    except RefusedError:
        return None
