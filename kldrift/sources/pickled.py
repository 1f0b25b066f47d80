"""What a job sends along to its tasks."""

from __future__ import annotations

import pickle
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Sent(Generic[T]):
    """A value that travels as bytes.

    Spark's pickler asks Python about every object that it meets, and a wide table has thousands of
    features: plain pickle is ten times as fast, and may be used for whatever a module defines.
    """

    def __init__(self, value: T) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (pickle.dumps(self.value, 5),)


def _received(payload: bytes) -> Sent[Any]:
    return Sent(pickle.loads(payload))
