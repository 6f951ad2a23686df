"""What runs: the bridge's own Deployments, the Go operator beside them, and who holds the lease."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, entries, text
from quaybridge_sdk.cli.doctor import lease
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.ports import Examination, look

DEPLOYMENTS = "/apis/apps/v1/deployments"
INCUMBENT_NAMES = ("quay-bridge-operator", "quay-bridge-operator-controller-manager")
"""The Go operator's Deployment: as its OLM bundle names it, and as its manifests do."""

OUR_WORDS = ("quaybridge", "entrypoints.controller", "entrypoints.webhook")
"""One of them is in the image, the command or the arguments of each of the bridge's containers."""

CONTROLLER, WEBHOOK = {"controller", "entrypoints.controller"}, {"webhook", "entrypoints.webhook"}
"""One word of a command line says which of the two programs it starts."""


@frozen
class Program:
    """A Deployment of the bridge or of the Go operator."""

    namespace: str
    name: str
    ours: bool
    image: str
    wanted: int
    ready: int
    words: tuple[str, ...] = ()

    @property
    def only_answers(self) -> bool:
        """Whether it is the webhook, and no controller."""
        return bool(WEBHOOK & set(self.words)) and not CONTROLLER & set(self.words)

    @property
    def may_act_alone(self) -> bool:
        """Whether it may act although nobody renews the known lease: a controller that waits for none, or for another one."""
        flags = {word.lstrip("-").partition("=")[::2] for word in self.words if word.startswith("-")}
        elects = bool({("leader-elect", ""), ("leader-elect", "true")} & flags)
        another = any(name == "leader-election-id" for name, _ in flags)
        return not self.only_answers and (another or not elects)

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
        yield from _no_controller(programs)
        yield from _incumbent(programs)
    running = [each for each in programs if each.wanted > 0]
    yield from lease.examine(examination, bool(running) and not any(each.may_act_alone for each in running))


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
    return Program(text(item, "metadata", "namespace"), name, ours, image, *counts, tuple(words.split()))


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


def _no_controller(programs: list[Program]) -> Iterator[Finding]:
    """The webhook alone makes no organization and imports nothing."""
    ours = [each for each in programs if each.ours]
    incumbent = any(not each.ours and each.wanted > 0 for each in programs)
    if ours and not incumbent and all(each.only_answers for each in ours):
        detail = "no Deployment of the controller was found, only the webhook's: run it in the cluster, or by hand"
        yield doubtful("programs.replicas", "quaybridge controller", detail, "", "quaybridge controller")


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
