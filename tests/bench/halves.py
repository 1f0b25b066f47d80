"""Halves of real data, which differ by chance alone: ``python -m tests.bench.halves``.

Each data set of ``../shared/data`` is dealt to two halves at random, and these are compared with
the thresholds of a monitor that states none. Text is monitored however many values it has, and
numbers as text too. Whatever is flagged is a false alarm; ``docs/halves.md`` says how many there
were. Seeds are fixed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

import kldrift

DATA: Final = Path(__file__).parents[3] / "shared" / "data"
PAGE: Final = Path("docs/halves.md")
SEEDS: Final = 40
ROWS: Final = (None,)
"""Of a data set that are dealt: all, or a sample of so many."""
MOST: Final = 2_000
"""Rows of a data set that are looked at; of a larger one, these are drawn."""
FLAGGED: Final = ("warning", "critical")


def data_sets(folder: Path = DATA) -> dict[str, list[Path]]:
    """The files of each data set by its name; the months of taxi trips are one data set."""
    kinds = (".csv", ".csv.gz", ".parquet")
    sets: dict[str, list[Path]] = {}
    for path in (p for p in sorted(folder.rglob("*")) if p.name.endswith(kinds)):
        name = path.parent.name
        one = name == "nyc_yellow_taxi"
        sets.setdefault(name if one else f"{name}/{path.name.split('.')[0]}", []).append(path)
    return sets


def read(files: Sequence[Path], most: int = MOST) -> pd.DataFrame:
    """The rows of a data set; of many, a sample. Numbers are there as text too."""
    frames = [pd.read_parquet(p) if p.suffix == ".parquet" else pd.read_csv(p) for p in files]
    rows = pd.concat(frames, ignore_index=True)
    rows = rows.sample(min(most, len(rows)), random_state=0).reset_index(drop=True)
    numbers = rows.select_dtypes("number")
    texts = numbers.astype(object).where(numbers.isna(), numbers.astype(str))
    return rows.join(texts.add_suffix(" as text"))


def halves(rows: pd.DataFrame, seed: int, sample: int | None = None) -> tuple[pd.DataFrame, ...]:
    """Two random halves of some rows, or of a sample of them."""
    order = np.random.default_rng(seed).permutation(len(rows))[:sample]
    middle = len(order) // 2
    return rows.iloc[order[:middle]], rows.iloc[order[middle:]]


def kept(rows: pd.DataFrame) -> dict[str, Any]:
    """The overrides that monitor text however many values it has."""
    texts = rows.select_dtypes(include=["object", "string"]).columns
    return {name: {"keep": True} for name in texts}


def flagged(rows: pd.DataFrame, seed: int, sample: int | None = None) -> tuple[int, pd.DataFrame]:
    """The features that were compared, and the rows of the scores of those that were flagged."""
    scores = kldrift.compare(*halves(rows, seed, sample), override=kept(rows)).scores
    return len(scores), scores[scores["severity"].isin(FLAGGED)].assign(seed=seed)


def measured(files: Mapping[str, Sequence[Path]], seeds: int) -> Iterator[dict[str, Any]]:
    """What was flagged of each data set and size."""
    for name, paths in files.items():
        rows = read(paths)
        for sample in ROWS:
            if sample is not None and sample >= len(rows):
                continue
            found = [flagged(rows, seed, sample) for seed in range(seeds)]
            alarms = pd.concat([scores for _, scores in found])
            yield {
                "data set": name,
                "rows a half": (sample or len(rows)) // 2,
                "compared": sum(features for features, _ in found),
                "seeds": seeds,
                "alarms": len(alarms),
                "which": [f"{a.feature} (seed {a.seed}): {a.reason}" for a in alarms.itertuples()],
            }


def page(found: pd.DataFrame, command: str) -> str:
    """The page: what was compared, and every alarm."""
    head = ["data set", "rows a half", "seeds", "compared", "alarms"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [
        f"| {' | '.join(x if isinstance(x, str) else f'{x:,}' for x in row)} |"
        for row in found[head].itertuples(index=False)
    ]
    which = zip(found["data set"], found["which"], strict=True)
    alarms = [f"- {name}: {text}" for name, texts in which for text in texts]
    said, compared = found["alarms"].sum(), found["compared"].sum()
    return f"""# Halves of real data

Random halves of one data set differ by chance alone. Made by

    {command}

Each data set is dealt to two halves once for each seed ({MOST:,} rows at most), compared with the
thresholds of a monitor that states none. Text is monitored however many values it has
(`keep: true`), and numbers are there as text too, so that there is text of every cardinality.
{said:,} alarms in {compared:,} comparisons of a feature.

{chr(10).join(lines)}

## Every alarm

{chr(10).join(alarms) or "There was none."}
"""


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser("python -m tests.bench.halves", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"of each data set ({SEEDS})")
    parser.add_argument("--only", nargs="*", default=[""], help="data sets with this in the name")
    parser.add_argument("--found", type=Path, help="add to this Parquet file; write no page")
    parser.add_argument("--page", type=Path, nargs="+", help="measure nothing: page of these files")
    asked = parser.parse_args()
    command = f"python -m tests.bench.halves --seeds {asked.seeds}"
    if asked.page:
        found = pd.concat([pd.read_parquet(path) for path in asked.page])
    else:
        files = {name: p for name, p in data_sets().items() if any(o in name for o in asked.only)}
        found = pd.DataFrame(measured(files, asked.seeds))
    if asked.found:
        found.to_parquet(asked.found, index=False)
    else:
        PAGE.write_text(page(found, command), encoding="utf-8")


if __name__ == "__main__":
    main()
