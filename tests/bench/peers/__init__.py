"""Other tools on the same files, each in a virtual environment and a process of its own.

What is timed is from two Parquet files to the drift of each of 40 columns: reading them, comparing
them in memory, and both together; not the import of the tool, nor the start of Spark. Each tool
does what it does by default; they do not compute the same numbers. The rows of kldrift come from
processes of their own too, and the one on Spark includes the first jobs of a new session.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import data
from tests.bench.options import Options
from tests.bench.rounds import say
from tests.bench.table import Row

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
MINUTES = 30


@dataclass(frozen=True)
class Peer:
    """A tool.

    Attributes:
        script: what measures it.
        packages: what its environment holds; nothing for our own.
        alone: whether the process that is timed reads the files, and holds all that is used.
    """

    script: str
    packages: tuple[str, ...] = ()
    alone: bool = True


COMMON = ("pandas==2.2.3", "pyarrow==19.0.1", "numpy==1.26.4", "setuptools==80.9.0")
PEERS: Mapping[str, Peer] = {
    "kldrift.compare, Arrow tables": Peer("with_kldrift.py"),
    "kldrift.run, Spark": Peer("with_kldrift_spark.py", alone=False),
    "Evidently 0.7.23": Peer(
        "with_evidently.py", ("evidently==0.7.23", "pandas==2.2.3", "pyarrow==19.0.1")
    ),
    "NannyML 0.13.1": Peer("with_nannyml.py", ("nannyml==0.13.1", "statsmodels==0.14.6", *COMMON)),
    "popmon 1.4.12": Peer("with_popmon.py", ("popmon==1.4.12", *COMMON)),
    "whylogs 1.6.4": Peer("with_whylogs.py", ("whylogs[viz]==1.6.4", *COMMON)),
}


def run(folder: Path, options: Options) -> list[Row]:
    """Measure every tool on a reference and a current table of ``peer_rows`` rows."""
    rows = options.peer_rows
    sides = [data.table(folder, rows), data.table(folder, rows, seed=1, shift=0.5)]
    pythons = {name: prepared(peer, options.envs) for name, peer in PEERS.items()}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in PEERS}
    notes = {name: python for name, python in pythons.items() if isinstance(python, str)}
    for turn in range(1, options.repeats + 1):
        for name, peer in PEERS.items():
            python = pythons[name]
            if name in notes or isinstance(python, str):
                continue
            measured = measure(python, peer.script, sides, options.cores)
            if isinstance(measured, str):
                notes[name] = measured
                say(f"peers: {turn}/{options.repeats} {name}: {measured}")
                continue
            found[name].append(measured)
            say(f"peers: {turn}/{options.repeats} {name}: {measured['seconds']:.2f} s")
    return table(found, notes, 2 * rows * 40, f"{rows:,} + {rows:,} x 40")


def prepared(peer: Peer, envs: Path) -> Path | str:
    """The Python of a peer's environment, made if it is not there; or why it cannot be made."""
    if not peer.packages:
        return Path(sys.executable)
    home = envs.absolute() / Path(peer.script).stem
    python, mark = home / "bin" / "python", home / "packages.txt"
    wanted = "\n".join(peer.packages)
    if mark.exists() and mark.read_text() == wanted:
        return python
    say(f"peers: installing {peer.packages[0]}")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(home)], [*pip, *peer.packages]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"not installed: {last_line(done.stderr or done.stdout)}"
    mark.write_text(wanted)
    return python


def measure(python: Path, script: str, sides: list[Path], cores: int) -> dict[str, Any] | str:
    """What a script measured, or why it did not."""
    command = [str(python), str(HERE / script), *map(str, sides), str(cores)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, timeout=60 * MINUTES, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not done after {MINUTES} minutes; try --peer-rows 100000"
    if done.returncode:
        return f"failed: {last_line(done.stderr)}"
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def last_line(text: str) -> str:
    """What a program said last, in at most 200 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines or ["no message"])[-1][:200]


def table(
    found: Mapping[str, list[dict[str, Any]]], notes: Mapping[str, str], values: int, case: str
) -> list[Row]:
    """One row for each tool; one that could not be measured says why."""
    base = found.get("kldrift.compare, Arrow tables") or [{"seconds": float("nan")}]
    floor = statistics.median(m["seconds"] for m in base)
    rows = []
    for name, measured in found.items():
        row: Row = {"benchmark": "peers", "case": case, "contender": name, "runs": len(measured)}
        row |= dict.fromkeys(("median_s", "min_s", "max_s", "ratio_to_kldrift", "read_s"))
        if measured:
            seconds = [m["seconds"] for m in measured]
            median = statistics.median(seconds)
            row |= {
                "median_s": median,
                "min_s": min(seconds),
                "max_s": max(seconds),
                "ratio_to_kldrift": median / floor,
                "million_values_per_s": values / median / 1e6,
                "columns": measured[0]["columns"],
            }
        if measured and PEERS[name].alone:
            row["read_s"] = statistics.median(m["read_s"] for m in measured)
            row["peak_mb"] = round(statistics.median(m["peak_mb"] for m in measured))
        rows.append(row | {"note": notes.get(name, "")})
    return rows
