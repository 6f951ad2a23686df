"""What reading concludes, and what it does not: an absence or an emptiness counts only next to a proven token."""

from __future__ import annotations

import httpx
import pytest
from tests.adapters.quay.support import Clock, answer, calls, page, recorded, recorded_request, registry_of, scripted

from quaybridge_sdk.adapters.quay.proofs import VALID_FOR
from quaybridge_sdk.errors import (
    ForbiddenError,
    InvalidNameError,
    NotFoundError,
    ServerFaultError,
    TokenInvalidError,
)
from quaybridge_sdk.model.quay import Organization, Prototype, Repository, Role
from quaybridge_sdk.testing.quay import EmbeddedQuay

ORG = "openshift_vcr-organization"
VALID_BUT_STRANGE = ("robots", 18)  # 403: a good token of somebody without rights here
ANONYMOUS = ("robots", 19)  # 401: no good token
ROBOT = answer(200, {"robots": [{"name": "shop+builder", "token": "T", "repositories": []}]})


def repositories(*names: str, private: bool = True, more: str | None = None) -> httpx.Response:
    rows = [{"namespace": "shop", "name": name, "is_public": not private, "description": None} for name in names]
    return answer(200, {"repositories": rows} | ({"next_page": more} if more else {}))


# -- organization


def test_an_organization_as_its_administrator_sees_it() -> None:
    registry, script = scripted(recorded("organization", 3))
    assert registry.organization(ORG) == Organization(ORG, f"{ORG}@example.com")
    assert script.lines == [f"GET /api/v1/organization/{ORG}"]


def test_none_is_quays_own_word() -> None:
    registry, script = scripted(recorded("organization", 0))
    assert registry.organization(ORG) is None
    assert len(script.lines) == 1


@pytest.mark.parametrize("response", [page(404), answer(404, {"message": "no Route matched"}), recorded("errors", 2)])
def test_a_404_of_something_else_is_no_absence(response: httpx.Response) -> None:
    registry, _ = scripted(response)
    with pytest.raises(ServerFaultError):
        registry.organization(ORG)


def test_a_stranger_sees_no_mail() -> None:
    registry, script = scripted(recorded("organization", 4), recorded(*VALID_BUT_STRANGE))
    assert registry.organization(ORG) == Organization(ORG, "", administered=False)
    assert script.lines[1] == f"GET /api/v1/organization/{ORG}/robots?token=false&limit=1"


def test_an_expired_token_is_not_taken_for_a_stranger() -> None:
    """Else the organization would look like somebody else's, and be left behind when its namespace goes."""
    registry, _ = scripted(recorded("organization", 6), recorded(*ANONYMOUS))
    with pytest.raises(TokenInvalidError):
        registry.organization(ORG)


def test_a_member_who_is_no_administrator_is_asked_once() -> None:
    robots = answer(200, {"robots": []})
    registry, script = scripted(recorded("organization", 4), robots, recorded("organization", 4))
    registry.organization(ORG)
    registry.organization(ORG)
    assert len(script.lines) == 3


# -- robots


def test_robots_come_with_tokens_and_repositories() -> None:
    rows = [
        {"name": "shop+builder", "token": "T1", "description": None, "repositories": ["app", "api"], "teams": []},
        {"name": "shop+default", "token": "T2", "description": "text", "repositories": [], "teams": [{"name": "x"}]},
    ]
    registry, script = scripted(answer(200, {"robots": rows}))
    robots = registry.robots("shop")
    assert robots is not None
    assert [(r.name, r.description, r.token and r.token.reveal(), r.repositories) for r in robots.values()] == [
        ("shop+builder", "", "T1", {"app", "api"}),
        ("shop+default", "text", "T2", frozenset()),
    ]
    assert list(robots) == ["shop+builder", "shop+default"]
    assert script.lines == ["GET /api/v1/organization/shop/robots?permissions=true"]


def test_an_empty_list_of_robots_is_also_that_of_no_organization() -> None:
    registry, script = scripted(recorded("robots", 15), recorded("organization", 0))
    assert registry.robots("shop") is None
    assert len(script.lines) == 2


def test_an_organization_without_robots() -> None:
    registry, _ = scripted(recorded("robots", 1), recorded("organization", 3))
    assert registry.robots("shop") == {}


def test_hidden_tokens_are_no_robots_without_tokens(quay: EmbeddedQuay) -> None:
    """A token of scope repo:create lists robots, but Quay shows it none of theirs: no pull secret could be written."""
    with registry_of(quay) as registry:
        registry.create_organization("shop", "a@b.cc")
        registry.create_robot("shop", "builder", "")
    narrow = quay.issue_token(scopes={"repo:create"})
    with registry_of(quay, token=narrow) as registry, pytest.raises(ForbiddenError, match="org:admin"):
        registry.robots("shop")


# -- roles


def test_recorded_roles_of_a_robot() -> None:
    name = "openshift_vcr-permissions"
    registry, script = scripted(recorded("permissions", 10), recorded("robots", 23))
    assert registry.robot_roles(name, "builder") == {"app": Role.WRITE}
    method, path = recorded_request("permissions", 10)
    assert script.lines == [f"{method} {path}"]
    assert registry.robot_roles(name, "builder") == {}


@pytest.mark.parametrize("index", [2, 16])
def test_the_roles_of_no_robot_or_of_one_of_no_organization(index: int) -> None:
    """Quay looks the robot up as when it is read itself, whose answers these are: 400, not 404."""
    registry, _ = scripted(recorded("robots", index))
    with pytest.raises(NotFoundError):
        registry.robot_roles("shop", "builder")


def test_a_role_of_which_nothing_is_known_is_left_out() -> None:
    rows = [{"repository": {"name": name, "is_public": False}, "role": role} for name, role in (("app", "owner"), ("db", "read"))]
    registry, _ = scripted(answer(200, {"permissions": rows}))
    assert registry.robot_roles("shop", "builder") == {"db": Role.READ}


@pytest.mark.parametrize("row", [{"role": "read"}, {"repository": {"name": None}, "role": "read"}, {"repository": {"name": "a"}}])
def test_a_permission_that_is_none_concludes_nothing(row: dict[str, object]) -> None:
    registry, _ = scripted(answer(200, {"permissions": [row]}))
    with pytest.raises(ServerFaultError, match="not as documented"):
        registry.robot_roles("shop", "builder")


@pytest.mark.parametrize("scopes", [{"user:admin"}, {"org:admin"}, {"super:user"}])
def test_the_roles_of_a_robot_need_user_admin_and_its_organization(quay: EmbeddedQuay, scopes: set[str]) -> None:
    with registry_of(quay) as registry:
        registry.create_organization("shop", "a@b.cc")
        registry.create_robot("shop", "builder", "")
        assert registry.robot_roles("shop", "builder") == {}
        with pytest.raises(NotFoundError):
            registry.robot_roles("shop", "nobody")
        with pytest.raises(NotFoundError):
            registry.robot_roles("nowhere", "builder")
    with registry_of(quay, token=quay.issue_token(scopes=scopes)) as registry, pytest.raises(ForbiddenError, match="user:admin"):
        registry.robot_roles("shop", "builder")


# -- prototypes


def test_prototypes_are_sorted_and_keep_their_creator() -> None:
    rows = [
        {"id": "2", "delegate": {"name": "shop+b"}, "role": "write", "activating_user": {"name": "admin"}},
        {"id": "1", "delegate": {"name": "owners", "kind": "team"}, "role": "admin", "activating_user": None},
    ]
    registry, _ = scripted(answer(200, {"prototypes": rows}))
    assert registry.prototypes("shop") == (
        Prototype("1", "owners", Role.ADMIN),
        Prototype("2", "shop+b", Role.WRITE, "admin"),
    )


def test_recorded_prototypes() -> None:
    registry, _ = scripted(recorded("prototypes", 7))
    found = registry.prototypes("openshift_vcr-prototypes")
    assert [(p.delegate.partition("+")[2], p.role.value, p.activating_user) for p in sorted(found, key=lambda p: p.delegate)] == [
        ("builder", "write", None),
        ("default", "read", None),
        ("default", "read", None),
    ]
    assert list(found) == sorted(found, key=lambda p: p.id)


def test_prototypes_of_no_organization() -> None:
    registry, _ = scripted(recorded("prototypes", 20))
    with pytest.raises(NotFoundError):
        registry.prototypes("shop")


# -- repositories


def test_recorded_pages() -> None:
    """105 private repositories: two pages, which prove themselves."""
    registry, script = scripted(recorded("repositories", 24), recorded("repositories", 25))
    assert len(registry.repositories("pg-org")) > 100
    assert script.lines[0] == "GET /api/v1/repository?namespace=pg-org"
    assert script.lines[1].startswith("GET /api/v1/repository?namespace=pg-org&next_page=gAAAA")


def test_a_page_token_that_quay_cannot_read_starts_over() -> None:
    first, again = recorded("repositories", 24), recorded("repositories", 24)
    registry, script = scripted(first, again)
    with pytest.raises(ServerFaultError, match="the same page again"):
        registry.repositories("pg-org")
    assert len(script.lines) == 2


def test_an_empty_page_that_promises_more() -> None:
    registry, _ = scripted(ROBOT, repositories(more="x"))
    registry.robots("shop")
    with pytest.raises(ServerFaultError, match="the same page again"):
        registry.repositories("shop")


def test_a_repository_made_again_while_paging_is_no_loop() -> None:
    registry, _ = scripted(repositories("a", "b", more="x"), repositories("c", "a", more="y"), repositories("b"))
    assert set(registry.repositories("shop")) == {"a", "b", "c"}


def state(name: str, last_modified: object = None, state: str = "NORMAL") -> dict[str, object]:
    return {"name": name, "is_public": False, "state": state, "last_modified": last_modified}


def test_states_of_repositories_come_by_name_over_all_pages() -> None:
    first = answer(200, {"repositories": [state("b", 1795435885), state("c", state="READ_ONLY")], "next_page": "x"})
    registry, script = scripted(first, answer(200, {"repositories": [state("a", 5, "MIRROR")]}))
    assert registry.repository_states("shop") == (
        Repository("a", empty=False, read_only=True),  # a mirror takes no pushes either
        Repository("b", empty=False),
        Repository("c", read_only=True),
    )
    assert script.lines == [
        "GET /api/v1/repository?last_modified=true&namespace=shop",
        "GET /api/v1/repository?last_modified=true&namespace=shop&next_page=x",
    ]


def test_recorded_states() -> None:
    registry, _ = scripted(recorded("repositories", 20))
    assert {(found.empty, found.read_only) for found in registry.repository_states("openshift_vcr-repositories")} == {
        (True, False)
    }


@pytest.mark.parametrize("row", [{"name": "a", "is_public": False, "state": "NORMAL"}, state("a", "soon"), state("a", True)])
def test_nothing_is_called_empty_without_a_word_of_quay(row: dict[str, object]) -> None:
    """An empty repository may be deleted."""
    registry, _ = scripted(answer(200, {"repositories": [row]}))
    with pytest.raises(ServerFaultError, match="last_modified must be seconds or null"):
        registry.repository_states("shop")


def test_states_of_an_unproven_token_are_proved() -> None:
    registry, script = scripted(recorded("repositories", 21), recorded(*ANONYMOUS))
    with pytest.raises(TokenInvalidError):
        registry.repository_states("shop")
    assert len(script.lines) == 2


def test_an_empty_list_of_an_unproven_token_is_proved() -> None:
    registry, script = scripted(recorded("repositories", 21), ROBOT)
    assert set(registry.repositories("shop")) == set()
    assert script.lines[1] == "GET /api/v1/organization/shop/robots?token=false&limit=1"


def test_an_expired_token_reads_like_an_empty_registry_and_is_found_out() -> None:
    registry, _ = scripted(recorded("repositories", 23), recorded(*ANONYMOUS))
    with pytest.raises(TokenInvalidError):
        registry.repositories("shop")


def test_only_public_repositories_could_be_a_strangers_view() -> None:
    registry, _ = scripted(repositories("public", private=False), recorded(*ANONYMOUS))
    with pytest.raises(TokenInvalidError):
        registry.repositories("shop")


def test_a_token_that_expires_between_two_pages() -> None:
    registry, _ = scripted(repositories("a", more="x"), repositories(), recorded(*ANONYMOUS))
    with pytest.raises(TokenInvalidError):
        registry.repositories("shop")


def test_somebody_without_rights_here_sees_nothing_that_counts() -> None:
    registry, _ = scripted(recorded("repositories", 23), recorded(*VALID_BUT_STRANGE))
    with pytest.raises(ForbiddenError):
        registry.repositories("shop")


@pytest.mark.parametrize(
    ("before", "calls_before", "proof"),
    [
        ("robots", 1, ROBOT),
        ("prototypes", 1, answer(200, {"prototypes": []})),
        ("organization", 1, recorded("organization", 3)),
    ],
)
def test_a_call_that_needs_rights_proves_the_token_for_a_while(before: str, calls_before: int, proof: httpx.Response) -> None:
    clock = Clock()
    registry, script = scripted(proof, repositories(), repositories(), ROBOT, clock=clock)
    getattr(registry, before)("shop")
    clock.now += VALID_FOR
    assert set(registry.repositories("shop")) == set()
    assert len(script.lines) == calls_before + 1
    clock.now += 0.1
    assert set(registry.repositories("shop")) == set()
    assert script.lines[-1].startswith("GET /api/v1/organization/shop/robots"), "the proof was too old"


def test_a_proof_counts_for_its_own_organization() -> None:
    registry, script = scripted(ROBOT, repositories(), recorded(*VALID_BUT_STRANGE))
    registry.robots("shop")
    with pytest.raises(ForbiddenError):
        registry.repositories("bank")
    assert len(script.lines) == 3


def test_a_name_that_is_none_is_not_sent() -> None:
    registry, script = scripted()
    with pytest.raises(InvalidNameError):
        registry.repositories("shop&public=true")
    assert script.lines == []


# -- what doctor asks


def test_the_tokens_user() -> None:
    registry, _ = scripted(recorded("errors", 11), recorded("errors", 15))
    assert registry.check_token() == "admin"
    assert registry.check_token() is None, "it lacks user:read, or is none"


@pytest.mark.parametrize(
    ("response", "expected"),
    [(recorded("organization", 24), True), (recorded("organization", 25), False), (page(404), False)],
)
def test_superuser(response: httpx.Response, expected: bool) -> None:
    registry, script = scripted(response)
    assert registry.superuser() is expected
    assert script.lines == ["GET /api/v1/superuser/organizations/?limit=1"]


def test_superuser_of_an_invalid_token() -> None:
    registry, _ = scripted(recorded("errors", 14))
    with pytest.raises(TokenInvalidError):
        registry.superuser()


def test_an_expired_token_on_a_running_quay(quay: EmbeddedQuay) -> None:
    """The same client, before and after: the mistakes to be made here would delete or forget what is there."""
    token = quay.issue_token()
    with registry_of(quay, token=token) as registry:
        registry.create_organization("shop", "a@b.cc")
        registry.create_repository("shop", "app")
        assert set(registry.repositories("shop")) == {"app"}
        quay.revoke_token(token)
        with pytest.raises(TokenInvalidError):
            registry.repositories("shop")
        with pytest.raises(TokenInvalidError):
            registry.robots("shop")
        with pytest.raises(TokenInvalidError):
            registry.create_repository("shop", "other")
    assert calls(quay)[-1] == "POST repository", "a refused token leaves nothing in doubt"
