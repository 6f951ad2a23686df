"""What the recordings do not show of the embedded Quay's REST API: the scope matrix, paging, time, counting, faults."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.quay import NOT_IMITATED, EmbeddedQuay, token_sha256

API = "/api/v1"


@pytest.fixture
def quay() -> Iterator[EmbeddedQuay]:
    with EmbeddedQuay() as server:
        yield server


def as_user(quay: EmbeddedQuay, token: str | None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=quay.url + API, headers=headers, verify=False)  # no TLS here


@pytest.fixture
def admin(quay: EmbeddedQuay) -> Iterator[httpx.Client]:
    with as_user(quay, quay.token) as client:
        yield client


def new_organization(client: httpx.Client, name: str = "org1") -> None:
    assert client.post("/organization/", json={"name": name}).status_code == 201


def new_repository(client: httpx.Client, name: str = "app", namespace: str = "org1", **more: str) -> httpx.Response:
    body = {"namespace": namespace, "repository": name, "visibility": "private", "description": "", **more}
    return client.post("/repository", json=body)


# -- rights. The matrix was measured against a real Quay with tokens of a superuser who owns the organization.

TOKENS: dict[str, set[str]] = {
    "user:admin": {"user:admin"},
    "org:admin": {"org:admin"},
    "repo:create": {"repo:create"},
    "repo:admin": {"repo:admin"},
    "super:user": {"super:user"},
    "owner": {"org:admin", "repo:admin", "repo:create"},
    "all but super:user": {"user:admin", "org:admin", "repo:admin", "repo:create"},
}
MATRIX: list[tuple[str, str, str, dict[str, Any] | None, tuple[int, ...]]] = [
    ("POST org", "POST", "/organization/", {"name": "another"}, (201, 403, 403, 403, 403, 403, 201)),
    ("PUT org", "PUT", "/organization/org1", {"email": "x@y.zz"}, (403, 200, 403, 403, 200, 200, 200)),
    ("GET robots", "GET", "/organization/org1/robots", None, (403, 200, 200, 403, 200, 200, 200)),
    ("PUT robot", "PUT", "/organization/org1/robots/r2", {}, (403, 201, 403, 403, 201, 201, 201)),
    ("GET protos", "GET", "/organization/org1/prototypes", None, (403, 200, 403, 403, 200, 200, 200)),
    (
        "POST proto",
        "POST",
        "/organization/org1/prototypes",
        {"delegate": {"kind": "user", "name": "org1+r1"}, "role": "read"},
        (403, 200, 403, 403, 200, 200, 200),
    ),
    (
        "POST repo",
        "POST",
        "/repository",
        {"namespace": "org1", "repository": "b", "visibility": "private", "description": ""},
        (403, 201, 201, 403, 201, 201, 201),
    ),
    ("GET repo", "GET", "/repository/org1/app", None, (403, 403, 403, 200, 200, 200, 200)),
    ("PUT repo", "PUT", "/repository/org1/app", {"description": "x"}, (403, 403, 403, 200, 200, 200, 200)),
    (
        "PUT perm",
        "PUT",
        "/repository/org1/app/permissions/user/org1+r1",
        {"role": "read"},
        (403, 403, 403, 200, 200, 200, 200),
    ),
    ("GET user", "GET", "/user/", None, (200, 401, 401, 401, 401, 401, 200)),
    ("GET su orgs", "GET", "/superuser/organizations/", None, (403, 403, 403, 403, 200, 403, 403)),
    ("DELETE repo", "DELETE", "/repository/org1/app", None, (403, 403, 403, 204, 204, 204, 204)),
    ("DELETE robot", "DELETE", "/organization/org1/robots/r1", None, (403, 204, 403, 403, 204, 204, 204)),
    ("DELETE org", "DELETE", "/organization/org1", None, (403, 204, 403, 403, 204, 204, 204)),
]


@pytest.mark.parametrize(("column", "token"), list(enumerate(TOKENS)), ids=list(TOKENS))
def test_scope_matrix(quay: EmbeddedQuay, admin: httpx.Client, column: int, token: str) -> None:
    new_organization(admin)
    new_repository(admin)
    admin.put("/organization/org1/robots/r1")
    with as_user(quay, quay.issue_token(scopes=TOKENS[token])) as client:
        answers = {row: client.request(method, path, json=body).status_code for row, method, path, body, _ in MATRIX}
    assert answers == {row: statuses[column] for row, _, _, _, statuses in MATRIX}


@pytest.mark.parametrize(("token", "is_admin"), list(zip(TOKENS, (False, True, False, False, True, True, True), strict=True)))
def test_who_sees_an_organization_as_its_administrator(
    quay: EmbeddedQuay, admin: httpx.Client, token: str, is_admin: bool
) -> None:
    new_organization(admin)
    with as_user(quay, quay.issue_token(scopes=TOKENS[token])) as client:
        assert client.get("/organization/org1").json()["is_admin"] is is_admin


def test_a_revoked_token_is_nobody_not_401(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    new_repository(admin)
    quay.revoke_token(quay.token)
    assert admin.get("/user/").status_code == 401
    assert admin.get("/repository", params={"namespace": "org1"}).json() == {"repositories": []}
    assert admin.put("/organization/org1/robots/x1").headers["content-type"].startswith("text/html")


def test_the_authorization_scheme_has_any_case(quay: EmbeddedQuay) -> None:
    headers = {"Authorization": f"bEARER   {quay.token}"}
    assert httpx.get(f"{quay.url}{API}/user/", headers=headers, verify=False).status_code == 200


def test_robot_tokens_are_no_api_tokens(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    token = admin.put("/organization/org1/robots/builder").json()["token"]
    for headers in ({"Authorization": f"Bearer {token}"}, None):
        answer = httpx.get(f"{quay.url}{API}/organization/org1/robots", headers=headers, auth=None, verify=False)
        assert answer.status_code == 401
    assert httpx.get(f"{quay.url}{API}/user/", auth=("org1+builder", token), verify=False).status_code == 401


def test_a_public_repository_is_readable_by_nobody_in_particular(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    new_repository(admin, visibility="public")
    with as_user(quay, None) as nobody:
        view = nobody.get("/repository/org1/app").json()
        assert (view["is_public"], view["can_write"], view["can_admin"]) == (True, False, False)
        assert [row["name"] for row in nobody.get("/repository", params={"namespace": "org1"}).json()["repositories"]] == ["app"]


# -- default permissions


def test_prototypes_reach_new_repositories_only(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    token = admin.put("/organization/org1/robots/builder", json={"description": "d"}).json()["token"]
    new_repository(admin, "old")
    delegate = {"kind": "user", "name": "org1+builder"}
    for role in ("write", "read"):  # of two general rules the older wins
        admin.post("/organization/org1/prototypes", json={"delegate": delegate, "role": role})
    new_repository(admin, "new")
    snapshot = quay.organizations()["org1"]
    assert snapshot.repositories["old"].users == {"admin": "admin"}
    assert snapshot.repositories["new"].users == {"admin": "admin", "org1+builder": "write"}
    assert (snapshot.robots["builder"].description, snapshot.robots["builder"].token_sha256) == ("d", token_sha256(token))


def test_a_rule_for_the_creator_beats_a_general_one(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    admin.put("/organization/org1/robots/r1")
    delegate = {"kind": "user", "name": "org1+r1"}
    admin.post("/organization/org1/prototypes", json={"delegate": delegate, "role": "read"})
    rule = {"delegate": delegate, "role": "write", "activating_user": {"name": "admin"}}
    admin.post("/organization/org1/prototypes", json=rule)
    new_repository(admin)
    assert quay.organizations()["org1"].repositories["app"].users["org1+r1"] == "write"


def test_a_recreated_robot_has_nothing_of_the_old_one(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    first = admin.put("/organization/org1/robots/r1").json()["token"]
    rule = {"delegate": {"kind": "user", "name": "org1+r1"}, "role": "read"}
    admin.post("/organization/org1/prototypes", json=rule)
    new_repository(admin)
    admin.delete("/organization/org1/robots/r1")
    assert admin.put("/organization/org1/robots/r1").json()["token"] != first
    snapshot = quay.organizations()["org1"]
    assert (snapshot.prototypes, dict(snapshot.repositories["app"].users)) == ((), {"admin": "admin"})


def test_snapshots_do_not_change(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    before = quay.organizations()
    new_repository(admin)
    assert (len(before["org1"].repositories), len(quay.organizations()["org1"].repositories)) == (0, 1)


# -- paging


def all_pages(client: httpx.Client, between: Callable[[], object] = lambda: None) -> list[int]:
    sizes, token = [], ""
    while True:
        page = client.get("/repository", params={"namespace": "org1", **({"next_page": token} if token else {})}).json()
        sizes.append(len(page["repositories"]))
        if "next_page" not in page:
            return sizes
        token = page["next_page"]
        between()


def test_pages_of_100(admin: httpx.Client) -> None:
    new_organization(admin)
    for number in range(205):
        new_repository(admin, f"r{number}")
    assert all_pages(admin) == [100, 100, 5]
    first = admin.get("/repository", params={"namespace": "org1"}).json()["repositories"]
    again = admin.get("/repository", params={"namespace": "org1", "next_page": "nonsense"}).json()["repositories"]
    assert first == again
    assert all_pages(admin, lambda: admin.delete("/repository/org1/r0")) == [100, 100, 5]


# -- time


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads that change places all the time: without a lock, two creations would then both win."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hasty_threads")
@pytest.mark.parametrize(("kind", "status"), [("image", 201), (None, 201), ("application", 400), ("", 400), (5, 400)])
def test_a_repository_is_one_of_images(kind: Any, status: int, admin: httpx.Client) -> None:
    new_organization(admin)
    assert new_repository(admin, repo_kind=kind).status_code == status


@pytest.mark.parametrize("path", ["/organization/", "/repository", "/organization/org1/robots/r1"])
def test_of_parallel_creations_one_wins(admin: httpx.Client, path: str) -> None:
    new_organization(admin)
    method = "PUT" if "robots" in path else "POST"
    body = {"name": "org2", "namespace": "org1", "repository": "app", "visibility": "private", "description": ""}
    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(lambda _: admin.request(method, path, json=body).status_code, range(20))
        assert sorted(answers) == [201] + [400] * 19


def seconds_for(quay: EmbeddedQuay, calls: int) -> float:
    with as_user(quay, quay.token) as client, ThreadPoolExecutor(calls) as pool:
        started = time.monotonic()
        assert {answer.status_code for answer in pool.map(lambda _: client.get("/user/"), range(calls))} == {200}
        return time.monotonic() - started


@pytest.mark.parametrize(("parallelism", "least", "most"), [(1, 1.6, math.inf), (2, 0.8, 1.6), (None, 0.2, 0.8)])
def test_calls_cost_processor_time(parallelism: int | None, least: float, most: float) -> None:
    """8 calls of 0.2 s: eight rounds on one processor, four on two, one without a limit."""
    with EmbeddedQuay(latency=0.2, parallelism=parallelism) as quay:
        assert least <= seconds_for(quay, 8) < most


def test_nobody_costs_nothing() -> None:
    """The price is bcrypt, and only a known token is worth comparing."""
    with EmbeddedQuay(latency=30.0) as quay:
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            assert httpx.get(f"{quay.url}{API}/user/", headers=headers, timeout=5, verify=False).status_code == 401


@pytest.mark.parametrize(("release", "again"), [(0.0, 201), (0.3, 400), (math.inf, 400)])
def test_the_name_of_a_deleted_organization(release: float, again: int) -> None:
    with EmbeddedQuay(name_release=release) as quay, as_user(quay, quay.token) as client:
        new_organization(client)
        assert client.delete("/organization/org1").status_code == 204
        answer = client.post("/organization/", json={"name": "org1"})
        assert answer.status_code == again
        if again == 400:
            assert answer.json()["error_message"] == "Username is not available"
            time.sleep(0.35 if release < 1 else 0)
            quay.collect_garbage() if release == math.inf else None
            assert client.post("/organization/", json={"name": "org1"}).status_code == 201


# -- counting, faults, states


def test_api_calls_are_counted_and_closed(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    answer = admin.get("/organization/org1")
    httpx.get(f"{quay.url}/health/instance", verify=False)
    assert answer.headers["connection"] == "close"
    assert [(call.method, call.path, call.status) for call in quay.api_calls] == [
        ("POST", "/api/v1/organization/", 201),
        ("GET", "/api/v1/organization/org1", 200),
    ]
    quay.clear_requests()
    assert quay.api_calls == ()


def test_faults(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    quay.faults.inject(Fault("status", "GET .*/robots", status=502))
    assert [admin.get("/organization/org1/robots").status_code for _ in range(2)] == [502, 200]
    quay.faults.inject(Fault("reset", "PUT .*/robots/r1", after=True))
    with pytest.raises(httpx.TransportError):
        admin.put("/organization/org1/robots/r1")
    assert "r1" in quay.organizations()["org1"].robots  # carried out, although nobody was told
    quay.faults.inject(Fault("reset", "PUT .*/robots/r2"))
    with pytest.raises(httpx.TransportError):
        admin.put("/organization/org1/robots/r2")
    assert "r2" not in quay.organizations()["org1"].robots


def test_read_only(quay: EmbeddedQuay, admin: httpx.Client) -> None:
    new_organization(admin)
    quay.read_only = True
    answer = admin.post("/organization/", json={"name": "org2"})
    assert (answer.status_code, answer.json()["is_readonly"]) == (503, True)
    assert admin.get("/organization/org1").status_code == 200
    assert httpx.get(f"{quay.url}/config", verify=False).json()["registry_state"] == "readonly"
    quay.read_only = False
    assert admin.post("/organization/", json={"name": "org2"}).status_code == 201


def test_a_body_above_1_mib_is_refused_by_nginx(admin: httpx.Client) -> None:
    assert admin.post("/organization/", json={"name": "x" * (1 << 20)}).status_code == 413


@pytest.mark.parametrize("rule", [rule for rule in NOT_IMITATED if rule.startswith("/")])
def test_what_is_not_imitated_says_so(quay: EmbeddedQuay, rule: str) -> None:
    path = rule.replace("<path:repo>", "org1/app").replace("<org>", "org1").replace("<robot>", "x").replace("<name>", "x")
    for below in ("", "a", "a/b") if path.endswith("/") and rule != "/api/v1/user/" else ("a",) if path.endswith("/") else ("",):
        answer = httpx.get(quay.url + path + below, verify=False)
        assert answer.status_code == 501
        assert "not imitate" in answer.text


def test_of_an_organization_only_the_email_is_changed(admin: httpx.Client) -> None:
    new_organization(admin)
    assert admin.put("/organization/org1", json={"email": "a@example.com", "invoice_email": True}).status_code == 501
    assert admin.get("/organization/org1").json()["email"] == ""
    assert admin.put("/organization/org1", json={"email": "a@example.com"}).json()["email"] == "a@example.com"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/organization/org1/", 404),
        ("POST", "/repository/", 405),
        ("POST", "/organization/org1", 405),
        ("GET", "/repository/org1/app/permissions/user", 308),
        ("GET", "/organization/org1/robots%2Fr1", 404),
        ("PUT", "/repository/org1/app/changevisibility", 400),
    ],
)
def test_slashes(admin: httpx.Client, method: str, path: str, status: int) -> None:
    assert admin.request(method, path, json={}).status_code == status
