"""What NannyML and Evidently flag on days of known truth, as they do it by default.

Each runs in an environment of its own on the rows that the counts stand for (`over_days.py`). They
take seconds a feature and day, so they see some features and days of a few streams.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from tests.bench.peers import HERE, PEERS, ROOT, last_line, prepared
from tests.bench.streams import OF_A_NUMBER

TOOLS: Final = {"Evidently 0.7.23": "evidently", "NannyML 0.13.1": "nannyml"}
FARTHEST: Final = 4.5
"""Where the tails of numbers end, in deviations."""
Flags = NDArray[np.bool_]
Counts = NDArray[np.int64]


def flagged(
    streams: Sequence[tuple[Counts, Sequence[bool]]], first: int, envs: Path
) -> dict[str, list[Flags] | str]:
    """The days and features that each tool flags in each stream, or why there are none.

    Args:
        streams: counts of days, shape ``(days, features, cells)``, and which features are numbers.
        first: the day before which all are the reference.
        envs: where the environments of the tools are.
    """
    edges = norm.ppf(np.r_[0, OF_A_NUMBER.cumsum()[:-1], 1]).clip(-FARTHEST, FARTHEST)
    found: dict[str, list[Flags] | str] = {}
    with tempfile.TemporaryDirectory() as home:
        files = [str(Path(home) / f"{number}.npz") for number in range(len(streams))]
        for file, (counts, numbers) in zip(files, streams, strict=True):
            np.savez(file, counts=counts, numbers=np.array(numbers), edges=edges)
        for name, tool in TOOLS.items():
            said = _said(prepared(PEERS[name], envs), tool, first, files)
            if isinstance(said, str):
                found[name] = said
                continue
            found[name] = []
            for (counts, _), days in zip(streams, said, strict=True):
                flags = np.zeros(counts.shape[:2], dtype=np.bool_)
                for feature, on in enumerate(days):
                    flags[on, feature] = True
                found[name].append(flags)
    return found


def _said(
    python: Path | str, tool: str, first: int, files: Sequence[str]
) -> list[list[list[int]]] | str:
    if isinstance(python, str):
        return python
    quiet: Mapping[str, str] = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}
    done = subprocess.run(
        [str(python), str(HERE / "over_days.py"), tool, str(first), *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | quiet,
    )
    if done.returncode:
        return f"failed: {last_line(done.stderr)}"
    said: list[list[list[int]]] = json.loads(done.stdout.strip().splitlines()[-1])
    return said
