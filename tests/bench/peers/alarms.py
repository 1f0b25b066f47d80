"""Who alarms how often: ``python -m tests.bench.peers.alarms`` writes ``docs/peers.md``.

Quiet pairs, whose sides are from one distribution, and the planted drifts of the evidence, as files
that each tool compares in an environment of its own as it does by default (`verdicts.py`). Whatever
is flagged of a quiet pair is a false alarm. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from tests.bench.calibration import SHAPES, Draw
from tests.bench.evidence import psi
from tests.bench.peers import HERE, PEERS, ROOT, Peer, last_line, prepared
from tests.planted_drifts import CRITICAL, QUIET, WARNING, planted

PAGE: Final = Path("docs/peers.md")
SIZES: Final = (300, 1_000, 3_000, 10_000)
POWER_SIZES: Final = (1_000, 10_000)
SEEDS: Final = 3
QUIET_SHAPES: Final[dict[str, Draw]] = {
    **SHAPES,
    "a tenth null": lambda rng, n: np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
    "a sentinel": lambda rng, n: np.where(rng.random(n) < 0.08, -999.0, rng.normal(size=n)),
}
TOOLS: Final[dict[str, tuple[str, Peer]]] = {
    "kldrift": ("kldrift", Peer("")),
    "Evidently 0.7.23": ("evidently", PEERS["Evidently 0.7.23"]),
    "NannyML 0.13.1": ("nannyml", PEERS["NannyML 0.13.1"]),
    "whylogs 1.6.4": ("whylogs", PEERS["whylogs 1.6.4"]),
    "Frouros": ("frouros", Peer("with_frouros.py", ("frouros", "pandas", "pyarrow"))),
}
PSI: Final = "PSI above 0.1"
Flagged = set[str] | str
"""Names of columns, or why there are none."""


def quiet(size: int, draws: int, seed: int = 0) -> list[pd.DataFrame]:
    """Both sides of a quiet pair: so many columns of each shape."""
    rng = np.random.default_rng([size, seed])
    return [
        pd.DataFrame(
            {
                f"{name} {i}": np.where(x, "yes", "no") if x.dtype == bool else x
                for name, draw in QUIET_SHAPES.items()
                for i in range(draws)
                for x in (draw(rng, size),)
            }
        )
        for _ in range(2)
    ]


def flagged_by_psi(sides: Sequence[pd.DataFrame]) -> set[str]:
    """The columns whose PSI over ten quantile bins is above 0.1."""
    numbers = [side.select_dtypes("number").astype(float) for side in sides]
    texts = [side.select_dtypes(exclude="number").astype(object) for side in sides]
    pairs = ((n, *(side[n].to_numpy() for side in p)) for p in (numbers, texts) for n in p[0])
    return {name for name, before, now in pairs if psi(before, now) != "ok"}


def alarms(pairs: Sequence[Sequence[pd.DataFrame]], envs: Path) -> dict[str, list[Flagged]]:
    """Of each tool and pair the columns it alarms about, or why there are none."""
    found: dict[str, list[Flagged]] = {PSI: [flagged_by_psi(sides) for sides in pairs]}
    with tempfile.TemporaryDirectory() as home:
        folders = [Path(home) / str(number) for number in range(len(pairs))]
        for folder, sides in zip(folders, pairs, strict=True):
            folder.mkdir()
            for side, name in zip(sides, ("reference", "current"), strict=True):
                side.to_parquet(folder / f"{name}.parquet", index=False)
        for name, (tool, peer) in TOOLS.items():
            found[name] = said_by(prepared(peer, envs), tool, folders)
    return found


def said_by(python: Path | str, tool: str, folders: Sequence[Path]) -> list[Flagged]:
    """What a tool says of each pair."""
    if isinstance(python, str):
        return [python] * len(folders)
    done = subprocess.run(
        [str(python), str(HERE / "verdicts.py"), tool, *map(str, folders)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env=os.environ | {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"},
    )
    if done.returncode:
        return [f"failed: {last_line(done.stderr)}"] * len(folders)
    return [set(names) for names in json.loads(done.stdout.strip().splitlines()[-1])]


def measured(envs: Path, draws: int) -> Iterator[dict[str, Any]]:
    """One row for each case, size and tool: columns that were flagged, of how many."""
    planted_pairs = [(size, seed) for size in POWER_SIZES for seed in range(SEEDS)]
    pairs = [*(quiet(size, draws) for size in SIZES), *(planted(*how) for how in planted_pairs)]
    for tool, found in alarms(pairs, envs).items():
        for size, flagged in zip(SIZES, found, strict=False):
            for shape in QUIET_SHAPES:
                names = {f"{shape} {i}" for i in range(draws)}
                yield row("quiet", shape, size, tool, flagged, names)
        for (size, _), flagged in zip(planted_pairs, found[len(SIZES) :], strict=True):
            for name in (*QUIET, *WARNING, *CRITICAL):
                yield row("planted", name, size, tool, flagged, {name})


def row(
    what: str, case: str, size: int, tool: str, flagged: Flagged, names: set[str]
) -> dict[str, Any]:
    """What a tool said about some columns."""
    failed = isinstance(flagged, str)
    return {
        "what": what,
        "case": case,
        "rows": size,
        "tool": tool,
        "alarms": 0 if isinstance(flagged, str) else len(flagged & names),
        "columns": 0 if failed else len(names),
        "note": flagged if failed else "",
    }


def page(found: pd.DataFrame, draws: int) -> str:
    """The page: false alarms by shape and size, and what is found of what was planted."""
    tools = list(dict.fromkeys(found["tool"]))
    added = found.groupby(["what", "case", "rows", "tool"], sort=False)[["alarms", "columns"]].sum()

    def cells(what: str, case: str, sizes: Sequence[int]) -> list[str]:
        texts = []
        for tool in tools:
            pairs = [added.loc[(what, case, size, tool)].tolist() for size in sizes]
            texts.append(" ".join(f"{a}" if n else "-" for a, n in pairs))
        return texts

    def total(tool: str, size: int) -> str:
        mine = found[(found["what"] == "quiet") & (found["tool"] == tool) & (found["rows"] == size)]
        columns = int(mine["columns"].sum())
        return f"{100 * mine['alarms'].sum() / columns:.1f} %" if columns else "-"

    notes = found[found["note"] != ""].drop_duplicates(["tool", "note"])
    said = [f"- {n.tool}: {n.note}" for n in notes.itertuples()]
    quiet_rows = [[case, *cells("quiet", case, SIZES)] for case in QUIET_SHAPES]
    planted_rows = [
        [name, *cells("planted", name, POWER_SIZES)] for name in (*QUIET, *WARNING, *CRITICAL)
    ]
    totals = [[f"{size:,} rows", *(total(tool, size) for tool in tools)] for size in SIZES]
    sizes, power = (", ".join(f"{n:,}" for n in some) for some in (SIZES, POWER_SIZES))
    return f"""# False alarms beside other tools

How often each tool says drift where there is none, and what it finds where there is.

Made by `python -m tests.bench.peers.alarms --draws {draws}`: each tool in an environment of
its own, with its defaults, on the same two Parquet files. {len(QUIET_SHAPES)} shapes, {draws}
columns of each, both sides from one distribution: every alarm is false. NannyML looks at ten
chunks of each file, as by default, and any of them may alarm; Frouros tests at 0.05; PSI has
ten quantile bins. popmon compares a batch with many before it, which two files are not.

{table(["false alarms", *tools], totals)}

## Quiet pairs

False alarms among {draws} columns at {sizes} rows.

{table(["shape", *tools], quiet_rows)}

## What is found of what was planted

How many of {SEEDS} seeds are flagged at {power} rows; the names are those of
[the evidence](evidence.md). The first {len(QUIET)} should not be flagged.

{table(["planted", *tools], planted_rows)}
{chr(10).join(["", *said, ""]) if said else ""}"""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser("python -m tests.bench.peers.alarms", description=__doc__)
    parser.add_argument("--draws", type=int, default=10, help="columns of each shape (10)")
    parser.add_argument("--envs", type=Path, default=Path(".bench-envs"), help="of the tools")
    asked = parser.parse_args()
    found = pd.DataFrame(measured(asked.envs, asked.draws))
    PAGE.write_text(page(found, asked.draws), encoding="utf-8")


if __name__ == "__main__":
    main()
