"""The registry ports, held against every Quay we have: recordings of a real one, the embedded one, and a live one.

One suite for all: what a test relies on in the embedded Quay is thereby shown on a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import httpx
import pytest
from tests.contract.quay_backends import LIVE_TOKEN, LIVE_URL, RECORD, Backend, embedded, live, recorded

from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.errors import (
    AlreadyExistsError,
    InvalidNameError,
    NameNotFreeError,
    NotFoundError,
    RequestRefusedError,
    TokenInvalidError,
)
from quaybridge_sdk.model.quay import Organization, Prototype, Repository, Robot, Role, SecretText
from quaybridge_sdk.ports import Registry
from quaybridge_sdk.testing.registry_client import RegistryError, push_image

MAIL = "e8f0@c1.quaybridge.invalid"
ROBOT = "/api/v1/organization/{organization}/robots/{robot}"


IF_LIVE = pytest.param("live", marks=pytest.mark.skipif(not (LIVE_URL and LIVE_TOKEN), reason="no live Quay given"))


@pytest.fixture(params=["recorded", "embedded", IF_LIVE])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    test = str(request.node.originalname).removeprefix("test_")
    backends: dict[str, Callable[[], AbstractContextManager[Backend]]] = {
        "recorded": lambda: recorded(test),
        "embedded": embedded,
        "live": lambda: live(test, record=RECORD),
    }
    with backends[request.param]() as found:
        yield found


@pytest.fixture(params=["embedded", IF_LIVE])
def served(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """A Quay that really runs: for what no recording can hold, because its calls have no order or are too many."""
    with embedded() if request.param == "embedded" else live("", record=False) as found:
        yield found


@pytest.fixture
def registry(backend: Backend) -> Iterator[QuayRegistry]:
    with backend.registry() as opened:
        yield opened


@pytest.fixture
def organization(backend: Backend, registry: QuayRegistry, request: pytest.FixtureRequest) -> str:
    name = backend.name("org")
    registry.create_organization(name, MAIL)
    backend.calls.clear()
    return name


def test_is_a_registry(registry: QuayRegistry) -> None:
    port: Registry = registry  # held by mypy
    assert port is registry


def test_organization_life(backend: Backend, registry: QuayRegistry) -> None:
    name = backend.name("life")
    assert registry.organization(name) is None
    registry.create_organization(name, MAIL)
    assert registry.organization(name) == Organization(name, MAIL)
    registry.delete_organization(name)
    assert registry.organization(name) is None
    registry.delete_organization(name)
    assert [call.partition(" ")[0] for call in backend.calls] == ["GET", "POST", "GET", *["DELETE", "GET"] * 2]


def test_creating_our_own_organization_again_is_success(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    registry.create_organization(organization, MAIL)
    assert len(backend.calls) == 2


def test_an_organization_of_somebody_else(registry: QuayRegistry, organization: str) -> None:
    with pytest.raises(AlreadyExistsError, match=organization):
        registry.create_organization(organization, "other@c1.quaybridge.invalid")


def test_a_user_has_the_name(registry: QuayRegistry) -> None:
    with pytest.raises(AlreadyExistsError, match="already exists"):
        registry.create_organization("admin", MAIL)


def test_a_deleted_organization_holds_its_name(registry: QuayRegistry, organization: str) -> None:
    registry.delete_organization(organization)
    with pytest.raises(NameNotFreeError, match="not available"):
        registry.create_organization(organization, MAIL)


def test_a_name_that_quay_refuses(registry: QuayRegistry) -> None:
    with pytest.raises(RequestRefusedError, match="must match expression"):
        registry.create_organization("qbc--refused", MAIL)


def test_a_name_that_never_leaves(backend: Backend, registry: QuayRegistry) -> None:
    with pytest.raises(InvalidNameError):
        registry.delete_organization("..")
    assert backend.calls == []


def test_robots(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    made = registry.create_robot(organization, "builder", "made by a test")
    again = registry.create_robot(organization, "builder", "another text")
    assert made.name == f"{organization}+builder"
    assert made.token
    assert (again.token, again.description) == (made.token, "made by a test")
    backend.calls.clear()
    robots = registry.robots(organization)
    assert robots is not None
    assert {name: (robot.token, robot.description, robot.repositories) for name, robot in robots.items()} == {
        made.name: (made.token, "made by a test", frozenset())
    }
    assert backend.calls == ["GET /api/v1/organization/{organization}/robots 200"]


def test_no_robots(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    assert registry.robots(organization) == {}
    assert registry.robots(backend.name("nowhere")) is None


def test_a_robot_of_no_organization(backend: Backend, registry: QuayRegistry) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        registry.create_robot(backend.name("nowhere"), "builder", "")


def test_a_robot_that_quay_refuses(registry: QuayRegistry, organization: str) -> None:
    with pytest.raises(RequestRefusedError, match="invalid"):
        registry.create_robot(organization, "my--robot", "")


def test_prototypes(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    robot = registry.create_robot(organization, "default", "").name
    backend.calls.clear()
    made = registry.create_prototype(organization, robot, Role.READ)
    assert made == Prototype(made.id, robot, Role.READ)
    assert registry.prototypes(organization) == (made,)
    registry.update_prototype(organization, made.id, Role.WRITE)
    assert registry.prototypes(organization) == (Prototype(made.id, robot, Role.WRITE),)
    registry.delete_prototype(organization, made.id)
    assert registry.prototypes(organization) == ()
    registry.delete_prototype(organization, made.id)
    assert len(backend.calls) == 8


def test_prototypes_come_sorted(registry: QuayRegistry, organization: str) -> None:
    robots = [registry.create_robot(organization, name, "").name for name in ("builder", "default", "deployer")]
    made = [registry.create_prototype(organization, robot, Role.READ) for robot in robots]
    assert registry.prototypes(organization) == tuple(sorted(made, key=lambda prototype: prototype.id))


def test_prototypes_of_what_is_not_there(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    with pytest.raises(NotFoundError):
        registry.prototypes(backend.name("nowhere"))
    with pytest.raises(NotFoundError, match="Missing delegate"):
        registry.create_prototype(organization, f"{organization}+nobody", Role.READ)
    with pytest.raises(NotFoundError):
        registry.update_prototype(organization, "00000000-0000-0000-0000-000000000000", Role.READ)


def test_repositories(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    assert registry.create_repository(organization, "app") is True
    assert registry.create_repository(organization, "my.other-app") is True
    backend.calls.clear()
    assert set(registry.repositories(organization)) == {"app", "my.other-app"}
    assert len(backend.calls) == 1
    assert registry.create_repository(organization, "app") is False


def test_no_repositories(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    assert set(registry.repositories(organization)) == set()
    assert len(backend.calls) == 2, "nothing had proved the token, so the robots were listed"
    assert set(registry.repositories(organization)) == set()
    assert len(backend.calls) == 3, "now something had"


def test_a_repository_of_no_organization(backend: Backend, registry: QuayRegistry) -> None:
    with pytest.raises(NotFoundError, match="no organization"):
        registry.create_repository(backend.name("nowhere"), "app")


def test_a_repository_that_quay_refuses(registry: QuayRegistry, organization: str) -> None:
    with pytest.raises(RequestRefusedError, match="Invalid repository name"):
        registry.create_repository(organization, "Capitals")


def test_default_permissions_reach_new_repositories_only(registry: QuayRegistry, organization: str) -> None:
    robot = registry.create_robot(organization, "default", "").name
    registry.create_repository(organization, "before")
    registry.create_prototype(organization, robot, Role.READ)
    registry.create_repository(organization, "after")
    assert _repositories(registry, organization, robot) == frozenset({"after"})
    registry.set_repository_permission(organization, "before", robot, Role.READ)
    assert _repositories(registry, organization, robot) == frozenset({"before", "after"})


def _repositories(registry: QuayRegistry, organization: str, robot: str) -> frozenset[str] | None:
    return (registry.robots(organization) or {})[robot].repositories


def test_repository_permissions(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    robot = registry.create_robot(organization, "builder", "").name
    registry.create_repository(organization, "app")
    backend.calls.clear()
    registry.set_repository_permission(organization, "app", robot, Role.READ)
    registry.set_repository_permission(organization, "app", robot, Role.WRITE)
    assert len(backend.calls) == 2
    with pytest.raises(NotFoundError, match="no repository"):
        registry.set_repository_permission(organization, "missing", robot, Role.READ)
    with pytest.raises(NotFoundError, match="Invalid username"):
        registry.set_repository_permission(organization, "app", f"{organization}+nobody", Role.READ)


def test_the_roles_of_a_robot(backend: Backend) -> None:
    name = backend.name("roles")
    with backend.registry() as registry:
        registry.create_organization(name, MAIL)
        robot = registry.create_robot(name, "builder", "").name
        assert registry.robot_roles(name, "builder") == {}
        for repository, role in (("app", Role.WRITE), ("db", Role.READ)):
            registry.create_repository(name, repository)
            registry.set_repository_permission(name, repository, robot, role)
        backend.calls.clear()
        assert registry.robot_roles(name, "builder") == {"app": Role.WRITE, "db": Role.READ}
        assert len(backend.calls) == 1
        for organization in (name, backend.name("nowhere")):
            with pytest.raises(NotFoundError):
                registry.robot_roles(organization, "nobody")


def test_marks(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    registry.mark_organization(organization, "other@c1.quaybridge.invalid")
    assert registry.organization(organization) == Organization(organization, "other@c1.quaybridge.invalid")
    assert len(backend.calls) == 2
    with pytest.raises(NotFoundError):
        registry.mark_organization(backend.name("nowhere"), MAIL)


def test_a_deleted_robot_takes_its_rights_along(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    old = registry.create_robot(organization, "builder", "text")
    registry.create_repository(organization, "app")
    registry.set_repository_permission(organization, "app", old.name, Role.WRITE)
    registry.create_prototype(organization, old.name, Role.WRITE)
    backend.calls.clear()
    registry.delete_robot(organization, "builder")
    registry.delete_robot(organization, "builder")
    registry.delete_robot(backend.name("nowhere"), "builder")
    assert backend.calls == [f"DELETE {ROBOT} 204", *[f"DELETE {ROBOT} 400", f"GET {ROBOT} 400"] * 2]
    assert registry.robots(organization) == {}
    assert registry.prototypes(organization) == ()
    registry.create_robot(organization, "builder", "text")
    assert _repositories(registry, organization, old.name) == frozenset()


def test_a_robot_gets_a_new_token(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    old = registry.create_robot(organization, "builder", "text")
    backend.calls.clear()
    new = registry.regenerate_robot(organization, "builder")
    assert (new.name, new.description) == (old.name, "text")
    assert new.token
    assert (new.token != old.token) is backend.shows_tokens
    assert len(backend.calls) == 1
    assert (registry.robots(organization) or {})[new.name].token == new.token
    with pytest.raises(NotFoundError):
        registry.regenerate_robot(organization, "nobody")


def test_deleted_repositories(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    robot = registry.create_robot(organization, "builder", "").name
    for name in ("app", "other"):
        registry.create_repository(organization, name)
        registry.set_repository_permission(organization, name, robot, Role.READ)
    backend.calls.clear()
    registry.delete_repository(organization, "app")
    registry.delete_repository(organization, "app")
    assert len(backend.calls) == 2
    assert set(registry.repositories(organization)) == {"other"}
    assert (_repositories(registry, organization, robot) or set()) & {"app", "other"} == {"other"}
    registry.delete_repository(backend.name("nowhere"), "app")
    assert [call.rpartition(" ")[2] for call in backend.calls[-2:]] == ["500", "404"], "the 500 was looked into"
    assert registry.create_repository(organization, "app") is True, "the name is free at once"
    assert (_repositories(registry, organization, robot) or set()) & {"app", "other"} == {"other"}


def test_states(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    for name in ("b", "a"):
        registry.create_repository(organization, name)
    backend.calls.clear()
    assert registry.repository_states(organization) == (Repository("a"), Repository("b"))
    assert len(backend.calls) == 1
    if not registry.set_repository_state(organization, "a", read_only=True):
        pytest.skip("this live Quay has no states")
    assert registry.repository_states(organization) == (Repository("a", read_only=True), Repository("b"))
    assert registry.set_repository_state(organization, "a", read_only=False) is True
    assert registry.repository_states(organization) == (Repository("a"), Repository("b"))
    assert len(backend.calls) == 5
    with pytest.raises(NotFoundError):
        registry.set_repository_state(organization, "missing", read_only=True)


def test_a_quay_without_states(backend: Backend, registry: QuayRegistry, organization: str) -> None:
    backend.drop_states()
    registry.create_repository(organization, "app")
    backend.calls.clear()
    if registry.set_repository_state(organization, "app", read_only=True):
        pytest.skip("this live Quay has states")
    assert registry.set_repository_state(organization, "missing", read_only=True) is False
    assert len(backend.calls) == 2
    assert registry.repository_states(organization) == (Repository("app"),)


def test_a_push_is_seen_and_can_be_stopped(served: Backend) -> None:
    name = served.name("push")
    with served.registry() as registry:
        registry.create_organization(name, MAIL)
        robot = registry.create_robot(name, "builder", "")
        registry.create_repository(name, "app")
        registry.set_repository_permission(name, "app", robot.name, Role.WRITE)
        assert robot.token

        def push(tag: str) -> None:
            push_image(served.endpoint.url, f"{name}/app", tag, robot.name, (robot.token or SecretText("")).reveal(), b"layer")

        push("v1")
        assert registry.repository_states(name) == (Repository("app", empty=False),)
        if not registry.set_repository_state(name, "app", read_only=True):
            pytest.skip("this live Quay has no states")
        with pytest.raises(RegistryError, match="UNAUTHORIZED"):
            push("v2")
        registry.set_repository_state(name, "app", read_only=False)
        push("v2")


def test_a_login_outlives_the_end_of_pushes(served: Backend) -> None:
    """Quay asks for a repository's state at the login only, so the bridge must not take read-only for at once."""
    name = served.name("login")
    with served.registry() as registry:
        registry.create_organization(name, MAIL)
        robot = registry.create_robot(name, "builder", "")
        registry.create_repository(name, "app")
        registry.set_repository_permission(name, "app", robot.name, Role.WRITE)
        credentials = (robot.name, (robot.token or SecretText("")).reveal())
        challenge = httpx.get(f"{served.endpoint.url}/v2/").headers["WWW-Authenticate"]
        scope = {"scope": f"repository:{name}/app:pull,push", "service": challenge.partition('service="')[2].partition('"')[0]}
        login = httpx.get(f"{served.endpoint.url}/v2/auth", params=scope, auth=credentials)
        if not registry.set_repository_state(name, "app", read_only=True):
            pytest.skip("this live Quay has no states")
        headers = {"Authorization": f"Bearer {login.json()['token']}"}
        start = httpx.post(f"{served.endpoint.url}/v2/{name}/app/blobs/uploads/", headers=headers)
        assert start.status_code == 202


def test_owners_need_no_superuser_to_find_things_gone(served: Backend) -> None:
    """To an owner's token Quay forbids deletions in an organization that is gone, which must not hold up a namespace."""
    name = served.name("owner")
    with served.registry() as registry, served.registry(served.owner_token()) as owner:
        registry.create_organization(name, MAIL)
        registry.delete_organization(name)
        served.calls.clear()
        owner.delete_repository(name, "app")
        owner.delete_robot(name, "builder")
        owner.delete_organization(name)
        assert [call.rpartition(" ")[2] for call in served.calls] == ["403", "404"] * 3


def test_token(backend: Backend, registry: QuayRegistry) -> None:
    assert registry.check_token() == "admin"
    assert registry.superuser() is True
    with backend.registry("garbage-token") as stranger:
        assert stranger.check_token() is None


READS: list[Callable[[QuayRegistry, str], object]] = [
    lambda r, o: r.organization(o),
    lambda r, o: r.robots(o),
    lambda r, o: r.prototypes(o),
    lambda r, o: r.repositories(o),
    lambda r, o: r.repository_states(o),
    lambda r, o: r.superuser(),
]
WRITES: list[Callable[[QuayRegistry, str], object]] = [
    lambda r, o: r.create_organization(o + "-x", MAIL),
    lambda r, o: r.create_robot(o, "builder", ""),
    lambda r, o: r.create_prototype(o, f"{o}+builder", Role.READ),
    lambda r, o: r.update_prototype(o, "00000000-0000-0000-0000-000000000000", Role.READ),
    lambda r, o: r.delete_prototype(o, "00000000-0000-0000-0000-000000000000"),
    lambda r, o: r.create_repository(o, "app"),
    lambda r, o: r.set_repository_permission(o, "app", f"{o}+builder", Role.READ),
    lambda r, o: r.delete_organization(o),
    lambda r, o: r.mark_organization(o, MAIL),
    lambda r, o: r.delete_robot(o, "builder"),
    lambda r, o: r.regenerate_robot(o, "builder"),
    lambda r, o: r.delete_repository(o, "app"),
    lambda r, o: r.set_repository_state(o, "app", read_only=True),
]


def test_an_invalid_token_reads_like_nothing_and_is_found_out(backend: Backend, organization: str) -> None:
    with backend.registry("garbage-token") as stranger:
        for call in (*READS, *WRITES):
            with pytest.raises(TokenInvalidError, match="wrong, expired or revoked"):
                call(stranger, organization)


CREATORS = 6


def test_racing_creators_all_succeed(served: Backend) -> None:
    """What Quay answers here: one success, else 400 with its own words or its database's, and now and then 500."""
    name = served.name("race")
    with served.registry() as registry, ThreadPoolExecutor(CREATORS) as pool:

        def race(call: Callable[[], object]) -> list[object]:
            return [future.result() for future in [pool.submit(call) for _ in range(CREATORS)]]

        race(lambda: registry.create_organization(name, MAIL))
        assert registry.organization(name) == Organization(name, MAIL)
        robots = race(lambda: registry.create_robot(name, "builder", "text"))
        assert len({str(robot.token and robot.token.fingerprint()) for robot in robots if isinstance(robot, Robot)}) == 1
        assert True in race(lambda: registry.create_repository(name, "app"))
        race(lambda: registry.set_repository_permission(name, "app", f"{name}+builder", Role.WRITE))
        assert _repositories(registry, name, f"{name}+builder") == frozenset({"app"})
        race(lambda: registry.delete_organization(name))
        assert registry.organization(name) is None


def test_more_than_a_page_of_repositories(served: Backend) -> None:
    name = served.name("pages")
    wanted = {f"app-{number}" for number in range(101)}
    with served.registry() as registry, ThreadPoolExecutor(8) as pool:
        registry.create_organization(name, MAIL)
        assert all(pool.map(lambda repository: registry.create_repository(name, repository), sorted(wanted)))
        served.calls.clear()
        assert set(registry.repositories(name)) == wanted
        assert served.calls == ["GET /api/v1/repository 200"] * 2
