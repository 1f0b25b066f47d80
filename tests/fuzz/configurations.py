"""One round with configurations: whatever YAML says, it is a configuration or a clear error."""

from __future__ import annotations

import random
from pathlib import Path

from kldrift.config import load_config, load_model_shift
from kldrift.errors import ConfigError

SAMPLE = """\
monitor: nyc_taxi
reference: {path: trips/2020-02/*.parquet, format: parquet, where: "distance >= 0"}
current: {path: "trips/{as_of:%Y-%m}/*.parquet", options: {mergeSchema: "true"}}
time: {column: pickup, window: 1d, zone: America/New_York, lateness: 2h}
features:
  include: ["*"]
  exclude: [trip_id]
  derived: {minutes: "(unix_timestamp(dropoff) - unix_timestamp(pickup)) / 60"}
  override:
    payment: {kind: categorical}
    temperature: {missing: [-200]}
    distance: {thresholds: {kl: {warning: 0.05, critical: 0.2}}, keep: true}
joint: {fare: {features: [fare, tip], covariance: full}}
segments: [[payment], {name: long, where: "distance > 10"}]
scoring: {bins: 20, stored_bins: 128, max_categories: 1000, pseudocount: 0.5, missing: cell}
thresholds: {js: {warning: 0.1, critical: 0.25}}
significance: {alpha: 0.01, correction: benjamini-hochberg}
output: {path: drift}
expectations: {path: drift/gx, data_docs: true}
report: {path: drift/report.html}
spark: {master: "local[*]", conf: {spark.ui.enabled: "false"}}
"""
MODEL_SHIFT = """\
monitor: orders_model
data: {path: "judged/{as_of:%Y-%m-%d}/*.parquet", where: "a > 1", filesystem: {region: eu}}
champion: old_logits
challenger: new_logits
key: order
segments: [[group], [group, kind]]
time: {column: at, window: 1d, zone: Europe/Berlin}
thresholds: {kl: {warning: 0.01, critical: 0.05}}
output: {path: model_drift, format: delta}
expectations: {path: model_drift/gx, data_docs: true}
spark: {master: "local[*]", conf: {spark.ui.enabled: "false"}}
"""
ODD = (
    *("null", "true", "1", "-1", "0", "1.5", ".nan", ".inf", "1e999", "9" * 400, "''", "[]", "{}"),
    *("[[[]]]", "{a: {b: {c: []}}}", "*x", "&x y", "!!python/object:os.system x", "${HOME}", "${}"),
    *("'{as_of}'", "'{as_of - 1d:%Q}'", "'{'", "2020-01-01", "0d", "99999999999999999999d", "~"),
    *(
        '"\\u202e"',
        '"\\0"',
        "'a,b'",
        "? ",
        "- - -",
        "|\n  text",
        "'*'",
        "[1, a, null]",
        "'\\'",
        "1_0",
    ),
)
PIECES = (
    ":",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "#",
    "&",
    "*",
    "!",
    "|",
    "\n",
    "\t",
    "\0",
    "\ufeff",
    ",",
)


def mutated(text: str, rng: random.Random) -> str:
    """A text with one to four changes: of characters, values, lines."""
    for _ in range(rng.randint(1, 4)):
        kind = rng.random()
        place = rng.randrange(len(text) + 1)
        if kind < 0.25:
            text = text[:place] + rng.choice(PIECES) + text[place:]
        elif kind < 0.4:
            text = text[:place] + text[place + rng.choice((1, 5, 80)) :]
        elif kind < 0.85:
            colons = [i for i, c in enumerate(text) if c == ":"]
            if colons:
                start = rng.choice(colons) + 1
                ends = [i for i in (text.find(c, start) for c in ",}\n") if i >= 0]
                text = f"{text[:start]} {rng.choice(ODD)}{text[min(ends, default=len(text)) :]}"
        else:
            lines = text.splitlines(keepends=True)
            if lines:
                line = rng.choice(lines)
                lines.insert(rng.randrange(len(lines) + 1), line)
                text = "".join(lines)
    return text


def check_configuration(folder: Path, rng: random.Random) -> None:
    """Load a random configuration.

    Raises:
        AssertionError: it is neither a configuration nor a ``ConfigError`` with a text for people.
    """
    shift = rng.random() < 0.3
    load = load_model_shift if shift else load_config
    text = mutated(MODEL_SHIFT if shift else SAMPLE, rng)
    file = folder / "monitor.yaml"
    file.write_text(text, encoding="utf-8")
    overrides = [f"{rng.choice(('scoring.bins', 'a.b', ''))}={rng.choice(ODD)}"]
    try:
        load(file, overrides=overrides if rng.random() < 0.2 else ())
    except ConfigError as error:
        shown = str(error)
        assert shown.strip(), f"an error without a text\n{text}"
        odd = {c for c in shown if (ord(c) < 32 and c != "\n") or c in "\u202e\x7f"}
        assert not odd, f"{odd} in {shown!r}\n{text}"
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}\n{text}") from error
