"""The collision report: which names would two different objects share? Pure; given what several clusters hold.

The rules are injective over clusterIDs and names, so what is left are the ways in which their input can be the same twice:

* two clusters with one clusterID on one Quay: each namespace of the same name is one organization for both;
* two integrations of one cluster with one clusterID, whose scopes overlap: the contested namespaces;
* an ImageStream or account whose name was cut for length, where so little of the digest is left that two of them meet.

The incumbent's own rule is reported beside it (``incumbent=True``) where it gives one name to objects that have different
ones here: ``Prod`` and ``prod`` are one to it. Who takes over from it wants to know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias, get_args

from attrs import field, frozen

from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.pull_secret import pull_secret_name
from quaybridge_sdk.mapping.repository import is_image_stream_name, repository_name
from quaybridge_sdk.mapping.robot import robot_name
from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.mapping.scope import scope
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.quay import QuayEndpoint

CollisionKind: TypeAlias = Literal["organization", "robot", "repository", "pull secret"]
_ORDER = {kind: position for position, kind in enumerate(get_args(CollisionKind))}
_USUAL_PORTS = {"https": ":443", "http": ":80"}


@frozen
class Inventory:
    """What one cluster holds.

    Attributes:
        cluster: any label that tells the cluster from the others.
        integrations: its QuayIntegrations.
        namespaces: each namespace, with the names of its ImageStreams.
        accounts: the service accounts that get a robot in each covered namespace.
    """

    cluster: str
    integrations: tuple[QuayIntegration, ...]
    namespaces: Mapping[str, frozenset[str]] = field(factory=dict)
    accounts: frozenset[str] = frozenset(DEFAULT_ROLES)


@frozen(order=True)
class Claim:
    """One object that wants a name. ``integration`` is the integration's key; ``object`` is the name of the namespace, service
    account or ImageStream.
    """

    cluster: str
    integration: str
    namespace: str
    object: str


@frozen
class Collision:
    """A name that several objects would share.

    Attributes:
        name: the organization, the full robot name, ``<organization>/<repository>``, or the Secret's name.
        where: the Quay's host, or for a pull secret the namespace.
        claimants: two or more, sorted.
        incumbent: the name is one of the Go operator's rule, and here the claimants do not all share one.
    """

    kind: CollisionKind
    name: str
    where: str
    claimants: tuple[Claim, ...]
    incumbent: bool = False


@frozen
class _Wish:
    """A claim, and the name that each of the two rules gives to it. ``scope`` is all that must be the same besides the name."""

    kind: CollisionKind
    scope: tuple[str, ...]
    ours: str
    incumbents: str
    claim: Claim


def collisions(inventories: Iterable[Inventory]) -> tuple[Collision, ...]:
    """Every name that two objects would share; ``()`` when the names are injective on the input.

    Sorted; the order of the input does not matter, and an inventory given twice counts once.

    Raises:
        InvalidNameError: a namespace or service account has a name that Kubernetes would refuse. An ImageStream whose name
            OpenShift would refuse has no repository, and is left out.
    """
    wishes = [wish for inventory in inventories for wish in _wishes(inventory)]
    found = (*_shared(wishes, incumbent=False), *_shared(wishes, incumbent=True))
    return tuple(sorted(found, key=lambda c: (c.incumbent, _ORDER[c.kind], c.where, c.name, c.claimants)))


def quay_of(endpoint: QuayEndpoint) -> str:
    """Tells one Quay from another: its host, without the scheme's usual port, in lower case. Different names of one Quay stay
    different.
    """
    scheme = endpoint.url.partition("://")[0]
    return endpoint.host.lower().removesuffix(_USUAL_PORTS.get(scheme, ""))


def _shared(wishes: Iterable[_Wish], *, incumbent: bool) -> Iterator[Collision]:
    """The collisions under one of the two rules; of the incumbent's, those that are none under ours."""
    groups: dict[tuple[CollisionKind, tuple[str, ...], str], list[_Wish]] = defaultdict(list)
    for wish in wishes:
        groups[wish.kind, wish.scope, wish.incumbents if incumbent else wish.ours].append(wish)
    for (kind, where, name), group in groups.items():
        claims = {wish.claim for wish in group}
        told_apart = len({wish.ours for wish in group}) > 1
        if len(claims) > 1 and told_apart == incumbent:
            yield Collision(kind, name, where[-1], tuple(sorted(claims)), incumbent)


def _wishes(inventory: Inventory) -> Iterator[_Wish]:
    for integration in inventory.integrations:
        for namespace, streams in inventory.namespaces.items():
            if scope(integration, namespace).covered:
                yield from _of_namespace(inventory, integration, namespace, streams)


def _of_namespace(inventory: Inventory, integration: QuayIntegration, namespace: str, streams: frozenset[str]) -> Iterator[_Wish]:
    """All names that one integration gives out for one namespace."""
    cluster, cluster_id = inventory.cluster, integration.cluster_id
    quay, here = (quay_of(integration.endpoint),), (cluster, namespace)

    def claim(name: str) -> Claim:
        return Claim(cluster, integration.key, namespace, name)

    ours, theirs = organization_name(cluster_id, namespace), f"{cluster_id.lower()}_{namespace}"
    yield _Wish("organization", quay, ours, theirs, claim(namespace))
    for account in inventory.accounts:
        yield _Wish("robot", quay, robot_name(ours, account), f"{theirs}+{account}", claim(account))
        secret = f"{account}-quay-{cluster_id}"
        yield _Wish("pull secret", here, pull_secret_name(account, cluster_id), secret, claim(account))
    for stream in filter(is_image_stream_name, streams):
        yield _Wish(
            "repository",
            quay,
            f"{ours}/{repository_name(integration.endpoint.host, ours, stream)}",
            f"{theirs}/{stream}",
            claim(stream),
        )
