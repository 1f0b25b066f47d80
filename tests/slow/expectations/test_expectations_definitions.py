"""A monitor's part of a folder follows the thresholds; what users added is left alone."""

from __future__ import annotations

import functools
import json
from collections import Counter

import pytest
from expectations_tables import CRITICAL, WARNING, publish_rows, row, user_context

from kldrift.errors import OutputError
from kldrift.expectations import DriftSummaryAction, ExpectFeatureDriftToBeLessThan
from kldrift.expectations.definitions import name_of
from kldrift.expectations.gx import FailureSeverity, UpdateDataDocsAction, ValidationAction
from kldrift.expectations.gx import great_expectations as gx

publish = functools.partial(publish_rows, data_docs=False)  # pages take most of the time

ROWS = [row("a"), row("b"), row("c")]


def suite_of(folder, name="taxi"):
    return user_context(folder).suites.get(name)


def thresholds_of(suite):
    return {
        (e.feature, e.metric, e.severity.value): e.threshold
        for e in suite.expectations
        if isinstance(e, ExpectFeatureDriftToBeLessThan)
    }


def ids_of(suite):
    return {(e.feature, e.severity.value): e.id for e in suite.expectations}


def evaluated(published):
    (suite,) = published.checkpoint_result.run_results.values()
    return Counter(r.expectation_config.type for r in suite.results)


def test_the_suite_has_one_expectation_per_feature_metric_and_severity(tmp_path):
    publish(tmp_path, ROWS)
    assert thresholds_of(suite_of(tmp_path)) == {
        (feature, "kl", severity): threshold
        for feature in "abc"
        for severity, threshold in (("warning", WARNING), ("critical", CRITICAL))
    }


def test_an_unchanged_suite_is_not_written_again(tmp_path):
    publish(tmp_path, ROWS)
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "gx").glob("*/taxi.json")}
    publish(tmp_path, ROWS)
    assert len(kept) == 3
    assert kept == {p: p.stat().st_mtime_ns for p in kept}


def test_changed_and_removed_thresholds_change_and_remove_expectations(tmp_path):
    publish(tmp_path, ROWS)
    before = ids_of(suite_of(tmp_path))
    thresholds = {"a": {"kl": (0.2, 0.25)}, "b": {"kl": (None, 0.25), "psi": (0.3, None)}}
    published = publish(tmp_path, ROWS, thresholds=thresholds)
    suite = suite_of(tmp_path)
    assert thresholds_of(suite) == {
        ("a", "kl", "warning"): 0.2,
        ("a", "kl", "critical"): 0.25,
        ("b", "kl", "critical"): 0.25,
        ("b", "psi", "warning"): 0.3,
    }
    assert published.evaluated == 4
    after = ids_of(suite)
    assert {k: after[k] for k in before.keys() & after.keys() if k != ("b", "warning")} == {
        k: before[k] for k in (("a", "warning"), ("a", "critical"), ("b", "critical"))
    }


def test_a_changed_alpha_changes_the_verdict(tmp_path):
    rows = [row("a", kl=0.9, q_value=0.02, q_critical=0.02)]
    assert publish(tmp_path, rows).failed_critical == 0
    assert publish(tmp_path, rows, alpha=0.05).failed_critical == 1


def test_a_feature_that_left_the_table_leaves_the_suite(tmp_path):
    publish(tmp_path, ROWS)
    assert publish(tmp_path, ROWS[:1]).evaluated == 2
    assert {key[0] for key in thresholds_of(suite_of(tmp_path))} == {"a"}


def test_all_thresholds_removed_leaves_an_empty_suite(tmp_path):
    publish(tmp_path, ROWS)
    assert publish(tmp_path, ROWS, thresholds={}).evaluated == 0
    assert suite_of(tmp_path).expectations == []


def test_expectations_of_the_user_run_beside_ours_and_survive(tmp_path):
    publish(tmp_path, ROWS)
    suite = suite_of(tmp_path)
    suite.add_expectation(gx.expectations.ExpectTableRowCountToBeBetween(min_value=3, max_value=3))
    own = {"feature": "a", "metric": "psi", "threshold": 0.2, "alpha": 0.01, "severity": "info"}
    suite.add_expectation(ExpectFeatureDriftToBeLessThan(**own))
    published = publish(tmp_path, [row("a", psi=0.5), row("b")])
    assert evaluated(published) == {
        "expect_table_row_count_to_be_between": 1,
        ExpectFeatureDriftToBeLessThan.expectation_type: 5,
    }
    assert (published.evaluated, published.failed_warning, published.failed_critical) == (4, 0, 0)
    assert published.checkpoint_result.success is False  # two rows, and the user's own psi
    assert ("a", "psi", "info") in thresholds_of(suite_of(tmp_path))


def test_notes_on_one_of_our_expectations_survive_a_new_threshold(tmp_path):
    publish(tmp_path, ROWS[:1])
    suite = suite_of(tmp_path)
    suite.expectations[0].notes = "agreed with the fares team"
    suite.save()
    publish(tmp_path, ROWS[:1], thresholds={"a": {"kl": (0.07, 0.25)}})
    (warning,) = [e for e in suite_of(tmp_path).expectations if e.severity.value == "warning"]
    assert (warning.threshold, warning.notes) == (0.07, "agreed with the fares team")


def test_an_expectation_of_an_unknown_type_stops_the_run_and_is_not_lost(tmp_path):
    publish(tmp_path, ROWS)
    path = tmp_path / "gx/expectations/taxi.json"
    stored = json.loads(path.read_text())
    (*_, last) = stored["expectations"]
    last |= {"type": "expect_house"}
    path.write_text(json.dumps(stored))
    before = path.read_text()
    with pytest.raises(OutputError, match="'taxi' holds an expectation of type 'expect_house'"):
        publish(tmp_path, ROWS[:1])
    assert path.read_text() == before


def test_one_of_our_expectations_that_cannot_be_read_is_noticed(tmp_path):
    publish(tmp_path, ROWS)
    path = tmp_path / "gx/expectations/taxi.json"
    stored = json.loads(path.read_text())
    stored["expectations"][0]["kwargs"]["threshold"] = "many"
    path.write_text(json.dumps(stored))
    with pytest.raises(Exception, match="threshold"):
        publish(tmp_path, ROWS)


RECORDED: list[str] = []


class Recorded(ValidationAction):
    """An action such as a user writes."""

    type: str = "test_recorded"

    def run(self, checkpoint_result, action_context=None):  # noqa: ARG002
        RECORDED.append(checkpoint_result.run_id.run_name)
        return {}


class Refused(ValidationAction):
    """An action whose sink is down."""

    type: str = "test_refused"

    def run(self, checkpoint_result, action_context=None):  # noqa: ARG002
        raise RuntimeError("https://hooks.example/secret-token")


def add_action(folder, action):
    checkpoint = user_context(folder).checkpoints.get("taxi")
    checkpoint.actions.append(action)
    checkpoint.save()


def test_actions_of_the_user_are_kept_and_run(tmp_path):
    publish(tmp_path, ROWS)
    add_action(tmp_path, Recorded(name="mine"))
    RECORDED.clear()
    publish(tmp_path, ROWS, run_id="second")
    publish(tmp_path, ROWS, run_id="third", thresholds={"a": {"kl": (0.2, None)}})
    assert RECORDED == ["second", "third"]
    names = [a.name for a in user_context(tmp_path).checkpoints.get("taxi").actions]
    assert names == ["kldrift_summary", "mine"]


def test_settings_of_our_actions_are_kept(tmp_path):
    publish(tmp_path, ROWS)
    checkpoint = user_context(tmp_path).checkpoints.get("taxi")
    checkpoint.actions[0].webhook = "${DRIFT_HOOK}"
    checkpoint.actions[0].min_severity = FailureSeverity.CRITICAL
    checkpoint.save()
    publish(tmp_path, ROWS)
    action = user_context(tmp_path).checkpoints.get("taxi").actions[0]
    assert (str(action.webhook), action.min_severity.value) == ("${DRIFT_HOOK}", "critical")


def test_the_summary_action_comes_back_because_it_guards_the_checkpoint(tmp_path):
    publish(tmp_path, ROWS)
    checkpoint = user_context(tmp_path).checkpoints.get("taxi")
    checkpoint.actions = [Recorded(name="mine")]
    checkpoint.save()
    publish(tmp_path, ROWS, data_docs=True)
    kinds = [type(a) for a in user_context(tmp_path).checkpoints.get("taxi").actions]
    assert kinds == [Recorded, UpdateDataDocsAction, DriftSummaryAction]


def test_data_docs_can_be_switched_off_and_on(tmp_path):
    for data_docs in (True, False, True):
        publish(tmp_path, ROWS, data_docs=data_docs)
        names = [a.name for a in user_context(tmp_path).checkpoints.get("taxi").actions]
        assert ("update_data_docs" in names) is data_docs


def test_an_action_that_fails_is_an_output_error_without_its_text(tmp_path):
    publish(tmp_path, ROWS)
    add_action(tmp_path, Refused(name="pager"))
    with pytest.raises(OutputError, match="failed with RuntimeError") as failure:
        publish(tmp_path, ROWS, run_id="second")
    assert "secret" not in str(failure.value)
    stored = {
        k.run_id.run_name for k in user_context(tmp_path).validation_results_store.list_keys()
    }
    assert "second" in stored


def test_monitors_share_a_folder_without_touching_each_other(tmp_path):
    monitors = ["taxi", "taxi.fares", "taxi-fares", "taxi_fares"]
    for i, monitor in enumerate(monitors):
        publish(tmp_path, ROWS[: i % 3 + 1], monitor=monitor)
    again = publish(tmp_path, [row("a", kl=0.9)], monitor="taxi", run_id="again")
    assert again.failed_critical == 1
    context = user_context(tmp_path)
    for i, monitor in enumerate(monitors[1:], start=1):
        result = context.checkpoints.get(name_of(monitor)).run()
        (suite,) = result.run_results.values()
        assert result.success
        assert len(suite.results) == 2 * (i % 3 + 1)


@pytest.mark.parametrize("pair", [("a.b", "a_b"), ("a.b", "a-b"), ("a.b.c", "a.b-c"), ("a", "a.")])
def test_two_monitors_never_have_one_name(pair):
    first, second = map(name_of, pair)
    assert first != second
    assert "." not in first + second


def test_a_validation_definition_of_the_user_is_not_taken_over(tmp_path):
    context = user_context(tmp_path)
    frame = context.data_sources.add_pandas("lake").add_dataframe_asset("trips")
    context.validation_definitions.add(
        gx.ValidationDefinition(
            name="taxi",
            data=frame.add_batch_definition_whole_dataframe("all"),
            suite=context.suites.add(gx.ExpectationSuite("taxi")),
        )
    )
    with pytest.raises(OutputError, match="the validation definition 'taxi' is not kldrift's"):
        publish(tmp_path, ROWS)


def test_a_data_source_of_the_user_is_not_taken_over(tmp_path):
    user_context(tmp_path).data_sources.add_pandas_filesystem("kldrift", base_directory=tmp_path)
    with pytest.raises(OutputError, match="is of type 'pandas_filesystem' and not kldrift's"):
        publish(tmp_path, ROWS)


def test_a_context_that_the_caller_has_open_stays_the_current_one(tmp_path):
    mine = gx.get_context(mode="ephemeral")
    published = publish(tmp_path, ROWS)
    assert gx.data_context.project_manager.get_current_project() is mine
    assert published.checkpoint_result.checkpoint_config.run().success


def test_the_work_grows_with_the_number_of_expectations_and_not_with_its_square(
    tmp_path, monkeypatch
):
    """GX's add_or_update compares each expectation with each: 400 comparisons become 1600."""
    base = gx.expectations.expectation.Expectation
    counts: Counter[str] = Counter()

    def counting(owner, method, label):
        original = getattr(owner, method)

        def counted(*args, **kwargs):
            counts[label] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, method, counted)

    counting(base, "__eq__", "compared")
    counting(ExpectFeatureDriftToBeLessThan, "_validate", "judged")
    store = gx.data_context.store.ExpectationsStore
    counting(store, "_add", "written")
    counting(store, "_update", "written")
    seen = {}
    for n in (10, 20):
        counts.clear()
        rows = [row(f"f{i}") for i in range(n)]
        publish(tmp_path / str(n), rows)
        rethought = {f"f{i}": {"kl": (0.11, 0.26)} for i in range(n)}
        publish(tmp_path / str(n), rows, thresholds=rethought)
        seen[n] = counts.copy()
    assert seen[10]["judged"] == 2 * 2 * 10
    assert seen[20]["compared"] <= 2 * seen[10]["compared"] + 10
    assert seen[10]["written"] == seen[20]["written"] == 2
