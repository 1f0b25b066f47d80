"""Values that a job sends to its tasks, pickled fast."""

from __future__ import annotations

import pickle
from typing import Any, Generic, TypeVar

from kldrift import __version__
from kldrift.errors import OtherVersionError

T = TypeVar("T")


class PickledPayload(Generic[T]):
    """A value that travels to the tasks as the bytes of plain pickle.

    Spark's pickler asks Python about every object that it meets, and a wide table has thousands of
    features: plain pickle is ten times as fast, and may be used for whatever a module defines.

    Raises:
        OtherVersionError: when unpickled by another version of kldrift.
    """

    def __init__(self, value: T) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (pickle.dumps(self.value, 5), __version__)


def _unpickled(payload: bytes, version: str) -> PickledPayload[Any]:
    if version != __version__:
        raise OtherVersionError(
            f"the Python of Spark's tasks has kldrift {__version__}, the driver {version}: "
            "install the same version on both"
        )
    return PickledPayload(pickle.loads(payload))
