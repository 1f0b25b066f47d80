"""What a run leaves in a Great Expectations folder, read back with Great Expectations."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from expectations_tables import (
    ALPHA,
    CASES,
    CRITICAL,
    RUN_ID,
    RUN_TIME,
    WARNING,
    case_rows,
    publish_rows,
    row,
    user_context,
)

from kldrift.errors import ConfigError, OutputError
from kldrift.expectations import ExpectFeatureDriftToBeLessThan
from kldrift.expectations.gx import FailureSeverity, get_expectation_impl
from kldrift.expectations.gx import great_expectations as gx
from kldrift.expectations.publish import _check_complete
from kldrift.tables.schema import DRIFT_SCORES

Expectation = gx.expectations.expectation.Expectation
evr = gx.core.expectation_validation_result

SEVERITY = {name: severity for name, *_, severity in CASES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("published")


@pytest.fixture(scope="module")
def published(folder):
    return publish_rows(folder, case_rows())


def results_of(checkpoint_result):
    return [r for suite in checkpoint_result.run_results.values() for r in suite.results]


def verdicts(checkpoint_result):
    return {
        (r.expectation_config.kwargs["feature"], severity_of(r)): (
            r.success,
            r.result["observed_value"],
        )
        for r in results_of(checkpoint_result)
    }


def severity_of(result):
    return FailureSeverity(result.expectation_config.severity).value


def stored(folder):
    (path,) = (folder / "gx/uncommitted/validations").rglob("*.json")
    return path


def edit_scores(folder, feature, **columns):
    path = folder / "scores/taxi.parquet"
    rows = pq.read_table(path).to_pylist()
    edited = [r | columns if r["feature"] == feature else r for r in rows]
    pq.write_table(pa.Table.from_pylist(edited, schema=DRIFT_SCORES), path)


def test_the_highest_failed_severity_of_a_feature_is_the_severity_of_its_row(published):
    failed = {}
    for result in results_of(published.checkpoint_result):
        feature = result.expectation_config.kwargs["feature"]
        unscored = result.result["details"]["outcome"] == "unscored"
        if not result.success:
            failed.setdefault(feature, set()).add("unscored" if unscored else severity_of(result))
    order = ["ok", "warning", "critical", "unscored"]
    found = {f: max(failed.get(f, {"ok"}), key=order.index) for f in SEVERITY}
    assert found == SEVERITY


def test_published_counts_the_expectations_and_the_failures_of_each_severity(published, folder):
    by_row = Counter(SEVERITY.values())
    assert published.evaluated == 2 * len(CASES)
    assert published.failed_critical == by_row["critical"] + by_row["unscored"]
    assert published.failed_warning == published.failed_critical + by_row["warning"]
    assert published.docs_index == folder / "gx/uncommitted/data_docs/local_site/index.html"
    assert published.docs_index.exists()


def test_stored_results_are_strict_json_that_great_expectations_reads(published, folder):
    def refuse(constant):
        raise AssertionError(constant)

    text = stored(folder).read_text()
    json.loads(text, parse_constant=refuse)
    assert evr.expectationSuiteValidationResultSchema.validate(json.loads(text)) == {}
    (key,) = published.checkpoint_result.run_results
    result = user_context(folder).validation_results_store.get(key)
    assert isinstance(result, evr.ExpectationSuiteValidationResult)
    assert len(result.results) == published.evaluated
    assert {r.expectation_config.type for r in result.results} == {
        "expect_feature_drift_to_be_less_than"
    }
    kept = result.results[0].expectation_config.kwargs
    assert kept.keys() == {"batch_id", "feature", "metric", "threshold", "alpha"}


def test_a_plain_context_lists_the_run_once_and_knows_every_expectation_type(published, folder):
    context = user_context(folder)
    runs = [key.run_id.run_name for key in context.validation_results_store.list_keys()]
    assert runs == [RUN_ID]
    types = {e.expectation_type for e in context.suites.get("taxi").expectations}
    assert all(issubclass(get_expectation_impl(t), Expectation) for t in types)
    assert published.evaluated == len(context.suites.get("taxi").expectations)


def test_every_verdict_can_be_recomputed_from_the_parquet_file(published, folder):
    table = pd.read_parquet(folder / "scores/taxi.parquet").set_index("feature")
    for (feature, severity), (success, observed) in verdicts(published.checkpoint_result).items():
        r = table.loc[feature]
        threshold = {"warning": WARNING, "critical": CRITICAL}[severity]
        scored = r["status"] in {"ok", "constant"} and pd.notna(r["kl"])
        drifted = r["kl"] > threshold and r["q_value"] < ALPHA
        assert success == (scored and not drifted), (feature, severity)
        assert observed == (r["kl"] if pd.notna(r["kl"]) else None)


def test_severities_are_those_of_great_expectations(published):
    (suite,) = published.checkpoint_result.run_results.values()
    failed = [
        FailureSeverity(r.expectation_config.severity) for r in suite.results if not r.success
    ]
    assert suite.get_max_severity_failure() == max(failed) == FailureSeverity.CRITICAL
    assert published.checkpoint_result.success is False


def test_the_stored_checkpoint_judges_the_table_again_to_the_same_verdicts(tmp_path, monkeypatch):
    published, judged = publish_rows(tmp_path, case_rows()), []
    original = Expectation.metrics_validate

    def counted(self, *args, **kwargs):
        judged.append(self)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Expectation, "metrics_validate", counted)
    again = user_context(tmp_path).checkpoints.get("taxi").run()
    assert len(judged) == published.evaluated
    assert verdicts(again) == verdicts(published.checkpoint_result)


def test_an_edited_score_flips_the_verdicts_of_its_feature_and_no_other(tmp_path):
    before = verdicts(publish_rows(tmp_path, case_rows()).checkpoint_result)
    edit_scores(tmp_path, "small, certain", kl=0.9)
    edit_scores(tmp_path, "above critical, certain", q_value=0.5, q_critical=0.5)
    after = verdicts(user_context(tmp_path).checkpoints.get("taxi").run())
    flipped = {key for key in before if before[key][0] != after[key][0]}
    assert flipped == {
        (feature, severity)
        for feature in ("small, certain", "above critical, certain")
        for severity in ("warning", "critical")
    }


def test_a_deleted_page_is_built_again_from_the_stored_results(published, folder):
    (page,) = (folder / "gx/uncommitted/data_docs").rglob("validations/**/*.html")
    page.unlink()
    context = user_context(folder)
    context.build_data_docs(resource_identifiers=list(published.checkpoint_result.run_results))
    text = page.read_text()
    assert all(f">{feature}</strong>" in text for feature in SEVERITY)


def test_the_same_run_published_twice_leaves_the_same_files(tmp_path):
    def contents():
        texts = {}
        for path in (tmp_path / "gx").rglob("*.json"):
            text = re.sub(r'"ge_load_time": "[^"]*"', "", path.read_text())
            texts[path] = re.sub(r'"validation_time": "[^"]*"', "", text)
        return texts, sorted(p for p in (tmp_path / "gx").rglob("*") if "__pycache__" not in str(p))

    publish_rows(tmp_path, case_rows())
    first = contents()
    publish_rows(tmp_path, case_rows())
    assert contents() == first


def test_every_run_keeps_its_own_results_and_is_read_from_its_own_file(tmp_path):
    publish_rows(tmp_path, [row("a")])
    next_run = {"run_id": "later", "run_time": RUN_TIME + dt.timedelta(hours=1)}
    path = str(tmp_path / "scores/later.parquet")
    publish_rows(tmp_path, [row("a", kl=0.9)], scores_path=path, **next_run)
    context = user_context(tmp_path)
    results = {
        key.run_id.run_name: context.validation_results_store.get(key).success
        for key in context.validation_results_store.list_keys()
    }
    assert results == {RUN_ID: True, "later": False}


def test_a_segment_is_a_part_of_the_key(tmp_path):
    rows = [row("a"), row("a", segment="cash", kl=0.9), row("a", segment="card")]
    published = publish_rows(tmp_path, rows, thresholds={"a": {"kl": (None, CRITICAL)}})
    found = {
        r.expectation_config.kwargs.get("segment"): r.success
        for r in results_of(published.checkpoint_result)
    }
    assert found == {None: True, "cash": False, "card": True}


def test_each_metric_has_its_own_thresholds(tmp_path):
    rows = [row("a", kl=0.05, psi=0.5)]
    thresholds = {"a": {"kl": (0.1, 0.25), "psi": (0.1, None)}}
    published = publish_rows(tmp_path, rows, thresholds=thresholds)
    found = {
        (r.expectation_config.kwargs["metric"], severity_of(r)): r.success
        for r in results_of(published.checkpoint_result)
    }
    assert found == {("kl", "warning"): True, ("kl", "critical"): True, ("psi", "warning"): False}


def test_a_feature_twice_in_the_table_is_an_error_and_not_a_verdict(tmp_path):
    with pytest.raises(OutputError, match="feature 'a': the drift table has 2 rows"):
        publish_rows(tmp_path, [row("a"), row("a")])


def test_a_path_with_a_dollar_sign_is_read_as_it_is_written(tmp_path):
    published = publish_rows(tmp_path / "a$b ${HOME}", [row("a")])
    assert published.evaluated == 2
    rerun = user_context(tmp_path / "a$b ${HOME}").checkpoints.get("taxi").run()
    assert rerun.success


def test_a_relative_path_means_the_same_from_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    publish_rows(tmp_path, [row("a")], scores_path="scores/taxi.parquet", root=Path("gx"))
    monkeypatch.chdir("/")
    assert user_context(tmp_path).checkpoints.get("taxi").run().success


def test_expectations_that_were_not_evaluated_are_missed(published, tmp_path):
    with pytest.raises(OutputError, match="GX evaluated 42 of 43 drift expectations"):
        _check_complete(results_of(published.checkpoint_result), 43, tmp_path)


def test_without_data_docs_there_are_results_and_no_pages(tmp_path):
    published = publish_rows(tmp_path, [row("a")], data_docs=False)
    assert published.docs_index is None
    assert not list((tmp_path / "gx").rglob("*.html"))
    assert stored(tmp_path)


@pytest.mark.parametrize("run_id", ["", "../x", "a/b", ".hidden", "x" * 121, "my-profiling-run"])
def test_a_run_id_that_is_no_folder_name_is_refused(tmp_path, run_id):
    with pytest.raises(ValueError, match="cannot be the name of a GX run"):
        publish_rows(tmp_path, [row("a")], run_id=run_id)


def test_a_run_time_without_a_time_zone_is_refused(tmp_path):
    with pytest.raises(ValueError, match="with a time zone"):
        publish_rows(tmp_path, [row("a")], run_time=RUN_TIME.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"b": {"kl": (0.1, None)}}, "'b', which has no row"),
        ({"a": {"lk": (0.1, None)}}, "'lk', which is no column of the drift table"),
    ],
)
def test_a_threshold_that_nothing_answers_to_is_refused(tmp_path, thresholds, message):
    with pytest.raises(ConfigError, match=message):
        publish_rows(tmp_path, [row("a")], thresholds=thresholds)


@pytest.mark.parametrize("bound", [float("nan"), float("inf")])
def test_a_threshold_that_is_no_number_is_refused(bound):
    with pytest.raises(ValueError, match="expected a finite number"):
        ExpectFeatureDriftToBeLessThan(feature="a", metric="kl", threshold=bound, alpha=0.01)


def test_a_threshold_can_be_given_at_run_time(tmp_path):
    publish_rows(tmp_path, [row("a", kl=0.2)])
    context = user_context(tmp_path)
    batch = context.data_sources.get("kldrift").get_asset("taxi").get_batch_definition("latest_run")
    expectation = ExpectFeatureDriftToBeLessThan(
        feature="a", metric="kl", threshold={"$PARAMETER": "most"}, alpha={"$PARAMETER": "alpha"}
    )
    for most, success in ((0.1, False), (0.3, True)):
        result = batch.get_batch().validate(
            expectation, expectation_parameters={"most": most, "alpha": 0.01}
        )
        assert result.success is success


def test_a_limit_that_was_learnt_is_an_expectation_of_its_window(tmp_path):
    far = {"kl_learned": 0.05, "limit_learned": 0.03, "p_learned": 1e-9, "severity": "critical"}
    near = {"kl_learned": 0.01, "limit_learned": 0.02, "p_learned": 0.4}
    rows = [row("far", alert="raised", **far), row("near", alert="none", **near), row("young")]
    found = {
        (r.expectation_config.kwargs["feature"], r.expectation_config.kwargs["metric"]): r
        for r in results_of(publish_rows(tmp_path, rows).checkpoint_result)
        if severity_of(r) == "critical"
    }
    learned = {feature: r.success for (feature, metric), r in found.items() if metric != "kl"}
    assert learned == {"far": False, "near": True}
    assert found["far", "kl_learned"].expectation_config.kwargs["threshold"] == 0.03
    assert found["far", "kl"].success  # the fixed threshold is not exceeded
    (page,) = (tmp_path / "gx/uncommitted/data_docs/local_site/validations").rglob("*.html")
    text = " ".join(re.sub("<[^>]*>", " ", page.read_text()).split())
    assert "learnt kl must not be above 0.03 ( critical ), failed" in text
    assert "learnt kl 0.05 is above 0.03, which windows like those before it" in text
    assert "kl_learned" not in text
