"""Quotes names for Spark SQL."""

from __future__ import annotations


def backticked(name: str) -> str:
    """A name in backticks, so that Spark SQL takes any character in it.

    Examples:
        >>> backticked("a.b"), backticked("a`b")
        ('`a.b`', '`a``b`')
    """
    return "`" + name.replace("`", "``") + "`"
