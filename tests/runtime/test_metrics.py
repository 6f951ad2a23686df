from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from quaybridge_sdk.runtime.metrics import METRICS, Metrics


def test_the_registry_holds_exactly_the_table_and_the_process() -> None:
    families = {family.name for family in text_string_to_metric_families(Metrics().page().decode())}
    ours = {name for name in families if name.startswith("quaybridge_") and not name.endswith("_created")}
    assert ours == {row.name.removesuffix("_total") for row in METRICS}
    assert "process_resident_memory_bytes" in families


def test_every_observer_ends_in_its_metric() -> None:
    metrics = Metrics()
    metrics.queue_depth(3)
    metrics.queue_latency(0.2)
    metrics.quay_call("GET", "/api/v1/user/", 200, 0.2)
    metrics.admission("REWRITTEN", 0.001)
    metrics.count("quaybridge_reconciles_total", "namespace", "ok")
    text = metrics.page().decode()
    assert "quaybridge_queue_depth 3.0" in text
    assert "quaybridge_queue_latency_seconds_count 1.0" in text
    assert 'quaybridge_quay_calls_total{method="GET",route="/api/v1/user/",status="200"} 1.0' in text
    assert 'quaybridge_admission_total{verdict="REWRITTEN"} 1.0' in text
    assert 'quaybridge_reconciles_total{kind="namespace",result="ok"} 1.0' in text


def test_all_quays_are_one_gauge() -> None:
    metrics = Metrics()
    metrics.quay_governed("https://one", is_called=True, at_once=16)
    metrics.quay_governed("https://two", is_called=False, at_once=2)
    metrics.quay_governed("https://one", is_called=True, at_once=17)
    text = metrics.page().decode()
    assert "quaybridge_quay_circuits_open 1.0" in text
    assert "quaybridge_quay_calls_allowed 19.0" in text


def test_a_quay_of_which_no_integration_is_left_rings_no_alarm() -> None:
    metrics = Metrics()
    metrics.quay_governed("https://two", is_called=False, at_once=2)
    metrics.quays(["https://one"])
    assert "quaybridge_quay_circuits_open 0.0" in metrics.page().decode()
    assert "quaybridge_quay_calls_allowed 0.0" in metrics.page().decode()
    metrics.quays(["https://one", "https://two"])
    assert "quaybridge_quay_circuits_open 1.0" in metrics.page().decode()


def test_two_processes_worth_of_metrics_do_not_meet() -> None:
    first, second = Metrics(), Metrics()
    first.queue_depth(1)
    assert "quaybridge_queue_depth 0.0" in second.page().decode()


def test_no_label_takes_its_values_from_users() -> None:
    labels = {label for row in METRICS for label in row.labels}
    assert labels <= {"kind", "result", "method", "route", "status", "action", "verdict", "state"}
