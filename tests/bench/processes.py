"""Peak memory of a Spark driver, its JVM and its Python workers, as Linux keeps it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

PROC = Path("/proc")
SECONDS = 0.05


class Peaks:
    """While it is open: the largest resident memory of this process and of those it started.

    Each process's own high-water mark (``VmHWM``) is read again and again, so that a peak between
    two looks is not lost; only a process that lives shorter than 50 ms may be.

    Attributes:
        megabytes: by ``driver``, ``jvm``, ``worker``; of workers the largest.
    """

    def __init__(self) -> None:
        self.megabytes = {"driver": 0.0, "jvm": 0.0, "worker": 0.0}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.look()

    def _watch(self) -> None:
        while not self._stop.wait(SECONDS):
            self.look()

    def look(self) -> None:
        """Read the marks once."""
        for pid in descendants(os.getpid()):
            # A process may end while it is looked at.
            with suppress(OSError):
                role = role_of(pid)
                if role:
                    self.megabytes[role] = max(self.megabytes[role], peak_megabytes(pid))


def role_of(pid: int) -> str:
    """``driver``, ``jvm``, ``worker``, or nothing for what is none of them."""
    if pid == os.getpid():
        return "driver"
    command = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    if command[0].endswith(b"java"):
        return "jvm"
    return "worker" if any(b"pyspark" in word for word in command) else ""


def peak_megabytes(pid: int) -> float:
    """The high-water mark of a process's resident memory, in MB of 10^6 bytes; 0 if it has none."""
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def descendants(root: int) -> list[int]:
    """A process and all that it started, and those started in turn."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                # The name in brackets may hold anything; the parent is the second word after it.
                after = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(after[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found
