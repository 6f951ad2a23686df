"""Writing: one call when all goes well, and the state read again whenever the answer is in doubt.

On the embedded Quay with faults injected; its own log counts the calls.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from tests.adapters.quay.support import answer, calls, page, recorded, registry_of, scripted

from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.errors import (
    AlreadyExistsError,
    ForbiddenError,
    NameNotFreeError,
    NotFoundError,
    ReadOnlyError,
    RequestRefusedError,
    ServerFaultError,
    ThrottledError,
    TokenInvalidError,
    UnreachableError,
)
from quaybridge_sdk.model.quay import Organization, Prototype, Repository, Role
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.quay import EmbeddedQuay

MAIL = "uid@cluster.quaybridge.invalid"
ROBOT = "shop+builder"
Act = Callable[[QuayRegistry], object]


@pytest.fixture
def prepared(quay: EmbeddedQuay, registry: QuayRegistry) -> QuayRegistry:
    """``shop`` with a robot, a default permission and a repository; the log is empty."""
    registry.create_organization("shop", MAIL)
    registry.create_robot("shop", "builder", "text")
    registry.create_robot("shop", "default", "text")
    registry.create_repository("shop", "app")
    registry.create_prototype("shop", ROBOT, Role.READ)
    quay.clear_requests()
    return registry


def _prototype(registry: QuayRegistry) -> Prototype:
    (found,) = registry.prototypes("shop")
    return found


WRITES: dict[str, tuple[Act, str]] = {
    "create_organization": (lambda r: r.create_organization("new", MAIL), "POST organization/"),
    "create_robot": (lambda r: r.create_robot("shop", "new", "text"), "PUT organization/shop/robots/new"),
    "create_prototype": (lambda r: r.create_prototype("shop", "shop+default", Role.READ), "POST organization/shop/prototypes"),
    "create_repository": (lambda r: r.create_repository("shop", "new"), "POST repository"),
    "set_repository_permission": (
        lambda r: r.set_repository_permission("shop", "app", ROBOT, Role.WRITE),
        "PUT repository/shop/app/permissions/user/shop+builder",
    ),
    "mark_organization": (lambda r: r.mark_organization("shop", "new@cluster.quaybridge.invalid"), "PUT organization/shop"),
    "set_repository_state": (
        lambda r: r.set_repository_state("shop", "app", read_only=True),
        "PUT repository/shop/app/changestate",
    ),
    "delete_organization": (lambda r: r.delete_organization("shop"), "DELETE organization/shop"),
    "delete_robot": (lambda r: r.delete_robot("shop", "builder"), "DELETE organization/shop/robots/builder"),
    "delete_repository": (lambda r: r.delete_repository("shop", "app"), "DELETE repository/shop/app"),
}
DELETIONS = ("delete_organization", "delete_robot", "delete_repository")
READS: dict[str, tuple[Act, str]] = {
    "organization": (lambda r: r.organization("shop"), "GET organization/shop"),
    "robots": (lambda r: r.robots("shop"), "GET organization/shop/robots"),
    "prototypes": (lambda r: r.prototypes("shop"), "GET organization/shop/prototypes"),
    "repositories": (lambda r: r.repositories("shop"), "GET repository"),
    "repository_states": (lambda r: r.repository_states("shop"), "GET repository"),
    "check_token": (lambda r: r.check_token(), "GET user/"),
    "superuser": (lambda r: r.superuser(), "GET superuser/organizations/"),
}
RESULT = dict.fromkeys(("create_organization", "mark_organization", "set_repository_permission", *DELETIONS)) | {
    "create_repository": True,
    "set_repository_state": True,
}


def _state(quay: EmbeddedQuay) -> object:
    """What a write changed, without what is drawn by lot."""
    organizations = quay.organizations()
    return {
        name: (
            found.email,
            sorted(found.robots),
            sorted((p.delegate, p.role, p.activating_user) for p in found.prototypes),
            {repository: (row.state, dict(row.users)) for repository, row in found.repositories.items()},
        )
        for name, found in organizations.items()
    }


# -- the budget


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_one_call_each(quay: EmbeddedQuay, prepared: QuayRegistry, name: str) -> None:
    act, line = (READS | WRITES)[name]
    act(prepared)
    assert calls(quay) == [line]


def test_one_call_to_change_or_delete_a_default_permission(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    made = _prototype(prepared)
    quay.clear_requests()
    prepared.update_prototype("shop", made.id, Role.WRITE)
    prepared.delete_prototype("shop", made.id)
    assert calls(quay) == [f"{method} organization/shop/prototypes/{made.id}" for method in ("PUT", "DELETE")]


def test_bodies_are_the_incumbents() -> None:
    robot = answer(201, {"name": ROBOT, "token": "T"})
    prototype = answer(200, {"id": "1", "delegate": {"name": ROBOT}, "role": "write", "activating_user": None})
    made = answer(201, {"name": "app"})
    registry, script = scripted(answer(201, "Created"), robot, prototype, made, made)
    registry.create_organization("shop", MAIL)
    registry.create_robot("shop", "builder", "whose it is")
    registry.create_prototype("shop", ROBOT, Role.WRITE)
    registry.create_repository("shop", "app")
    registry.create_repository("shop", "app", "whose it is")
    assert [request.content.decode() for request in script.requests] == [
        '{"name":"shop","email":"uid@cluster.quaybridge.invalid"}',
        '{"description":"whose it is"}',
        '{"id":"","role":"write","delegate":{"kind":"user","name":"shop+builder","is_robot":true,"is_org_member":true}}',
        '{"namespace":"shop","visibility":"private","repository":"app","description":"","repo_kind":"image"}',
        '{"namespace":"shop","visibility":"private","repository":"app","description":"whose it is","repo_kind":"image"}',
    ]
    assert {request.headers["Content-Type"] for request in script.requests} == {"application/json"}


# -- doubtful answers

STRANGE = b'{"name": [7], "token": {}, "id": 7, "role": [], "success": "x", "email": 7}'
NEVER_DONE = [
    *(Fault("reset"), Fault("status", status=500), Fault("status", status=502, content_type="text/html")),
    Fault("status", status=200, body=STRANGE),  # nothing says that it was Quay who answered
]


def _fault(fault: Fault, line: str) -> Fault:
    method, _, path = line.partition(" ")
    return Fault(
        fault.kind,
        f"^{method} /api/v1/{path}".replace("+", r"\+") + "$",
        status=fault.status,
        body=fault.body,
        seconds=fault.seconds,
        after=fault.after,
    )


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("fault", NEVER_DONE, ids=["reset", "500", "502", "a strange success"])
def test_what_was_not_done_is_done(quay: EmbeddedQuay, prepared: QuayRegistry, name: str, fault: Fault) -> None:
    act, line = WRITES[name]
    quay.faults.inject(_fault(fault, line))
    result = act(prepared)
    seen = calls(quay)
    assert (seen[0], seen[-1]) == (line, line)
    assert len(seen) > 2, "the state was read in between"
    assert all(call.startswith("GET") for call in seen[1:-1])
    if name in RESULT:
        assert result is RESULT[name]
    with EmbeddedQuay() as other, registry_of(other) as untroubled:
        _prepare(untroubled)
        act(untroubled)
        assert _state(quay) == _state(other)


def _prepare(registry: QuayRegistry) -> None:
    registry.create_organization("shop", MAIL)
    registry.create_robot("shop", "builder", "text")
    registry.create_robot("shop", "default", "text")
    registry.create_repository("shop", "app")
    registry.create_prototype("shop", ROBOT, Role.READ)


@pytest.mark.parametrize("name", [name for name in WRITES if name not in DELETIONS])
@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_what_was_done_is_not_done_twice(quay: EmbeddedQuay, prepared: QuayRegistry, name: str, kind: str) -> None:
    act, line = WRITES[name]
    quay.faults.inject(_fault(Fault(kind, after=True), line))  # type: ignore[arg-type]
    result = act(prepared)
    seen = calls(quay)
    assert seen.count(line) == 1
    assert len(seen) > 1
    if name == "create_repository":
        assert result is False, "who made it, and with which default permissions, is not known"
    elif name in RESULT:
        assert result is RESULT[name]


@pytest.mark.parametrize("name", DELETIONS)
def test_a_lost_answer_to_a_deletion(quay: EmbeddedQuay, prepared: QuayRegistry, name: str) -> None:
    """The answer to one that succeeds has no body, so it cannot be cut short, only lost."""
    act, line = WRITES[name]
    quay.faults.inject(Fault("reset", "^DELETE", after=True))
    act(prepared)
    assert calls(quay) == [line, line.replace("DELETE", "GET")]


def test_a_default_permission_is_not_doubled(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    quay.faults.inject(Fault("reset", "^POST .*/prototypes", after=True))
    made = prepared.create_prototype("shop", "shop+default", Role.READ)
    assert [p for p in prepared.prototypes("shop") if p.delegate == "shop+default"] == [made]


def test_a_default_permission_of_another_kind_does_not_count() -> None:
    """Of another role, or for one creator only: it is not what was to be made."""
    rows = [
        {"id": "1", "delegate": {"name": ROBOT}, "role": "write", "activating_user": None},
        {"id": "2", "delegate": {"name": ROBOT}, "role": "read", "activating_user": {"name": "admin"}},
    ]
    made = answer(200, {"id": "3", "delegate": {"name": ROBOT}, "role": "read", "activating_user": None})
    registry, script = scripted(page(500), answer(200, {"prototypes": rows}), made)
    assert registry.create_prototype("shop", ROBOT, Role.READ) == Prototype("3", ROBOT, Role.READ)
    assert [line.split()[0] for line in script.lines] == ["POST", "GET", "POST"]


@pytest.mark.parametrize("name", [name for name in WRITES if name != "create_organization"])
def test_nothing_is_sent_again_while_quay_may_be_at_work_on_it(quay: EmbeddedQuay, prepared: QuayRegistry, name: str) -> None:
    act, line = WRITES[name]
    quay.faults.inject(_fault(Fault("silence", seconds=30), line))
    with registry_of(quay, timeout=0.3) as hasty, pytest.raises(UnreachableError, match="no answer in time"):
        act(hasty)
    assert all(call.startswith("GET") for call in calls(quay))


def test_what_never_left_leaves_nothing_in_doubt() -> None:
    registry, script = scripted(httpx.ConnectError("refused"))
    with pytest.raises(UnreachableError):
        registry.create_robot("shop", "builder", "")
    assert len(script.lines) == 1


@pytest.mark.parametrize("name", WRITES)
def test_twice_and_no_more(quay: EmbeddedQuay, prepared: QuayRegistry, name: str) -> None:
    act, line = WRITES[name]
    fault = _fault(Fault("status", status=500), line)
    fault.times = None
    quay.faults.inject(fault)
    with pytest.raises(ServerFaultError):
        act(prepared)
    assert calls(quay).count(line) == 2


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(
    ("response", "error"),
    [
        (recorded("errors", 9), TokenInvalidError),
        (recorded("errors", 16), ForbiddenError),
        (page(429), ThrottledError),
        (answer(503, {"is_readonly": True, "message": "read-only"}), ReadOnlyError),
    ],
    ids=["csrf", "scope", "429", "read-only"],
)
def test_a_clear_refusal_is_final(name: str, response: httpx.Response, error: type[Exception]) -> None:
    looks = name in DELETIONS and error is ForbiddenError  # for whether the organization is there at all
    registry, script = scripted(response, *[answer(200, {"name": "shop", "is_admin": False})] * looks)
    with pytest.raises(error):
        WRITES[name][0](registry)
    assert [line.split()[0] for line in script.lines[1:]] == ["GET"] * looks


def test_a_quay_in_read_only_mode(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    quay.read_only = True
    with pytest.raises(ReadOnlyError, match="read-only"):
        prepared.create_repository("shop", "new")
    assert set(prepared.repositories("shop")) == {"app"}


# -- organizations


def test_ours_is_there_already(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    prepared.create_organization("shop", MAIL)
    assert calls(quay) == ["POST organization/", "GET organization/shop"]


@pytest.mark.parametrize("mail", ["other@b.cc", ""])
def test_somebody_elses_is_there(prepared: QuayRegistry, mail: str) -> None:
    with pytest.raises(AlreadyExistsError, match="another e-mail"):
        prepared.create_organization("shop", mail)


RAW = {
    "message": 'duplicate key value violates unique constraint "user_username"\nDETAIL:  Key (username)=(shop) already exists.\n'
}


def test_a_creation_lost_to_our_own_twin() -> None:
    registry, _ = scripted(answer(400, RAW), answer(200, {"name": "shop", "email": MAIL, "is_admin": True}))
    registry.create_organization("shop", MAIL)


def test_a_user_has_the_name(quay: EmbeddedQuay, registry: QuayRegistry) -> None:
    quay.add_user("shop")
    with pytest.raises(AlreadyExistsError, match="A user or organization"):
        registry.create_organization("shop", MAIL)
    assert calls(quay) == ["POST organization/", "GET organization/shop"]


def test_a_deleted_one_holds_the_name(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    quay.name_release = 3600.0
    prepared.delete_organization("shop")
    quay.clear_requests()
    with pytest.raises(NameNotFreeError):
        prepared.create_organization("shop", MAIL)
    assert calls(quay) == ["POST organization/"]
    quay.collect_garbage()
    prepared.create_organization("shop", MAIL)
    assert prepared.organization("shop") == Organization("shop", MAIL)


def test_a_refused_name_is_looked_for_once() -> None:
    """Quay's words for what exists are not the same in all versions: a 400 alone proves nothing."""
    registry, script = scripted(recorded("organization", 8), recorded("organization", 0))
    with pytest.raises(RequestRefusedError, match="must match"):
        registry.create_organization("shop", MAIL)
    assert len(script.lines) == 2


def test_deleting_what_is_gone(quay: EmbeddedQuay, registry: QuayRegistry) -> None:
    registry.delete_organization("shop")
    assert calls(quay) == ["DELETE organization/shop", "GET organization/shop"]


@pytest.mark.parametrize("name", ["delete_organization", "delete_prototype"])
def test_what_quay_says_to_be_gone_and_shows_is_not_gone(quay: EmbeddedQuay, prepared: QuayRegistry, name: str) -> None:
    made = _prototype(prepared)
    body = b'{"detail": "Not Found", "error_type": "not_found", "title": "not_found", "status": 404}'
    quay.faults.inject(Fault("status", "^DELETE", status=404, body=body))
    with pytest.raises(ServerFaultError, match="not found, says Quay, and shows it"):
        getattr(prepared, name)("shop", *([made.id] if name == "delete_prototype" else []))
    assert prepared.prototypes("shop") == (made,)


def test_a_deletion_that_quay_refuses(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    """The namespace must not be let go then."""
    token = quay.issue_token(scopes={"user:admin"})
    with registry_of(quay, token=token) as narrow, pytest.raises(ForbiddenError, match="org:admin or super:user"):
        narrow.delete_organization("shop")
    assert prepared.organization("shop") is not None


@pytest.mark.parametrize("name", DELETIONS)
def test_an_owner_may_not_delete_in_what_is_gone(quay: EmbeddedQuay, prepared: QuayRegistry, name: str) -> None:
    """Nobody administers an organization that is not there, so Quay forbids it to all but superusers."""
    token = quay.issue_token(scopes={"user:admin", "org:admin", "repo:create", "repo:admin"})
    prepared.delete_organization("shop")
    quay.clear_requests()
    with registry_of(quay, token=token) as owner:
        WRITES[name][0](owner)
    assert calls(quay) == [WRITES[name][1], "GET organization/shop"]


def test_a_mark_on_what_is_gone(quay: EmbeddedQuay, registry: QuayRegistry) -> None:
    with pytest.raises(NotFoundError):
        registry.mark_organization("shop", MAIL)
    assert calls(quay) == ["PUT organization/shop"]


# -- robots


def test_a_robot_that_is_gone_is_deleted(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    prepared.delete_robot("shop", "nobody")
    prepared.delete_robot("nowhere", "builder")
    assert [call.partition(" ")[0] for call in calls(quay)] == ["DELETE", "GET"] * 2


def test_a_robot_that_quay_does_not_let_go(prepared: QuayRegistry) -> None:
    refusal = {"detail": "Robot is being used by a mirror", "error_type": "invalid_request"}
    registry, script = scripted(answer(400, refusal), answer(200, {"name": ROBOT, "token": "T"}))
    with pytest.raises(RequestRefusedError, match="used by a mirror"):
        registry.delete_robot("shop", "builder")
    assert len(script.lines) == 2


def test_a_new_token(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    old = prepared.create_robot("shop", "builder", "").token
    quay.clear_requests()
    made = prepared.regenerate_robot("shop", "builder")
    assert made.token
    assert made.token != old
    assert calls(quay) == ["POST organization/shop/robots/builder/regenerate"]
    assert (prepared.robots("shop") or {})[ROBOT].token == made.token


@pytest.mark.parametrize("fault", [Fault("reset"), Fault("reset", after=True), Fault("status", status=500)], ids=repr)
def test_a_token_is_never_made_twice(quay: EmbeddedQuay, prepared: QuayRegistry, fault: Fault) -> None:
    quay.faults.inject(_fault(fault, "POST organization/shop/robots/builder/regenerate"))
    answered = prepared.regenerate_robot("shop", "builder")
    assert calls(quay) == ["POST organization/shop/robots/builder/regenerate", "GET organization/shop/robots/builder"]
    assert (prepared.robots("shop") or {})[ROBOT].token == answered.token


def test_no_token_is_told_while_quay_may_be_about_to_change_it(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    quay.faults.inject(Fault("silence", "^POST", seconds=30))
    with registry_of(quay, timeout=0.3) as hasty, pytest.raises(UnreachableError, match="no answer in time"):
        hasty.regenerate_robot("shop", "builder")
    assert calls(quay) == []


@pytest.mark.parametrize("names", [("shop", "nobody"), ("nowhere", "builder")])
def test_a_new_token_for_nobody(prepared: QuayRegistry, names: tuple[str, str]) -> None:
    with pytest.raises(NotFoundError):
        prepared.regenerate_robot(*names)


def test_a_robot_that_is_there_keeps_its_token_and_text(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    robot = prepared.create_robot("shop", "builder", "another text")
    assert robot.description == "text"
    assert calls(quay) == ["PUT organization/shop/robots/builder", "GET organization/shop/robots/builder"]
    assert robot.token == (prepared.robots("shop") or {})[ROBOT].token


def test_a_robot_deleted_between_two_calls_is_made_once_more() -> None:
    missing, made = recorded("robots", 2), recorded("robots", 3)
    registry, script = scripted(recorded("robots", 4), missing, made)
    assert registry.create_robot("openshift_vcr-robots", "builder", "").token
    assert [line.split()[0] for line in script.lines] == ["PUT", "GET", "PUT"]


def test_robots_are_switched_off() -> None:
    text = "Robot accounts have been disabled. Please contact your administrator."
    refusal = answer(400, {"detail": text, "error_message": text, "error_type": "invalid_request"})
    registry, _ = scripted(refusal, recorded("robots", 2))
    with pytest.raises(RequestRefusedError, match="disabled"):
        registry.create_robot("shop", "builder", "")


# -- default permissions


def test_an_update_whose_answer_was_lost(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    made = _prototype(prepared)
    quay.clear_requests()
    quay.faults.inject(Fault("reset", "^PUT", after=True))
    prepared.update_prototype("shop", made.id, Role.WRITE)
    assert [call.partition(" ")[0] for call in calls(quay)] == ["PUT", "GET"]
    assert _prototype(prepared).role is Role.WRITE


def test_an_update_that_did_not_happen(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    made = _prototype(prepared)
    quay.faults.inject(Fault("reset", "^PUT"))
    prepared.update_prototype("shop", made.id, Role.WRITE)
    assert _prototype(prepared).role is Role.WRITE


def test_a_deletion_whose_answer_was_lost(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    made = _prototype(prepared)
    quay.clear_requests()
    quay.faults.inject(Fault("reset", "^DELETE", after=True))
    prepared.delete_prototype("shop", made.id)
    assert [call.partition(" ")[0] for call in calls(quay)] == ["DELETE", "GET"]
    assert prepared.prototypes("shop") == ()


def test_a_deletion_in_an_organization_that_went_too() -> None:
    registry, _ = scripted(page(500), recorded("prototypes", 20), recorded("prototypes", 20))
    registry.delete_prototype("shop", "1")


# -- repositories and permissions


def test_a_repository_that_was_there(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    assert prepared.create_repository("shop", "app") is False
    assert calls(quay) == ["POST repository", "GET repository/shop/app"]


def test_no_organization_is_a_500(quay: EmbeddedQuay, registry: QuayRegistry) -> None:
    with pytest.raises(NotFoundError, match="there is no organization 'shop'"):
        registry.create_repository("shop", "app")
    assert calls(quay) == ["POST repository", "GET organization/shop"]


def test_a_repository_that_is_gone_is_deleted(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    prepared.delete_repository("shop", "nowhere")
    assert calls(quay) == ["DELETE repository/shop/nowhere"]
    prepared.delete_repository("nowhere", "app")
    assert calls(quay)[1:] == ["DELETE repository/nowhere/app", "GET repository/nowhere/app"], "the 500 was looked into"


def test_states(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    assert prepared.repository_states("shop") == (Repository("app"),)
    assert prepared.set_repository_state("shop", "app", read_only=True) is True
    assert prepared.repository_states("shop") == (Repository("app", read_only=True),)
    assert prepared.set_repository_state("shop", "app", read_only=False) is True
    assert prepared.repository_states("shop") == (Repository("app"),)
    with pytest.raises(NotFoundError):
        prepared.set_repository_state("shop", "nowhere", read_only=True)


def test_a_quay_without_states(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    quay.repository_states = False
    assert prepared.set_repository_state("shop", "app", read_only=True) is False
    assert calls(quay) == ["PUT repository/shop/app/changestate"]


def test_a_repository_with_slashes(prepared: QuayRegistry) -> None:
    assert prepared.create_repository("shop", "group/app") is True
    prepared.set_repository_permission("shop", "group/app", ROBOT, Role.WRITE)
    assert set(prepared.repositories("shop")) == {"app", "group/app"}


def test_the_500_of_a_race_for_a_permission() -> None:
    registry, script = scripted(page(500), recorded("permissions", 7))
    registry.set_repository_permission("shop", "app", ROBOT, Role.WRITE)
    assert [line.split()[0] for line in script.lines] == ["PUT", "GET"]


def test_another_role_won_the_race() -> None:
    registry, script = scripted(page(500), recorded("permissions", 7), recorded("permissions", 5))
    registry.set_repository_permission("shop", "app", ROBOT, Role.READ)
    assert [line.split()[0] for line in script.lines] == ["PUT", "GET", "PUT"]


def test_no_repository_is_a_500_too(quay: EmbeddedQuay, prepared: QuayRegistry) -> None:
    with pytest.raises(NotFoundError, match="there is no repository shop/nowhere"):
        prepared.set_repository_permission("shop", "nowhere", ROBOT, Role.READ)
    assert len(calls(quay)) == 3


def test_a_quay_that_is_down_is_said_to_be() -> None:
    """Its database is gone: 500 to everything, also to the second look."""
    registry, _ = scripted(page(500), page(500))
    with pytest.raises(ServerFaultError, match="GET /api/v1/organization/shop: Quay answered 500"):
        registry.create_repository("shop", "app")
