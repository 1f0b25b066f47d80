"""What one call of ``make bench`` measures, and where it puts things."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How large and how often.

    Attributes:
        rows: rows of the large table.
        repeats: measurements of each contender.
        quick: everything small: to see that it runs, not to learn how fast.
        cores: tasks that run at once.
        peer_rows: rows on each side for the comparison with other tools.
        envs: folder of the other tools' virtual environments.
        large: also what takes long: 40 million rows in ``memory``, 20 million in ``history``.
    """

    rows: int = 5_000_000
    repeats: int = 5
    quick: bool = False
    cores: int = 2
    peer_rows: int = 625_000
    envs: Path = Path(".bench-envs")
    large: bool = False
