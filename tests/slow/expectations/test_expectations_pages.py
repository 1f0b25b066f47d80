"""Data Docs: right for every feature name, worst first, and legible without the internet."""

from __future__ import annotations

import datetime as dt
import json
import re
from html.parser import HTMLParser

import pytest
from expectations_tables import case_rows, publish_rows, row, write

from kldrift.errors import OutputError
from kldrift.expectations import wording
from kldrift.expectations.folder import RUNS_ON_THE_INDEX
from kldrift.expectations.gx import RunIdentifier
from kldrift.expectations.gx import great_expectations as gx

NAMES = [
    "$feature",
    "$PARAMETER",
    "$$",
    "a${x}b",
    "$line1",
    "q\"uo'te`",
    "a.b c/d\\e",
    "ünïcode 数据",
    "<script>document.title='taken'</script>",
    "<b>bold</b>",
    "a&amp;b",
    "{{ 1 + 1 }} {% raw %}",
    "%s {x}",
    "new\nline",
    " spaces ",
    "",
]


class Page(HTMLParser):
    """The text of a page by table row and cell, as a browser sees it, and the tags it has."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.tags, self.links, self.open = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "table":
            self.tables.append([])
            self.open = False
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
            self.open = True
        elif tag == "a":
            self.links.append(dict(attrs).get("href", ""))
        elif tag == "br":
            self.handle_data("\n")

    def handle_endtag(self, tag):
        if tag in {"td", "th"}:
            self.open = False

    def handle_data(self, data):
        if self.open:
            self.tables[-1][-1][-1] += data

    def body(self, first):
        """The rows of the table whose first header is ``first``, white space made single."""
        (table,) = [t for t in self.tables if t and plain(t[0][0]) == first]
        return [[plain(cell) for cell in cells] for cells in table[1:]]


def plain(text):
    return " ".join(text.split())


def result_page(folder):
    (path,) = (folder / "gx/uncommitted/data_docs/local_site/validations").rglob("*.html")
    return Page(path.read_text())


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    publish_rows(folder, case_rows())
    return folder


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    rows = [
        row(name, segment=name, kl=0.9, reason=f"{name} is not {name}", severity="critical")
        for name in NAMES
    ]
    publish_rows(folder, rows)
    return folder


def test_every_name_is_stored_as_it_is(names):
    (path,) = (names / "gx/uncommitted/validations").rglob("*.json")
    results = json.loads(path.read_text())["results"]
    stored = [
        (
            r["expectation_config"]["kwargs"]["feature"],
            r["expectation_config"]["kwargs"]["segment"],
            r["result"]["details"]["reason"],
        )
        for r in results
    ]
    assert sorted(set(stored)) == sorted((n, n, f"{n} is not {n}") for n in NAMES)


def test_every_name_is_shown_as_it_is_and_none_becomes_markup_or_a_parameter(names):
    page = result_page(names)
    shown = page.body("Status")
    for name in NAMES:
        subject = plain(f"{name} in segment {name}:")
        (found,) = [r for r in shown if r[1].startswith(f"{subject} kl")]
        assert found[1].removeprefix(subject) == (
            " kl must not be above 0.1 with q below 0.01 (warning), failed"
            " kl must not be above 0.25 with q below 0.01 (critical), failed"
        )
        assert found[0].endswith("critical")
        assert found[2].startswith(plain(f"{name} is not {name}"))
    own_tags = {"b", "script"}
    clean = result_page_of_plain_names(names.parent / "plain")
    assert [t for t in page.tags if t in own_tags] == [t for t in clean.tags if t in own_tags]


def test_what_a_screen_does_not_show_is_escaped(tmp_path):
    publish_rows(tmp_path, [row("a\x1b[31m\u202eb", segment="s\u202e", kl=0.9)])
    site = tmp_path / "gx/uncommitted/data_docs/local_site"
    for page in (*site.rglob("validations/**/*.html"), site / "expectations/taxi.html"):
        text = page.read_text()
        assert r"a\x1b[31m\u202eb</strong> in segment" in text
        assert not {"\x1b", "\u202e"} & set(text)


def result_page_of_plain_names(folder):
    publish_rows(folder, [row("a", segment="a", kl=0.9)])
    return result_page(folder)


def test_the_page_of_the_suite_shows_every_name_too(names):
    text = (names / "gx/uncommitted/data_docs/local_site/expectations/taxi.html").read_text()
    assert "<script>document" not in text
    assert "&lt;script&gt;document.title='taken'&lt;/script&gt;</strong> in segment" in text
    assert "a${x}b</strong>" in text
    assert "$PARAMETER</strong>" in text


def test_a_hostile_name_in_an_error_does_not_reach_the_page(names):
    (scores,) = (names / "scores").glob("*.parquet")
    scores.rename(scores.with_suffix(".kept"))
    try:
        write(scores, [row("another")])
        context = gx.get_context(mode="file", context_root_dir=str(names / "gx"))
        context.checkpoints.get("taxi").run(run_id=RunIdentifier("tampered $text <i>"))
        (path,) = (names / "gx").rglob("validations/taxi/tampered*/*/*.html")
    finally:
        scores.with_suffix(".kept").rename(scores)
    text = path.read_text()
    index = (names / "gx/uncommitted/data_docs/local_site/index.html").read_text()
    assert "tampered $text &lt;i&gt;</a>" in "".join(index.split("\n")).replace("  ", "")
    path.unlink()
    assert "<script>document" not in text
    assert "the drift table has 0 rows of this feature, 1 is expected" in text
    assert {r[0].split()[-1] for r in Page(text).body("Status")[:3]} == {"error"}


def test_the_worst_stand_first(cases):
    shown = [(r[0].split()[-1], r[1].split(":")[0]) for r in result_page(cases).body("Status")]
    words = [word for word, _ in shown]
    assert shown[:2] == [("critical", "constant, moved"), ("critical", "above critical, certain")]
    assert list(dict.fromkeys(words)) == ["critical", "warning", "unscored", "ok"]


def test_the_results_stand_above_the_particulars_of_the_run(cases):
    (path,) = (cases / "gx/uncommitted/data_docs/local_site/validations").rglob("*.html")
    text = path.read_text()
    assert text.index("Observed Value") < text.index("Great Expectations Version")


def test_a_row_says_in_words_what_was_found(cases):
    rows = {(r[0].split()[-1], r[1].split(":")[0]): r[2] for r in result_page(cases).body("Status")}
    assert rows["critical", "above critical, certain"] == (
        "most from payment_type=2: 23.1 % -> 35.0 % "
        "kl 0.4 is above 0.25, and q 0 is below alpha 0.01 "
        "rows 100,000 -> 80,000; nulls 0.1 % -> 5.0 %; mean 1.5 -> 2.5; "
        "without drift kl would be about 0.0002"
    )
    assert rows["unscored", "missing"].startswith(
        "not scored, status missing_feature: it could not be, because rows 100,000"
    )
    assert rows["ok", "above critical, by chance"].startswith(
        "kl 0.4 is above 0.25, but q 0.2 is not below alpha 0.01"
    )


def test_a_side_that_is_missing_is_said_to_be_none():
    lines = wording.observed({"because": "b", "n_reference": 5, "n_current": None, "reason": "b"})
    assert lines == ["b", "rows 5 -> none"]


def test_the_index_is_legible_without_scripts_and_its_links_lead_somewhere(cases):
    index = cases / "gx/uncommitted/data_docs/local_site/index.html"
    page = Page(page_text := index.read_text())
    assert page.body("Status")[0] == [
        "✖ failed",
        "22 Nov 2026 20:45 to 23 Nov 2026 20:45 (UTC)",
        "23 Nov 2026 20:45 (UTC)",
        "20261123T204500Z-1a2b3c4d",
        "taxi",
        "",
    ]
    # On a phone, where the heads of columns are gone, the style says which time is the run's.
    (name,) = re.findall(r"#(\S+) td:nth-child\(3\)::before { content: \"run at \"", page_text)
    assert f'id="{name}"' in page_text
    local = [link for link in page.links if link.endswith(".html")]
    assert len(local) == 3
    assert all((index.parent / link).exists() for link in local)


def test_the_style_that_works_offline_is_on_every_page_and_written_once(cases):
    publish_rows(cases, case_rows())
    (style,) = (cases / "gx/plugins").rglob("data_docs_custom_styles.css")
    assert style.read_text().count("kldrift:") == 1
    for path in (cases / "gx/uncommitted/data_docs").rglob("*.html"):
        assert "border-collapse: collapse" in path.read_text()


def test_no_page_names_another_host(cases):
    for path in (cases / "gx/uncommitted/data_docs").rglob("*.html"):
        assert not re.search(r"(?:https?:)?//[\w.-]+", path.read_text())


def test_a_feature_has_one_row_with_all_that_it_is_held_to(cases):
    subjects = [r[1].split(":")[0] for r in result_page(cases).body("Status")]
    assert sorted(subjects) == sorted({row["feature"] for row in case_rows()})


def test_severities_are_told_apart_by_sign_and_word(cases):
    status = {r[0] for r in result_page(cases).body("Status")}
    assert status == {"✖ critical", "▲ warning", "? unscored", "✔ ok"}


def test_the_pages_link_the_report_while_there_is_one(tmp_path):
    publish_rows(tmp_path, [row("a")], report=str(tmp_path / "a b.html"))
    site = tmp_path / "gx/uncommitted/data_docs/local_site"
    address = (tmp_path / "a b.html").as_uri()
    assert address in result_page(tmp_path).links
    assert address in Page((site / "index.html").read_text()).links
    publish_rows(tmp_path, [row("a")])
    assert address not in result_page(tmp_path).links


@pytest.mark.parametrize(
    ("begin", "name"),
    [
        ("2026-11-21T23:00+00:00", "Sun 22 Nov 2026 (Europe/Berlin)"),
        (None, "23 Nov 2026 00:00 (Europe/Berlin)"),
    ],
)
def test_windows_and_runs_are_named_in_the_zone_of_the_monitor(tmp_path, begin, name):
    first, end = (
        None if t is None else dt.datetime.fromisoformat(t)
        for t in (begin, "2026-11-22T23:00+00:00")
    )
    rows = [row("a", window_start=first, window_end=end)]
    publish_rows(tmp_path, rows, zone="Europe/Berlin")
    index = Page((tmp_path / "gx/uncommitted/data_docs/local_site/index.html").read_text())
    assert index.body("Status")[0][1:3] == [name, "23 Nov 2026 21:45 (Europe/Berlin)"]
    (page,) = (tmp_path / "gx/uncommitted/data_docs/local_site/validations").rglob("*.html")
    assert f"As of {name}" in plain(re.sub("<[^>]*>", " ", page.read_text()))


def test_the_index_lists_a_bounded_number_of_runs(cases):
    text = (cases / "gx/great_expectations.yml").read_text()
    assert RUNS_ON_THE_INDEX == 30
    assert re.search(r"validation_results_limit: 30\b", text)


def test_settings_of_the_site_that_a_user_changes_stay_changed(tmp_path):
    publish_rows(tmp_path, [row("a")])
    yml = tmp_path / "gx/great_expectations.yml"
    yml.write_text(yml.read_text().replace("results_limit: 30", "results_limit: 7"))
    publish_rows(tmp_path, [row("a")])
    assert "results_limit: 7" in yml.read_text()


def test_a_folder_with_a_store_of_its_own_is_refused(tmp_path):
    publish_rows(tmp_path, [row("a")], data_docs=False)
    yml = tmp_path / "gx/great_expectations.yml"
    module = "great_expectations.data_context.store.validation_results_store"
    with_own = yml.read_text().replace("kldrift.expectations\n  check", f"{module}\n  check")
    yml.write_text(with_own)
    with pytest.raises(OutputError, match="a ValidationResultsStore of its own"):
        publish_rows(tmp_path, [row("a")], data_docs=False)


def test_a_result_renders_itself_for_those_who_ask_it_to(tmp_path):
    published = publish_rows(tmp_path, [row("a$b", kl=0.9, segment="cash")], data_docs=False)
    (suite,) = published.checkpoint_result.run_results.values()
    result = suite.results[0]
    result.render()
    (observed,) = [c.value.to_json_dict() for c in result.rendered_content]
    assert observed["params"]["observed_value"]["value"].startswith("kl 0.9 is above 0.1")
    (expected,) = [c.value.to_json_dict() for c in result.expectation_config.rendered_content]
    assert expected["template"].startswith("$feature in segment $segment: $metric must not")
    assert expected["params"]["feature"]["value"] == "a$b"


def test_results_without_details_still_render(tmp_path):
    publish_rows(tmp_path, [row("a", kl=0.9)])
    context = gx.get_context(mode="file", context_root_dir=str(tmp_path / "gx"))
    checkpoint = context.checkpoints.get("taxi")
    checkpoint.result_format = "BOOLEAN_ONLY"
    checkpoint.save()
    publish_rows(tmp_path, [row("a", kl=0.9)])
    (shown,) = result_page(tmp_path).body("Status")
    assert shown[0] == "✖ critical"
    assert shown[1].endswith(
        "(warning), failed kl must not be above 0.25 with q below 0.01 (critical), failed"
    )


def test_the_index_has_tables_and_no_tabs_and_each_page_has_one_heading_of_the_first_level(cases):
    site = cases / "gx/uncommitted/data_docs/local_site"
    index = (site / "index.html").read_text()
    assert 'role="tab' not in index
    page = Page(index)
    assert page.body("Status")
    assert page.body("Expectation suite")
    for file in site.rglob("*.html"):
        assert file.read_text().count("<h1>") == 1
