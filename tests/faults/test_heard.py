"""What Quay has answered counts, also when the pass fails afterwards."""

from __future__ import annotations

from tests.faults.cells import OUTAGE, errors_once, outages, play
from tests.faults.scenarios import BY_NAME

from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION
from quaybridge_sdk.model.state import Applied


def test_an_old_word_of_an_outage_does_not_outlive_an_answer_of_quay() -> None:
    scenario = BY_NAME["restart after an outage of Quay"]
    lost = [c for c in errors_once(scenario) if c.name.startswith("UnreachableError after") and "annotate_namespace" in c.name]
    assert lost
    assert [play(scenario, cell) for cell in lost] == [[] for _ in lost]


def test_credentials_that_were_away_for_a_moment_are_not_called_bad_for_hours() -> None:
    scenario = BY_NAME["service account made anew"]
    away = [c for c in errors_once(scenario) if c.name.startswith("InvalidCredentialsError") and "quay.registry" in c.name]
    assert away
    assert [play(scenario, cell) for cell in away] == [[] for _ in away]


def test_a_token_check_that_fails_keeps_its_back_off_when_nothing_is_covered() -> None:
    scenario = BY_NAME["deletion, policy Retain"]
    away = [cell for cell in outages(scenario) if cell.name == "outage of all: UnreachableError after"]
    assert [play(scenario, cell) for cell in away] == [[]]


def test_a_problem_of_the_integration_goes_with_its_cause() -> None:
    scenario = BY_NAME["token replaced"]
    spoilt = [cell for cell in errors_once(scenario) if cell.name.startswith("InvalidIntegrationError before")]
    assert spoilt
    assert [play(scenario, cell) for cell in spoilt] == [[] for _ in spoilt]


def test_a_token_is_renewed_once_though_nothing_can_be_recorded() -> None:
    scenario = BY_NAME["a token is renewed"]
    refused = next(
        c for c in outages(scenario) if c.name == "outage of kubernetes.annotate_namespace: RequestRefusedError before"
    )
    bridge = scenario.prepared()
    refused.strike(bridge)
    scenario.event(bridge)
    bridge.run(outage=OUTAGE)
    bridge.wire.heal()
    bridge.controller.enqueue_all()
    bridge.run()
    assert [write.name for write in bridge.quay.writes].count("regenerate_robot") == 1
    applied = Applied.loads(bridge.cluster.truth.namespaces["shop"].namespace.annotations[APPLIED_ANNOTATION])
    assert applied is not None
    assert applied.rotated == {"builder": "now"}
