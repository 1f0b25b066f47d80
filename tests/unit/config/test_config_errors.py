"""What a wrong configuration is told: file, key path, what was expected and what was found."""

from __future__ import annotations

import math

import pytest
from config_sample import minimal, placed

from kldrift.config import config_from_mapping, load_config
from kldrift.errors import ConfigError


def problems(mapping):
    with pytest.raises(ConfigError) as caught:
        config_from_mapping(mapping)
    return str(caught.value).splitlines()


KL = ("thresholds", "kl")
LONG = "1" + "0" * 17 + "..." + "0" * 19
CASES = {
    "unknown key": (("scoring", "bin"), 5, "unknown key; did you mean 'bins'?"),
    "unknown key at the top": (
        ("threshold",),
        {},
        "unknown key; did you mean 'thresholds'?",
    ),
    "unknown key, nothing near": (
        ("output", "zzz"),
        1,
        "unknown key; expected one of path, format",
    ),
    "key that is no text": (("features", "derived", 7), "a", "expected a key that is text, got 7"),
    "section that is text": (
        ("expectations",),
        "a",
        "expected a mapping of keys, got 'a'; the keys are path, data_docs: write {path: 'a'}",
    ),
    "section that is the kind": (
        ("features", "override", "x"),
        "numeric",
        "expected a mapping of keys, got 'numeric'; the keys are kind, parts, keep, missing, "
        "thresholds, learned, categories: write {kind: 'numeric'}",
    ),
    "placeholder without its first brace": (
        ("current", "path"),
        "data/as_of:%Y-%m-%d}/*.parquet",
        "expected {as_of}, {as_of:%Y-%m-%d} or {as_of - 1d:%Y/%m/%d} (h, d or w), got "
        "'as_of:%Y-%m-%d}'",
    ),
    "no master of Spark": (
        ("spark", "master"),
        "lokal[2]",
        "expected local[*], yarn or a URL such as sc://host, got 'lokal[2]'",
    ),
    "section that is a list": (
        ("spark",),
        [],
        "expected a mapping of keys, got a list; the keys are master, conf, unsafe_sql",
    ),
    "text that is a number": (("monitor",), 2020, "expected text, got 2020; put it in quotes"),
    "text that is true": (
        ("current", "where"),
        True,
        "expected text, got true; put it in quotes",
    ),
    "text that is blank": (("current", "where"), " ", "expected text, got ' '"),
    "text that is nothing": (("output", "path"), None, "expected text, got nothing"),
    "text list that is text": (
        ("features", "include"),
        "a",
        "expected a list of text, got 'a'",
    ),
    "store with one slash": (
        ("output", "path"),
        "s3:/bucket/x",
        "expected two slashes after s3:, got 's3:/bucket/x'; or ./s3:/bucket/x for a folder",
    ),
    "path that is a number": (("current", "path"), 5, "expected text, got 5; put it in quotes"),
    "whole number that is text": (("scoring", "bins"), "20", "expected a whole number, got '20'"),
    "whole number that is true": (("scoring", "bins"), True, "expected a whole number, got true"),
    "whole number with a fraction": (
        ("scoring", "min_rows"),
        2.5,
        "expected a whole number, got 2.5",
    ),
    "number that is true": (("significance", "alpha"), True, "expected a number, got true"),
    "flag that is text": (
        ("expectations", "data_docs"),
        "yes",
        "expected true or false, got 'yes'",
    ),
    "word": (
        ("scoring", "missing"),
        "excluded",
        "expected one of cell, exclude, got 'excluded'; did you mean 'exclude'?",
    ),
    "word, nothing near": (("scan",), 3, "expected one of auto, arrow, dataframe, got 3"),
    "option that is a list": (
        ("current", "options", "sep"),
        [","],
        "expected text, a number or true/false, got a list",
    ),
    "whole number of 400 digits": (
        ("scoring", "bins"),
        10**400,
        f"expected a whole number of at most 18 digits, got {LONG}",
    ),
    "number of 400 digits": ((*KL, "warning"), 10**400, f"expected a number, got {LONG}"),
    "missing value of 400 digits": (
        ("features", "override", "x", "missing"),
        [-200, 10**400],
        f"expected a number or text, got {LONG}",
    ),
    "bins": (("scoring", "bins"), 1, "expected 2 or more, got 1"),
    "stored bins": (("scoring", "stored_bins"), 19, "expected at least bins (20), got 19"),
    "categories": (("scoring", "max_categories"), 0, "expected 1 or more, got 0"),
    "rows": (("scoring", "min_rows"), 0, "expected 1 or more, got 0"),
    "pseudocount": (
        ("scoring", "pseudocount"),
        -0.5,
        "expected a finite number, 0 or more, got -0.5",
    ),
    "alpha of 0": (("significance", "alpha"), 0, "expected a number between 0 and 1, got 0.0"),
    "alpha of 1": (("significance", "alpha"), 1, "expected a number between 0 and 1, got 1.0"),
    "alpha that is no number": (
        ("significance", "alpha"),
        math.nan,
        "expected a number between 0 and 1, got nan",
    ),
    "threshold that is no number": (
        (*KL, "warning"),
        math.nan,
        "expected a finite number, 0 or more, got nan",
    ),
    "endless threshold": (
        (*KL, "critical"),
        math.inf,
        "expected a finite number, 0 or more, got inf",
    ),
    "negative threshold": (
        (*KL, "critical"),
        -1,
        "expected a finite number, 0 or more, got -1.0",
    ),
    "threshold that is a number": (
        KL,
        0.1,
        "expected a mapping of keys, got 0.1; the keys are warning, critical",
    ),
    "threshold without a level": (KL, {}, "expected a number for warning, critical or both"),
    "metric": (
        ("thresholds", "jss"),
        {"warning": 1},
        "unknown key; did you mean 'js'?",
    ),
    "part twice": (
        ("features", "override", "a.b", "parts"),
        ["hour", "hour"],
        "expected each part once, got hour, hour",
    ),
    "nothing to monitor": (
        ("features", "include"),
        [],
        'expected one pattern or more, such as "*"',
    ),
    "monitor name": (
        ("monitor",),
        "a/b",
        "expected 1 to 100 letters, digits, '.', '_' or '-', beginning with a letter or digit, "
        "got 'a/b'",
    ),
    "monitor name with dots": (
        ("monitor",),
        "a..b",
        "expected no '..', which would leave the output folder, got 'a..b'",
    ),
    "monitor name that Data Docs hide": (
        ("monitor",),
        "profiling",
        "expected a name without 'profiling': Data Docs do not list the runs of such a name; "
        "got 'profiling'",
    ),
    "no source of rows": (
        ("current",),
        {},
        "expected exactly one of path, table and sql, got none",
    ),
    "two sources of rows": (
        ("current", "table"),
        "t",
        "expected exactly one of path, table and sql, got path and table",
    ),
    "format of a table": (("current",), {"table": "t", "format": "csv"}, "goes with path only"),
    "schema of a query": (
        ("current",),
        {"sql": "select 1", "schema": "a int"},
        "goes with path only; a table or a query has its own schema",
    ),
    "option of a CSV file": (
        ("current",),
        {"path": "x.csv", "options": {"seperator": ";", "Header": "true", "mine": 1}},
        "unknown option; did you mean 'sep'?",
    ),
    "options of a query": (
        ("current",),
        {"sql": "select 1", "options": {"a": 1}},
        "go with path or table; a query takes none",
    ),
    "files of two formats": (
        ("current", "path"),
        ["a.csv", "b.parquet"],
        "the files end in csv and parquet; state one format",
    ),
    "files of commas and tabs": (
        ("current", "path"),
        ["a.csv", "b.tsv"],
        "the files end in csv and tsv; state one format",
    ),
    "a time without a window": (
        ("time",),
        {"column": "t"},
        "expected text, but the key is missing",
    ),
    "a window of seconds": (
        ("time",),
        {"column": "t", "window": "10s"},
        "expected minutes, hours, days, weeks or months, such as 15m, 1h, 1d or 1mo, got '10s'",
    ),
    "a zone that nobody has": (
        ("time",),
        {"column": "t", "window": "1d", "zone": "Mars"},
        "expected a time zone such as America/New_York, got 'Mars'",
    ),
    "a lateness that is a number": (
        ("time",),
        {"column": "t", "window": "1d", "lateness": "2"},
        "expected a duration such as 30m, 2h or 90d, got '2'",
    ),
    "segments that are no lists": (
        ("segments",),
        ["a"],
        "expected a list of lists of columns, such as [[sex], [sex, race]], or of conditions, "
        "such as {name: long, where: n > 10}, got 'a'; write [[a]]",
    ),
    "a segment that is no list": (
        ("segments",),
        "a",
        "expected a list of lists of columns, such as [[sex], [sex, race]], or of conditions, "
        "such as {name: long, where: n > 10}, got 'a'; write [[a]]",
    ),
    "a segment that is nothing": (
        ("segments",),
        [["a"], None],
        "expected a list of lists of columns, such as [[sex], [sex, race]], or of conditions, "
        "such as {name: long, where: n > 10}, got nothing",
    ),
    "a column of a segment twice": (
        ("segments",),
        [["a", "a"]],
        "expected each column of a list once, got [a, a]",
    ),
    "too many segments": (
        ("scoring", "max_segments"),
        10_001,
        "expected 1 to 10000, got 10001",
    ),
    "from": (
        ("current", "from"),
        "2020-01-01",
        "goes with reference only",
    ),
    "to": (
        ("reference", "to"),
        "2020-13-01",
        "expected an ISO 8601 time such as 2020-04-01T00:00:00Z, got '2020-13-01'",
    ),
    "tables of text": (
        ("output", "format"),
        "csv",
        "expected one of parquet, delta, iceberg, got 'csv'",
    ),
    "learned thresholds without windows": (
        ("thresholds",),
        "learned",
        "expected windows, such as {column: t, window: 1d}: learned is about them",
    ),
    "alarms without windows": (
        ("alarms",),
        {"after": "2 of 3"},
        "expected windows, such as {column: t, window: 1d}: alarms is about them",
    ),
    "more windows than there are": (
        ("alarms", "after"),
        "3 of 2",
        "expected such as 2 of 3, of 31 windows at most, got '3 of 2'",
    ),
    "a mute without an end": (
        ("alarms", "mute"),
        [{"feature": "x", "until": "soon", "owner": "ana", "why": "new"}],
        "expected a day such as 2020-05-01, got 'soon'",
    ),
    "learned threshold": (
        KL,
        "learned",
        "expected numbers for warning and critical; `thresholds: learned` stands for all of them",
    ),
    "learned level": (
        (*KL, "warning"),
        "learned",
        "expected numbers for warning and critical; `thresholds: learned` stands for all of them",
    ),
}
PLACE = {
    "missing value of 400 digits": "features.override.x.missing[1]",
    "learned thresholds without windows": "time",
    "alarms without windows": "time",
    "a mute without an end": "alarms.mute[0].until",
    "unknown key": "scoring.bin",
    "part twice": 'features.override."a.b".parts',
    "key that is no text": "features.derived.7",
    "a time without a window": "time.window",
    "a window of seconds": "time.window",
    "a zone that nobody has": "time.zone",
    "a lateness that is a number": "time.lateness",
    "files of two formats": "current.format",
    "files of commas and tabs": "current.format",
    "format of a table": "current.format",
    "schema of a query": "current.schema",
    "option of a CSV file": "current.options.seperator",
    "options of a query": "current.options",
    "two sources of rows": "current",
}


@pytest.mark.parametrize("case", CASES)
def test_a_problem_names_its_key_and_what_was_found(case):
    path, value, expected = CASES[case]
    place = PLACE.get(case) or ".".join(path)
    assert problems(placed(path, value)) == [f"configuration: {place}: {expected}"]


@pytest.mark.parametrize("key", ["monitor", "output"])
def test_text_that_must_be_there_is_missed(key):
    mapping = minimal()
    del mapping[key]
    place = {"output": "output.path"}.get(key, key)
    expected = "expected text, but the key is missing"
    assert problems(mapping) == [f"configuration: {place}: {expected}"]


@pytest.mark.parametrize("key", ["reference", "current"])
def test_a_dataset_that_must_be_there_is_missed(key):
    mapping = minimal()
    del mapping[key]
    expected = "expected a mapping with path, table or sql, but it is missing"
    assert problems(mapping) == [f"configuration: {key}: {expected}"]


def test_a_place_in_a_list_is_counted_from_nought():
    mapping = placed(("features", "include"), ["a", 7])
    text = "configuration: features.include[1]: expected text, got 7; put it in quotes"
    assert problems(mapping) == [text]


def test_warning_is_at_most_critical_also_where_one_is_inherited():
    override = {"a": {"thresholds": {"js": {"warning": 0.3}}}}
    assert problems(minimal(features={"override": override})) == [
        "configuration: features.override.a.thresholds.js.warning: "
        "expected at most critical (0.02), got 0.3"
    ]


def test_a_range_that_ends_before_it_begins_is_refused():
    mapping = minimal() | {"time": {"column": "at", "window": "1d"}}
    ranged = {**mapping["reference"], "from": "2024-02-01", "to": "2024-01-01"}
    text = "configuration: reference.to: expected a moment after 2024-02-01, got 2024-01-01"
    assert problems(mapping | {"reference": ranged}) == [text]
    ranged |= {"from": "2024-01-01", "to": "2024-01-01T00:00:00-05:00"}  # by the zone it may be
    config_from_mapping(mapping | {"reference": ranged})


def test_all_problems_are_reported_at_once_one_per_line():
    mapping = minimal(
        monitor=1, scoring={"bin": 3, "min_rows": 0}, thresholds={"kl": {"warning": "a"}}, time={}
    )
    places = [line.split(": ")[1] for line in problems(mapping)]
    assert sorted(places) == [
        "monitor",
        "scoring.bin",
        "scoring.min_rows",
        "thresholds.kl.warning",
        "time.column",
        "time.window",
    ]


def test_what_follows_from_a_problem_is_not_reported_again():
    # Without its path the dataset has no source of rows: the typing error is the news.
    mapping = minimal(current={"pth": "x"})
    assert problems(mapping) == ["configuration: current.pth: unknown key; did you mean 'path'?"]
    assert problems(minimal(output=5)) == [
        "configuration: output: expected a mapping of keys, got 5; the keys are path, format"
    ]


def test_a_long_value_is_shown_in_short():
    (line,) = problems(minimal(monitor="x" * 5000))
    assert len(line) < 250


@pytest.mark.parametrize("value", [None, "text", ["a"], 5])
def test_a_configuration_that_is_no_mapping_is_refused(value):
    expected = "expected a mapping with monitor, reference, current and output, got"
    with pytest.raises(ConfigError, match=expected):
        config_from_mapping(value)


FILES = {
    "": r"m\.yaml: the file is empty; expected a mapping with monitor",
    "# only a comment\n": r"m\.yaml: the file is empty",
    "- a\n- b\n": r"m\.yaml: expected a mapping with monitor.*, got a list",
    "just text\n": r"m\.yaml: expected a mapping .*, got 'just text'",
    "monitor: m\nscoring:\n\tbins: 3\n": r"m\.yaml:3: .*; indent with spaces, not with tabs",
    "monitor: m\nreference: {path: a\n": r"m\.yaml:3: expected ',' or '}'",
    "monitor: m\n---\nmonitor: n\n": r"m\.yaml:2: but found another document",
    "monitor: 'm\n": r"m\.yaml:2: found unexpected end of stream",
    "monitor: m\nx: \x07\n": r"m\.yaml:2: special characters are not allowed",
    "monitor: m\noutput: {path: ${A}/x}\n": r'm\.yaml:2: .*put "\$\{NAME\}" in quotes',
    'monitor: "a\\d"\n': r"m\.yaml:1: found unknown escape .*; write / in paths, or text",
    "[" * 1000: r"m\.yaml: nested too deeply",
}


@pytest.mark.parametrize("text", FILES, ids=lambda text: repr(text[:20]))
def test_a_file_that_is_no_configuration_says_where(text, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=FILES[text]):
        load_config(path)


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file; 'kldrift init' writes one"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("# a\nmonitor: é".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: expected text in UTF-8, got .* 0xe9;"):
        load_config(tmp_path / "latin.yaml")


def test_a_section_that_is_called_learned_is_no_threshold():
    expected = (
        "configuration: output: expected a mapping of keys, got 'learned'; "
        "the keys are path, format: write {path: 'learned'}"
    )
    assert problems(minimal(output="learned")) == [expected]


def test_a_place_in_a_list_of_lists_is_counted_twice():
    text = "configuration: segments[1][0]: expected text, got 5; put it in quotes"
    assert problems(minimal(segments=[["a"], [5]])) == [text]


def test_a_metric_that_is_no_text_is_refused():
    text = "configuration: thresholds.5: expected a key that is text, got 5"
    assert problems(minimal(thresholds={5: {"warning": 1}})) == [text]


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([["a"], {"name": "long"}], "segments[1].where: expected text, but the key is missing"),
        (
            [{"name": "long", "where": "x", "wher": "y"}],
            "segments[0].wher: unknown key; did you mean 'where'?",
        ),
        (
            [{"name": "l", "where": "a"}, {"name": "l", "where": "b"}],
            "segments[1].name: expected another name: 'l' is taken",
        ),
        (
            [{"name": "l", "where": "reflect('a', 'b')"}],
            "segments[0].where: 'reflect' may run any program; if you trust whoever wrote it, "
            "state spark: {unsafe_sql: true}",
        ),
    ],
)
def test_conditions_for_segments_are_checked_as_all_else_is(segments, expected):
    assert problems(minimal(segments=segments)) == [f"configuration: {expected}"]
