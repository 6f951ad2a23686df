"""What runs: the bridge's own Deployments, the Go operator beside them, and who holds the lease."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, entries, text
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.ports import Examination, look
from quaybridge_sdk.runtime.leader import INCUMBENT_LOCK

DEPLOYMENTS = "/apis/apps/v1/deployments"
LEASES = "/apis/coordination.k8s.io/v1/leases"
INCUMBENT_NAMES = ("quay-bridge-operator", "quay-bridge-operator-controller-manager")
"""The Go operator's Deployment: as its OLM bundle names it, and as its manifests do."""

OUR_WORDS = ("quaybridge", "entrypoints.controller", "entrypoints.webhook")
"""One of them is in the image, the command or the arguments of each of the bridge's containers."""

STALE = timedelta(seconds=60)


@frozen
class Program:
    """A Deployment of the bridge or of the Go operator."""

    namespace: str
    name: str
    ours: bool
    image: str
    wanted: int
    ready: int

    @property
    def title(self) -> str:
        return f"Deployment {self.namespace}/{self.name}"

    def scale(self, replicas: int) -> str:
        return f"oc scale deployment {self.name} -n {self.namespace} --replicas={replicas}"


def examine(examination: Examination) -> Iterator[Finding]:
    """Deployments, then the lease."""
    seen = look(examination.cluster, DEPLOYMENTS)
    programs = [found for item in seen.items if (found := program(item))]
    if seen.problem:
        yield unsure("programs.replicas", "Deployments", seen.problem)
    else:
        yield from _replicas([each for each in programs if each.ours])
        yield from _incumbent(programs)
    yield from _lease(examination)


def program(item: Json) -> Program | None:
    """What a Deployment is to the bridge, None when nothing."""
    containers = entries(item, "spec", "template", "spec", "containers")
    words = " ".join(map(_words, containers))
    ours = any(word in words for word in OUR_WORDS)
    name = text(item, "metadata", "name")
    if not ours and name not in INCUMBENT_NAMES and "quay-bridge-operator" not in words:
        return None
    image = next((text(each, "image") for each in containers if "kube-rbac-proxy" not in text(each, "image")), "")
    wanted, ready = dig(item, "spec", "replicas"), dig(item, "status", "readyReplicas")
    counts = wanted if isinstance(wanted, int) else 1, ready if isinstance(ready, int) else 0
    return Program(text(item, "metadata", "namespace"), name, ours, image, *counts)


def _words(container: Json) -> str:
    return " ".join((text(container, "image"), *map(str, (*entries(container, "command"), *entries(container, "args")))))


def _replicas(ours: list[Program]) -> Iterator[Finding]:
    if not ours:
        detail = "no Deployment of the bridge was found: run it in the cluster, or by hand"
        yield doubtful("programs.replicas", "quaybridge", detail, "", "quaybridge controller", "quaybridge webhook")
    for each in ours:
        if each.wanted == 0:
            detail = "scaled to 0: nothing is kept in step, and with failurePolicy Fail no new build can be made"
            yield bad("programs.replicas", each.title, detail, "start it", each.scale(1))
        elif each.ready == 0:
            events = f"oc describe deployment {each.name} -n {each.namespace}"
            logs = f"oc logs deployment/{each.name} -n {each.namespace}"
            yield bad("programs.replicas", each.title, f"0 of {each.wanted} replicas are ready", "see why", events, logs)
        elif each.ready < each.wanted:
            yield doubtful("programs.replicas", each.title, f"{each.ready} of {each.wanted} replicas are ready")
        else:
            yield good("programs.replicas", each.title, f"{each.ready} of {each.wanted} replicas are ready")


def _incumbent(programs: list[Program]) -> Iterator[Finding]:
    running = [each for each in programs if not each.ours and each.wanted > 0]
    ours = [each for each in programs if each.ours and each.wanted > 0]
    if not running:
        yield good("programs.incumbent", "quay-bridge-operator", "the Go operator does not run")
    for each in running:
        same = any(mine.namespace == each.namespace for mine in ours)
        how = "it shares the bridge's lease, so one of them waits" if same else "its lease is its own, so both may act"
        detail = f"the Go operator ({each.image or 'no image'}) runs; {how}"
        mend = "stop it once the bridge is to take over; with OLM, remove its Subscription and ClusterServiceVersion"
        commands = (each.scale(0), f"oc get subscription,csv -n {each.namespace}")
        found = doubtful if same or not ours else bad
        yield found("programs.incumbent", each.title, detail, mend, *commands)


def _lease(examination: Examination) -> Iterator[Finding]:
    seen = look(examination.cluster, LEASES, {"fieldSelector": f"metadata.name={INCUMBENT_LOCK}"})
    if seen.problem:
        yield unsure("programs.lease", INCUMBENT_LOCK, seen.problem)
        return
    named = [item for item in seen.items if text(item, "metadata", "name") == INCUMBENT_LOCK]
    leases = [item for item in named if text(item, "spec", "holderIdentity")]
    live = [item for item in leases if _is_live(item, examination.clock())]
    for item in leases:
        title = f"Lease {text(item, 'metadata', 'namespace')}/{INCUMBENT_LOCK}"
        state = "renewed" if item in live else "not renewed"
        detail = f"held by {text(item, 'spec', 'holderIdentity')}, last {state} at {text(item, 'spec', 'renewTime') or 'no time'}"
        yield good("programs.lease", title, detail)
    if not leases:
        yield good("programs.lease", INCUMBENT_LOCK, "nobody holds it: no controller runs with --leader-elect")
    if len(live) > 1:
        places = [text(item, "metadata", "namespace") for item in live]
        commands = tuple(f"oc get pods -n {place}" for place in places)
        detail = f"held in {', '.join(places)} at once: a lease works in one namespace only, so all of them act"
        yield bad("programs.lease", INCUMBENT_LOCK, detail, "stop all but one, or run them in one namespace", *commands)


def _is_live(lease: Json, now: datetime) -> bool:
    try:
        renewed = datetime.fromisoformat(text(lease, "spec", "renewTime"))
    except ValueError:
        return False
    return renewed.tzinfo is not None and now - renewed < STALE
