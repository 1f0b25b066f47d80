"""An error says its side, whatever its constructor takes, and ends with its exit code."""

from __future__ import annotations

import json

import pytest

from kldrift.errors import (
    ConfigError,
    DatasetError,
    NoSuchFileError,
    OnlyAsWholeError,
    Terminated,
    ending,
    on_side,
)


class TwoValuesError(DatasetError):
    """An error of two values."""

    def __init__(self, path, rows):
        super().__init__(f"{path}: {rows} rows")


class KeywordError(ConfigError):
    """An error of keywords."""

    def __init__(self, *, key):
        super().__init__(f"{key}: unknown")


class OtherTextError(DatasetError):
    """An error that says its text in words of its own."""

    def __init__(self, text):
        super().__init__(f"cannot read {text}")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DatasetError("is damaged"), DatasetError),
        (NoSuchFileError("no such file"), NoSuchFileError),
        (OnlyAsWholeError("no version"), OnlyAsWholeError),
        (TwoValuesError("a.csv", 3), DatasetError),
        (KeywordError(key="bins"), ConfigError),
        (OtherTextError("a.csv"), DatasetError),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), UnicodeError),
        (json.JSONDecodeError("expected a value", "{", 1), ValueError),
        (KeyError("x"), LookupError),
        (FileNotFoundError(2, "No such file", "a.csv"), FileNotFoundError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_an_error_says_its_side_and_stays_of_its_kind(error, kind):
    found = on_side(error, "current")
    assert type(found) is kind
    assert str(found) == f"current: {error}"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoSuchFileError("x"), 2),
        (ConfigError("x"), 2),
        (DatasetError("x"), 1),
        (ValueError("x"), 1),
        (KeyboardInterrupt(), 130),
        (Terminated(), 143),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_has_the_exit_code_of_its_kind(error, code):
    assert ending(error)[0] == code
