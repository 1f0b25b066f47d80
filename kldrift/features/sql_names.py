"""Names as Spark's SQL has them."""

from __future__ import annotations


def backticked(name: str) -> str:
    """A name in SQL, whatever is in it.

    Examples:
        >>> backticked("a.b"), backticked("a`b")
        ('`a.b`', '`a``b`')
    """
    return "`" + name.replace("`", "``") + "`"
