"""The lines that commands print about a finished run, for a person."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len, set_cell_size

from kldrift.cli.options import with_options
from kldrift.cli.terminal import STYLES, Line
from kldrift.errors import escaped, masked

if TYPE_CHECKING:
    from datetime import datetime

    from kldrift.reporting.history import Backfill
    from kldrift.reporting.result import RunResult
    from kldrift.shift.result import ShiftResult

MOST_FEATURES: Final = 10
MOST_SKIPPED: Final = 10
LONGEST_NAME: Final = 60
WINDOW_HEADINGS: Final = ("severity", "window", "rows", *STYLES, "worst feature")
WORST_ROWS: Final = 5
NOTHING: Final = "-"


def run_lines(
    result: RunResult,
    fail_on: str,
    config: Path | None = None,
    sets: Sequence[str] = (),
    as_of: datetime | None = None,
) -> Iterator[Line]:
    """The lines about a run: the verdict, the worst features, what was skipped, what to do next."""
    # An error message needs no Arrow.
    from kldrift.cli.blocks import cause_block, cause_lines, cause_rows  # noqa: PLC0415
    from kldrift.reporting.causes import unscored_segments  # noqa: PLC0415
    from kldrift.reporting.headline import verdict_line  # noqa: PLC0415
    from kldrift.reporting.history import Backfill  # noqa: PLC0415
    from kldrift.reporting.order import as_table, beside_severities, counted, leading  # noqa: PLC0415

    counts, parts = result.counts, result.segment_counts
    severity = next((name for name in STYLES if counts[name] + parts[name]), "unscored")
    scores, cells = (as_table(f, list(map(str, f))) for f in (result.scores, result.cells))
    said = verdict_line(counts, parts, beside_severities(scores))
    yield Line(f"{severity}: {said}", severity=severity)
    known = filter(None, (*result.notes, unscored_segments(scores)))
    yield from (Line(f"note: {escaped(note)}") for note in known)
    causes = cause_rows(scores)
    if causes:
        told = partial(cause_block, cells=cells, zone=result.zone, past=result.past())
        yield from cause_lines(causes, told, "see table drift_scores")
    yield Line()
    failed = [earlier for earlier in result.earlier if earlier.exit_code]
    if failed:
        yield Line(f"{_count(len(failed), 'earlier window')} of this run did not pass:")
        yield from _windows(Backfill(failed, (), result.output))
        yield Line()
    uncalled = any(of.get(fail_on) for of in (counts, parts))
    ok, total = (counted(leading(scores))["ok"], sum(counts.values()))
    still_ok = f"; {ok:,} of {_count(total, 'feature')} {'is' if 1 in (ok, total) else 'are'} ok"
    yield from _ending(result, fail_on, still_ok, uncalled=uncalled)
    if causes and config is not None:
        called = [one.row for one in causes if one.row["alert"] != "muted"]
        yield Line(_next_step((called or [causes[0].row])[0], config, sets, as_of), whole=True)


def _next_step(
    worst: Mapping[str, Any], config: Path, sets: Sequence[str], as_of: datetime | None
) -> str:
    """The command that says more about the worst feature, as a shell takes it."""
    file = shlex.quote(str(config))
    if worst["severity"] == "unscored":
        return escaped(f"next: kldrift check {file}{with_options(sets, as_of)}")
    feature = shlex.quote(str(worst["feature"]))
    dashes = "-- " if feature.startswith("-") else ""  # else it is an option
    return escaped(f"next: kldrift show{with_options(sets)} {dashes}{file} {feature}")


def backfill_lines(result: Backfill, fail_on: str) -> Iterator[Line]:
    """The lines about a backfill: a line per window, in the order of time."""
    yield from (Line(f"note: {escaped(note)}") for note in result.notes)
    rows = yield from _windows(result)
    yield Line()
    yield Line(f"{_count(len(rows), 'window')} run")
    yield Line(f"tables: {escaped(result.output)}", whole=True)
    if result.results and result.results[-1].page is not None:
        yield Line(f"report: {escaped(masked(result.results[-1].page))}", whole=True)
    said = "no window was run"  # of those that are stored nothing is said
    if rows:
        said = meaning(result.exit_code, fail_on, uncalled=any(row.get(fail_on) for row in rows))
    yield Line(f"exit code {result.exit_code}: {said}")


def _windows(result: Backfill) -> Generator[Line, None, list[dict[str, Any]]]:
    """A line per window, in the order of time; the rows that they are made of are returned."""
    from kldrift.reporting.json_values import records  # noqa: PLC0415

    rows = records(result.timeline)
    zone = result.results[-1].zone if result.results else "UTC"
    yield from _table(rows, WINDOW_HEADINGS, partial(_window_cells, zone=zone)) if rows else ()
    return rows


def _window_cells(row: Mapping[str, Any], zone: str) -> tuple[str, ...]:
    from kldrift.cli.blocks import feature_name  # noqa: PLC0415 - Arrow
    from kldrift.reporting.figures import begin_name, window_of_row  # noqa: PLC0415

    severity = next((name for name in STYLES if row[name]), "unscored")
    return (
        severity,
        begin_name(window_of_row(row), zone),
        NOTHING if row["rows"] is None else f"{row['rows']:,}",
        *(str(row[name]) for name in STYLES),
        NOTHING if row["worst"] is None else feature_name(row["worst"]),
    )


def shift_lines(result: ShiftResult, fail_on: str) -> Iterator[Line]:
    """The lines about a model shift that ran: what it found, and what its exit code means."""
    yield from shift_state_lines(result)
    yield from _ending(result, fail_on)


def shift_state_lines(result: ShiftResult) -> Iterator[Line]:
    """The lines about what a model shift found: the worst segments, counts, the worst rows."""
    from kldrift.reporting.figures import figure  # noqa: PLC0415
    from kldrift.reporting.json_values import records  # noqa: PLC0415
    from kldrift.shift.page import shift_verdict  # noqa: PLC0415

    counts, rows = result.counts, records(result.worst(MOST_FEATURES))
    severity = next((name for name in STYLES if counts[name]), "unscored")
    models = escaped(str(rows[0]["feature"]))
    said = shift_verdict(counts, result.scores["window_start"].nunique())
    yield Line(f"{severity}: {models}, on the same rows: {said}", severity)
    yield from (Line(f"note: {escaped(note)}") for note in result.notes)
    for at, row in enumerate(rows):
        if row["severity"] != "ok" or not at or rows[at - 1]["severity"] != "ok":
            yield Line()
        yield from _shift_block(row, result.zone)
    rest = sum(counts.values()) - counts["ok"] - sum(row["severity"] != "ok" for row in rows)
    if rest > 0:
        yield Line(f"and {rest:,} more that are not ok; see table drift_scores")
    yield Line()
    moved = records(result.changed_classes().head(WORST_ROWS))
    if moved:
        yield Line("likeliest classes that differ most often, champion -> challenger:")
    for row in moved:
        pair = (row[f"{side}_class"] for side in ("champion", "challenger"))
        names = " -> ".join("another class" if c is None else f"class {c}" for c in pair)
        yield Line(f"  {names}: {row['rows']:,} rows")
    examples = records(result.worst_of_all().head(WORST_ROWS))
    if examples:
        yield Line("rows that differ most:")
    for row in examples:
        kl = "infinite" if row["kl"] is None else figure(row["kl"])
        key = "no key" if row["key"] is None else escaped(row["key"])
        classes = f"class {row['champion_class']} -> {row['challenger_class']}"
        yield Line(f"  {short(key)}: kl {kl}, {classes}")


def _ending(
    result: RunResult, fail_on: str, more: str = "", *, uncalled: bool = False
) -> Iterator[Line]:
    if result.skipped:
        yield Line(f"{_count(len(result.skipped), 'column')} skipped:")
        for column, reason in result.skipped[:MOST_SKIPPED]:
            yield Line(f"  {escaped(column)}: {escaped(reason)}")
        if len(result.skipped) > MOST_SKIPPED:
            yield Line(f"  and {len(result.skipped) - MOST_SKIPPED} more; see table runs")
    yield Line(f"tables: {escaped(masked(result.output))}", whole=True)
    if result.page is not None:
        yield Line(f"report: {escaped(masked(result.page))}", whole=True)
    if result.docs is not None:
        yield Line(f"Data Docs: {escaped(str(result.docs))}", whole=True)
    said = meaning(result.exit_code, fail_on, uncalled=uncalled)
    yield Line(f"exit code {result.exit_code}: {said}{more}")


def meaning(exit_code: int, fail_on: str, *, uncalled: bool = False) -> str:
    """The meaning of a finished run's exit code.

    Nobody is called about drift that is muted, or whose alert is not raised (``uncalled``).

    Examples:
        >>> meaning(3, "warning")
        'drift at or above warning'
        >>> meaning(0, "never")
        'done; drift does not fail this run'
        >>> meaning(0, "critical", uncalled=True)
        'nobody is called about the drift at or above critical, which is muted or not yet an alert'
    """
    no_drift = "done; drift does not fail this run"
    if fail_on != "never":
        no_drift = f"no drift at or above {fail_on}"
    if uncalled:
        no_drift = (
            f"nobody is called about the drift at or above {fail_on}, "
            "which is muted or not yet an alert"
        )
    return {
        0: no_drift,
        3: f"drift at or above {fail_on}",
        4: f"{no_drift}, but a feature that should have been scored could not be",
    }[exit_code]


def _table(
    rows: list[dict[str, Any]],
    headings: tuple[str, ...],
    cells_of: Callable[[Mapping[str, Any]], tuple[str, ...]],
) -> Iterator[Line]:
    cells = [headings, *(cells_of(row) for row in rows)]
    widths = [max(cell_len(row[place]) for row in cells) for place in range(len(headings))]
    for place, columns in enumerate(cells):
        padded = (set_cell_size(cell, width) for cell, width in zip(columns, widths, strict=True))
        text = "  ".join(padded).rstrip()
        yield Line(text, severity=columns[0] if place else "", whole=True)


def _shift_block(row: Mapping[str, Any], zone: str) -> Iterator[Line]:
    """A segment of a model shift: how far the models are, by row too; one that is ok is a line."""
    from kldrift.reporting.figures import (  # noqa: PLC0415
        begin_name,
        count_text,
        figure,
        share,
        window_of_row,
    )
    from kldrift.reporting.row_words import score_words  # noqa: PLC0415

    severity = str(row["severity"])
    segment = "all rows" if row["segment"] is None else short(escaped(str(row["segment"])))
    if row["window_start"] is not None:
        segment += f", from {begin_name(window_of_row(row), zone)}"
    if severity == "ok":
        words = filter(None, (score_words(row), escaped(str(row["reason"] or ""))))
        yield Line(f"ok  {segment}: {'; '.join(words)}", severity)
        return
    yield Line(f"{severity}  {segment}", severity)
    if row["reason"]:
        yield Line(f"  {escaped(str(row['reason']))}")
    half, most, nearly = (figure(row[name]) for name in ("kl_median", "kl_p90", "kl_p99"))
    yield Line(
        f"  half of the rows below {half} nats, 90 % below {most}, 99 % below {nearly}; "
        f"{count_text(row['n_current'])} rows, "
        f"{share(row['missing_current'], row['n_current'])} left out"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def short(name: str) -> str:
    """A name, cut where it is too long for a line."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."
