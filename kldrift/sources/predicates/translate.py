"""A Spark SQL predicate as an Arrow expression that keeps the same rows, or the reason why not.

Executors that read files with Arrow have no Spark to apply ``where``. This module translates the
part of Spark SQL whose meaning is certain; for the rest it says so, and the dataset is read as a
DataFrame. A predicate that is read wrongly would drift silently, so what is in doubt is refused:
functions, casts, comparisons of unlike types, and what a Spark setting can give another meaning.

There is no three-valued logic below. SQL keeps the rows where a predicate is TRUE, so a
translation only has to say when a node is TRUE, or, below a NOT, when it is FALSE. Negation moves
down to the comparisons, and a null satisfies neither of the two.

The session's time zone is taken to be UTC. The expression is for filtering batches. It must not
prune row groups by Parquet statistics where float columns are read: these leave out NaN, which in
Spark is greater than every number, and Arrow drops a row group of ``[5.0, NaN]`` for ``x > 6``.
``kldrift.sources.predicates.pruning`` drops those that certainly hold no such row.

See docs/decisions/pushdown.md.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp

from kldrift.sources.predicates import spark_semantics as comparison
from kldrift.sources.predicates.operands import column, literal, names, only, operand, sql
from kldrift.sources.predicates.units import Column, RefusedError

# What a setting of the session can turn into something else, wherever in the text it stands.
AMBIGUOUS: Final = {
    "\\": "a backslash means different things under different Spark settings",
    '"': "double quotes hold a string or a name, as Spark is set; write a string in single quotes",
}

OPERATORS: Final[dict[type, str]] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "<=>",
    exp.NullSafeNEQ: "<!>",
}

CHANGING: Final = ("Current", "Local", "Rand", "Session", "Uuid", "Utc", "Version")
"""How the names of functions begin, in the parser, that ask for the time, chance or the session."""
MOVING_TIMES: Final = frozenset({"now", "today", "tomorrow", "yesterday"})
"""Text that Spark may read as a time that moves."""


@dataclass(frozen=True)
class Unsupported:
    """The predicate has no certain Arrow equivalent; ``reason`` says why."""

    reason: str


def to_arrow(where: str, schema: pa.Schema) -> pc.Expression | Unsupported:
    """Translate a Spark SQL predicate for batches of this schema.

    Returns:
        An expression that is true for exactly the rows that Spark keeps, or why there is none.

    Examples:
        >>> schema = pa.schema([("fare", pa.float64())])
        >>> print(to_arrow("fare > 2.5", schema))
        ((fare > 2.5) or is_nan(fare))
        >>> to_arrow("round(fare) = 2", schema)
        Unsupported(reason="'ROUND(fare)' is neither a column nor a literal")
    """
    try:
        return _true_when(parse(where), True, schema)
    except RefusedError as refused:
        return Unsupported(str(refused))
    except RecursionError:
        return Unsupported("the predicate is nested too deeply")


def columns(where: str, schema: pa.Schema | None = None) -> frozenset[str]:
    """Name the top-level columns that a predicate reads.

    They are spelt as in the schema, or else as in the predicate.

    Examples:
        >>> sorted(columns("trip.distance > 2 AND `Fare amount` IS NOT NULL"))
        ['Fare amount', 'trip']
        >>> sorted(columns("FARE > 2", pa.schema([("fare", pa.float64())])))
        ['fare']
    """
    try:
        written = {names(column_node)[0] for column_node in parse(where).find_all(exp.Column)}
        if schema is None:
            return frozenset(written)
        identifiers = (exp.column(exp.to_identifier(name, quoted=True)) for name in written)
        return frozenset(column(name, schema).name for name in identifiers)
    except RefusedError as refused:
        raise ValueError(f"{where!r}: {refused}") from None


def steady(text: str) -> bool:
    """Whether a Spark SQL expression gives the same for the same row, today and tomorrow.

    False where that is not certain: the current time, chance, another table, a function that is
    not known here.

    Examples:
        >>> steady("month(day) = 2"), steady("day > current_date() - 7"), steady("mine(day)")
        (True, False, False)
    """
    try:
        nodes = list(parse(text).walk())
    except (RefusedError, RecursionError):
        return False
    return not any(
        isinstance(node, exp.Query | exp.Anonymous)
        or (isinstance(node, exp.Func) and type(node).__name__.startswith(CHANGING))
        or (isinstance(node, exp.Literal) and node.name.strip().lower() in MOVING_TIMES)
        for node in nodes
    )


def parse(where: str) -> exp.Expression:
    """Parse a Spark SQL predicate."""
    for sign, reason in AMBIGUOUS.items():
        if sign in where:
            raise RefusedError(reason)
    try:
        return sqlglot.parse_one(where, dialect="spark", into=exp.Condition)
    except sqlglot.errors.SqlglotError as error:
        raise RefusedError(f"it cannot be parsed: {str(error).splitlines()[0]}") from None


def _true_when(node: exp.Expression, value: bool, schema: pa.Schema) -> pc.Expression:
    """Translate a node to an expression that is true exactly where the node is ``value``."""
    recurse = functools.partial(_true_when, schema=schema)
    match node:
        case exp.Paren():
            result = recurse(only(node, "this").this, value)
        case exp.Not():
            result = recurse(only(node, "this").this, not value)
        case exp.And() | exp.Or():
            only(node, "this", "expression")
            left, right = recurse(node.this, value), recurse(node.expression, value)
            result = left & right if isinstance(node, exp.And) == value else left | right
        case exp.Between():
            only(node, "this", "low", "high")
            low = exp.GTE(this=node.this, expression=node.args["low"])
            high = exp.LTE(this=node.this, expression=node.args["high"])
            result = recurse(exp.and_(low, high), value)
        case exp.Boolean():
            result = pc.scalar(node.this == value)
        case exp.Null():
            result = comparison.NO_ROW
        case _:
            result = _leaf(node, value, schema)
    return result


def _leaf(node: exp.Expression, value: bool, schema: pa.Schema) -> pc.Expression:
    """Translate a predicate about one column, or two, likewise."""
    match node:
        case exp.Column() | exp.Dot():
            result = comparison.compare(column(node, schema), "=" if value else "!=", True)
        case exp.Is(expression=exp.Null() | exp.Boolean()):
            only(node, "this", "expression")
            op = "<=>" if value else "<!>"
            whether = literal(node.expression, schema)
            result = comparison.compare(column(node.this, schema), op, whether)
        case exp.In(expressions=[_, *_]):
            only(node, "this", "expressions")
            listed = [literal(one, schema) for one in node.expressions]
            ask = comparison.contained if value else comparison.excluded
            result = ask(column(node.this, schema), listed)
        case exp.Like():
            # NOT LIKE is an argument of the node in some versions of the parser.
            only(node, "this", "expression", "negate")
            plain = value != bool(node.args.get("negate"))
            pattern = literal(node.expression, schema)
            result = comparison.like(column(node.this, schema), pattern, plain)
        case _ if type(node) in OPERATORS:
            result = _comparison(only(node, "this", "expression"), value, schema)
        case _:
            raise RefusedError(f"{sql(node)} is not among the predicates that are read with Arrow")
    return result


def _comparison(node: exp.Expression, value: bool, schema: pa.Schema) -> pc.Expression:
    op = OPERATORS[type(node)]
    if not value:
        op = comparison.OPPOSITE[op]
    left, right = operand(node.this, schema), operand(node.expression, schema)
    if isinstance(right, Column):
        if isinstance(left, Column):
            return comparison.compare_columns(left, op, right)
        return comparison.compare(right, comparison.MIRRORED.get(op, op), left)
    if isinstance(left, Column):
        return comparison.compare(left, op, right)
    raise RefusedError(f"{sql(node)} reads no column")
