"""The stores of a Great Expectations folder, without work that they would do many times.

GX reads and checks the suite of a monitor some twenty times in a run, and copies each result
several times on its way into a file.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from kldrift.expectations import gx
from kldrift.expectations.gx import convert_to_json_serializable

log = logging.getLogger(__name__)


class ValidationResultsStore(gx.ValidationResultsStore):  # type: ignore[misc]  # GX is untyped
    """GX's store of results, which writes the same text in a third of the time."""

    def serialize(self, value: Any) -> Any:
        """The text of the results of a suite, as GX writes it to the byte."""
        if self.cloud_mode:
            return super().serialize(value)
        plain = {
            "success": value.success,
            "suite_name": value.suite_name,
            "suite_parameters": convert_to_json_serializable(dict(value.suite_parameters)),
            "statistics": convert_to_json_serializable(dict(value.statistics)),
            "meta": convert_to_json_serializable(dict(value.meta)),
            "id": value.id,
            "results": [result.to_json_dict() for result in value.results],
        }
        return json.dumps(plain, indent=2, sort_keys=True)

    def run_of(self, key: Any) -> dict[str, Any] | None:
        """The stored results of a run as values of JSON, in a fraction of what `get` takes.

        None where they cannot be read: a list of runs goes without them.
        """
        try:
            return dict(json.loads(self._store_backend.get(self.key_to_tuple(key))))
        except ValueError:
            log.warning("results of the run %s cannot be read", key.run_id.run_name)
            return None


def read_once(store: Any) -> None:
    """Let a store of suites check and build a suite once for each text that it finds.

    Whoever changes a suite saves it, and then the text is another.
    """
    read, built = store.deserialize, store.deserialize_suite_dict
    texts: dict[str, Any] = {}
    suites: dict[int, tuple[Any, Any]] = {}

    def deserialize(text: Any) -> Any:
        if not isinstance(text, str):
            return read(text)
        if text not in texts:
            texts.clear()
            texts[text] = read(text)
        return texts[text]

    def deserialize_suite_dict(suite_dict: Any) -> Any:
        known = suites.get(id(suite_dict))
        if known is None or known[0] is not suite_dict:
            suites.clear()
            known = suites[id(suite_dict)] = suite_dict, built(suite_dict)
        return known[1]

    store.deserialize = deserialize
    store.deserialize_suite_dict = deserialize_suite_dict
