"""SQL of a configuration that does more than read the rows which it names.

Spark has functions that call any Java method and scripts that a query may start, and a subquery may
read any file. The text is searched, not parsed: what only looks like one of these is refused too,
and no way of writing one is let through.
"""

from __future__ import annotations

import re
from typing import Final

_CALLS: Final = re.compile(
    r"\b(reflect|try_reflect|java_method|identifier)\b`?\s*(?:\(|/\*|--)", re.IGNORECASE
)
"""Methods of Java; and names of functions and tables that are put together while it runs."""
_SCRIPT: Final = re.compile(r"\busing\b\s*(?:r?['\"]|/\*|--)", re.IGNORECASE)
"""``TRANSFORM ... USING 'program'``."""
_SUBQUERY: Final = re.compile(r"\b(?:from|table|join)\b", re.IGNORECASE)
_FILE: Final = re.compile(
    r"\b(?:avro|binaryfile|csv|delta|iceberg|jdbc|json|libsvm|orc|parquet|text|xml)`?"
    r"(?:\s|/\*.*?\*/|--[^\n]*\n)*\.|`[^`]*[/\\:][^`]*`|`[^`]*\.[^`]*`\s*(?:/\*.*?\*/\s*)*\.",
    re.IGNORECASE | re.DOTALL,
)
"""A file as a table: the name of its format, a dot, and a path in backticks."""
_WAY_OUT: Final = "if you trust whoever wrote it, state spark: {unsafe_sql: true}"


def refusal(sql: str, *, query: bool) -> str:
    """Why SQL is refused; empty if it only reads.

    Args:
        sql: Spark SQL.
        query: whether it is a query, which may read files, or an expression over the columns of
            a dataset, which may not.

    Examples:
        >>> refusal("reflect('java.lang.System', 'exit', 1) > 0", query=False)[:30]
        "'reflect' may run any program;"
        >>> refusal("id in (select id from lake.known) and reflect > 1", query=False)
        ''
    """
    if call := _CALLS.search(sql):
        return f"{call[1]!r} may run any program; {_WAY_OUT}"
    if _SCRIPT.search(sql):
        return f"USING may run any program; {_WAY_OUT}"
    if not query and _SUBQUERY.search(sql) and _FILE.search(sql):
        return f"a subquery that reads files is not allowed in a condition or feature; {_WAY_OUT}"
    return ""
