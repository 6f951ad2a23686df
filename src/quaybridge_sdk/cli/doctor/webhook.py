"""The admission webhook: its registration, and the Service behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve

from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, entries, text
from quaybridge_sdk.cli.doctor import asked
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.manifests import REGISTER, SERVICE
from quaybridge_sdk.cli.doctor.ports import Examination, Look, look
from quaybridge_sdk.cli.doctor.registered import RESOURCE, RULES, Registered
from quaybridge_sdk.model.integration import QuayIntegration

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


def registered(examination: Examination) -> tuple[list[Registered], Finding | None]:
    """The bridge's webhooks; what is wrong when there is none."""
    seen = look(examination.cluster, CONFIGURATIONS)
    if seen.problem:
        return [], unsure("webhook.configuration", "MutatingWebhookConfiguration", seen.problem)
    found = [each for item in seen.items for each in _ours(item)]
    if found:
        return found, None
    detail = "there is none for builds, so they go on pushing to the integrated registry"
    mend = "register the webhook (OpenShift puts the CA of the Service's certificate in)"
    command = REGISTER.format(namespace=examination.namespace)
    return [], bad("webhook.configuration", "MutatingWebhookConfiguration", detail, mend, command)


def _ours(item: Json) -> list[Registered]:
    name, bodies = text(item, "metadata", "name"), entries(item, "webhooks")
    found = [each for index, body in enumerate(bodies) if (each := Registered(name, index, body)).ours]
    return [evolve(each, shared=sum(each.named for each in found) < len(bodies)) for each in found]


def examine_registration(
    examination: Examination, found: list[Registered], integrations: Sequence[QuayIntegration]
) -> Iterator[Finding]:
    """Names, which builds each is asked about, and all its other fields."""
    for each in found:
        yield good("webhook.configuration", each.title, "registered")
    if len({each.configuration for each in found}) > 1:
        yield _several(found)
    for each in found:
        wrong = [*asked.examine(examination, each, integrations), *(finding for rule in RULES if (finding := rule(each)))]
        yield from wrong or [good("webhook.rules", each.title, _told(each))]


def _several(found: list[Registered]) -> Finding:
    """One is kept, rather one with a known name. Only what is the bridge's alone, by its name, may be deleted."""
    named = {each.configuration for each in found if each.named}
    shared = {each.configuration for each in found if each.shared}
    kept, *others = sorted({each.configuration for each in found}, key=lambda name: (name not in named, name))
    spare = [name for name in others if name not in shared]
    unclear = [name for name in others if name not in spare]
    mends = [f"keep {kept}: the Go operator's and this bridge's would both be asked"] if spare else []
    mends += [f"look whether {', '.join(unclear)} is needed beside {kept}: all of them are asked"] if unclear else []
    commands = [f"oc delete {RESOURCE} {name}" for name in spare] + [f"oc get {RESOURCE} {name} -o yaml" for name in unclear]
    title = ", ".join(sorted([kept, *others]))
    return doubtful("webhook.configuration", title, "several for the same builds", "; ".join(mends), *commands)


def _told(each: Registered) -> str:
    if text(each.body, "failurePolicy") == "Ignore":
        return "as needed; failurePolicy Ignore: while no webhook answers, new builds push to the integrated registry"
    return "as needed; failurePolicy Fail: while no webhook answers, no new build can be made"


def examine_service(examination: Examination, each: Registered) -> Iterator[Finding]:
    """The Service and its endpoints; nothing for a webhook with a URL."""
    namespace, name = each.service
    title = f"Service {namespace}/{name}"
    if each.url:
        yield good("webhook.service", each.title, f"calls {each.url}")
        return
    seen = look(examination.cluster, f"/api/v1/namespaces/{namespace}/services/{name}")
    if seen.problem:
        yield unsure("webhook.service", title, seen.problem)
        return
    make = SERVICE.format(namespace=namespace, name=name, port=each.port)
    if seen.item is None:
        yield bad("webhook.service", title, "there is no such Service", "make it", make)
        return
    ports = [port for port in entries(seen.item, "spec", "ports") if dig(port, "port") == each.port]
    if not ports:
        yield bad("webhook.service", title, f"it has no port {each.port}, which the webhook is called on", "correct it", make)
        return
    target = dig(ports[0], "targetPort") or each.port
    detail = f"port {each.port} leads to {target}: the webhook's --webhook-bind-address must be that"
    yield good("webhook.service", title, detail)
    yield _endpoints(look(examination.cluster, f"/api/v1/namespaces/{namespace}/endpoints/{name}"), seen.item, each)


def _endpoints(seen: Look, service: Json, each: Registered) -> Finding:
    namespace, name = each.service
    title = f"Service {namespace}/{name}"
    if seen.problem:
        return unsure("webhook.endpoints", title, seen.problem)
    subsets = entries(seen.item, "subsets")
    ready = sum(len(entries(subset, "addresses")) for subset in subsets)
    waiting = sum(len(entries(subset, "notReadyAddresses")) for subset in subsets)
    if ready:
        return good("webhook.endpoints", title, f"{ready} ready")
    selector = dig(service, "spec", "selector")
    labels = ",".join(f"{key}={value}" for key, value in selector.items()) if isinstance(selector, dict) else ""
    blocked = "" if text(each.body, "failurePolicy") == "Ignore" else "; until then no new build can be made in the whole cluster"
    pods = f"oc get pods -n {namespace} -l {labels or 'name=quay-bridge-operator'}"
    logs = f"oc logs -n {namespace} -l {labels or 'name=quay-bridge-operator'}"
    if waiting:
        detail = f"{waiting} pods are behind it, none is ready{blocked}"
        return bad("webhook.endpoints", title, detail, "see why they are not", pods, logs)
    detail = f"no pod is behind it: none has the labels {labels or '(the Service has no selector)'}{blocked}"
    return bad("webhook.endpoints", title, detail, "start the webhook, or correct the selector or the pods' labels", pods)
