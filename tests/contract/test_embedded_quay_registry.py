"""Pushing to and pulling from the embedded Quay, and what each role may."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from quaybridge_sdk.testing.quay import EmbeddedQuay
from quaybridge_sdk.testing.registry_client import MANIFEST_TYPE, RegistryError, pull_manifest, push_image

DOCKER_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Site:
    """A Quay with one organization, one private repository, and robots ``r-<role>`` of each role."""

    def __init__(self, quay: EmbeddedQuay) -> None:
        self.quay = quay
        self.api = httpx.Client(base_url=quay.url + "/api/v1", headers={"Authorization": f"Bearer {quay.token}"}, verify=False)
        self.api.post("/organization/", json={"name": "org1"})
        self.create("app")
        self.passwords = {role: self.robot(f"r-{role}") for role in ("none", "read", "write", "admin")}
        for role in ("read", "write", "admin"):
            self.api.put(f"/repository/org1/app/permissions/user/org1+r-{role}", json={"role": role})

    def create(self, name: str) -> None:
        body = {"namespace": "org1", "repository": name, "visibility": "private", "description": ""}
        assert self.api.post("/repository", json=body).status_code == 201

    def robot(self, name: str) -> str:
        return str(self.api.put(f"/organization/org1/robots/{name}").json()["token"])

    def push(self, role: str, repository: str = "app", tag: str = "v1", content: bytes = b"layer") -> str:
        return push_image(self.quay.url, f"org1/{repository}", tag, f"org1+r-{role}", self.passwords[role], content, verify=False)

    def pull(self, role: str, reference: str = "v1", repository: str = "app") -> str:
        name, password = f"org1+r-{role}", self.passwords[role]
        return pull_manifest(self.quay.url, f"org1/{repository}", reference, name, password, verify=False).digest

    def bearer(self, role: str, scope: str) -> httpx.Client:
        credentials = (f"org1+r-{role}", self.passwords[role])
        answer = httpx.get(f"{self.quay.url}/v2/auth", params={"scope": scope}, auth=credentials, verify=False)
        return httpx.Client(base_url=self.quay.url, headers={"Authorization": f"Bearer {answer.json()['token']}"}, verify=False)


@pytest.fixture
def site() -> Iterator[Site]:
    with EmbeddedQuay() as quay:
        built = Site(quay)
        yield built
        built.api.close()


RIGHTS = {  # role: may push, may pull
    "none": (False, False),
    "read": (False, True),
    "write": (True, True),
    "admin": (True, True),
}


@pytest.mark.parametrize("role", RIGHTS)
def test_rights(site: Site, role: str) -> None:
    pushed = site.push("admin")

    def refused(action: Callable[[], str]) -> str:
        with pytest.raises(RegistryError) as caught:
            action()
        return f"{caught.value.status} {caught.value.code}"

    push, pull = RIGHTS[role]
    actions: list[tuple[bool, Callable[[], str]]] = [
        (push, lambda: site.push(role)),
        (pull, lambda: site.pull(role)),
        (pull, lambda: site.pull(role, pushed)),
    ]
    for allowed, action in actions:
        if allowed:
            assert action() == pushed
        else:
            assert refused(action) == "401 UNAUTHORIZED"


def test_a_push_shows_in_the_api(site: Site) -> None:
    first, second = site.push("write", content=b"one"), site.push("write", content=b"two!")
    view = site.api.get("/repository/org1/app").json()["tags"]["v1"]
    assert (view["manifest_digest"], view["size"]) == (second, 4)
    assert first != second
    assert site.quay.organizations()["org1"].repositories["app"].tags == {"v1": second}
    listed = site.api.get("/repository", params={"namespace": "org1", "last_modified": "true"}).json()["repositories"]
    assert abs(listed[0]["last_modified"] - time.time()) < 5


def test_an_overwritten_image_is_still_pulled_by_digest(site: Site) -> None:
    first = site.push("write", content=b"one")
    site.push("write", content=b"two")
    assert site.pull("read", first) == first


def test_pushing_to_a_missing_repository_needs_the_right_to_create(site: Site) -> None:
    rule = {"delegate": {"kind": "user", "name": "org1+r-read"}, "role": "read"}
    site.api.post("/organization/org1/prototypes", json=rule)
    for role in ("none", "write"):
        with pytest.raises(RegistryError, match="UNAUTHORIZED"):
            site.push(role, "fresh")
    assert "fresh" not in site.quay.organizations()["org1"].repositories
    assert push_image(site.quay.url, "org1/fresh", "v1", "$oauthtoken", site.quay.token, verify=False)
    fresh = site.quay.organizations()["org1"].repositories["fresh"]
    assert (fresh.description, dict(fresh.users)) == (None, {"admin": "admin", "org1+r-read": "read"})


@pytest.mark.parametrize("state", ["READ_ONLY", "MIRROR"])
def test_a_repository_that_is_not_normal_takes_no_push(site: Site, state: str) -> None:
    pushed = site.push("write")
    site.api.put("/repository/org1/app/changestate", json={"state": state})
    with pytest.raises(RegistryError, match="UNAUTHORIZED"):
        site.push("admin")
    assert site.pull("read") == pushed


def test_a_read_only_registry(site: Site) -> None:
    site.push("write")
    site.quay.read_only = True
    with pytest.raises(RegistryError) as caught:
        site.push("write", content=b"other")
    assert (caught.value.status, caught.value.code) == (405, "DENIED")
    assert site.pull("read")


def test_public_images_are_pulled_by_nobody_in_particular(site: Site) -> None:
    pushed = site.push("write")
    with pytest.raises(RegistryError, match="UNAUTHORIZED"):
        pull_manifest(site.quay.url, "org1/app", "v1", verify=False)
    site.api.post("/repository/org1/app/changevisibility", json={"visibility": "public"})
    assert pull_manifest(site.quay.url, "org1/app", "v1", verify=False).digest == pushed


def test_a_tag_that_never_was(site: Site) -> None:
    with pytest.raises(RegistryError, match="MANIFEST_UNKNOWN"):
        site.pull("read", "never")


def test_a_regenerated_token_ends_the_old_one(site: Site) -> None:
    site.api.post("/organization/org1/robots/r-write/regenerate")
    with pytest.raises(RegistryError, match=r"Could not find robot with username: org1\+r-write and supplied password"):
        site.push("write")


def test_oauth_tokens_log_in_as_their_user(site: Site) -> None:
    assert push_image(site.quay.url, "org1/app", "v1", "$oauthtoken", site.quay.token, verify=False)
    with pytest.raises(RegistryError, match="Invalid Username or Password"):
        push_image(site.quay.url, "org1/app", "v1", "$oauthtoken", "nonsense", verify=False)


def test_the_challenge_names_the_login(site: Site) -> None:
    answer = httpx.get(f"{site.quay.url}/v2/", verify=False)
    host = site.quay.url.removeprefix("http://")
    assert (answer.status_code, answer.text) == (401, "true")
    assert answer.headers["www-authenticate"] == f'Bearer realm="{site.quay.url}/v2/auth",service="{host}"'
    with site.bearer("none", "") as client:
        assert client.get("/v2/").status_code == 200
        refused = client.post("/v2/org1/app/blobs/uploads/")
    assert refused.headers["www-authenticate"].endswith(',scope="repository:org1/app:pull,push"')


def test_less_is_granted_than_asked_for(site: Site) -> None:
    with site.bearer("read", "repository:org1/app:push,pull") as client:
        assert client.get("/v2/org1/app/manifests/none").status_code == 404
        assert client.post("/v2/org1/app/blobs/uploads/").status_code == 401


def test_content_must_have_its_digest(site: Site) -> None:
    with site.bearer("write", "repository:org1/app:push,pull") as client:
        start = client.post("/v2/org1/app/blobs/uploads/").headers["location"]
        wrong = client.put(start, params={"digest": digest(b"other")}, content=b"blob")
        assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (400, "BLOB_UPLOAD_INVALID")
        whole = client.post("/v2/org1/app/blobs/uploads/", params={"digest": digest(b"blob")}, content=b"blob")
        assert whole.status_code == 201
        assert client.get(whole.headers["location"]).content == b"blob"
        assert client.head(whole.headers["location"]).headers["content-length"] == "4"
        assert client.put("/v2/org1/app/blobs/uploads/nope", params={"digest": "x"}).status_code == 404


def test_chunked_uploads(site: Site) -> None:
    """As docker and podman send them: a PATCH without a Content-Length."""
    with site.bearer("write", "repository:org1/app:push,pull") as client:
        where = client.post("/v2/org1/app/blobs/uploads/").headers["location"]
        for chunk in (b"one ", b"two"):
            where = client.patch(where, content=iter([chunk[:2], chunk[2:]])).headers["location"]
        assert client.put(where, params={"digest": digest(b"one two")}).status_code == 201
        assert client.get(f"/v2/org1/app/blobs/{digest(b'one two')}").content == b"one two"


@pytest.mark.parametrize("media_type", [MANIFEST_TYPE, DOCKER_TYPE, "text/plain"])
def test_manifests_need_their_parts(site: Site, media_type: str) -> None:
    part: dict[str, str | int] = {"digest": digest(b"{}"), "size": 2}
    body = json.dumps({"schemaVersion": 2, "config": part, "layers": [part]}).encode()
    with site.bearer("write", "repository:org1/app:push,pull") as client:

        def put(reference: str) -> int:
            headers = {"Content-Type": media_type}
            return client.put(f"/v2/org1/app/manifests/{reference}", content=body, headers=headers).status_code

        assert put("v1") == 400
        client.post("/v2/org1/app/blobs/uploads/", params={"digest": digest(b"{}")}, content=b"{}")
        known = media_type != "text/plain"
        assert put("v1") == (201 if known else 400)
        assert put(digest(body)) == (201 if known else 400)
        assert put(digest(b"other")) == 400


def test_an_index_of_images_is_not_imitated(site: Site) -> None:
    with site.bearer("write", "repository:org1/app:push,pull") as client:
        answer = client.put("/v2/org1/app/manifests/multi", content=b"{}", headers={"Content-Type": INDEX_TYPE})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (501, "UNSUPPORTED")


def test_connections_are_kept(site: Site) -> None:
    assert "connection" not in httpx.get(f"{site.quay.url}/v2/", verify=False).headers
