"""A table with every awkward value, and predicates over it: read with Arrow, or refused."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

NAN, INF = math.nan, math.inf
BIG = 2**53
INTEGERS = [None, 0, 1, -1, 2, 3, BIG - 1, BIG, BIG + 1, -(2**63), 2**63 - 1]
DOUBLES = [None, 0.0, -0.0, 0.1, 1.0, 2.5, NAN, INF, -INF, float(BIG), -1.0, 5e-324]
FLOATS = [None, 0.0, -0.0, 0.1, 1.0, 2.5, NAN, INF, -INF, 16777216.0]
STRINGS = [
    None,
    "",
    "null",
    "a",
    "A",
    "ab",
    "é",
    "e\u0301",
    "😀",
    "\uffff",
    "a%",
    "100%_",
    "z ",
    "ba",
]
DAYS = [None, *map(dt.date.fromisoformat, ["1969-12-31", "1970-01-01", "2024-02-29", "9999-12-31"])]
TIMES = [
    None,
    dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
    dt.datetime(1970, 1, 1),
    dt.datetime(2024, 2, 29, 12, 30, 0, 1),
    dt.datetime(2024, 2, 29),
    dt.datetime(9999, 12, 31, 23, 59, 59, 999000),
]
AMOUNTS = [None, *map(Decimal, ["0.00", "-0.01", "2.50", "2.51", "99999999.99"])]
FLAGS = [None, True, False]
ROWS = 260


def _cycle(values: Sequence[object], step: int = 1) -> list[object]:
    return [values[(i * step) % len(values)] for i in range(ROWS)]


def _milliseconds(times: Sequence[dt.datetime | None]) -> list[dt.datetime | None]:
    return [t and t.replace(microsecond=t.microsecond // 1000 * 1000) for t in times]


# Columns that are compared cycle through lists of coprime lengths, so that all pairs meet.
TABLE = pa.table(
    {
        "id": pa.array(range(ROWS)),
        "tiny": pa.array(_cycle([None, -128, 0, 1, 2, 127], 5), pa.int8()),
        "n": pa.array(_cycle([None, 0, 1, -1, 2, 3, 2**31 - 1, -(2**31)], 3), pa.int32()),
        "m": pa.array(_cycle([None, 0, 1, 2, 3], 2), pa.int32()),
        "big": pa.array(_cycle(INTEGERS), pa.int64()),
        "unsigned": pa.array(_cycle([None, 0, 1, 2**63, 2**64 - 1], 3), pa.uint64()),
        "x": pa.array(_cycle(DOUBLES), pa.float64()),
        "y": pa.array(_cycle([*DOUBLES, 2.5]), pa.float64()),
        "f": pa.array(_cycle(FLOATS, 3), pa.float32()),
        "g": pa.array(_cycle([None, NAN, 0.1, -0.0, 0.0, INF, 7.0]), pa.float32()),
        "s": pa.array(_cycle(STRINGS), pa.string()),
        "t": pa.array(_cycle(STRINGS[:-1]), pa.string()),
        "code": pa.array(_cycle(STRINGS, 2), pa.string()).dictionary_encode(),
        "day": pa.array(_cycle(DAYS, 2), pa.date32()),
        "other_day": pa.array(_cycle([None, dt.date(1970, 1, 1), dt.date(2024, 2, 29)])),
        "at": pa.array(_cycle(TIMES), pa.timestamp("us", "UTC")),
        "until": pa.array(_cycle(TIMES[:-1]), pa.timestamp("us", "UTC")),
        "wall": pa.array(_cycle(TIMES), pa.timestamp("us")),
        "coarse": pa.array(_cycle(_milliseconds(TIMES)), pa.timestamp("ms", "UTC")),
        "amount": pa.array(_cycle(AMOUNTS, 2), pa.decimal128(10, 2)),
        "wide": pa.array(_cycle([None, Decimal("0.5"), Decimal(10**19)]), pa.decimal128(38, 18)),
        "ok": pa.array(_cycle(FLAGS), pa.bool_()),
        "late": pa.array(_cycle([None, None, True, False]), pa.bool_()),
        "Mixed Case": pa.array(_cycle([None, 1, 2]), pa.int32()),
        "dotted.name": pa.array(_cycle([None, 1, 2]), pa.int32()),
        "trip": pa.array(
            _cycle([None, {"km": 1.0, "To": {"zip": "a"}}, {"km": None, "To": None},
                    {"km": NAN, "To": {"zip": None}}])
        ),
        "tags": pa.array(_cycle([None, [], ["a"]]), pa.list_(pa.string())),
    }
)  # fmt: skip

OPERATORS = ["=", "<=>", "!=", "<", "<=", ">", ">="]
EXACT_LITERALS = ["0", "-1", "2", "2.5", "-0.00", "127", "128", "-129", "1e0", "2147483648", "1L"]
BIG_LITERALS = ["9007199254740993", "9223372036854775807", "-9223372036854775808"]
FLOAT_LITERALS = ["0", "-0.0", "0.1", "1", "2.5", "1e300", "16777217.5", "-1e0"]
STRING_LITERALS = ["''", "'null'", "'a'", "'é'", "'😀'", "'z '", "'a%'", "'B'"]
DATE_LITERALS = ["DATE '1970-01-01'", "'2024-02-29'", "DATE'2024-03-01'"]
TIME_LITERALS = [
    "TIMESTAMP '1970-01-01 00:00:00'",
    "TIMESTAMP '2024-02-29 12:30:00.000001'",
    "TIMESTAMP '2024-02-29'",
    "DATE '2024-02-29'",
    "'2024-02-29 12:30:00.0'",
    "'2024-02-29'",
    "TIMESTAMP_NTZ '1969-12-31T23:59:59.999999'",
]


def _pairs(names: Sequence[str], literals: Sequence[str]) -> list[str]:
    plain = [f"{n} {op} {v}" for n in names for v in literals for op in OPERATORS]
    return plain + [f"{v} {op} {n}" for n in names for v in literals[:2] for op in OPERATORS]


COMPARED = {
    "integers": _pairs(["tiny", "n", "unsigned"], EXACT_LITERALS),
    "beyond doubles": _pairs(["tiny", "big", "unsigned"], [*BIG_LITERALS, "2.5"]),
    "doubles": _pairs(["x"], [*FLOAT_LITERALS, "9007199254740993", "99999999999999999999"]),
    "floats": _pairs(["f", "g"], FLOAT_LITERALS),
    "strings": _pairs(["s", "code"], STRING_LITERALS),
    "dates": _pairs(["day"], DATE_LITERALS),
    "timestamps": _pairs(["at", "wall", "coarse"], TIME_LITERALS),
    "decimals": _pairs(["amount", "wide"], ["0", "2.5", "2.505", "-0.01", "99999999.99", "1000"]),
    "columns": [
        f"{a} {op} {b}"
        for a, b in [("n", "m"), ("x", "y"), ("f", "g"), ("s", "t"), ("day", "other_day"),
                     ("at", "until"), ("amount", "amount")]
        for op in OPERATORS
    ] + ["ok = late", "ok <=> late", "ok != late", "NOT ok <=> late", "code = code",
         "n == m", "n <> m", "n == 1", "x <> 1"],
    "nulls": [f"{n} {op} NULL" for n in ["n", "x", "s", "ok", "at"] for op in OPERATORS]
    + [f"{n} IS {neg}NULL" for n in TABLE.column_names if " " not in n and "." not in n
       for neg in ["", "NOT "]]
    + ["n IS DISTINCT FROM 1", "n IS NOT DISTINCT FROM 1", "n IS DISTINCT FROM m", "NULL",
       "NOT NULL", "NULL OR n = 1", "x IS DISTINCT FROM y", "NOT (x IS NULL)"],
    "booleans": ["ok", "NOT ok", "! ok", "!ok AND late", "! n = 1", "NOT n = 1", "ok = TRUE",
                 "ok = false", "TRUE = ok", "ok <> true", "ok <=> false", "ok IS TRUE",
                 "ok IS NOT TRUE", "ok IS FALSE", "ok IS NOT FALSE", "TRUE", "FALSE", "NOT FALSE",
                 "ok OR late", "ok AND NOT late", "NOT (ok AND late)", "NOT (ok OR late)",
                 "NOT NOT ok", "ok OR late AND n = 1", "((ok))", "ok -- why", "ok /* why */"],
    "in": ["n IN (1, 2)", "n NOT IN (1, 2)", "n IN (1, NULL)", "n NOT IN (1, NULL)",
           "n IN (2.5, 1)", "n IN (2.5)", "n NOT IN (2.5)", "NOT n IN (1)", "n IN (NULL)",
           "tiny IN (1, 1000)",
           "big IN (9007199254740993, 9223372036854775807)", "x IN (0, 1.0, 0.1)", "x IN (-0.0)",
           "x NOT IN (0, 2.5)", "x IN (1,2,3,4,5,6,7,8,9,10,11,0.0)", "f IN (0.1, 2.5)",
           "f NOT IN (0.1)", "f NOT IN (2.5, 0)", "x NOT IN (1,2,3,4,5,6,7,8,9,10,11,0)",
           "f IN (1,2,3,4,5,6,7,8,9,10,11,0)", "big IN (1,2,3,4,5,6,7,8,9,10,11,12)",
           "s IN ('a', '', 'null')", "s NOT IN ('a')", "code IN ('a', 'é')", "code NOT IN ('a')",
           "day IN ('1970-01-01', DATE '2024-02-29')", "day NOT IN ('1970-01-01')",
           "at IN (TIMESTAMP '2024-02-29 00:00:00', DATE '1970-01-01')",
           "at NOT IN (TIMESTAMP '2024-02-29 12:30:00.000001')",
           "coarse IN (TIMESTAMP '2024-02-29 00:00:00', TIMESTAMP '2024-02-29 12:30:00.000001')",
           "amount IN (2.5, 2.505)", "amount NOT IN (2.50)", "s IN (NULL, 'a')",
           "unsigned IN (9223372036854775807, -1)"],
    "between": ["n BETWEEN 0 AND 2", "n NOT BETWEEN 0 AND 2", "NOT n BETWEEN 0 AND 2",
                "n BETWEEN 2 AND 0", "n NOT BETWEEN NULL AND 0", "n BETWEEN NULL AND 0",
                "n NOT BETWEEN 0 AND NULL", "x BETWEEN 0 AND 1e300", "x NOT BETWEEN -1 AND 2.5",
                "x BETWEEN 0.0 AND y", "1 BETWEEN n AND m", "f BETWEEN 0.1 AND 2.5",
                "s BETWEEN 'a' AND 'b'", "day BETWEEN '1970-01-01' AND DATE '2024-12-31'",
                "at BETWEEN '1970-01-01' AND '2024-02-29'", "n BETWEEN 0 AND 2 AND ok",
                "at NOT BETWEEN TIMESTAMP '1970-01-01' AND TIMESTAMP '2024-02-29 12:30:00'"],
    "like": ["s LIKE 'a%'", "s LIKE '%b'", "s LIKE '%ul%'", "s LIKE 'a'", "s LIKE '%'", "s LIKE ''",
             "s NOT LIKE 'a%'", "NOT s LIKE '%l'", "s NOT LIKE 'a'", "code LIKE 'a%'",
             "code NOT LIKE '%a%'", "s LIKE '%%é'", "s NOT LIKE '%'", "code LIKE '😀%'"],
    "names": ["`Mixed Case` = 1", "`mixed case` > 1", "`dotted.name` = 1", "`DOTTED.name` IS NULL",
              "trip.km > 0", "TRIP.KM > 0", "trip.to.zip = 'a'", "trip.`To`.zip IS NULL",
              "`trip`.`km` IS NOT NULL", "NOT trip.km <= 1", "N = 1", "trip.to IS NULL"],
}  # fmt: skip
ALL = [where for group in COMPARED.values() for where in group]

REFUSED = {
    "round(x) = 2": "neither a column nor a literal",
    "abs(n) > 1 OR ok": "neither a column nor a literal",
    "n + 1 = 2": "neither a column nor a literal",
    "-n = 1": "neither a column nor a literal",
    "cast(s AS int) = 1": "neither a column nor a literal",
    "CASE WHEN ok THEN late ELSE ok END": "not among the predicates",
    "n IN (SELECT 1)": "not among the predicates",
    "EXISTS (SELECT 1)": "not among the predicates",
    "isnull(n)": "not among the predicates",
    "s = 1": "'s' is string and is compared with 1",
    "n = '1'": "'n' is int32 and is compared with '1'",
    "ok = 1": "'ok' is bool and is compared with 1",
    "ok < true": "'ok' is bool",
    "ok < late": "are bool",
    "n = TRUE": "'n' is int32 and is compared with True",
    "n": "'n' is int32 and is compared with True",
    "x = 'NaN'": "'x' is double and is compared with 'NaN'",
    "n = big": "'n' is int32 and 'big' is int64",
    "x = f": "'x' is double and 'f' is float",
    "tags = tags": "'tags' and 'tags' are list",
    "tags = 1": "compared with 1",
    "tags[0] = 'a'": "neither a column nor a literal",
    "f = 16777217": "16777217 is not exact in it",
    "big < 9223372036854775808": "past the range of a bigint",
    "n IN (99999999999999999999)": "past the range of a bigint",
    "big = 1e16": "compared as doubles",
    "amount = 1e0": "compared as doubles",
    "big = 0.1234567890123456789": "may not fit 38 digits",
    "wide < 0.1234567890123456789": "may not fit 38 digits",
    f"n < {'9' * 39}": "not a number that Spark reads exactly",
    "x < 1e400": "not a number that Spark reads exactly",
    "x < 1.5D": "neither a column nor a literal",
    "x < 1.5BD": "neither a column nor a literal",
    "day = TIMESTAMP '2024-02-29 00:00:00'": "'day' is date32",
    "day = '2024-2-29'": "'day' is date32",
    "day = '2024-02-29 00:00:00'": "'day' is date32",
    "day = DATE '2023-02-29'": "day is out of range",
    "day = '2023-02-29'": "day is out of range",
    "at = 'now'": "'at' is timestamp",
    "at = TIMESTAMP '2024-02-29 00:00:00+01:00'": "neither a column nor a literal",
    "at = '2024-02-29 24:00:00'": "hour must be in",
    "at IN ('2024-02-29')": "IN lists strings",
    "at = wall": "'at' is timestamp",
    "at > INTERVAL 1 DAY": "neither a column nor a literal",
    "at < current_timestamp()": "neither a column nor a literal",
    "s LIKE 'a_'": "wildcard that is not % at an end",
    "s LIKE 'a%b'": "wildcard that is not % at an end",
    "s LIKE '/%' ESCAPE '/'": "not among the predicates",
    "s ILIKE 'a'": "not among the predicates",
    "s RLIKE 'a'": "not among the predicates",
    "s LIKE ANY ('a', 'b')": "neither a column nor a literal",
    "s LIKE t": "'t' is not a literal",
    "n LIKE '1'": "'n' is int32",
    "s = 'it''s'": "neither a column nor a literal",
    r"s = 'a\nb'": "a backslash",
    's = "a"': "double quotes",
    "n IN ()": "not among the predicates",
    "n IN (1, m)": "'m' is not a literal",
    "n IN ('1')": "'n' is int32 and is compared with '1'",
    "ok IN (true)": "'ok' is bool and is compared with True",
    "n BETWEEN SYMMETRIC 2 AND 0": "not among the predicates",
    "(n = 1) = ok": "neither a column nor a literal",
    "(n = 1) IS NULL": "is not a column",
    "n IS TRUE": "compared with True",
    "1 = 1": "reads no column",
    "n = 1 trailing": "cannot be parsed",
    "n = ": "cannot be parsed",
    "": "cannot be parsed",
    "nowhere = 1": "there is no column 'nowhere'",
    "trip.nowhere = 1": "there is no column 'trip.nowhere'",
    "n.km = 1": "there is no column 'n.km'",
    "dotted.name = 1": "there is no column 'dotted'",
    "n = :p": "neither a column nor a literal",
}


LEAVES = st.sampled_from([w for w in ALL if "--" not in w and "!" not in w[0]])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map("NOT ({})".format),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(
            "({0[0]}) {0[1]} {0[2]}".format
        ),
    ),
    max_leaves=6,
)


def write_days(root: Path) -> Path:
    """Three hive partitions of two row groups."""
    for day in (1, 2, 3):
        folder = root / f"day=2024-01-0{day}"
        folder.mkdir(parents=True)
        table = pa.table({"n": np.arange(200) + 1000 * day, "x": np.arange(200) / 7})
        pq.write_table(table, folder / "f.parquet", row_group_size=100)
    return root
