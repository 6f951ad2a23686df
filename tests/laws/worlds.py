"""Worlds for the laws of the plan: what a namespace may look like on both sides, and a model of Quay and of the cluster.

The model is a second statement of the servers' measured behaviour, and shares nothing with :mod:`quaybridge_sdk.effects`: it
refuses what a real Quay refuses, so a plan in a wrong order fails here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta, timezone

from attrs import define, evolve, field, frozen
from hypothesis import strategies as st
from tests.laws.strategies import accounts, any_text, bare, cluster_ids, image_streams, namespaces

from quaybridge_sdk.mapping.desired import desired_state, settle
from quaybridge_sdk.mapping.ownership import incumbent_mark
from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.openshift import (
    APPLIED_ANNOTATION,
    FINALIZER,
    SEED_FINALIZER,
    Namespace,
    ServiceAccount,
)
from quaybridge_sdk.model.ownership import AdoptionPolicy
from quaybridge_sdk.model.quay import Organization, Prototype, Robot, Role, SecretText
from quaybridge_sdk.model.state import Absent, Applied, ClusterState, Desired, Observed, RegistryState

CLUSTER_UID = "11111111-2222-3333-4444-555555555555"
NAMESPACE_UID = "99999999-8888-7777-6666-555555555555"

zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC) | zones)
roles = st.sampled_from(Role)
role_tables: st.SearchStrategy[Mapping[str, Role]] = st.one_of(
    st.just(DEFAULT_ROLES), st.dictionaries(accounts, roles, max_size=4)
)


@define
class ModelQuay:
    """One organization of a Quay, as the facts have it. ``rights`` are robot -> repository -> role."""

    organization: Organization | None = None
    robots: dict[str, Robot] = field(factory=dict)
    rights: dict[str, dict[str, Role]] = field(factory=dict)
    prototypes: list[Prototype] = field(factory=list)
    repositories: set[str] = field(factory=set)
    described: dict[str, str] = field(factory=dict)
    serial: int = 0

    def observe(self, now: datetime | None, roles_of: Collection[str] = ()) -> RegistryState:
        """All four parts, as four calls would give them, and the roles of some robots, by one call for each."""
        if self.organization is None:
            return RegistryState(Absent.ABSENT, {}, (), frozenset(), now)
        robots = {name: evolve(robot, repositories=frozenset(self.rights.get(name, {}))) for name, robot in self.robots.items()}
        robots |= {n: evolve(r, roles=dict(self.rights.get(n, {}))) for n, r in robots.items() if n in roles_of}
        lists = (robots, tuple(self.prototypes), frozenset(self.repositories))
        return RegistryState(self.organization, *lists, now, described=dict(self.described))

    def apply(self, action: act.RegistryAction) -> Robot | Prototype | bool | None:
        """Carries the action out, or fails as Quay would."""
        if not isinstance(action, act.CreateOrganization):
            assert self.organization is not None, "400 or 500: no such organization"
            assert self.organization.name == action.organization
        match action:
            case act.CreateOrganization() | act.MarkOrganization() | act.DeleteOrganization():
                self._apply_to_organization(action)
            case act.CreateRobot() | act.RegenerateRobot() | act.DeleteRobot():
                return self._apply_to_robot(action)
            case act.CreateRepository():
                return self._create_repository(action)
            case act.DeleteRepository():
                self._delete_repository(action.repository)
            case act.SetRepositoryPermission(_, repository, robot, role):
                assert repository in self.repositories, "500: no such repository"
                assert robot in self.robots, "400: no such robot"
                self.rights.setdefault(robot, {})[repository] = role
            case act.CreatePrototype(_, robot, role):
                assert robot in self.robots, "400: no such robot"
                self.serial += 1
                self.prototypes.append(Prototype(f"new-{self.serial}", robot, role))
                return self.prototypes[-1]
            case act.UpdatePrototype(_, prototype, role):
                found = self._prototype(prototype)
                self.prototypes[found] = evolve(self.prototypes[found], role=role)
            case act.DeletePrototype(_, prototype):
                del self.prototypes[self._prototype(prototype)]
        return None

    def _apply_to_organization(self, action: act.CreateOrganization | act.MarkOrganization | act.DeleteOrganization) -> None:
        if isinstance(action, act.DeleteOrganization):
            self.__init__()  # type: ignore[misc] # all that is in it goes with it
            return
        assert isinstance(action, act.MarkOrganization) or self.organization is None, "400: exists"
        self.organization = Organization(action.organization, action.email)

    def _apply_to_robot(self, action: act.RobotAction) -> Robot | None:
        self.serial += 1
        name, token = action.robot, SecretText(f"token-{self.serial}")
        if isinstance(action, act.CreateRobot):
            return self.robots.setdefault(name, Robot(name, action.description, token))
        assert name in self.robots, "400: no such robot"
        if isinstance(action, act.RegenerateRobot):
            self.robots[name] = evolve(self.robots[name], token=token)
            return self.robots[name]
        del self.robots[name]
        self.rights.pop(name, None)
        self.prototypes = [prototype for prototype in self.prototypes if prototype.delegate != name]
        return None

    def _create_repository(self, action: act.CreateRepository) -> bool:
        name = action.repository
        if name in self.repositories:
            return False
        self.repositories.add(name)
        self.described |= {name: action.description} if action.description else {}
        for prototype in self.prototypes:
            if prototype.activating_user is None:
                self.rights.setdefault(prototype.delegate, {})[name] = prototype.role
        return True

    def _delete_repository(self, name: str) -> None:
        self.repositories.discard(name)
        self.described.pop(name, None)
        for rights in self.rights.values():
            rights.pop(name, None)

    def _prototype(self, prototype: Prototype) -> int:
        assert prototype.id, "an update without an id goes to nobody"
        return [found.id for found in self.prototypes].index(prototype.id)


@define
class ModelCluster:
    """The cluster's side, as the ports promise to write it."""

    state: ClusterState

    def apply(self, action: act.ClusterAction) -> None:
        namespace = self.state.namespace
        assert action.namespace == namespace.name
        match action:
            case act.AddFinalizer():
                kept = tuple(name for name in namespace.finalizers if name != FINALIZER)
                written = {**namespace.annotations, "quaybridge.io/finalizer": "true"}
                namespace = evolve(namespace, finalizers=(*kept, FINALIZER), annotations=written)
            case act.RemoveFinalizer():
                rest = tuple(f for f in namespace.finalizers if f not in (FINALIZER, SEED_FINALIZER))
                namespace = evolve(namespace, finalizers=rest)
            case act.WritePullSecret(_, name, content):
                self.state = evolve(self.state, pull_secrets={**self.state.pull_secrets, name: content.fingerprint()})
            case act.LinkPullSecret(_, account, secret):
                assert secret in self.state.pull_secrets, "a link to nothing would be taken for a provisioned account"
                self._link(account, secret)
            case act.RecordApplied(_, applied, status):
                written = {APPLIED_ANNOTATION: applied.dumps()}
                namespace = evolve(namespace, annotations={**namespace.annotations, **written}, status=status)
        self.state = evolve(self.state, namespace=namespace)

    def _link(self, account: str, secret: str) -> None:
        lists = [list(self.state.accounts[account].secrets), list(self.state.accounts[account].image_pull_secrets)]
        for entries in lists:
            if secret not in entries:
                entries.append(secret)
        linked = ServiceAccount(account, tuple(lists[0]), tuple(lists[1]))
        self.state = evolve(self.state, accounts={**self.state.accounts, account: linked})


@define
class World:
    """Both sides of a namespace, and what is wanted for it."""

    cluster: ModelCluster
    quay: ModelQuay
    wishes: Desired

    def observed(self, now: datetime | None, roles_of: Collection[str] = ()) -> Observed:
        return Observed(self.cluster.state, self.quay.observe(now, roles_of))

    def settled(self, registry: RegistryState) -> Desired:
        return settle(self.wishes, Observed(self.cluster.state, registry))

    def apply(self, action: act.Action) -> Robot | Prototype | bool | None:
        if isinstance(action, act.RegistryAction):
            return self.quay.apply(action)
        self.cluster.apply(action)
        return None


masks = st.integers(0, 2**12 - 1)
"""Subsets are drawn as bits: strategies that are made anew for each world would take most of the time."""
RECORDS = ("right", "right", "absent", "cut", "null", "[]", "{", '{"checked":"2024-01-01T00:00:00"}')
registries = st.sampled_from(["all", "all", "place", "other", ""])
record_kinds = st.sampled_from(RECORDS)
secret_kinds = st.sampled_from(["right", "right", "none", "wrong", "more"])


def subset(mask: int, items: list[str]) -> list[str]:
    return [item for position, item in enumerate(items) if mask >> position & 1]


@st.composite
def applied_records(draw: st.DrawFn, desired: Desired, found: Mapping[str, str]) -> str | None:
    """The annotation: absent, spoilt, of another state, or right."""
    registry = {"all": desired.fingerprint, "place": desired.place + "-0"}
    right = {robot.secret: found.get(robot.secret, "0") for robot in desired.robots}
    secrets = {"right": right, "none": {}, "wrong": dict.fromkeys(right, "1"), "more": {**right, "stranger": "2"}}
    kind, written = draw(registries), secrets[draw(secret_kinds)]
    record = Applied(registry.get(kind, kind), written, draw(moments)).dumps()
    found_there = draw(record_kinds)
    return {"right": record, "cut": record[:-1], "absent": None}.get(found_there, found_there)


@st.composite
def clusters(draw: st.DrawFn, desired: Desired, name: str, streams: frozenset[str], *, terminating: bool = False) -> ClusterState:
    """The cluster's side: accounts that are missing, half linked or shared with others, Secrets that are missing or wrong."""
    secrets = [robot.secret for robot in desired.robots]
    entries = ["mine", "builder-dockercfg-x", *secrets]
    present = subset(draw(masks), ["stranger", *(robot.account for robot in desired.robots)])
    kept = dict.fromkeys(subset(draw(masks), ["foreign", *secrets]), "spoilt")
    record = draw(applied_records(desired, kept))
    annotations = {"openshift.io/display-name": "x"} | ({} if record is None else {APPLIED_ANNOTATION: record})
    finalizers = tuple(subset(draw(masks), [FINALIZER, SEED_FINALIZER, "other/one"]))
    namespace = Namespace(name, NAMESPACE_UID, terminating, finalizers, annotations)
    lists = {account: (tuple(subset(draw(masks), entries)), tuple(subset(draw(masks), entries))) for account in present}
    return ClusterState(namespace, {a: ServiceAccount(a, *both) for a, both in lists.items()}, kept, streams)


default_permissions = st.lists(st.tuples(st.integers(0, 5), roles, st.sampled_from([None, None, "somebody"])), max_size=5)
marks = st.sampled_from(["ours", "incumbent"])
tokens = st.sampled_from("ABC")


@st.composite
def quays(draw: st.DrawFn, desired: Desired) -> ModelQuay:
    """Quay's side: nothing yet, half of it, all of it, too much of it, and strangers' things in it."""
    if not draw(st.booleans()):
        return ModelQuay()
    emails = {"ours": desired.email, "incumbent": incumbent_mark(desired.organization)}
    quay = ModelQuay(Organization(desired.organization, emails[draw(marks)]))
    stranger = f"{desired.organization}+stranger"
    quay.repositories = set(subset(draw(masks), ["theirs", *sorted(desired.repositories)]))
    for name in subset(draw(masks), [stranger, *(robot.name for robot in desired.robots)]):
        quay.robots[name] = Robot(name, "made before", SecretText(draw(tokens)))
        quay.rights[name] = dict.fromkeys(subset(draw(masks), sorted(quay.repositories)), draw(roles))
    delegates = sorted(quay.robots) or [stranger]
    for number, (index, role, creator) in enumerate(draw(default_permissions)):
        quay.prototypes.append(Prototype(f"id-{number}", delegates[index % len(delegates)], role, creator))
    return quay


usual_streams = st.sampled_from([frozenset[str](), frozenset({"app"}), frozenset({"app", "db"})])
other_streams = st.frozensets(st.one_of(image_streams, st.just("Not An ImageStream")), max_size=2)


@st.composite
def worlds(draw: st.DrawFn, *, terminating: bool = False) -> World:
    """A namespace, an integration, and both sides in any state in which the organization, when it is there, is ours."""
    integration = evolve(bare(cluster_id=draw(cluster_ids)), adoption_policy=AdoptionPolicy.ALWAYS)
    name = draw(namespaces)
    streams = draw(usual_streams) | draw(other_streams)
    empty = ClusterState(Namespace(name, NAMESPACE_UID), image_streams=streams)
    desired = desired_state(integration, empty, CLUSTER_UID, draw(role_tables))
    cluster = draw(clusters(desired, name, streams, terminating=terminating))
    return World(ModelCluster(cluster), draw(quays(desired)), desired)


emails = st.sampled_from(["ours", "ours", "incumbent", "", "admin@example.com"]) | any_text
organization_kinds = st.sampled_from(["unknown", "unknown", "absent", "there"])
hidden_parts = st.sampled_from([0, 0, 0, 0, 1, 2, 4, 3, 7])
"""Bits: robots, default permissions, repositories. Mostly all are known, or little would ever be planned."""


@st.composite
def believed_registries(draw: st.DrawFn, desired: Desired) -> RegistryState:
    """Any RegistryState, also such as no Quay could give: parts unknown, parts that contradict each other."""
    quay, moment, looked = draw(quays(desired)), draw(st.none() | moments), draw(masks)
    full = quay.observe(moment, subset(looked, sorted(quay.robots)))
    email = draw(emails)
    email = {"ours": desired.email, "incumbent": incumbent_mark(desired.organization)}.get(email, email)
    there = Organization(desired.organization, email)
    named, known, held = draw(masks), draw(masks), draw(masks)
    prototypes = (evolve(p, id=p.id if n or named & 1 else "") for n, p in enumerate(full.prototypes or ()))
    robots = {
        name: evolve(r, token=r.token if held >> n & 1 else None, repositories=r.repositories if known >> n & 1 else None)
        for n, (name, r) in enumerate((full.robots or {}).items())
    }
    hidden = draw(hidden_parts)
    return RegistryState(
        organization={"unknown": None, "absent": Absent.ABSENT, "there": there}[draw(organization_kinds)],
        robots=None if hidden & 1 else robots,
        prototypes=None if hidden & 2 else tuple(prototypes),
        repositories=None if hidden & 4 else full.repositories,
        complete_at=full.complete_at,
    )


rarely = st.sampled_from([False, False, False, True])


@frozen
class Situation:
    """Arguments of ``plan``, of any kind."""

    observed: Observed
    desired: Desired


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Anything that ``plan`` could be asked: beliefs of every kind, settled or not."""
    world = draw(worlds(terminating=draw(rarely)))
    registry = draw(believed_registries(world.wishes))
    desired = world.wishes if draw(rarely) else world.settled(registry)
    return Situation(Observed(world.cluster.state, registry), desired)
