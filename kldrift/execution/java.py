"""Checks that there is a Java for Spark to start; one line instead of Spark's forty."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from kldrift.errors import KldriftError


class JavaError(KldriftError):
    """Raised when there is no Java where Spark looks for it."""


def child_processes() -> set[int]:
    """The processes that this one has started; none where the system does not tell."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(child) for one in lists for child in one.read_text().split()}


def end(processes: Iterable[int]) -> None:
    """End processes that are still there."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)


def require_java() -> None:
    """Check that the Java that Spark would start is there.

    Spark looks in ``JAVA_HOME`` and, only if that is not set, on ``PATH``; so does this.

    Raises:
        JavaError: it is not there.
    """
    home = os.environ.get("JAVA_HOME")
    if home:
        if not shutil.which("java", path=os.path.join(home, "bin")):  # noqa: PTH118 - text in, text out
            raise JavaError(
                f"JAVA_HOME is {home!r}, but there is no bin/java; "
                "set it to an installation of Java 17 or later, or unset it"
            )
    elif not shutil.which("java"):
        raise JavaError(
            "Spark needs Java, and there is none: JAVA_HOME is not set and no java is on PATH; "
            "install Java 17 or later"
        )
