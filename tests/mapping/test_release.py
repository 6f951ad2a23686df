"""What becomes of an organization whose namespace goes, by example."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from tests.laws.strategies import bare

from quaybridge_sdk.mapping.release import finished_state, is_workable, released_state, remembered
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason
from quaybridge_sdk.model.integration import parse_endpoint
from quaybridge_sdk.model.openshift import FINALIZER, FINALIZER_ANNOTATION, SEED_FINALIZER, Namespace
from quaybridge_sdk.model.ownership import AdoptionPolicy
from quaybridge_sdk.model.quay import Organization, Repository, Robot
from quaybridge_sdk.model.state import Absent, ClusterState, Fate, RegistryState

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORG, OURS, MARK = "openshift_shop", "N@C.quaybridge.invalid", "quaybridge: integration=quay cluster=C namespace=N"
QUAY = evolve(bare(), endpoint=parse_endpoint("https://q.example"))
GOING = ClusterState(
    Namespace("shop", "N", terminating=True, finalizers=(FINALIZER,), annotations={FINALIZER_ANNOTATION: "true"})
)
ENTRY = Deletion(
    QUAY.key, ORG, "shop", "N", QUAY.endpoint.url, DeletionPolicy.DELETE, DeletionReason.UNFINISHED, NOW - timedelta(days=1)
)


@pytest.mark.parametrize(
    ("entry", "living", "workable"),
    [
        (ENTRY, ["other"], True),
        (evolve(ENTRY, quay="https://another.example"), [], False),  # of a Quay that the integration no longer names
        (evolve(ENTRY, organization="openshift_till"), [], False),  # a forged name: no rule gives it
        (evolve(ENTRY, namespace="till"), [], False),
        (ENTRY, ["other", "N"], False),  # its namespace lives: the marks in Quay are that one's
    ],
)
def test_an_entry_is_believed_only_where_the_rules_give_it(entry: Deletion, living: list[str], workable: bool) -> None:
    assert is_workable(entry, QUAY, living) == workable


@pytest.mark.parametrize(
    ("finalizers", "annotations", "policy", "fate"),
    [
        ((FINALIZER,), {}, AdoptionPolicy.INCUMBENT, Fate.DELETE),  # the Go operator's: it made the organization for this one
        ((SEED_FINALIZER,), {}, AdoptionPolicy.INCUMBENT, Fate.DELETE),
        ((FINALIZER,), {}, AdoptionPolicy.NEVER, Fate.KEEP),
        ((FINALIZER,), {FINALIZER_ANNOTATION: "true"}, AdoptionPolicy.INCUMBENT, Fate.KEEP),  # ours, but nothing was taken over
        ((), {}, AdoptionPolicy.INCUMBENT, Fate.KEEP),
    ],
)
def test_what_the_go_operator_made_goes_with_the_namespace_that_it_worked_on(
    finalizers: tuple[str, ...], annotations: dict[str, str], policy: AdoptionPolicy, fate: Fate
) -> None:
    namespace = Namespace("shop", "N", terminating=True, finalizers=finalizers, annotations=annotations)
    found = RegistryState(Organization(ORG, f"{ORG}@redhat.com"), {})
    integration = evolve(QUAY, adoption_policy=policy)
    assert released_state(integration, ClusterState(namespace), found, "C", NOW).fate is fate


@pytest.mark.parametrize("organization", [None, Absent.ABSENT, Organization(ORG, "N@another.quaybridge.invalid")])
def test_what_is_not_proved_ours_is_kept(organization: Organization | Absent | None) -> None:
    assert released_state(QUAY, GOING, RegistryState(organization, {}), "C", NOW).fate is Fate.KEEP


def test_a_quarantine_takes_our_robots_and_leaves_the_mark_on_the_organization() -> None:
    robots = {
        f"{ORG}+ci": Robot(f"{ORG}+ci", MARK),
        f"{ORG}+theirs": Robot(f"{ORG}+theirs", "made by hand"),
        f"{ORG}+former": Robot(f"{ORG}+former", MARK.replace("namespace=N", "namespace=M")),
    }
    found = RegistryState(Organization(ORG, OURS), robots)
    released = released_state(evolve(QUAY, deletion_policy=DeletionPolicy.QUARANTINE), GOING, found, "C", NOW)
    assert (released.fate, released.email) == (Fate.QUARANTINE, OURS)
    assert released.robots == {f"{ORG}+{account}" for account in ("builder", "default", "deployer", "ci")}
    assert released.remember is not None
    assert released.remember.reason is DeletionReason.QUARANTINE


@pytest.mark.parametrize(
    ("contents", "fate"), [((), Fate.DELETE), ((Repository("app", empty=False),), Fate.KEEP), (None, Fate.KEEP)]
)
def test_only_what_was_seen_to_be_empty_is(contents: tuple[Repository, ...] | None, fate: Fate) -> None:
    found = RegistryState(Organization(ORG, OURS), {}, contents=contents)
    integration = evolve(QUAY, deletion_policy=DeletionPolicy.DELETE_IF_EMPTY)
    assert released_state(integration, GOING, found, "C", NOW).fate is fate
    last = finished_state(evolve(ENTRY, policy=DeletionPolicy.DELETE_IF_EMPTY), QUAY, found, "C", NOW)
    assert (last.fate, last.forget is not None) == (fate, True)


def test_in_a_burst_what_was_not_done_in_time_is_kept_for_a_while() -> None:
    """What was waited for, or confirmed, is no burst."""
    found = RegistryState(Organization(ORG, OURS), {})
    held = finished_state(ENTRY, QUAY, found, "C", NOW, burst=True)
    assert held.fate is Fate.QUARANTINE
    assert held.remember == evolve(ENTRY, reason=DeletionReason.BURST, due=NOW + timedelta(days=QUAY.quarantine_days))
    waited = evolve(ENTRY, reason=DeletionReason.QUARANTINE)
    assert finished_state(waited, QUAY, found, "C", NOW, burst=True).fate is Fate.DELETE
    assert released_state(QUAY, GOING, found, "C", NOW, burst=True).fate is Fate.QUARANTINE


def test_a_quarantine_that_could_not_be_made_in_time_is_made_before_its_own_time_is_up() -> None:
    due = NOW + timedelta(days=3)
    made = finished_state(evolve(ENTRY, due=due), QUAY, RegistryState(Organization(ORG, OURS), {}), "C", NOW)
    assert made.fate is Fate.QUARANTINE
    assert made.remember == evolve(ENTRY, due=due, reason=DeletionReason.QUARANTINE)


def test_an_entry_that_is_there_keeps_its_time() -> None:
    there = evolve(GOING, deletions=(ENTRY,))
    assert remembered(QUAY, there, NOW, DeletionReason.UNFINISHED) == ENTRY
    assert remembered(QUAY, there, NOW, DeletionReason.BURST) != ENTRY


@pytest.mark.parametrize("reason", [DeletionReason.BURST, DeletionReason.UNDONE])
def test_what_was_held_is_not_deleted_by_a_pass_that_knows_of_no_burst(reason: DeletionReason) -> None:
    """A restart forgets how many were deleted, and the namespace still waits for its finalizer."""
    found = RegistryState(Organization(ORG, OURS), {}, contents=())
    assert released_state(QUAY, GOING, found, "C", NOW).fate is Fate.DELETE
    held = evolve(GOING, deletions=(evolve(ENTRY, reason=reason),))
    assert released_state(QUAY, held, found, "C", NOW).fate is Fate.QUARANTINE
    other = evolve(GOING, deletions=(evolve(ENTRY, reason=reason, namespace_uid="earlier"),))
    assert released_state(QUAY, other, found, "C", NOW).fate is Fate.DELETE


def test_what_was_shut_before_is_remembered_when_a_quarantine_begins_and_not_again() -> None:
    """A pass that was cut short finds shut what it has shut itself."""
    integration = evolve(QUAY, deletion_policy=DeletionPolicy.QUARANTINE)
    inside = (Repository("app"), Repository("release", read_only=True))
    found = RegistryState(Organization(ORG, OURS), {}, contents=inside)
    entry = released_state(integration, GOING, found, "C", NOW).remember
    assert entry is not None
    assert entry.shut == ("release",)
    all_shut = evolve(found, contents=tuple(evolve(repository, read_only=True) for repository in inside))
    again = evolve(GOING, deletions=(entry,))
    assert released_state(integration, again, all_shut, "C", NOW).remember == entry
