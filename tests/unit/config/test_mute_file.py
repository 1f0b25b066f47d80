"""Mutes are added to a configuration file as a person would, and nothing else of it changes."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest

from kldrift.config import load_config
from kldrift.config.alarms import Mute
from kldrift.config.mute_file import add_mute, mute_from, mute_lines
from kldrift.config.yaml_text import parse_yaml
from kldrift.errors import ConfigError

MUTE = Mute("a: <b> ${X} #x", "2020-05-01", "ana", 'new\nterminals: yes "q"', "c=1")
BASE = """\
monitor: shop   # whose
reference: {path: a.parquet}
current:
    path: b.parquet  # four deep
output: {path: drift}
time: {column: t, window: 1d}
"""
KNOWN = "{feature: x, until: 2020-05-01, owner: y, why: z}"
FILES = {
    "no alarms": BASE + "\n# the end\n",
    "nothing in alarms": BASE + "alarms:\n",
    "braces": BASE + "alarms: {after: 2 of 3}\n",
    "no mutes": BASE + "alarms:\n    # calm\n    after: 2 of 3   # of three\n    mute: []\n",
    "one mute": BASE + f"alarms:\n    mute:  # known\n      - {KNOWN} # one\n      # the last\n",
    "dashes at the margin": BASE.replace("    path", "  path") + f"alarms:\n  mute:\n  - {KNOWN}\n",
}


@pytest.mark.parametrize("name", FILES)
def test_a_mute_is_added_and_all_other_lines_and_comments_stay(tmp_path, name):
    file = tmp_path / "shop.yaml"
    file.write_text(FILES[name])
    file.chmod(0o640)
    known = load_config(file).alarms
    add_mute(file, MUTE)
    after = file.read_text()
    assert load_config(file).alarms.mute == (*(known.mute if known else ()), MUTE)
    left = [line for line in after.splitlines() if "ana" not in line and "mute:" not in line]
    lost = {*FILES[name].splitlines()} - {*after.splitlines()}
    assert all("alarms: {" in line or "mute: []" in line for line in lost)
    assert {*left} - {*FILES[name].splitlines()} <= {"alarms:"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["shop.yaml"]


@pytest.mark.parametrize(
    "feature", ["no", "true", "010", "1e-3", "~", "- x", "2020-01-01", "é\u202e"]
)
def test_a_name_that_yaml_reads_as_something_else_is_read_back(tmp_path, feature):
    file = tmp_path / "shop.yaml"
    file.write_text(BASE)
    mute = replace(MUTE, feature=feature)
    add_mute(file, mute)
    assert load_config(file).alarms.mute == (mute,)
    lines = parse_yaml(mute_lines(mute), source="lines")
    assert lines["alarms"]["mute"][0]["feature"] == feature


def test_a_link_to_a_file_stays_one(tmp_path):
    (tmp_path / "real.yaml").write_text(BASE)
    link = tmp_path / "shop.yaml"
    link.symlink_to("real.yaml")
    add_mute(link, MUTE)
    assert link.is_symlink()
    assert load_config(link).alarms.mute == (MUTE,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BASE + "alarms: [a]\n", "alarms: expected a mapping"),
        (BASE + "alarms: {mute: {a: b}}\n", "mute: expected a list"),
        ("- a\n", "expected a mapping"),
        (BASE + "alarms: {after: 9 of 2}\n", "expected such as 2 of 3"),
        (BASE.replace("time:", "tim:"), "unknown key"),
        ("a: [", "cannot be changed"),
    ],
    ids=["a list", "a mapping", "no mapping", "wrong alarms", "a wrong key", "no YAML"],
)
def test_a_file_that_would_be_no_configuration_is_left_as_it_is(tmp_path, text, said):
    file = tmp_path / "shop.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        add_mute(file, MUTE)
    assert file.read_text() == text
    assert len([*tmp_path.iterdir()]) == 1


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be changed: .*No such file"):
        add_mute(tmp_path / "none.yaml", MUTE)


@pytest.mark.parametrize("wrong", [{"owner": ""}, {"until": "soon"}, {"why": ""}], ids=str)
def test_a_mute_states_a_day_an_owner_and_a_reason(wrong):
    stated = {"feature": "x", "until": "2020-05-01", "owner": "ana", "why": "known"}
    assert mute_from(stated) == Mute(**stated)
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        mute_from(stated | wrong)
