"""The checker: what both sides are in the end, in comparable form, and everything that must not have happened on the way."""

from __future__ import annotations

from typing import Any

from attrs import define
from tests.faults.bridge import Bridge, Registries
from tests.faults.facts import NamespaceFacts
from tests.faults.marks import shown
from tests.faults.scenarios import HOST, SHOP, STRANGERS, Scenario
from tests.faults.wire import Wire

from quaybridge_sdk.errors import QuaybridgeError
from quaybridge_sdk.mapping.pull_secret import pull_secret_bytes
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.model.state import Applied
from quaybridge_sdk.reconcile import Reconciler


@define
class Ending:
    """How a run ended: both sides, what the bridge would still do, and what it says of itself."""

    quay: dict[str, Any]
    cluster: dict[str, Any]
    left: dict[str, Any]
    conditions: dict[str, Any]

    def unlike(self, other: Ending) -> list[str]:
        """In words, where it differs from ``other``."""
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in ("quay", "cluster", "left", "conditions"))
        return [f"{name}: {_differences(mine, theirs)}" for name, mine, theirs in pairs if mine != theirs]


def _differences(mine: Any, theirs: Any) -> str:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        keys = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
        return ", ".join(f"{key}: {_differences(mine.get(key), theirs.get(key))}" for key in keys)
    return f"{mine!r} and not {theirs!r}"


def ending(bridge: Bridge) -> Ending:
    names = bridge.cluster.truth.namespaces
    return Ending(
        quay=bridge.quay.facts(),
        cluster={name: _namespace(bridge, found) for name, found in sorted(names.items())} | {"deletions": _remembered(bridge)},
        left={name: _left(bridge, name) for name in sorted(names)},
        conditions={
            key: {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions", ())}
            for key, status in bridge.cluster.statuses.items()
        },
    )


def _remembered(bridge: Bridge) -> list[tuple[str, ...]]:
    return sorted((d.organization, d.policy.value, d.reason.value) for d in bridge.cluster.truth.deletions)


def _namespace(bridge: Bridge, found: NamespaceFacts) -> dict[str, Any]:
    namespace = found.namespace
    others = {key: value.partition(":")[0] for key, value in namespace.annotations.items() if key != APPLIED_ANNOTATION}
    applied = Applied.loads(namespace.annotations.get(APPLIED_ANNOTATION))
    right = {name: found.secrets[name].fingerprint() for name in found.secrets}
    return {
        "namespace": (namespace.terminating, sorted(namespace.finalizers), others, namespace.status.partition(":")[0]),
        "record": applied and (applied.registry, {name: right.get(name) == value for name, value in applied.secrets.items()}),
        "accounts": {name: (account.secrets, account.image_pull_secrets) for name, account in sorted(found.accounts.items())},
        "secrets": {name: _robot_of(bridge, content) for name, content in sorted(found.secrets.items())},
        "streams": sorted(found.streams),
        "builds": {name: sorted((build.annotations or {}).items()) for name, build in found.builds.items()},
        "tags": dict(found.tags),
    }


def _robot_of(bridge: Bridge, content: SecretText) -> str:
    """The robot whose token now the pull secret holds, or that it holds none."""
    for organization in bridge.quay.organizations.values():
        for robot in organization.robots.values():
            if robot.token is not None and pull_secret_bytes(HOST, robot.name, robot.token) == content:
                return robot.name
    return "of no robot"


def _left(bridge: Bridge, namespace: str) -> str:
    """What a new process would still do, or why it would do nothing."""
    registries = Registries(bridge.caches, bridge.quay, Wire())
    reconciler = Reconciler(bridge.caches, bridge.cluster, registries, bridge.moment.now)
    try:
        return repr(tuple(type(action).__name__ for action in reconciler.preview(namespace)))
    except QuaybridgeError as error:
        return error.reason


def misdeeds(scenario: Scenario, bridge: Bridge, logs: list[str]) -> list[str]:
    """What no fault excuses."""
    wrong = [f"a bug: {text}" for text in bridge.bugs]
    writes = (*bridge.quay.writes, *bridge.cluster.writes)
    wrong += sorted({f"{write.name} in {write.place}" for write in writes if write.place not in scenario.places})
    wrong += [f"image lost: {image}" for image in bridge.quay.lost if image[0] not in scenario.loses]
    if scenario.ends and SHOP in bridge.quay.organizations:
        wrong += sorted({f"{write.name} in a stranger's {SHOP}" for write in bridge.quay.writes})
    if STRANGERS not in bridge.quay.organizations:
        wrong.append("the stranger's organization is gone")
    told = (*logs, *bridge.raised, *map(repr, bridge.wire.raised), *map(repr, bridge.cluster.events))
    told = (*told, *(found.namespace.status for found in bridge.cluster.truth.namespaces.values()))
    kept = (repr(bridge.cluster.statuses), repr(bridge.controller.reconciler.beliefs), repr(bridge.controller.ledger.__dict__))
    wrong += [f"a token is shown: {text[:200]}" for text in (*told, *kept) if shown(text)]
    return wrong
