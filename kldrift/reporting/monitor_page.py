"""The page of a monitor's window, or of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from kldrift.reporting.alert_table import alert_table, who_muted
from kldrift.reporting.blocks import Block, Chart, Table
from kldrift.reporting.causes import OF_CAUSES, causes_of, unscored_segments
from kldrift.reporting.entries import Card, entries_of
from kldrift.reporting.figures import (
    NOTHING,
    count_text,
    duration_text,
    figure,
    many,
    moment,
    shown,
    time_of,
    window_name,
    window_of_row,
)
from kldrift.reporting.headline import lead, verdict_line, why_it_failed
from kldrift.reporting.json_values import records
from kldrift.reporting.order import beside_severities, counted, leading, worst_first
from kldrift.reporting.page import DRAWN, Page
from kldrift.reporting.parts import segments_of_features
from kldrift.reporting.past import Past, one_window_words
from kldrift.reporting.timeline import heat_map
from kldrift.scoring.exit_code import worst_exit_code
from kldrift.tables.window import Window

MOST_ENTRIES: Final = 10_000
MOST_IN_HEAT: Final = 2000
MOST_RUNS: Final = 10
ABOUT: Final = (
    "kl says how far the current dataset is from the reference, in nats; chance alone gives a "
    "little of it. A feature drifted when a score is above a limit and q, the share of false "
    "alarms to expect among such verdicts, is small. Shares are shares of the rows."
)
Run = Mapping[str, Any]
"""A row of the table ``runs``."""


@dataclass(frozen=True, eq=False)
class Story:
    """What is known beside the scores of a window.

    There is no ``monitor`` of a comparison; ``splits`` are those of `segment_splits`.
    """

    monitor: str | None = None
    run: Run | None = None
    runs: Sequence[Run] = ()
    past: Past = field(default_factory=lambda: Past.of([]))
    zone: str = "UTC"
    alerts: Sequence[Mapping[str, Any]] = ()
    skipped: Sequence[tuple[str, str]] = ()
    damaged: str = ""
    notes: Sequence[str] = ()
    splits: Sequence[Mapping[str, Any]] = ()
    output: str | None = None
    docs: str | None = None


def monitor_page(
    scores: pd.DataFrame, cells: pd.DataFrame, story: Story, *, most: int = MOST_ENTRIES
) -> Page:
    """Make a page; of more than ``most`` features the first of each cause come first."""
    ordered = worst_first(scores)
    alone = ordered["segment"].isna()
    counts, segments = counted(ordered[alone]), counted(ordered[~alone])
    leads = leading(ordered)
    cards = _cards(ordered, leads, cells, story, most)
    alerts = alert_table(story.alerts, story.zone, segments=any(segments.values()))
    last = story.runs[0] if story.runs else story.run
    told = None if story.run is None else str(story.run["run_id"])
    first, names = records(leads.head(1)), leads["feature"].head(most).tolist()
    return Page(
        title=story.monitor or "",
        verdict=verdict_line(counts, segments, beside_severities(scores)),
        lead=" ".join(
            filter(
                None,
                (
                    lead(cards, first[0] if first else None),
                    unscored_segments(ordered),
                    one_window_words(story.past, story.zone),
                ),
            )
        ),
        cards=cards,
        total=int(ordered["feature"].nunique()),
        about=ABOUT,
        failed=why_it_failed(last, told, story.zone),
        damaged=shown(story.damaged, 600),
        notes=[shown(note, 400) for note in story.notes],
        health=health(story, counts, "features", first),
        heat=_heat(story, names[:DRAWN], "When: severity by feature and window"),
        whole_heat=_heat(story, names[:MOST_IN_HEAT], f"show all {len(names):,} features")
        if len(names) > DRAWN
        else None,
        sections=[b for b in (alerts, *_runs(story)) if b],
        skipped=[(shown(name), shown(why, 240)) for name, why in story.skipped],
    )


def _cards(
    ordered: pd.DataFrame, leads: pd.DataFrame, cells: pd.DataFrame, story: Story, most: int
) -> list[Card]:
    """The cards of a page, the worst first, with so many rows of features at most."""
    segments = segments_of_features(ordered, leads["feature"].tolist(), story.splits)
    causes = causes_of(records(leads[[*OF_CAUSES]]), segments)
    first = [cause.places[0] for cause in causes]
    others = [place for cause in causes for place in cause.places[1:]]
    places = [*first, *others][:most]
    muted = who_muted(story.alerts, story.past.windows[-1].start if len(story.past) else None)
    alike = {name for cause in causes if cause.what for name in cause.features}
    rows = records(leads.iloc[places])
    made = entries_of(rows, segments, cells, story.past, story.zone, muted, alike)
    entry_of = dict(zip(places, enumerate(made), strict=True))
    return [
        Card(cause, [entry_of[place] for place in cause.places if place in entry_of])
        for cause in causes[:most]
    ]


def _heat(story: Story, names: Sequence[str], title: str) -> Chart | None:
    drawing = heat_map(story.past, names, story.zone)
    return None if drawing is None else Chart(title, drawing)


def health(
    story: Story, counts: Mapping[str, int], nouns: str, rows: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """What was read and scored, when, and where it is: of the windows of some rows."""
    items: list[tuple[str, str]] = []
    keys = sorted({window_of_row(row).key for row in rows if row["window_end"] is not None})
    names = [window_name(Window.of_key(key), story.zone) for key in keys]
    if names:
        several = f"{len(names):,}, {names[0]} to {names[-1]}" if names[1:] else names[0]
        items.append(("windows" if names[1:] else "window", f"{several} ({story.zone})"))
    run = story.run
    if run is not None and run.get("pages_spent") is not None:
        items.append(("pages spent of the budget", _pages(run)))
    total = sum(counts.values())
    items.append((f"{nouns} scored", f"{total - counts['unscored']:,} of {total:,}"))
    if run is not None and run.get("finished_at") is not None:
        items += [
            ("took", duration_text(_seconds(run))),
            ("finished", moment(run["finished_at"], story.zone)),
            ("exit code", str(run["exit_code"])),
        ]
    if run is not None and run.get("rows_current") is not None:
        items += [
            ("rows now", count_text(run["rows_current"])),
            ("rows of the reference", count_text(run["rows_reference"])),
        ]
    items.append(("columns skipped", f"{len(story.skipped):,}"))
    places = (("tables", story.output), ("Data Docs", story.docs))
    return items + [(name, shown(place, 300)) for name, place in places if place]


def _pages(run: Run) -> str:
    """How many pages were spent of how many, and what is one now."""
    text = count_text(run["pages_spent"])
    if run.get("pages_allowed") is not None:
        text += f" of {figure(run['pages_allowed'])} in {figure(run['pages_days'])} days"
    if run.get("p_limit") is not None:
        text += f"; a page now needs p below {run['p_limit']:.0e}"
    return text


def _seconds(run: Run) -> float:
    return float((time_of(run["finished_at"]) - time_of(run["started_at"])).total_seconds())


def _runs(story: Story) -> list[Block]:
    """The latest runs, the last first; a run of several windows is one line."""
    started: dict[Any, list[Run]] = {}
    for run in story.runs:
        started.setdefault(run["started_at"], []).append(run)
    if len(started) < 2 and len(story.runs) < 2:
        return []
    lines = [_run_line(runs, story.zone) for runs in list(started.values())[:MOST_RUNS]]
    head = ("started", "windows", "failed", "exit code", "took", "rows", "critical", "warning")
    return [Table(f"Latest runs ({story.zone})", head, lines, 3)]


def _run_line(runs: Sequence[Run], zone: str) -> tuple[str, ...]:
    last = runs[0]
    failed = [run["exit_code"] for run in runs if run["error"]]
    windows = many(len(runs), "window")
    if len(runs) == 1:
        windows = window_name(window_of_row(last), zone)
    rows, critical, warning = (
        sum(run[name] or 0 for run in runs) for name in ("rows_current", "critical", "warning")
    )
    return (
        moment(last["started_at"], zone),
        windows,
        shown(next((run["error"] for run in runs if run["error"]), NOTHING), 160),
        str(max(failed) if failed else worst_exit_code(run["exit_code"] for run in runs)),
        duration_text(max(map(_seconds, runs))),
        count_text(rows),
        count_text(critical),
        count_text(warning),
    )
