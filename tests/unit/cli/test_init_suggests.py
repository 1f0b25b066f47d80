"""What ``kldrift init`` finds in files and suggests."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from iceberg_sample import make, open_catalog

from kldrift.cli.csv_dialect import dialect_of
from kldrift.cli.days_in_paths import Sides, sides_of, with_placeholder
from kldrift.cli.draft import _dataset
from kldrift.cli.init import datasets_of, init
from kldrift.cli.main import main
from kldrift.cli.text_schema import ddl, fitting_schema
from kldrift.config import load_config
from kldrift.config.as_of import with_time
from kldrift.errors import DatasetError
from kldrift.sources.open import open_files
from kldrift.sources.parquet.listing import list_files


def dialect(tmp_path, text, encoding="utf-8", **given):
    (tmp_path / "x.csv").write_text(text, encoding=encoding)
    return dialect_of(str(tmp_path / "x.csv"), given)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b\n1,2\n", {}),
        ("a;b\n1;2\n", {"sep": ";"}),
        ("a\tb\n1\t2\n", {"sep": "\t"}),
        ("a|b\n1|2,5\n", {"sep": "|", "locale": "de-DE"}),
        ('a;b\n"1;5";2\n', {"sep": ";"}),
        ("a,b\n'x,1',2\n'y',3\n", {"quote": "'"}),
        ("a;b\n1,5;2\n1.200,25;3\n", {"sep": ";", "locale": "de-DE"}),
        ("a,b\n1.200,25\n966,3\n", {}),  # only a comma elsewhere tells that it is no fraction
        ("a,b\n31.01.2024,2\n", {"dateFormat": "dd.MM.yyyy"}),
        ("a,b\n31/1/2024,2\n1/12/2024,2\n", {"dateFormat": "d/M/yyyy"}),
        ("a,b\n01/31/2024,2\n", {}),
        ("a,b\n01/02/2024,2\n", {}),
        ("a\n1\n", {}),
        (
            "a;b\n31.01.2024 08:30;30.01.2024\n",
            {"sep": ";", "timestampFormat": "dd.MM.yyyy HH:mm", "dateFormat": "dd.MM.yyyy"},
        ),
        ("a,b\n31/1/2024T08:30:00,1\n", {"timestampFormat": "d/M/yyyy'T'HH:mm:ss"}),
        ("x,1.5,2024-01-31\ny,2.5,2024-02-01\n", {"header": "false"}),
        ("x;1,5;2\ny;2,5;3\n", {"sep": ";", "header": "false", "locale": "de-DE"}),
        ("country,2019,2020\nnz,1.5,2\nau,2,3\n", {}),  # years may be names
        ("x,y\nu,v\n", {}),
    ],
)
def test_the_way_a_csv_file_is_written_is_found(tmp_path, text, options):
    assert dialect(tmp_path, text).options == options


def test_quotes_and_rare_line_ends_do_not_hide_the_separator(tmp_path):
    for text in (
        'a;b\n"x \\"y;z\\"";1\n',
        "a;b\nx\u2028y;1\n",
        "a;b\n" + 'x"y;1\n' * 3,
    ):
        assert dialect(tmp_path, text).options == {"sep": ";"}
    assert dialect(tmp_path, 'a,b\n"' + "1,2\n" * 100_000).options == {}  # never closed


def test_an_encoding_that_is_not_utf_8_is_found_and_said(tmp_path):
    found = dialect(tmp_path, "a,b\nMünchen,1\n", "latin-1")
    assert found.options == {"encoding": "iso-8859-1"}
    assert found.assumed == ("encoding iso-8859-1",)
    found = dialect(tmp_path, "a,b\nKöln,1 €\n", "cp1252")  # in ISO 8859-1 a control character
    assert found.options == {"encoding": "windows-1252"}
    found = dialect(tmp_path, "a,b\n1,x\n", "utf-16-le")
    assert found.options == {"encoding": "utf-16le"}


def test_points_beside_columns_with_a_decimal_comma_stand_between_thousands(tmp_path):
    """3.458 pieces were 3 and a half."""
    found = dialect(tmp_path, "a;b;c;d\n1,5;966;0.123;1.5\n2,5;3.458;1.250;2\n")
    assert found.decimal_commas == ("a", "b")
    assert found.assumed[1:] == ("decimal comma in a", "points between thousands in b")


def test_a_last_line_of_totals_is_said(tmp_path):
    found = dialect(tmp_path, "id,of,n\n1,a,2\n2,Total,3\nTotal,,5\n")
    (told,) = found.assumed
    assert told.startswith("a row like any other in the last line, 'Total': if it holds totals, ")
    assert told.endswith("where: not(`id` <=> 'Total')")
    for text in ("id,of,n\n1,Total,2\n2,Total,3\n", "id,Total\n"):
        assert dialect(tmp_path, text).assumed == ()


def test_what_is_stated_is_not_guessed(tmp_path):
    assert dialect(tmp_path, "a;b\n1,5;2\n", sep=";", locale="fr-FR").options == {}


def test_a_file_of_one_column_because_the_separator_is_wrong_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"one column, 'a\^b'; state the separator"):
        dialect(tmp_path, "a^b\n1^2\n")
    with pytest.raises(DatasetError, match=r"first line, 'sep=;', is a note for Excel where"):
        dialect(tmp_path, "sep=;\na;b\n1;2\n")
    assert dialect(tmp_path, ",,a,,\n").options == {}  # of one line nothing stands above another
    for above in ("Export of 29.11.2026, customer 4711\n", "Export;;\n\nfrom: x;;\n"):
        with pytest.raises(DatasetError, match=r"begins with 'Export.* such as 'a', 'b', 'c', st"):
            dialect(tmp_path, f"{above}a;b;c\n" + "1;2;3\n" * 3)
    with pytest.raises(DatasetError, match=r"such as '\\x00'"):
        dialect(tmp_path, "Export\n\0;b;c\n" + "1;2;3\n" * 3)


@pytest.fixture
def days(tmp_path):
    rng = np.random.default_rng(1)
    for day in range(1, 10):
        n = 200
        table = {
            "payment_type": rng.integers(1, 6, n),
            "Store Zone": rng.integers(1, 6, n),
            "order_id": rng.integers(0, 10**6, n),
            "flag": rng.integers(0, 2, n),
            "temp": np.where(rng.random(n) < 0.1, -200.0, rng.normal(15, 3, n)),
            "amount": rng.gamma(2, 10, n),
            "made": 1_700_000_000 + rng.integers(0, 10**6, n),
            "seen": 1_700_000_000 + 10**6 * rng.random(n),
            "iso": ["2024-01-31"] * n,
            "at": [dt.datetime(2024, 1, day, int(h)) for h in rng.integers(0, 24, n)],
        }
        folder = tmp_path / "orders" / f"day=2024-01-{day:02}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table(table), folder / "part-0.parquet")
    return tmp_path


def test_codes_sentinels_and_times_are_suggested_from_the_values(days):
    text = init(str(days / "orders"))
    (days / "kldrift.yaml").write_text(text)
    override = load_config(days / "kldrift.yaml").features.override
    assert override["payment_type"].kind == "categorical"
    assert override["Store Zone"].kind == "categorical"
    assert "exclude: [order_id, iso]  # identifiers" in text
    assert override["flag"].kind == "categorical"
    assert override["temp"].missing == (-200,)
    assert override["at"].parts == ("hour",)  # a day alone has one weekday only
    assert "amount" not in override
    assert "made: seconds since 1970?" in text
    assert "seen: seconds since 1970?" in text
    assert "iso: dates as text" in text


def test_windows_of_time_are_a_comment_that_is_ready_to_be_taken_in(days, tmp_path):
    drafted = tmp_path / "drafted.yaml"
    assert main(["init", str(days), "-o", str(drafted)]) == 0
    text = drafted.read_text()
    assert "# To judge each day on its own" in text
    assert load_config(drafted).time is None
    drafted.write_text(re.sub(r"^# (?=time|learned|alarms)", "", text, flags=re.MULTILINE))
    config = load_config(drafted)
    assert (config.time.column, config.time.window, config.learned) == ("at", "1d", True)
    assert config.report.path == str(tmp_path / "drift" / "report.html")


def test_a_dollar_in_a_path_or_a_column_is_no_variable(tmp_path):
    (tmp_path / "${x}").mkdir()
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "${x}" / "a.parquet")
    text = init(str(tmp_path / "${x}" / "a.parquet"))
    assert f"path: {tmp_path}/$${{x}}/a.parquet\n" in text
    dataset, _ = datasets_of(Sides(["a.csv"], ["a.csv"], "csv"), {})
    schema = replace(dataset, schema="`${HOME}` double")
    assert "  schema: '`$${HOME}` double'" in _dataset(schema, None)


def test_a_draft_has_nothing_that_a_terminal_does_not_show(tmp_path):
    for day in (1, 2):
        pq.write_table(
            pa.table({"x\u202e\x1b": [1, 2]}), tmp_path / f"a\u202e2024-01-0{day}.parquet"
        )
    text = init(str(tmp_path))
    assert text.replace("\n", "").isprintable()
    (tmp_path / "k.yaml").write_text(text)
    assert load_config(tmp_path / "k.yaml").reference.path == (
        f"{tmp_path}/a\u202e2024-01-01.parquet",
    )


def test_columns_of_two_kinds_or_without_values_are_named(tmp_path):
    for day, texts in ((1, pa.array(range(30))), (2, ["n/a", *map(str, range(29))])):
        rows = {"qty": texts, "at": [dt.date(2024, 1, day) if day == 1 else "x"] * 30}
        table = pa.table({**rows, "none": pa.array([None] * 30, pa.string())})
        pq.write_table(table, tmp_path / f"2024-01-0{day}.parquet")
    text = init(str(tmp_path))
    assert (
        "#   qty: numbers in the reference, texts in the current dataset, such as 'n/a'; " in text
    )
    assert "options: {nullValue: n/a} reads it as a null" in text
    assert "#   at: times in the reference, texts in the current dataset\n" in text
    assert "#   none: no value in any of the rows that were looked at" in text


def test_the_index_of_pandas_is_left_out_and_said(tmp_path):
    rows = pd.DataFrame({"x": np.random.default_rng(0).normal(size=300)}).sample(200)
    rows.to_parquet(tmp_path / "x.parquet")
    text = init(str(tmp_path / "x.parquet"))
    assert 'exclude: ["__index_level_0__"]' in text or "exclude: [__index_level_0__]" in text
    assert "__index_level_0__: probably the index of pandas, written as a column" in text


def test_tomorrow_needs_no_other_configuration(days):
    (days / "kldrift.yaml").write_text(init(str(days / "orders")))
    config = load_config(days / "kldrift.yaml")
    assert config.monitor == "orders"
    assert config.current.path == (f"{days}/orders/day={{as_of:%Y-%m-%d}}/*.parquet",)
    read, _ = with_time(config, dt.datetime(2024, 1, 10, tzinfo=dt.UTC))
    assert read.current.path == (f"{days}/orders/day=2024-01-10/*.parquet",)
    assert len(config.reference.path) == 8


@pytest.mark.parametrize(
    ("file", "source", "begin"),
    [
        ("k.yaml", "orders", "orders/"),
        ("k.yaml", "{days}/orders", "orders/"),
        ("conf/k.yaml", "orders", "{days}/orders/"),
    ],
)
def test_paths_below_the_folder_of_a_configuration_are_relative_to_it(
    days, monkeypatch, file, source, begin
):
    (days / "conf").mkdir()
    monkeypatch.chdir(days)
    assert main(["init", source.format(days=days), "-o", file]) == 0
    begin = begin.format(days=days)
    text = (days / file).read_text()
    assert f"  path:\n    - {begin}day=2024-01-01/*.parquet\n    - {begin}day=2024-01-02/" in text
    assert f"  path: {begin}day={{as_of:%Y-%m-%d}}/*.parquet\n" in text
    config = load_config(days / file)
    assert config.reference.path[0] == f"{days}/orders/day=2024-01-01/*.parquet"
    assert config.monitor == "orders"


def test_the_next_command_names_the_day_that_is_there(days, capsys):
    assert main(["init", str(days / "orders"), "-o", str(days / "k.yaml")]) == 0
    check = f"kldrift check {days}/k.yaml --as-of 2024-01-09"
    assert f"next: {check}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("folder", "placeholder"),
    [
        ("dt=2024-01-{:02}", "dt={as_of:%Y-%m-%d}"),
        ("year=2024/month=01/day={:02}", "year={as_of:%Y/month=%m/day=%d}"),
        ("year=2024/month=1/day={}", "year={as_of:%Y/month=%-m/day=%-d}"),  # as Spark has numbers
        ("2024/01/{:02}", "{as_of:%Y/%m/%d}"),
    ],
)
def test_a_day_is_read_with_all_its_partitions(tmp_path, folder, placeholder):
    for day in (1, 2, 3):
        for region in ("a", "b"):
            file = tmp_path / folder.format(day) / f"region={region}" / "0.parquet"
            file.parent.mkdir(parents=True)
            pq.write_table(pa.table({"x": [1, 2, 3]}), file)
        csv = tmp_path / "csv" / folder.format(day) / "region=a" / "0.csv.gz"
        csv.parent.mkdir(parents=True)
        csv.touch()
    days = sides_of(str(tmp_path / "csv"), None, None)
    assert days.current == [f"{tmp_path}/csv/{folder.format(3)}/*/*.csv.gz"]
    assert (len(days.reference), days.format) == (2, "csv")
    shutil.rmtree(tmp_path / "csv")
    (tmp_path / "notes.txt").write_text("no data")
    text = init(str(tmp_path))
    assert "#   only files that end in parquet, so not notes.txt\n" in text
    assert "#   region: categorical (string)" in text
    assert "no value" not in text  # the values of partitions stand in no file
    (tmp_path / "k.yaml").write_text(text)
    config = load_config(tmp_path / "k.yaml")
    assert config.current.path == (f"{tmp_path}/{placeholder}",)
    assert config.reference.path == tuple(f"{tmp_path}/{folder.format(d)}" for d in (1, 2))
    read, _ = with_time(config, dt.datetime(2024, 1, 3, tzinfo=dt.UTC))
    assert read.current.path == (f"{tmp_path}/{folder.format(3)}",)


def test_of_months_and_of_numbers_of_days_the_last_is_judged(tmp_path):
    for name in ("m/sales_2024-11.csv", "m/sales_2024-12.csv", "d/y=2024/m=9/d=9/0.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a,b\n1,x\n")
    shutil.copytree(tmp_path / "d/y=2024/m=9", tmp_path / "d/y=2024/m=10")
    text = init(str(tmp_path / "m"), folder=tmp_path)
    assert "monitor: m\n" in text
    assert "  path: m/sales_2024-11.csv\n" in text
    assert "  path: m/sales_{as_of:%Y-%m}.csv\n" in text
    assert "--as-of 2024-12-01" in text
    assert "monitor: sales\n" in init(str(tmp_path / "m" / "sales_2024-11.csv"))
    assert sides_of(str(tmp_path / "d"), None, None).current == [
        f"{tmp_path}/d/y=2024/m=10/d=9/*.csv"
    ]


@pytest.mark.parametrize(
    ("path", "placeholder"),
    [
        ("2024-12/x-2024-12-31.csv", "{as_of:%Y-%m}/x-{as_of:%Y-%m-%d}.csv"),
        ("2024-12/31/x.csv", "{as_of:%Y-%m/%d}/x.csv"),
        ("2024/12/part-0.csv", "{as_of:%Y/%m}/part-0.csv"),
        ("x-20241231_201012.csv", "x-{as_of:%Y%m%d}_201012.csv"),  # a time of day
        ("y=2024/month=12/shop=31/x.csv", "y={as_of:%Y/month=%-m}/shop=31/x.csv"),
        ("x-2024-1-5.csv", "x-2024-1-5.csv"),
        ("2024/12/7/x.csv", "2024/12/7/x.csv"),
        ("201012.csv", "201012.csv"),
    ],
)
def test_a_date_in_a_path_is_where_the_time_of_a_run_stands(path, placeholder):
    assert with_placeholder(path) == placeholder


@pytest.mark.parametrize("kind", [pa.string(), pa.date32()])
def test_a_delta_table_of_days_compares_each_day_with_those_before(tmp_path, kind):
    days = [dt.date(2024, 1, day) for day in (1, 2, 3) for _ in range(5)]
    sent = [day + dt.timedelta(days=i % 5) for i, day in enumerate(days)]
    rows = pa.table({"sent": sent, "day": pa.array(days).cast(kind)})
    write_deltalake(str(tmp_path / "t"), rows, partition_by=["day"])
    (tmp_path / "k.yaml").write_text(init(str(tmp_path / "t")))
    config = load_config(tmp_path / "k.yaml")
    assert "--as-of 2024-01-03" in (tmp_path / "k.yaml").read_text()
    assert config.features.exclude == ("day",)
    assert not config.features.override  # no day alone has a whole week
    for as_of, count in ((3, 1), (4, 0)):
        read, _ = with_time(config, dt.datetime(2024, 1, as_of, tzinfo=dt.UTC))
        assert (read.reference.format, read.current.format) == ("delta", "delta")
        reference, current = open_files(read.reference, "r"), open_files(read.current, "c")
        assert [len(side.footers.pieces) for side in (reference, current)] == [2, count]


@pytest.mark.parametrize("form", ["delta", "iceberg"])
@pytest.mark.parametrize(
    "kind", [pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.date32()], ids=str
)
def test_a_table_with_one_column_of_times_compares_each_day_with_those_before(tmp_path, form, kind):
    step = 1 if pa.types.is_date(kind) else 24 * 60 * 60 * 10**6
    of_kind = pa.int32() if pa.types.is_date(kind) else pa.int64()
    days = [
        pa.table(
            {"at": pa.array([day * step + step // 2] * 4, of_kind).cast(kind), "x": [1, 2, 3, 4]}
        )
        for day in (19723, 19724, 19725)  # the first days of 2024
    ]
    place = tmp_path / "t"
    if form == "iceberg":
        table = make(open_catalog(tmp_path), days[0])
        for day in days[1:]:
            table.append(day)
        place = Path(table.location().removeprefix("file://"))
    else:
        for day in days:
            write_deltalake(str(place), day, mode="append")
    (tmp_path / "k.yaml").write_text(init(str(place), format=form))
    config = load_config(tmp_path / "k.yaml")
    assert "--as-of 2024-01-03" in (tmp_path / "k.yaml").read_text()
    assert config.features.exclude == (("at",) if pa.types.is_date(kind) else ())
    for as_of, count in ((3, 1), (2, 1), (4, 0)):
        read, _ = with_time(config, dt.datetime(2024, 1, as_of, tzinfo=dt.UTC))
        reference, current = open_files(read.reference, "r"), open_files(read.current, "c")
        assert [len(side.footers.pieces) for side in (reference, current)] == [2, count]


def test_a_table_with_several_columns_of_times_is_left_to_the_reader(tmp_path):
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]
    write_deltalake(str(tmp_path / "t"), pa.table({"sent": days, "paid": days, "x": [1, 2]}))
    assert "reference:  # CHANGE THIS: the dataset itself" in init(str(tmp_path / "t"))


def test_a_table_or_file_without_days_is_called_what_it_is_compared_with(tmp_path):
    write_deltalake(str(tmp_path / "t"), pa.table({"x": [1, 2, 3]}))
    text = init(str(tmp_path / "t"))
    assert "reference:  # CHANGE THIS: the dataset itself, until you name" in text
    assert "--as-of" not in text


def test_a_monitor_is_named_after_what_it_watches(tmp_path, monkeypatch):
    for name in ("orders-2024-01-31.parquet", "2024-01-30.parquet"):
        (tmp_path / "sales").mkdir(exist_ok=True)
        pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "sales" / name)
    assert "monitor: orders\n" in init(str(tmp_path / "sales/orders-2024-01-31.parquet"))
    assert "monitor: sales\n" in init(str(tmp_path / "sales/2024-01-30.parquet"))
    monkeypatch.chdir(tmp_path / "sales")
    assert "monitor: sales\n" in init(".")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales").rename(tmp_path / "Größe 2")
    assert "monitor: Gro_e_2\n" in init(str(tmp_path / "Größe 2/2024-01-30.parquet"))


def test_a_day_that_is_compared_with_weeks_has_no_weekday_and_the_reason_is_said(tmp_path):
    for name, days in (("weeks", range(1, 29)), ("day", [29])):
        rows = pa.table({"on": [dt.date(2024, 1, day) for day in days], "x": [1.5] * len(days)})
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    text = init(str(tmp_path / "day.parquet"), reference=str(tmp_path / "weeks.parquet"))
    assert "#   on: no weekday: one of the sides holds no whole week of days\n" in text
    text = init(str(tmp_path / "day.parquet"), reference=str(tmp_path / "day.parquet"))
    assert "#   on: no weekday: the data holds no whole week of days\n" in text


def test_of_several_columns_of_times_that_of_one_day_in_each_file_is_taken(tmp_path):
    for day in (1, 2, 3):
        at = [dt.datetime(2024, 1, day, hour) for hour in range(20)]
        born = [dt.date(1970 + hour, 1, 1) for hour in range(20)]
        write_deltalake(str(tmp_path / "t"), pa.table({"born": born, "at": at}), mode="append")
    (tmp_path / "k.yaml").write_text(init(str(tmp_path / "t")))
    assert load_config(tmp_path / "k.yaml").current.where.startswith("`at` >= DATE '{")
    for day in (1, 2, 3):
        at = [dt.datetime(2024, 1, day, hour) for hour in range(20)]
        rows = {"at": at, "day": [dt.date(2024, 1, day)] * 20, "x": range(20)}
        write_deltalake(str(tmp_path / "u"), pa.table(rows), mode="append")
    (tmp_path / "k.yaml").write_text(init(str(tmp_path / "u")))
    assert load_config(tmp_path / "k.yaml").current.where == "`day` = DATE '{as_of:%Y-%m-%d}'"


def test_the_files_of_one_day_are_judged_together_and_texts_of_times_are_left_out(tmp_path):
    day = tmp_path / "events" / "2024-03-01"
    day.mkdir(parents=True)
    for part in (0, 1):
        at = [f"2024-03-01T{hour:02}:15:00Z" for hour in range(20)]
        pq.write_table(pa.table({"at": at, "x": range(20)}), day / f"part-{part}.parquet")
    for source in (day, day / "*.parquet"):
        (tmp_path / "k.yaml").write_text(init(str(source)))
        config = load_config(tmp_path / "k.yaml")
        asked = str(source).replace("2024-03-01", "{as_of:%Y-%m-%d}")
        assert (config.current.path, config.reference.path) == ((asked,), (str(source),))
        assert config.features.exclude == ("at",)
    for folder in ("2024-03-01", "one/2024-03-01", "two"):
        file = tmp_path / "lines" / folder / "0.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text('{"x": 1}')
        found = sides_of(str(tmp_path / "lines" / folder.split("/")[0]), None, None)
        assert (found.format, found.reference) == ("json", found.current)
    (day / "part-2024-03-01.parquet").write_bytes((day / "part-0.parquet").read_bytes())
    assert len(sides_of(str(day), None, None).reference) == 2


def test_values_in_structs_are_looked_at_as_those_of_columns_are(tmp_path):
    users = [{"id": 7 * n, "status": n % 4, "geo": {"code": str(n)}} for n in range(500)]
    table = pa.table({"user": users, "user.at": [f"{n % 24:02}:30" for n in range(500)]})
    pq.write_table(table, tmp_path / "0.parquet")
    fewer = [{"id": 7 * n, "geo": {"code": None}} for n in range(500)]  # a field came later
    pq.write_table(pa.table({"user": fewer}), tmp_path / "1.parquet")
    (tmp_path / "k.yaml").write_text(text := init(str(tmp_path / "*.parquet")))
    features = load_config(tmp_path / "k.yaml").features
    assert features.exclude == ("user.id",)
    assert features.override["user.status"].kind == "categorical"
    assert "user.geo.code: numbers as text" in text


def test_the_schema_of_text_files_has_nested_keys_as_both_sides_have_them():
    item = pa.struct([("price", pa.int64()), ("sku", pa.string())])
    one = pa.schema([("user", pa.struct([("id", pa.int64()), ("a.b", pa.null())]))])
    one = one.append(pa.field("items", pa.list_(item)))
    other = pa.schema([("items", pa.list_(pa.struct([("price", pa.float64())])))])
    other = other.append(pa.field("user", pa.struct([("id", pa.int64()), ("ok", pa.bool_())])))
    assert ddl(fitting_schema(one, other, {})) == (
        "`user` struct<`id`: bigint, `a.b`: string, `ok`: boolean>, "
        "`items` array<struct<`price`: double, `sku`: string>>"
    )
    text = pa.schema([("items", pa.string()), other.field("user")])
    assert fitting_schema(one, text, {}) is None
    assert fitting_schema(one, one.set(0, pa.field("user", pa.list_(pa.int64()))), {}) is None


def test_a_file_without_columns_is_refused_where_it_is_named(tmp_path, capsys):
    pq.write_table(pa.table({}), tmp_path / "x.parquet")
    assert main(["init", str(tmp_path / "x.parquet"), "-o", str(tmp_path / "k.yaml")]) == 1
    assert "x.parquet' has no columns; name a dataset that has some" in capsys.readouterr().err


def test_stores_are_found_whatever_the_letters_of_their_schemes():
    def path_of(source):
        return datasets_of(Sides((source,), (source,), "parquet"), {})[0].path

    assert path_of("S3://bucket/X.parquet") == ("s3://bucket/X.parquet",)


def test_of_many_daily_files_a_month_that_is_over_is_one_glob(tmp_path):
    days = [dt.date(2024, 1, 1) + dt.timedelta(day) for day in range(70)]
    for day in days:
        (tmp_path / f"orders-{day}.csv").touch()
        for name in (f"{day:%Y%m%d}.csv", "2024_notes.csv"):
            (tmp_path / "other").mkdir(exist_ok=True)
            (tmp_path / "other" / name).touch()
    found = sides_of(f"{tmp_path}/*.csv", None, None)
    march = [f"{tmp_path}/orders-{day}.csv" for day in days[60:-1]]
    assert found.reference == [f"{tmp_path}/orders-2024-{m}-*.csv" for m in ("01", "02")] + march
    assert [file.path for file in list_files(found.reference)] == [
        f"{tmp_path}/orders-{day}.csv" for day in days[:-1]
    ]
    (tmp_path / "orders-2024-02-late.csv").touch()  # it is no day's
    assert len(sides_of(f"{tmp_path}/*.csv", None, None).reference) == 1 + 29 + 1 + len(march)
    compact = sides_of(f"{tmp_path}/other", None, None).reference
    assert f"{tmp_path}/other/202401*.csv" in compact


def test_a_file_that_is_called_a_reference_is_the_reference(tmp_path):
    names = ["flights.csv", "flights_reference.csv", "flights_target.csv", "trained.csv"]
    for name in names:
        (tmp_path / name).write_text("delay,pickup_area,area_m2\n" + "3,7,41\n4,8,42\n" * 20)
    text = init(str(tmp_path), folder=tmp_path)
    assert "reference:  # by its name\n  path: flights_reference.csv\n" in text
    assert "  path: trained.csv\n" in text
    assert "#   the last of 3 files that are no reference\n" in text
    assert "pickup_area: {kind: categorical}" in text
    assert "area_m2: {" not in text
    for name in names[1:]:
        (tmp_path / name).unlink()
    (tmp_path / "Baseline-2024.csv").write_text("delay\n3\n")
    assert "reference:  # by its name\n  path: Baseline-2024.csv\n" in init(
        str(tmp_path), folder=tmp_path
    )


def test_digits_that_begin_with_a_zero_are_codes(tmp_path):
    """01067 was the number 1067, and the code 01 an amount."""
    found = dialect(tmp_path, "plz,group,n,day\n01067,01,1,0\n80331,A1,2,1\n10115,11,3,2\n")
    assert found.codes == ("plz",)
    assert found.assumed == ("codes in plz: some begin with a zero",)
    padded = "\n".join(f"{i:06},{i:06}" for i in range(1000))
    assert dialect(tmp_path, f"amount,zip\n{padded}\n").codes == ("zip",)
    numbers = pa.schema({"plz": pa.int64(), "n": pa.int64()})
    schema = fitting_schema(numbers, numbers, dict.fromkeys(found.codes, pa.string()))
    assert ddl(schema) == "`plz` string, `n` bigint"


def test_of_several_columns_of_times_the_one_that_says_when_rows_were_is_offered(tmp_path):
    """Each customer's first day was offered, as it alone holds whole weeks."""
    day = [dt.date(2024, 1, 31)] * 300
    since = [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(300)]
    pq.write_table(pa.table({"since": since, "day": day, "x": range(300)}), tmp_path / "a.parquet")
    text = init(str(tmp_path / "a.parquet"))
    assert "# time: {column: day, window: 1d, zone: UTC}\n" in text
    assert "    since: {parts: [weekday]}" in text
    assert "take weekday out" not in text  # ``day`` has none


def test_init_says_what_to_take_out_where_each_day_is_judged_on_its_own(tmp_path):
    """The lines that it offers were refused: a window of a day settles the weekday."""
    when = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=i) for i in range(900)]
    pq.write_table(pa.table({"at": when, "x": range(900)}), tmp_path / "a.parquet")
    text = init(str(tmp_path / "a.parquet"))
    assert "    at: {parts: [hour, weekday]}" in text
    assert (
        "# (and take weekday out of its parts below, which is one for a day)\n# time: {col" in text
    )
    judged = re.sub(r"^# (time|learned|alarms):", r"\1:", text, flags=re.MULTILINE)
    (tmp_path / "k.yaml").write_text(judged.replace("[hour, weekday]", "[hour]"))
    assert load_config(tmp_path / "k.yaml").time.window == "1d"


def test_the_file_of_a_day_has_a_placeholder_beside_a_stated_reference(tmp_path):
    """Tomorrow's run read today's file again."""
    for day in ("20240130", "20240131"):
        pq.write_table(pa.table({"x": [1, 2]}), tmp_path / f"sales_{day}.parquet")
    one, other = (str(tmp_path / f"sales_{day}.parquet") for day in ("20240131", "20240130"))
    (tmp_path / "k.yaml").write_text(text := init(one, reference=other))
    assert "reference:\n" in text
    config = load_config(tmp_path / "k.yaml")
    assert config.reference.path == (other,)
    assert config.current.path == (str(tmp_path / "sales_{as_of:%Y%m%d}.parquet"),)


def test_a_text_file_that_does_not_say_so_is_refused_with_the_option_that_reads_it(tmp_path):
    (tmp_path / "rides.txt").write_text("a\tb\n1\t2\n")
    with pytest.raises(DatasetError, match=r"state format: csv \(init: --format csv\)$"):
        init(str(tmp_path / "rides.txt"))


@pytest.mark.parametrize(("rows", "excluded"), [(60, True), (9, False)])
def test_an_identifier_of_few_rows_is_no_code(tmp_path, rows, excluded):
    table = pa.table({"order_id": range(rows), "zone_id": [1, 2, 3] * (rows // 3)})
    pq.write_table(table, tmp_path / "x.parquet")
    text = init(str(tmp_path / "x.parquet"))
    assert ("exclude: [order_id]  # identifier" in text) == excluded
    assert ("order_id: {kind: categorical}" in text) != excluded
    assert "zone_id: {kind: categorical}" in text
