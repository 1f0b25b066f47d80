"""Columns and literals of a Spark SQL predicate, as sqlglot parses it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from kldrift.features.sentinels import is_text
from kldrift.sources.predicates.units import (
    DATE,
    DECIMAL_DIGITS,
    TIMESTAMP,
    Column,
    LiteralValue,
    RefusedError,
    parse_instant,
)

DIGITS: Final = re.compile(r"\d+")
DECIMAL: Final = re.compile(r"0*(\d*)\.(\d*)")
DOUBLE: Final = re.compile(r"(\d+\.?\d*|\.\d+)[eE][+-]?\d+")


def sql(node: exp.Expression) -> str:
    """The quoted text of a node, for messages."""
    return repr(node.sql(dialect="spark", comments=False))


def only(node: exp.Expression, *known: str) -> exp.Expression:
    """Refuse a node that says more than what is translated: SYMMETRIC, a subquery, ESCAPE."""
    if any(given for name, given in node.args.items() if name not in known):
        raise RefusedError(f"{sql(node)} is not among the predicates that are read with Arrow")
    return node


def operand(node: exp.Expression, schema: pa.Schema) -> Column | LiteralValue:
    """Read one side of a comparison."""
    result: Column | LiteralValue
    match node:
        case exp.Paren():
            result = operand(only(node, "this").this, schema)
        case exp.Column() | exp.Dot():
            result = column(node, schema)
        case exp.Neg(this=exp.Literal() | exp.Cast()):
            result = _negative(node, operand(node.this, schema))
        case exp.Null():
            result = None
        case exp.Boolean():
            result = bool(node.this)
        case exp.Literal():
            result = str(node.this) if node.is_string else _number(str(node.this))
        case exp.Cast(this=exp.Literal() as text):
            result = _typed(node, text)
        case _:
            raise _no_operand(node)
    return result


def literal(node: exp.Expression, schema: pa.Schema) -> LiteralValue:
    """Read an operand that must not be a column."""
    value = operand(node, schema)
    if isinstance(value, Column):
        raise RefusedError(f"{sql(node)} is not a literal")
    return value


def column(node: exp.Expression, schema: pa.Schema) -> Column:
    """Resolve a name as Spark does: without regard to case, and into structs."""
    path = names(node)
    fields: Sequence[pa.Field] = list(schema)
    spelled: list[str] = []
    for part in path:
        same = [field for field in fields if field.name.lower() == part.lower()]
        if len(same) != 1:
            which = "more than one column matches" if same else "there is no column"
            raise RefusedError(f"{which} {'.'.join([*spelled, part])!r}")
        spelled.append(same[0].name)
        fields = list(same[0].type) if pa.types.is_struct(same[0].type) else []
    kind = same[0].type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if is_text(kind) and _has_declared_rules(schema):
        raise RefusedError(f"{'.'.join(spelled)!r} may have a collation or a fixed length in Spark")
    return Column(".".join(spelled), pc.field(*spelled), kind)


def names(node: exp.Expression) -> list[str]:
    """The path that a column reference spells."""
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        return [*names(node.this), node.expression.name]
    parts = node.parts if isinstance(node, exp.Column) else []
    if parts and all(isinstance(part, exp.Identifier) for part in parts):
        return [part.name for part in parts]
    raise RefusedError(f"{sql(node)} is not a column")


def _has_declared_rules(schema: pa.Schema) -> bool:
    """Whether Spark's own schema in the file gives strings another equality than that of bytes."""
    declared = (schema.metadata or {}).get(b"org.apache.spark.sql.parquet.row.metadata", b"")
    return b"__COLLATIONS" in declared or b"__CHAR_VARCHAR_TYPE_STRING" in declared


def _no_operand(node: exp.Expression) -> RefusedError:
    return RefusedError(f"{sql(node)} is neither a column nor a literal")


def _negative(node: exp.Expression, number: Column | LiteralValue) -> LiteralValue:
    if isinstance(number, Decimal):
        return number.copy_negate()  # the operator would round to 28 digits
    if isinstance(number, int | float) and not isinstance(number, bool):
        return -number
    raise _no_operand(node)


def _number(text: str) -> int | Decimal | float:
    decimal = DECIMAL.fullmatch(text)
    if DIGITS.fullmatch(text) and len(text.lstrip("0")) <= DECIMAL_DIGITS:
        return int(text)
    if decimal and len(decimal[1] + decimal[2]) <= DECIMAL_DIGITS:
        return Decimal(text)
    if DOUBLE.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    raise RefusedError(f"{text} is not a number that Spark reads exactly")


def _typed(node: exp.Expression, text: exp.Literal) -> LiteralValue:
    """Read ``DATE '...'``, ``TIMESTAMP '...'`` and ``1L``, which the parser gives as casts."""
    value = str(text.this)
    if text.is_string and node.is_type("date") and DATE.fullmatch(value):
        return parse_instant(value).date()
    stamps = ("timestamp", "timestamptz", "timestampltz", "timestampntz")
    if text.is_string and node.is_type(*stamps) and TIMESTAMP.fullmatch(value):
        return parse_instant(value)
    if not text.is_string and node.is_type("bigint") and DIGITS.fullmatch(value):
        number = int(value)
        if number < 2**63:
            return number
    raise _no_operand(node)
