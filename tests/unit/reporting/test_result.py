from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from report_sample import two_causes
from tables_sample import DAYS, run_row, window_tables

import kldrift
from kldrift.reporting.blocks import blocks_of
from kldrift.reporting.figures import shown
from kldrift.reporting.json_values import json_value, records
from kldrift.reporting.monitor_page import Story, monitor_page
from kldrift.reporting.order import worst_rows
from kldrift.reporting.page import DRAWN, fragment
from kldrift.reporting.parts import Parts
from kldrift.reporting.past import Past
from kldrift.reporting.result import Result, RunResult
from kldrift.tables import Window

HOSTILE = "<script>alert('1')</script>&amp;\"'\x00\u202e<!-- <img src=x>\x1b"


def frames():
    tables = window_tables()
    return tables["drift_scores"].to_pandas(), tables["drift_cells"].to_pandas()


def run_result(scores=None, cells=None, **changes):
    some_scores, some_cells = frames()
    values = {
        "run": run_row(),
        "exit_code": 3,
        "skipped": [("trip_id", "nearly every value is its own")],
        "output": "/data/drift",
        "docs": None,
    }
    return RunResult(
        some_scores if scores is None else scores,
        some_cells if cells is None else cells,
        **(values | changes),
    )


def scores_of(*rows):
    """Rows (feature, severity, kl, warning, critical)."""
    names = ("feature", "severity", "kl", "threshold_warning", "threshold_critical")
    dull = frames()[0].iloc[[3]].drop(columns=list(names))
    return pd.concat([dull.assign(**dict(zip(names, row, strict=True))) for row in rows])


def many(n, name="feature"):
    """A result of n features that all drifted, with twenty cells each."""
    scores, cells = frames()
    features = [f"{name}{i}" for i in range(n)]
    rows = pd.concat([scores.iloc[[0]]] * n, ignore_index=True).assign(feature=features)
    cell = pd.concat([cells.iloc[[0]]] * 20, ignore_index=True).assign(cell=range(20))
    every = pd.concat([cell.assign(feature=feature) for feature in features], ignore_index=True)
    return rows, every


def data_of(page):
    """What a page draws on demand."""
    packed = re.search(r'id="kldrift-data">([A-Za-z0-9+/=]*)</script>', page).group(1)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


class Reader(HTMLParser):
    """Checks that tags are closed in order; keeps tags, attributes and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.rows = []  # names with the text of their rows
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "li" and ("class", "row") in [(k, v.split()[0]) for k, v in attrs if v]:
            self.rows.append(["", ""])
        self.in_name = ("class", "name") in attrs
        self.attributes += [name for name, _ in attrs]
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.rows and "li" in self.open:
            self.rows[-1][1] += data
            self.rows[-1][0] += data * self.in_name
        self.in_name = False


def test_the_worst_come_first_by_severity_then_by_times_the_threshold():
    found = Result(
        scores_of(
            ("ok", "ok", 0.05, 0.1, 0.25),
            ("warning far above its own threshold", "warning", 0.2, 0.02, None),
            ("warning", "warning", 0.2, 0.1, 0.25),
            ("unscored", "unscored", None, 0.1, 0.25),
            ("critical by its only threshold", "critical", 0.9, None, 0.3),
            ("critical", "critical", 0.4, 0.1, 0.25),
            ("critical without a threshold", "critical", 0.5, None, None),
            ("critical at a threshold of 0", "critical", 0.6, 0.0, 0.0),
            ("ok, not a number", "ok", math.nan, 0.1, 0.25),
        ),
        frames()[1],
    )
    assert found.worst(99)["feature"].to_list() == [
        "critical",
        "critical by its only threshold",
        "critical at a threshold of 0",
        "critical without a threshold",
        "warning far above its own threshold",
        "warning",
        "unscored",
        "ok",
        "ok, not a number",
    ]
    assert found.worst(2)["feature"].to_list() == found.worst(99)["feature"].to_list()[:2]


def test_a_feature_is_among_the_worst_once_as_on_the_page():
    scores = frames()[0]
    night = scores.assign(segment="night", kl=9 * scores["kl"])
    night.loc[scores["severity"] == "ok", "severity"] = "critical"
    worst = Result(pd.concat([scores, night]), frames()[1]).worst(99)
    assert sorted(worst["feature"]) == sorted(scores["feature"])
    in_night = worst.loc[worst["segment"].notna(), "feature"]
    assert in_night.to_list() == scores.loc[scores["severity"] == "ok", "feature"].to_list()


def test_the_worst_can_be_read_on():
    worst = Result(*frames()).worst()
    assert worst.index.to_list() == [0, 1, 2, 3]
    assert worst.columns[:5].to_list() == ["feature", "segment", "severity", "metric", "score"]
    assert worst["severity"].to_list() == ["critical", "warning", "unscored", "ok"]


def test_the_worst_have_the_score_that_decided_beside_its_limit():
    scores = frames()[0].assign(js=0.4, kl_learned=0.031)
    scores["metric"] = ["js", "kl_learned", None, "kl"]
    worst = Result(scores, frames()[1]).worst()
    assert worst["score"].to_list()[:2] == [0.4, 0.031]
    assert np.isnan(worst["score"][2])
    assert worst["score"][3] == worst["kl"][3]
    summary = run_result(scores).summary()["worst"]
    assert [row["score"] for row in summary] == [0.4, 0.031, None, 0.01]
    table = worst_rows(pa.Table.from_pandas(scores, preserve_index=False), 2)
    assert table["score"].to_pylist() == [0.4, 0.031]


def test_a_result_says_what_it_is():
    assert repr(run_result()) == "RunResult(4 features: 1 critical, 1 warning, 1 unscored, 1 ok)"


def with_segments():
    """Four features that are ok, of which each is critical in one segment."""
    scores, cells = frames()
    parts = scores.assign(segment="night", severity=["critical"] * 3 + ["ok"])
    return pd.concat([scores.assign(severity="ok"), parts]), cells


def test_segments_count_wherever_severities_do():
    found = run_result(*with_segments())
    assert repr(found) == (
        "RunResult(4 features: 0 critical, 0 warning, 0 unscored, 4 ok; "
        "4 scores of segments: 3 critical, 0 warning, 0 unscored, 1 ok)"
    )
    said = "by segment: 3 of 4 scores drifted: 3 critical; over all rows no drift in 4 features"
    for page in (found.to_html(), found._repr_html_(), Result(*with_segments()).to_html()):
        assert said in page
    summary = found.summary()
    assert [summary[name] for name in ("critical", "warning", "unscored")] == [3, 0, 0]
    assert summary["severities"]["critical"] == 0
    assert summary["segment_severities"]["critical"] == 3


def test_notes_stand_before_the_rows_and_skipped_columns_on_the_page_of_a_comparison():
    left = [("day <b>", "values of type list are no feature")]
    found = Result(*frames(), skipped=left, notes=["no <b> was scored"])
    text = Reader(found.to_html()).text
    assert text.index("no <b> was scored") < text.index("kl says how far")
    assert "day <b>: values of type list are no feature" in text
    assert run_result(notes=["few"]).summary()["notes"] == ["few"]


def test_a_page_says_the_verdict_the_rows_and_where_to_look():
    page = run_result(docs=Path("/data/drift/gx/index.html")).to_html()
    reader = Reader(page)
    for said in (
        "nyc_taxi: 2 of 4 features drifted: 1 critical, 1 warning; 1 could not be scored",
        "Worst is payment_type, over all rows: kl 0.42 above critical 0.25 (q 1e-12).",
        "Wed 1 Apr 2020 (UTC)",
        "most from payment_type=2: 23.1 % → 35.0 %",
        "trip_id: nearly every value is its own",
        "/data/drift/gx/index.html",
        "every value is null now",
        "42 s",
        "3 of 4",
    ):
        assert said in reader.text, said
    assert reader.text.index("payment_type") < reader.text.index("trip_distance")
    assert [name for name, _ in reader.rows] == [
        "payment_type",
        "trip_distance",
        "tip_amount",
        "passenger_count",
    ]


def test_shares_are_those_of_the_rows_and_not_smoothed_ones():
    scores, cells = frames()
    cells = cells.assign(probability_reference=0.158, probability_current=0.5)
    assert "'2': 23.1 % then, 35.0 % now" in Reader(Result(scores, cells).to_html()).text


@pytest.mark.parametrize("where", ["page", "notebook"])
def test_a_page_needs_nothing_but_itself(where):
    found = run_result()
    page = found.to_html() if where == "page" else found._repr_html_()
    reader = Reader(page)
    assert not {"link", "img", "iframe", "object", "a"} & set(reader.tags)
    assert reader.tags.count("script") == (2 if where == "page" else 0)
    assert not {"src", "href", "onclick", "onload", "style"} & set(reader.attributes)
    assert "url(" not in page
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page


def test_no_script_runs_but_the_page_s_own():
    page = run_result().to_html()
    *_, script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{known}'" in page


@pytest.mark.parametrize("rows", [4, 200])
def test_nothing_from_data_acts_on_the_page(rows):
    scores, cells = frames()
    names = [HOSTILE + str(i) for i in range(rows)]
    scores = pd.concat([scores.iloc[[0]]] * rows, ignore_index=True).assign(
        feature=names, segment=HOSTILE, severity="critical", reason=HOSTILE
    )
    cells = pd.concat([cells.iloc[[0]]] * rows, ignore_index=True).assign(
        feature=names, segment=HOSTILE, label=HOSTILE
    )
    found = run_result(
        scores,
        cells,
        run=run_row() | {"monitor": HOSTILE},
        skipped=[(HOSTILE, HOSTILE)],
        output=HOSTILE.replace("\x00", ""),
        docs=Path(HOSTILE.replace("\x00", "")),
    )
    page = found.to_html()
    reader = Reader(page)
    assert reader.tags.count("script") == 2
    assert "img" not in reader.tags
    for sign in ("\x00", "\u202e", "\x1b"):
        assert sign not in page
    assert "<script>alert('1')</script>&amp;\"'\ufffd\ufffd" in reader.text
    assert "script" not in Reader(found._repr_html_()).tags
    later = data_of(page)["rows"]
    assert len(later) == max(0, rows - DRAWN)
    if later:
        assert later[0][0][0][2].startswith("<script>alert('1')</script>&amp;\"'\ufffd\ufffd")


def test_an_unknown_severity_does_not_leave_its_attribute():
    scores = frames()[0].assign(severity='"><img>')
    assert "img" not in Reader(Result(scores, frames()[1]).to_html()).tags


@pytest.mark.parametrize(
    "name", ["feature", "\u6e29" * 5000, "<&>" * 3000], ids=["short", "wide", "<&>"]
)
def test_a_page_of_many_features_stays_small(name):
    found = run_result(*many(200, name), skipped=[(name, name)] * 500)
    page = found.to_html()
    assert len(page.encode()) < 3_500_000
    assert "and 300 more, in the table runs" in Reader(page).text
    assert len(found._repr_html_().encode()) < 60_000


def test_rows_after_the_first_are_drawn_on_demand():
    page = run_result(*many(DRAWN + 3)).to_html()
    data = data_of(page)
    assert data["first"] == DRAWN
    assert len(data["rows"]) == 3
    (chart, *_), blocks = data["rows"][0]
    assert chart[2] == f"feature{DRAWN}: shares of rows, then and now"
    assert [block[0] for block in blocks] == ["chart", "table", "facts"]
    assert f"rows after the first {DRAWN} are drawn by JavaScript" in page


def test_a_notebook_shows_less_than_a_page():
    found = run_result(*many(30))
    reader = Reader(found._repr_html_())
    assert len(reader.rows) == 10
    assert "and 20 more features" in reader.text
    assert "html" not in reader.tags
    assert "details" not in reader.tags


@pytest.mark.parametrize(
    ("severities", "said"),
    [
        (["ok", "ok"], "no drift in 2 features"),
        (["ok", "unscored"], "no drift in 1 of 2 features; 1 could not be scored"),
        (["unscored", "unscored"], "none of 2 features could be scored"),
        (["warning"], "1 of 1 feature drifted: 1 warning"),
        ([], "no feature was compared"),
    ],
)
def test_the_verdict_is_said_in_words(severities, said):
    rows = frames()[0].iloc[: len(severities)].assign(severity=severities)
    page = Result(rows, frames()[1]).to_html()
    assert f"<h1>{said}</h1>" in page
    Reader(page)


def test_a_result_without_cells_has_no_distributions():
    scores, cells = frames()
    assert "then and now" not in Reader(Result(scores, cells.iloc[:0]).to_html()).text


def test_cells_of_another_segment_are_not_drawn():
    scores, cells = frames()
    both = pd.concat([cells, cells.assign(segment="night", label="of the night")])
    assert "of the night" not in Result(scores, both).to_html()


def test_a_feature_that_is_worse_in_a_segment_is_shown_in_it():
    scores, cells = frames()
    parts = scores.iloc[[3]].assign(segment="night", severity="critical", reason="broken")
    of_night = cells[cells["feature"] == "passenger_count"].assign(segment="night")
    page = Result(pd.concat([scores, parts]), pd.concat([cells, of_night])).to_html()
    rows = dict(Reader(page).rows)
    assert list(rows)[1] == "passenger_count"
    assert "critical passenger_count in night" in " ".join(rows["passenger_count"].split())


def test_a_summary_is_strict_json_and_holds_what_a_program_asks_for():
    scores, cells = frames()
    summary = run_result(scores.assign(ks=math.inf), cells).summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["monitor"] == "nyc_taxi"
    assert summary["exit_code"] == 3
    assert summary["severities"] == {"critical": 1, "warning": 1, "unscored": 1, "ok": 1}
    assert summary["started_at"] == "2020-05-01T06:00:00+00:00"
    assert summary["seconds"][0] == {"stage": "scan", "seconds": 40.5}
    assert [row["kl"] for row in summary["worst"]] == [0.42, 0.15, None, 0.01]
    assert summary["skipped"] == [{"column": "trip_id", "reason": "nearly every value is its own"}]
    assert (summary["output"], summary["docs"]) == ("/data/drift", None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.float64("nan"), None),
        (-math.inf, None),
        (pd.NaT, None),
        (pd.NA, None),
        (np.int32(3), 3),
        (np.bool_(True), True),
        (pd.Timestamp(DAYS[0].start), "2020-04-01T00:00:00+00:00"),
        (np.array([1.0, math.nan]), [1.0, None]),
        (({"a": Path("b")},), [{"a": "b"}]),
    ],
)
def test_a_value_is_made_plain(value, said):
    assert json_value(value) == said
    assert type(json_value(value)) is type(said)


def test_no_line_of_a_page_ends_within_a_figure_and_its_text_stays_as_it_is():
    said = "rose: 5.5 % -> 0.04 %, q < 1e-12 & <b> 7 %"
    scores = frames()[0].assign(reason=said)
    page = Result(scores, frames()[1]).to_html()
    kept = re.findall(r'<span class="figure">(.*?)</span>', page)
    assert {"5.5 %", "0.04 %", "q &lt; 1e-12", "7 %"} <= set(kept)
    reader = Reader(page)
    assert "b" not in reader.tags
    assert said.replace("% -> 0", "% → 0") in reader.text


def test_names_that_are_read_from_right_to_left_leave_the_figures_of_a_sentence_in_place():
    scores, cells = frames()
    said = "new values: '\u0631\u0628\u0645\u0627' 33.4 %, '\u05dc\u05d0 x \u05db\u05df' (4 %)"
    page = Result(scores.assign(reason=said), cells).to_html()
    for name in ("\u0631\u0628\u0645\u0627", "\u05dc\u05d0 x \u05db\u05df"):
        assert f"&#39;<bdi>{name}</bdi>&#39; " in page
    assert said in Reader(page).text


def test_features_that_lost_their_values_together_are_one_cause():
    page = two_causes().to_html()
    lead = re.search(r'class="lead">(.*?)</p>', page).group(1)
    said = Reader(f"<p>{lead}</p>").text
    assert re.match(
        r"Worst are (a|b|c), (a|b|c), (a|b|c): over all rows nulls rose from 0\.0 % to \d+\.\d % "
        r"of the rows, in the same rows: most likely one cause\. Also drifted: d\. How sure",
        said,
    )
    card, after = page.partition('class="cause critical"')[2].split("</ol></details>")[:2]
    assert sorted(re.findall(r'class="name">(.*?)<', card)) == ["a", "b", "c"]
    assert re.findall(r'class="name">(.*?)<', after)[0] == "d"
    assert Reader(page).text.count("most likely one cause") == 2  # in the lead and on the card


def test_features_that_drifted_in_one_segment_alone_are_one_card_as_are_those_with_no_score():
    rng = np.random.default_rng(0)
    where = rng.choice(["PL", "DE", "FR"], 9000)
    then = pd.DataFrame({name: rng.normal(size=9000) for name in ("a", "b", "c")})
    then = then.assign(country=where, old=1.0, older=2.0)
    now = then.assign(**{n: then[n] + 3.0 * (where == "PL") for n in "ab"})
    result = kldrift.compare(then, now.drop(columns=["old", "older"]), segments=[["country"]])
    first, second, *others = result._page().cards
    assert (sorted(first.cause.features), sorted(second.cause.features)) == (
        ["a", "b"],
        ["old", "older"],
    )
    assert first.cause.what.startswith("in country=PL, the only one of 3 segments that drifted; ")
    assert second.cause.what == "not scored: not in the current dataset"
    assert all(len(card.cause.features) == 1 for card in others)
    # A notebook shows a row of each cause before the others of one.
    few = result._page(2)
    assert [len(card.cause.features) for card in few.cards] == [2, 2]
    assert len(few.entries) == 2
    assert "<summary>" not in fragment(few, rows=2)
    assert "<summary>the worst 2 features<" not in result.to_html()


def test_a_muted_row_says_who_muted_it_and_why():
    scores = frames()[0].assign(alert="muted", alert_since=DAYS[1].start)
    past = Past.of([(DAYS[0], scores.assign(severity="ok")), (DAYS[1], scores)])
    alert = {"features": ["payment_type"], "segment": None, "muted_by": "ana", "why": "terminals"}
    alert |= {"muted_until": "2020-05-01", "opened": DAYS[1].start.isoformat(), "closed": None}
    alert |= {"since": DAYS[1].start.isoformat(), "windows": 1, "peak": 0.4, "p_value": None}

    def told(**changed):
        page = monitor_page(scores, frames()[1], Story(past=past, alerts=[alert | changed]))
        return page.entries[0].alert

    assert told() == "alert muted by ana until 2020-05-01: terminals, critical since 2 Apr 2020"
    lead = monitor_page(scores, frames()[1], Story(past=past, alerts=[alert])).lead
    assert " Alert muted by ana until 2020-05-01: terminals, critical since 2 Apr 2020." in lead
    assert "Also drifted: trip_distance (muted)" in lead
    before = {"opened": DAYS[0].start.isoformat(), "closed": DAYS[1].start.isoformat()}
    assert told(**before) == "alert muted, critical since 2 Apr 2020"


def test_what_could_not_be_scored_is_named_with_its_reason():
    then = pd.DataFrame(np.random.default_rng(0).normal(size=(4000, 4)), columns=[*"abcd"])
    empty = Reader(kldrift.compare(then.head(0), then).to_html()).text
    assert "Not scored: a, b, c, d (no rows in the reference)." in empty
    gone = Reader(kldrift.compare(then, then.rename(columns={"a": "z"})).to_html()).text
    assert "Not scored: a (not in the current dataset), z (not in the reference)." in gone
    two = kldrift.compare(then, then.drop(columns=["a", "b"]).assign(c="text"))
    said = Reader(two.to_html()).text
    assert "Not scored: a, b (not in the current dataset), c (double in the reference, " in said


def test_what_could_not_be_scored_in_a_segment_alone_is_said_and_hides_no_feature():
    """One segment without rows, or with one, took the charts and scores of all features away."""
    numbers = np.random.default_rng(0).normal(size=(4000, 2))
    then = pd.DataFrame(numbers, columns=[*"ab"]).assign(ward=["icu", "er"] * 2000)
    page = kldrift.compare(then, then[then["ward"] == "er"], segments=[["ward"]])._page()
    assert "Not scored: 3 features in ward=icu (no rows in the current dataset)." in page.lead
    rows = {entry.key: entry for card in page.cards for _, entry in card.entries}
    for name in "ab":
        assert rows[name, None].severity == "ok"
        assert rows[name, None].charts[0] is not None


def test_what_a_row_said_once_it_does_not_say_again():
    scores = frames()[0].assign(alert="raised", alert_since=DAYS[1].start)
    worst = scores["feature"] == "payment_type"
    past = Past.of([(DAYS[0], scores.assign(severity="ok")), (DAYS[1], scores)])
    entry = monitor_page(scores, frames()[1], Story(past=past)).entries[0]
    assert "kl 0.42 above critical 0.25" in entry.reason
    assert entry.standing == "alert raised, critical since 2 Apr 2020, for one window so far"
    scores.loc[worst, "reason"] = "shifted"
    assert (
        monitor_page(scores, frames()[1], Story(past=past))
        .entries[0]
        .standing.startswith("kl 0.42, critical above")
    )


def test_a_long_name_is_cut_inside_and_a_long_sentence_at_its_end():
    name, sentence = "distribution centre north " * 9 + "hall 7", "rose and rose; " * 20 + "js 7"
    assert shown(name, 40).endswith("…rth hall 7")
    assert shown(sentence, 160) == sentence[:159] + "…"
    assert len(shown(name, 40)) == 40


def test_a_long_reason_ends_after_a_whole_part():
    parts = [f"part {i}: {'long ' * 12}" for i in range(9)]
    page = Result(frames()[0].assign(reason="; ".join(parts)), frames()[1]).to_html()
    assert f"<bdi>{parts[0]}</bdi>" in page
    assert f"<bdi>{'; '.join(parts[1:4])}</bdi>" in page


def test_an_opened_row_tells_what_limits_were_learnt_from():
    learnt = {"kl_learned": 0.31, "limit_learned": 0.12, "history_windows": 60.0, "alert": "muted"}
    scores = frames()[0].assign(**learnt)
    text = Reader(Result(scores, frames()[1]).to_html()).text
    assert "learnt from 60 windowskl 0.31 nats, limit 0.12" in text
    assert "alert muted" in text


def test_a_feature_that_drifts_in_few_segments_says_which():
    scores, cells = frames()
    parts = [
        scores.iloc[[0]].assign(segment=f"part={i}", severity="ok" if i else "critical")
        for i in range(4)
    ]
    alone = "Worst is payment_type, in part=0, the only one of 4 segments that drifted: kl 0.42"
    unsure = Reader(Result(pd.concat([scores, *parts]), cells).to_html()).text
    assert alone not in unsure  # the others are as far, perhaps by chance
    parts[1:] = [part.assign(kl=0.01) for part in parts[1:]]
    text = Reader(Result(pd.concat([scores, *parts]), cells).to_html()).text
    assert alone in text
    assert "(q 1e-12). Over all rows: kl 0.42" in text
    assert text.count("in part=0, the only one of 4 segments that drifted: kl 0.42") == 2
    assert "over all rows: kl 0.42" in text  # its row says it too
    assert "23.1 % → 35.0 %; drifted in 1 of 4 segments (part=0)" in text


def test_a_segment_that_is_worse_than_all_rows_says_what_happened_to_these():
    scores, cells = frames()
    lost = scores.iloc[[0]].assign(severity="warning", reason="4 in place of 9; kl 0.12")
    worse = lost.assign(severity="critical", reason="1 in place of 3; kl 0.2")
    parts = [part.assign(segment=f"by={i}") for i, part in enumerate((worse, lost, lost))]
    page = Result(pd.concat([lost, *parts]), cells)._page()
    assert page.lead.startswith(
        "Worst is payment_type, in by=0: 1 in place of 3. Over all rows: 4 in place of 9; "
        "drifted in 3 of 3 segments."
    )
    html = Result(pd.concat([lost, *parts]), cells).to_html()
    assert "<bdi>over all rows: 4 in place of 9; drifted in 3 of 3 segments</bdi>" in html


def test_health_says_what_is_left_of_the_budget_before_what_was_read():
    spent = {"pages_spent": 1, "pages_allowed": 2.0, "pages_days": 90.0, "p_limit": 7.1e-8}
    found = run_result()
    text = Reader(replace(found, run=found.run | spent).to_html()).text
    assert "1 of 2 in 90 days; a page now needs p below 7e-08" in text
    assert text.index("pages spent of the budget") < text.index("rows of the reference")
    assert "pages spent" not in Reader(found.to_html()).text


def test_the_first_lines_say_since_when_it_is_critical_where_it_was_a_warning_before():
    scores, cells = frames()
    days = [Window.of_key(f"2020040{d}T000000Z_2020040{d + 1}T000000Z") for d in (1, 2, 3, 4)]
    severities = ("ok", "warning", "critical", "critical")
    past = Past.of([(w, scores.assign(severity=s)) for w, s in zip(days, severities, strict=True)])
    page = monitor_page(scores, cells, Story(past=past))
    assert "Drifts since 2 Apr 2020, 3 windows in a row; critical in the last 2." in page.lead


def test_one_quiet_window_does_not_begin_a_long_drift_anew():
    scores, cells = frames()
    days = [Window.of_key(f"202004{d:02}T000000Z_202004{d + 1:02}T000000Z") for d in range(1, 7)]
    severities = ("ok", "critical", "critical", "ok", "critical", "critical")
    past = Past.of([(w, scores.assign(severity=s)) for w, s in zip(days, severities, strict=True)])
    page = monitor_page(scores, cells, Story(past=past))
    assert "Drifts since 2 Apr 2020, in 4 of 5 windows; critical in the last 2." in page.lead


def test_the_first_lines_say_how_sure_a_learnt_limit_is():
    scores, cells = frames()
    learnt = {"kl_learned": 0.31, "history_windows": 60.0, "metric": "kl_learned"}
    learnt |= {"threshold_critical": 0.12, "threshold_warning": math.nan, "p_learned": 3e-7}
    worst = scores["kl"] == scores["kl"].max()
    scores.loc[worst, [*learnt]] = [*learnt.values()]
    text = Reader(Result(scores, cells).to_html()).text
    assert "How sure: p 3e-07, how likely a window like those before it" in text
    assert "kl 0.31 from the 60 windows before it, critical above 0.12" in text


def test_a_score_above_its_limit_that_may_be_chance_says_so():
    scores = frames()[0].assign(severity="ok", q_value=0.6)
    text = Reader(Result(scores, frames()[1]).to_html()).text
    assert "kl 0.42, warning above 0.0625, but q 0.6: it may be chance" in text


def test_the_cells_of_a_result_are_a_frame_made_once_and_when_asked_for():
    scores, cells = frames()
    table = window_tables()["drift_cells"]
    found = Result(scores, table)
    assert "cells" not in vars(found)
    pd.testing.assert_frame_equal(found.cells, cells)
    assert found.cells is found.cells
    assert Result(scores, cells).cells is cells


@pytest.mark.parametrize(
    ("values", "parts", "figures"),
    [
        (pd.to_timedelta(np.arange(3_000), unit="s"), (), ("25 min", "14 min 26 s")),
        (pd.to_timedelta(np.arange(3_000) % 3, unit="h"), (), ("1 h", "48 min 59 s")),
        (pd.Timestamp(2026, 3, 2) + pd.to_timedelta(np.arange(3_000), unit="s"), ("whole",),
         ("2026-03-02T00:25:00", "14 min 26 s")),
        ((pd.Timestamp(2026, 3, 2) + pd.to_timedelta(np.arange(300) % 3, unit="D")).date,
         ("whole",), ("2026-03-03", "19 h 35 min 50 s")),
        (np.arange(3_000), (), ("1500", "866")),
    ],
    ids=["lengths", "few lengths", "points in time", "dates", "numbers"],
)  # fmt: skip
def test_means_and_deviations_of_times_are_written_as_times(values, parts, figures):
    frame = pd.DataFrame({"x": values})
    override = {"x": {"parts": [*parts]} if parts else {"keep": True}}
    page = kldrift.compare(frame, frame, override=override).to_html()
    for name, text in zip(("mean", "standard deviation"), figures, strict=True):
        assert f"<dt>{name}</dt><dd>{text} → " in page


@pytest.mark.parametrize(
    ("before", "named"),
    [(0, "never seen in the reference"), (5, "not seen when cells were chosen")],
    ids=["fixed rows", "other windows"],
)
def test_a_share_of_new_values_says_what_they_are_new_to(before, named):
    names = pd.DataFrame({"x": ["a", "b"] * 50}), pd.DataFrame({"x": ["a", "new"] * 50})
    result = kldrift.compare(*names)
    cells = records(pa.Table.from_pandas(result.cells))
    cells = [c | {"rows_reference": before} if c["cell_kind"] == "never_seen" else c for c in cells]
    (row,) = records(pa.Table.from_pandas(result.scores))
    facts = blocks_of(row, cells, Parts([], {}, []), "")[-1]
    assert (named, "50.0 %") in facts.items


def test_cells_of_whole_numbers_have_the_names_that_reasons_have():
    rng = np.random.default_rng(0)
    before = pd.DataFrame({"few": rng.integers(1, 9, 5_000), "many": rng.poisson(300, 5_000)})
    now = before.assign(few=np.where(rng.random(5_000) < 0.1, 99, before["few"]))
    now["many"] += 25
    result = kldrift.compare(before, now)
    for feature, reason in result.scores.set_index("feature")["reason"].items():
        cells = result.cells[result.cells["feature"] == feature].set_index("cell_kind")["label"]
        moved = reason.split("moved most: ")[1].split(" (")[0]
        assert moved in [*cells]
        assert cells["overflow"] == f"above {before[feature].max()}, the reference's largest"
