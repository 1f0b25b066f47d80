"""Exceptions that a caller can act on; every one says what to change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

_SECRETS: Final = (
    (re.compile(r"\?(?=[\w.%-]+=)[^\s'\"<>]+"), "?..."),  # the query of a URI
    (re.compile(r"://[^/\s'\"@]*:[^\s'\"@]*@"), "://...@"),
    (
        re.compile(
            r"(?i)\b([\w.]*(?:password|passwd|pwd|secret|token|signature|(?:account|access|secret)[._]?key)"
            r"(?:\.[\w.-]+)?)=[^\s'\"&;,]+"
        ),
        r"\1=...",
    ),
    (re.compile(r"(?i)\b(authorization: *\w+) [^\s'\",]+"), r"\1 ..."),
)

_NAMES_OF_SECRETS: Final = re.compile(r"(?i)pass|pwd|secret|token|key|sig|cred")
_LEAST_HIDDEN: Final = 4
"""What is shorter would be found in other words."""
_of_environment: Final[dict[str, str]] = {}
"""Values that a configuration took from the environment, and how it names them."""

CALLING: Final = "An error occurred while calling "
"""What Java's errors begin with in Python; what happened stands in the next line."""

_OF_JAVA: Final = re.compile(
    r"^(?:[a-z]\w*\.)+\w+(?:Exception|Error): | *SQLSTATE: \w{5}\b|; line 1 pos \d+;?$"
)
"""What tells a reader of an error nothing: the class of Java's and its number in the standard."""
_LONGEST_LINE: Final = 600


class KldriftError(Exception):
    """Base class of all errors that kldrift raises on purpose; no secret is in their text."""

    def __init__(self, *values: object) -> None:
        super().__init__(*(masked(v) if isinstance(v, str) else v for v in values))


class ConfigError(KldriftError, ValueError):
    """The configuration or the arguments are wrong; nothing was read (exit code 2)."""


class DatasetError(KldriftError):
    """A dataset cannot be read: no such path, no permission, a damaged file (exit code 1)."""


class OnlyAsWholeError(DatasetError):
    """The rows added to a table since a version cannot be found; the whole table can be read."""


class OtherVersionError(DatasetError):
    """The tasks of a cluster have another version of kldrift than its driver (exit code 1)."""


class NoSuchFileError(ConfigError, DatasetError):
    """A path of the configuration leads to no file, or to a store that refuses (exit code 2)."""


class OutputError(KldriftError):
    """The results cannot be written where the configuration says (exit code 1)."""


class StoreRefusedError(OutputError):
    """The place of the output refuses, or does not answer (exit code 1)."""


class NoSuchOutputError(ConfigError, StoreRefusedError):
    """The output cannot be written, as was known before anything was read (exit code 2)."""


class DamagedError(OutputError):
    """A stored file is damaged (exit code 1)."""


class SupportMismatchError(KldriftError, ValueError):
    """Two profiles are not on one support."""


class Mistakes:
    """Collects the mistakes of a configuration, so that all are reported together."""

    def __init__(self) -> None:
        """Begin without mistakes."""
        self._texts: list[str] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the mistake that ends a block, and go on after it."""
        try:
            yield
        except ConfigError as error:
            self._texts.append(str(error))

    def raise_any(self) -> None:
        """Raise a ``ConfigError`` with all of them, each on a line, if there are any."""
        if self._texts:
            raise ConfigError("\n".join(dict.fromkeys(self._texts)))


class Terminated(KeyboardInterrupt):
    """The process was asked to end with SIGTERM, as schedulers do (exit code 143)."""


FAILED: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 130
TERMINATED: Final = 143


def interruption(error: BaseException) -> tuple[int, str] | None:
    """The exit code and the word for a run that was stopped from outside; None for an error.

    What fails while a run ends, because Spark has ended before it, is no error of the run's.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__
    if cause is None:
        return None
    return (
        (TERMINATED, "terminated")
        if isinstance(cause, Terminated)
        else (INTERRUPTED, "interrupted")
    )


def ending(error: BaseException) -> tuple[int, str]:
    """The exit code and the text of an error that ends a command."""
    code = WRONG_USAGE if isinstance(error, ConfigError) else FAILED
    return interruption(error) or (code, str(error))


def on_side(error: Exception, side: str) -> Exception:
    r"""A copy of an error whose text begins with the side; raise it from the original.

    It is of the same type, or of the nearest one above it that can be made of a text.

    Examples:
        >>> on_side(NoSuchFileError("'a.csv': no such file or folder"), "reference")
        NoSuchFileError("reference: 'a.csv': no such file or folder")
        >>> on_side(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), "current")
        UnicodeError("current: 'utf-8' codec can't decode byte 0xff in position 0: invalid")
    """
    text = f"{side}: {error}"
    for kind in type(error).__mro__:
        with suppress(Exception):  # whatever it takes, it is no text
            if str(same := kind(text)) == text and isinstance(same, Exception):
                return same
    return Exception(text)


def keep_secret(name: str, value: str) -> None:
    """Hide the value of an environment variable from all text if its name marks it as secret.

    Examples:
        >>> keep_secret("LAKE_TOKEN", "abc123")
        >>> masked("no such column: abc123")
        'no such column: ${LAKE_TOKEN}'
    """
    if len(value) >= _LEAST_HIDDEN and _NAMES_OF_SECRETS.search(name):
        _of_environment[value] = f"${{{name}}}"


def named_secrets(text: str) -> str:
    """Text with the names of kept secrets in place of their values."""
    for value, name in _of_environment.items():
        text = text.replace(value, name)
    return text


def masked(text: str) -> str:
    """Mask secrets in a text for people, logs and tables.

    Examples:
        >>> masked("cannot open 'abfs://data@lake/x?sv=1&sig=abc': s3://me:abc@bucket/x")
        "cannot open 'abfs://data@lake/x?...': s3://...@bucket/x"
        >>> masked("jdbc:sqlserver://db;user=me;password=abc; s3://bucket/day=?/x")
        'jdbc:sqlserver://db;user=me;password=...; s3://bucket/day=?/x'
        >>> masked("fs.azure.account.key.lake=abc and Authorization: Bearer abc.def")
        'fs.azure.account.key.lake=... and Authorization: Bearer ...'
    """
    text = named_secrets(text)
    for secret, instead in _SECRETS:
        text = secret.sub(instead, text)
    return text


def escaped(text: str) -> str:
    r"""Escape invisible characters, so that data cannot act on the terminal.

    Examples:
        >>> print(escaped("a\x1b[31mb\n"))
        a\x1b[31mb\n
        >>> escaped("größe [red]")
        'größe [red]'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_OF_STORE: Final = re.compile(
    r"AWS Error|google::cloud::Status|Azure|Generic (S3|GCS|MicrosoftAzure) error"
)
_REFUSALS: Final = {
    "NO_?SUCH_?BUCKET|ContainerNotFound": "there is no such bucket; check the path",
    r"Redirect|HeaderMalformed|\b30[17]\b": "the bucket lies in another region; state its region",
    r"DENIED|ACCESS_KEY|SIGNATURE|TOKEN|CREDENTIAL|AUTHENT|UNAUTHORIZED|\b40[13]\b": (
        "access is denied; check the credentials of the environment and what they allow"
    ),
    "NETWORK|CURL|CONNECT|RESOLVE|TIMED? ?OUT": (
        "no answer; check the endpoint, its scheme and the network"
    ),
    r"FAILURE|SLOW_?DOWN|UNAVAILABLE|\b5\d\d\b": "the store failed; try again later",
}
"""What is wrong with an object store, by words of its SDK; the first that are found count."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text, which may go on with plans, stack traces and bytes.

    Examples:
        >>> first_line(OSError("When reading 'x': AWS Error SLOW_DOWN during GetObject operation"))
        'the store failed; try again later'
    """
    told = re.sub("'[^']*'", "", str(error))  # names may have any words in them
    if _OF_STORE.search(told):
        for words, what in _REFUSALS.items():
            if re.search(words, told, re.IGNORECASE):
                return what
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith(CALLING):
        lines = [lines[1].removeprefix(": ")]
    text = _OF_JAVA.sub("", lines[0]).rstrip("; ") if lines else type(error).__name__
    return escaped(text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]} ...")


def first_names(names: Sequence[str], most: int, written: Callable[[str], str] = str) -> str:
    """The first few names, and how many more there are.

    Examples:
        >>> first_names(["a", "b", "c"], 2, repr), first_names(["a"], 2)
        ("'a', 'b' and 1 more", 'a')
    """
    more = len(names) - most
    return ", ".join(map(written, names[:most])) + (f" and {more:,} more" if more > 0 else "")


def did_you_mean(name: str, known: Iterable[str], alike: float = 0.6) -> str:
    """The end of an error about an unknown name: the nearest known one; empty if none is near.

    Examples:
        >>> did_you_mean("bin", ["bins", "missing"])
        "; did you mean 'bins'?"
    """
    import difflib  # noqa: PLC0415 - only for a message

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=alike)
    return f"; did you mean {near[0]!r}?" if near else ""
