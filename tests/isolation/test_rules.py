"""Whatever one namespace's ``edit`` user writes: no plan, patch or import reaches beyond that namespace and its organization."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, evolve, field
from hypothesis import example, given
from hypothesis import strategies as st
from tests.isolation.attacker import ATTACKER, HOST, NEW, OLD, VICTIM, Caches, builds, writes
from tests.laws.strategies import bare, more_examples
from tests.laws.worlds import ModelQuay

from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.objects import Json
from quaybridge_sdk.admission import Admission, Answer, Held
from quaybridge_sdk.effects import after
from quaybridge_sdk.errors import StaleImageError
from quaybridge_sdk.importing import BuildImporter, ImportOutcome, ImportResult
from quaybridge_sdk.mapping.desired import desired_state, settle
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.admission import parse_review
from quaybridge_sdk.model.integration import parse_endpoint
from quaybridge_sdk.model.openshift import DESTINATION_ANNOTATION, MANAGED_ANNOTATION, Build, ImageImport, ImportedImage
from quaybridge_sdk.model.state import Observed
from quaybridge_sdk.plan import plan

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
INTEGRATION = evolve(bare(), cluster_id="openshift", endpoint=parse_endpoint(HOST))
Writes = list[tuple[Kind, str, Json]]


def caches_after(done: Writes, *more: Json) -> Caches:
    """Both namespaces, the Builds of ``more``, and then all that the attacker wrote."""
    caches = Caches(INTEGRATION)
    for name in (VICTIM, ATTACKER):
        caches.namespace(name)
    for build in more:
        caches.write(Kind.BUILD, "put", build)
    for kind, verb, item in done:
        caches.write(kind, verb, item)
    return caches


def planned(caches: Caches, namespace: str) -> list[act.Action]:
    """All actions of a pass, on a Quay that has nothing yet."""
    cluster = caches.state(namespace)
    assert cluster is not None
    quay, desired = ModelQuay(), desired_state(INTEGRATION, cluster, "cluster")
    observed, done = Observed(cluster, quay.observe(NOW)), list[act.Action]()
    while actions := plan(observed, settle(desired, observed)):
        assert len(done) < 200
        for action in actions:
            observed = after(observed, action, quay.apply(action) if isinstance(action, act.RegistryAction) else None)
            done.append(action)
    return done


@given(writes)
def test_a_pass_over_the_attackers_namespace_stays_in_it_and_the_victims_is_what_it_was(done: Writes) -> None:
    caches = caches_after(done)
    assert planned(caches, VICTIM) == planned(caches_after([]), VICTIM)
    for action in planned(caches, ATTACKER):
        where = action.organization if isinstance(action, act.RegistryAction) else action.namespace
        assert where == (f"openshift_{ATTACKER}" if isinstance(action, act.RegistryAction) else ATTACKER)
        if isinstance(action, act.CreateRobot | act.CreatePrototype | act.SetRepositoryPermission):
            assert action.robot.startswith(f"openshift_{ATTACKER}+")
        if isinstance(action, act.CreateRepository):
            assert "/" not in action.repository
        if isinstance(action, act.WritePullSecret):
            (entry,) = json.loads(action.content.reveal())["auths"].values()
            assert base64.b64decode(entry["auth"]).startswith(f"openshift_{ATTACKER}+".encode())


def victims_build() -> Json:
    output = {"to": {"kind": "DockerImage", "name": f"{HOST}/openshift_{VICTIM}/app:latest"}}
    status = {"phase": "Complete", "completionTimestamp": "2026-01-02T03:04:00Z", "output": {"to": {"imageDigest": NEW}}}
    annotations = {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: f"{VICTIM}/app:latest"}
    metadata = {"namespace": VICTIM, "name": "app-9", "annotations": annotations}
    return {"metadata": metadata, "spec": {"strategy": {"type": "Docker"}, "output": output}, "status": status}


def rival() -> Json:
    """Says that it pushed the victim's former image, to the victim's repository, at the end of all days."""
    build = victims_build()
    build["metadata"] |= {"namespace": ATTACKER, "name": "forged"}
    build["status"] |= {"completionTimestamp": "9999-12-31T23:59:59Z", "output": {"to": {"imageDigest": OLD}}}
    return build


def eternal() -> Json:
    """The attacker's own Build, whose image never came, completed at the end of all days."""
    build = rival()
    build["metadata"]["annotations"] = {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: f"{ATTACKER}/app:latest"}
    build["spec"]["output"] = {"to": {"kind": "DockerImage", "name": f"{HOST}/openshift_{ATTACKER}/app:latest"}}
    build["status"]["output"] = {"to": {"imageDigest": NEW}}
    return build


# --- admission ---


def reviewed(caches: Caches, build: Json, namespace: str) -> tuple[str | None, dict[str, Any]]:
    """The Secret that is waited for, and the patch by path."""
    request = {"uid": "u", "operation": "CREATE", "namespace": namespace, "object": build}
    resource = {"group": "build.openshift.io", "version": "v1", "resource": "builds"}
    body = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {**request, "resource": resource}}
    found = Admission(caches).review(parse_review(body))
    answer = found.answer if isinstance(found, Held) else found
    assert isinstance(answer, Answer)
    assert answer.outcome.allowed
    return found.secret if isinstance(found, Held) else None, {op["path"]: op.get("value") for op in answer.outcome.patch}


HONEST: Json = {
    "metadata": {"name": "app-1"},
    "spec": {"strategy": {"type": "Docker"}, "output": {"to": {"kind": "ImageStreamTag", "name": "app:latest"}}},
}


@given(writes, builds)
@example([], HONEST)
@example([], {**HONEST, "spec": {**HONEST["spec"], "serviceAccount": "other"}})
def test_admission_gives_a_build_its_own_namespaces_secret_and_the_victims_builds_are_answered_as_before(
    done: Writes, build: Json
) -> None:
    caches = caches_after(done)
    assert reviewed(caches, HONEST, VICTIM) == reviewed(caches_after([]), HONEST, VICTIM)
    secret, patch = reviewed(caches, build, ATTACKER)
    assert secret in (None, "builder-quay-openshift")
    assert patch.get("/spec/output/pushSecret", {"name": "builder-quay-openshift"}) == {"name": "builder-quay-openshift"}
    to = build["spec"]["output"]["to"] if patch else {}
    expected = to.get("namespace") or ATTACKER
    assert not patch or patch["/spec/output/to/name"].startswith(f"{HOST}/openshift_{expected}/")


# --- imports ---


@define
class Importer:
    """Takes note of what it is asked; ``digest`` is what the registry has."""

    digest: str = OLD
    allowed: bool = False
    asked: list[tuple[str, str]] = field(factory=list)
    imported: list[ImageImport] = field(factory=list)
    marked: list[Build] = field(factory=list)

    def import_image(self, request: ImageImport) -> ImportedImage:
        self.imported.append(request)
        return ImportedImage(self.digest)

    def may_import(self, user: str, namespace: str) -> bool:
        self.asked.append((user, namespace))
        return self.allowed

    def mark_imported(self, build: Build) -> None:
        self.marked.append(build)


def worked_on(
    caches: Caches, importer: Importer, namespace: str, later: timedelta = timedelta()
) -> dict[str, ImportOutcome | None]:
    """The outcome for each Build of a namespace; None: to be tried again."""
    worker, outcomes = BuildImporter(caches, importer, lambda: NOW + later), dict[str, ImportOutcome | None]()
    for build in caches.all_builds():
        if build.namespace == namespace:
            try:
                outcomes[build.name] = worker.process(namespace, build.name)
            except StaleImageError:
                outcomes[build.name] = None
    return outcomes


@given(writes)
@example([(Kind.BUILD, "put", rival())])
@example([(Kind.BUILD, "put", eternal())])
@more_examples(2)
def test_an_attackers_builds_import_into_the_attackers_namespace_from_its_own_organization_only(done: Writes) -> None:
    importer = Importer()
    worked_on(caches_after(done), importer, ATTACKER)
    for request in importer.imported:
        assert request.destination.namespace == ATTACKER
        assert request.pull_spec.startswith(f"{HOST}/openshift_{ATTACKER}/")
    assert all(build.namespace == ATTACKER for build in importer.marked)
    for user, namespace in importer.asked:
        assert user.startswith(f"system:serviceaccount:{ATTACKER}:")
        assert namespace != ATTACKER


@given(writes)
@example([(Kind.BUILD, "put", rival())])
@example([(Kind.BUILD, "put", eternal())])
def test_an_import_elsewhere_is_made_only_when_a_review_allows_it_and_from_the_repository_of_that_place(done: Writes) -> None:
    importer = Importer(allowed=True)
    worked_on(caches_after(done), importer, ATTACKER)
    for request in importer.imported:
        place = request.destination.namespace
        assert place == ATTACKER or place in {namespace for _, namespace in importer.asked}
        assert request.pull_spec == f"{HOST}/openshift_{place}/{request.destination.name}:{request.destination.tag}"


@given(writes)
@example([(Kind.BUILD, "put", rival())])
@example([(Kind.BUILD, "put", eternal())])
def test_no_build_is_tried_again_for_ever(done: Writes) -> None:
    """An hour after all is over nothing is retried, whatever time a Build says that it was completed at."""
    caches = caches_after(done)
    assert None not in worked_on(caches, Importer(), ATTACKER, timedelta(hours=1)).values()


@given(writes, st.sampled_from([OLD, NEW]))
@example([(Kind.BUILD, "put", rival())], OLD)
@more_examples(2)
def test_what_becomes_of_the_victims_build_does_not_hang_on_what_the_attacker_says(done: Writes, digest: str) -> None:
    """A registry that lags behind the push is asked again, and no forged Build passes its image off as a later one."""
    before, now = Importer(digest), Importer(digest)
    outcome = worked_on(caches_after([], victims_build()), before, VICTIM)
    assert worked_on(caches_after(done, victims_build()), now, VICTIM) == outcome
    assert (before.imported, len(before.marked)) == (now.imported, len(now.marked))
    assert (outcome["app-9"] is None) == (digest == OLD)


def test_the_attacks_reach_the_rules() -> None:
    """Of the honest Builds of the model one is imported, and one is refused: the tests above look at something."""
    build = victims_build()
    assert worked_on(caches_after([], build), Importer(NEW), VICTIM)["app-9"] == ImportOutcome(
        ImportResult.IMPORTED, *_imported()
    )
    forged = rival()
    outcome = worked_on(caches_after([(Kind.BUILD, "put", forged)]), Importer(), ATTACKER)["forged"]
    assert outcome is not None
    assert outcome.result is ImportResult.REFUSED


def _imported() -> tuple[Any, Any]:
    importer = Importer(NEW)
    outcome = worked_on(caches_after([], victims_build()), importer, VICTIM)["app-9"]
    assert outcome is not None
    return outcome.reason, outcome.request
