"""What Quay has answered counts, also when the pass fails afterwards."""

from __future__ import annotations

from tests.faults.cells import errors_once, outages, play
from tests.faults.scenarios import BY_NAME


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
