"""The GX objects of a monitor: suite, asset, validation definition, checkpoint.

All are brought in line with what is wanted, keyed and in one write: GX's ``add_or_update``
compares every pair of expectations (48 s for a thousand). What a user added is left alone, namely
expectations without kldrift's mark and all actions but the two that belong here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kldrift.errors import OutputError
from kldrift.expectations.action import DriftSummaryAction
from kldrift.expectations.expectation import ExpectFeatureDriftToBeLessThan
from kldrift.expectations.gx import (
    ExpectationNotFoundError,
    UpdateDataDocsAction,
    get_expectation_impl,
    great_expectations,
)
from kldrift.expectations.whole_files import open_whole

SOURCE: Final = "kldrift"
BATCH_NAME: Final = "latest_run"
MARK: Final = {"managed_by": "kldrift"}


def name_of(monitor: str) -> str:
    """The name of a monitor's suite, asset, validation definition and checkpoint.

    Dots in a suite's name become folders in GX, so that ``a`` and ``a.b`` would nest. A monitor's
    name has no ``~``, which makes the mapping injective.

    Examples:
        >>> name_of("nyc.taxi")
        'nyc~taxi'
    """
    return monitor.replace(".", "~")


def is_managed(expectation: Any) -> bool:
    """Whether kldrift added this expectation to the suite, and so may change or remove it."""
    return isinstance(expectation, ExpectFeatureDriftToBeLessThan) and (
        (expectation.meta or {}).items() >= MARK.items()
    )


def sync_suite(
    context: Any, name: str, wanted: Sequence[Any], about: Mapping[str, str | None]
) -> Any:
    """The suite, with exactly the wanted expectations beside those that users added.

    Metadata that is None is left out.
    """
    store = context.expectations_store
    key = store.get_key(name=name, id=None)
    known = {field: value for field, value in about.items() if value is not None}
    if not store.has_key(key):
        new = great_expectations.ExpectationSuite(name, expectations=wanted, meta=known)
        return context.suites.add(new)
    _refuse_unknown(name, store.get(key)["expectations"])
    suite = context.suites.get(name)
    managed = [e for e in suite.expectations if is_managed(e)]
    old = suite.meta or {}
    meta = {field: value for field, value in old.items() if field not in about} | known
    same = {_identity(e): _bounds(e) for e in managed} == {_identity(e): _bounds(e) for e in wanted}
    if same and meta == old:
        return suite
    if not same:
        foreign = [e for e in suite.expectations if not is_managed(e)]
        suite.expectations = foreign + _merged(managed, wanted)
    suite.meta = meta
    suite.save()
    return context.suites.get(name)


def sync_batch(context: Any, name: str, path: str) -> Any:
    """The batch definition that reads the Parquet file of the run.

    Only the path changes between runs. The ids stay, so what refers to them stays fresh, and
    anyone can run the checkpoint again from the file, without Spark and without this job.
    """
    source = next((s for s in context.data_sources.all().values() if s.name == SOURCE), None)
    if source is None:
        source = context.data_sources.add_pandas(SOURCE)
    if source.type != "pandas":
        raise OutputError(
            f"{context.root_directory}: the data source {SOURCE!r} is of type {source.type!r} and "
            f"not kldrift's; give expectations.path a folder of its own"
        )
    asset = next((a for a in source.assets if a.name == name), None)
    if asset is None:
        asset = source.add_parquet_asset(name, path=path)
        return asset.add_batch_definition_whole_dataframe(BATCH_NAME)
    if str(asset.path) != path:
        asset.path = path
        context.data_sources.update_pandas(source)
        asset = context.data_sources.get(SOURCE).get_asset(name)
    return asset.get_batch_definition(BATCH_NAME)


def sync_checkpoint(context: Any, suite: Any, batch: Any, *, data_docs: bool) -> Any:
    """The checkpoint, which runs the suite on the batch and then the actions."""
    definition = _validation_definition(context, suite, batch)
    store, name = context.checkpoint_store, suite.name
    if not store.has_key(store.get_key(name=name, id=None)):
        return context.checkpoints.add(
            great_expectations.Checkpoint(
                name=name,
                validation_definitions=[definition],
                actions=_actions([], data_docs=data_docs),
                result_format="SUMMARY",
            )
        )
    _refer_to(Path(context.root_directory) / "checkpoints" / f"{name}.json", definition)
    checkpoint = context.checkpoints.get(name)
    actions = _actions(checkpoint.actions, data_docs=data_docs)
    definitions = list(checkpoint.validation_definitions)
    if definition.id not in {d.id for d in definitions}:
        definitions.append(definition)
    if actions != checkpoint.actions or len(definitions) > len(checkpoint.validation_definitions):
        checkpoint.actions, checkpoint.validation_definitions = actions, definitions
        checkpoint.save()
    return checkpoint


def _refer_to(file: Path, definition: Any) -> None:
    """Let a stored checkpoint refer to the definition of its name, which may be made again."""
    stored = json.loads(file.read_bytes())
    for known in stored["validation_definitions"]:
        if known["name"] == definition.name and known["id"] != definition.id:
            known["id"] = definition.id
            with open_whole(file, "w", encoding="utf-8") as stream:
                json.dump(stored, stream, indent=2)


def _validation_definition(context: Any, suite: Any, batch: Any) -> Any:
    store, name = context.validation_definition_store, suite.name
    if not store.has_key(store.get_key(name=name, id=None)):
        definition = great_expectations.ValidationDefinition(name=name, data=batch, suite=suite)
        return context.validation_definitions.add(definition)
    definition = context.validation_definitions.get(name)
    if definition.data.id != batch.id or definition.suite.id != suite.id:
        raise OutputError(
            f"{context.root_directory}: the validation definition {name!r} is not kldrift's; "
            f"give the monitor another name, or expectations.path a folder of its own"
        )
    return definition


def _actions(existing: Iterable[Any], *, data_docs: bool) -> list[Any]:
    """The user's actions and ours; ours keep the settings that the user gave them."""
    actions = list(existing)
    docs = UpdateDataDocsAction(name="update_data_docs")
    if not data_docs:
        actions = [a for a in actions if not isinstance(a, type(docs)) or a.name != docs.name]
    elif not any(isinstance(a, type(docs)) for a in actions):
        actions.append(docs)
    if not any(isinstance(a, DriftSummaryAction) for a in actions):
        actions.append(DriftSummaryAction(name="kldrift_summary"))
    return actions


def _identity(expectation: Any) -> tuple[str | None, str, str, str]:
    e = expectation
    return e.segment, e.feature, e.metric, e.severity.value


def _bounds(expectation: Any) -> tuple[float, float]:
    return expectation.threshold, expectation.alpha


def _merged(managed: Iterable[Any], wanted: Iterable[Any]) -> list[Any]:
    """The wanted expectations; one that was there before keeps its id and notes."""
    known = {_identity(e): e for e in managed}
    merged = []
    for want in wanted:
        kept = known.get(_identity(want), want)
        kept.threshold, kept.alpha = want.threshold, want.alpha
        merged.append(kept)
    return merged


def _refuse_unknown(name: str, stored: Iterable[dict[str, Any]]) -> None:
    """GX drops expectations of an unknown type with a log line, and saving would delete them."""
    for kind in sorted({config["type"] for config in stored}):
        try:
            get_expectation_impl(kind)
        except ExpectationNotFoundError:
            raise OutputError(
                f"the suite {name!r} holds an expectation of type {kind!r}, which this process "
                f"does not know and would lose; import the module that defines it before the run, "
                f"or move the expectation to a suite of its own"
            ) from None
