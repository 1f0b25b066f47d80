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
    first_line,
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
    ("told", "what"),
    [
        (
            "When initiating multiple part upload for key 'o/x' in bucket 'b': AWS Error "
            "NO_SUCH_BUCKET during CreateMultipartUpload operation: The specified bucket ...",
            "there is no such bucket; check the path",
        ),
        (
            "When listing objects under key 'x/' in bucket 'b': AWS Error ACCESS_DENIED during "
            "ListObjectsV2 operation: Access Denied (Request ID: 1)",
            "access is denied; check the credentials of the environment and what they allow",
        ),
        (
            "When getting information for key 'x' in bucket 'b': AWS Error UNKNOWN (HTTP status "
            "301) during HeadObject operation: No response body.",
            "the bucket lies in another region; state its region",
        ),
        (
            "When getting information for key 'tokens' in bucket 'b': AWS Error UNKNOWN (HTTP "
            "status 500) during HeadObject operation: No response body.",
            "the store failed; try again later",
        ),
        (
            "When listing objects under key 'x/' in bucket 'b': AWS Error NETWORK_CONNECTION "
            "during ListObjectsV2 operation: curlCode: 35, SSL connect error; Details: TLS",
            "no answer; check the endpoint, its scheme and the network",
        ),
        (
            "google::cloud::Status(UNAVAILABLE: Retry policy exhausted, with a last message of "
            "Could not create a OAuth2 access token to authenticate the request.",
            "access is denied; check the credentials of the environment and what they allow",
        ),
        (
            "Unknown error: Check for Hierarchical Namespace support on 'https://a/c' failed: "
            "N5Azure4Core11Credentials23AuthenticationExceptionE: Failed to get token",
            "access is denied; check the credentials of the environment and what they allow",
        ),
        (
            "Generic S3 error: Error performing PUT http://127.0.0.1:1/b/x in 1s, after 2 "
            "retries - HTTP error: error sending request\nconnection refused",
            "no answer; check the endpoint, its scheme and the network",
        ),
        ("Permission denied: '/x/AWS Error'", "Permission denied: '/x/AWS Error'"),
    ],
)
def test_a_store_that_refuses_is_said_in_words(told, what):
    assert first_line(OSError(told)) == what


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
