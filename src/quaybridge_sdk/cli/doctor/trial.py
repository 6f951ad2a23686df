"""A build that is tried and not made: whether the API server reaches the webhook, and what it does with the answer."""

from __future__ import annotations

from collections.abc import Sequence

from quaybridge_sdk.adapters.kubernetes.objects import dig
from quaybridge_sdk.cli.doctor.finding import Finding, bad, good, unsure
from quaybridge_sdk.cli.doctor.integrations import Integration
from quaybridge_sdk.cli.doctor.namespaces import NAMESPACES, covered
from quaybridge_sdk.cli.doctor.ports import ClusterPort, Examination, Json, look
from quaybridge_sdk.errors import ForbiddenError, RemoteError
from quaybridge_sdk.mapping.build_patch import destination_pull_spec
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import ImageStreamTag

NAME = "quaybridge-doctor"
CALL_FAILED, DENIED = "failed calling webhook", "denied the request"
"""The API server's own words."""

PODS = "oc get pods -n {namespace} -l name=quay-bridge-operator -o wide"
POLICIES = "oc get networkpolicy -n {namespace}"


def examine(examination: Examination, integrations: Sequence[Integration]) -> Finding:
    """A dry run: nothing is stored, and the webhook says itself that it has no side effects.

    It is made in a namespace that an integration covers, with an output that needs no ImageStream to be there.
    """
    seen = look(examination.cluster, NAMESPACES)
    if seen.problem:
        return unsure("webhook.way", "a build as a dry run", seen.problem)
    found = _covered([each.parsed for each in integrations], seen.items)
    if found is None:
        return unsure("webhook.way", "a build as a dry run", "no QuayIntegration covers a namespace in which it could be tried")
    namespace, integration = found
    title = f"a build in {namespace}, as a dry run"
    try:
        made = _try(examination.cluster, namespace)
    except RemoteError as error:
        return _failed(examination, title, error)
    return _judged(examination, title, made, destination_pull_spec(integration, ImageStreamTag(namespace, NAME, "latest")))


def _covered(integrations: Sequence[QuayIntegration], namespaces: Sequence[Json]) -> tuple[str, QuayIntegration] | None:
    """The first namespace in which a build would be rewritten, and by which integration."""
    for each in covered(integrations, namespaces):
        if each.assignment.integration is not None and not each.parsed.terminating:
            return each.parsed.name, each.assignment.integration
    return None


def _try(cluster: ClusterPort, namespace: str) -> Json:
    strategy: Json = {"type": "Docker", "dockerStrategy": {}}
    source: Json = {"type": "Dockerfile", "dockerfile": "FROM scratch"}
    output: Json = {"to": {"kind": "ImageStreamTag", "name": f"{NAME}:latest"}}
    body: Json = {
        "apiVersion": "build.openshift.io/v1",
        "kind": "Build",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"source": source, "strategy": strategy, "output": output},
    }
    return cluster.try_creating(f"/apis/build.openshift.io/v1/namespaces/{namespace}/builds", body)


def _failed(examination: Examination, title: str, said: RemoteError) -> Finding:
    commands = [command.format(namespace=examination.namespace) for command in (PODS, POLICIES)]
    if CALL_FAILED in str(said):
        mend = (
            "see that the webhook runs, that its port is that of the Service, and that no NetworkPolicy keeps the API server out"
        )
        return bad("webhook.way", title, f"the API server does not reach the webhook: {said}", mend, *commands)
    if DENIED in str(said):
        return good("webhook.way", title, f"the API server reaches the webhook, which says: {said}")
    unable = f"this identity may not create builds there ({said})" if isinstance(said, ForbiddenError) else str(said)
    return unsure("webhook.way", title, unable)


def _judged(examination: Examination, title: str, made: Json, wanted: str) -> Finding:
    kind, name = (dig(made, "spec", "output", "to", key) for key in ("kind", "name"))
    if (kind, name) == ("DockerImage", wanted):
        return good("webhook.way", title, f"the API server reaches the webhook: it would push to {name}")
    if kind == "DockerImage":
        detail = f"it would push to {name} and not to {wanted}: another webhook answers"
        return bad("webhook.way", title, detail, "see which webhooks there are for builds", "oc get mutatingwebhookconfiguration")
    detail = "it would push to the integrated registry: the webhook was not called, or its failure was ignored"
    logs = f"oc logs -n {examination.namespace} -l name=quay-bridge-operator"
    pods = PODS.format(namespace=examination.namespace)
    return bad("webhook.way", title, detail, "see that the webhook runs and what it logs", pods, logs)
