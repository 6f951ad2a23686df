"""The smallest client that pushes and pulls as ``docker``, ``podman`` and OpenShift's builds do.

It plays the build in tests and in the demo: log in with a pull secret's credentials, upload blobs, put a manifest.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl

import httpx
from attrs import frozen

Verify = ssl.SSLContext | bool
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class RegistryError(Exception):
    """The registry refused; ``status`` and ``code`` (such as UNAUTHORIZED) are its own words."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        is_json = response.headers.get("content-type", "").startswith("application/json")
        errors = response.json().get("errors", [{}]) if is_json and response.content.startswith(b"{") else [{}]
        self.code = str(errors[0].get("code", ""))
        super().__init__(f"{response.request.method} {response.request.url.path}: {self.status} {response.text}")


@frozen
class PulledManifest:
    digest: str
    media_type: str
    body: bytes


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _checked(response: httpx.Response) -> httpx.Response:
    if not response.is_success:
        raise RegistryError(response)
    return response


def _log_in(client: httpx.Client, repository: str, actions: str, username: str, password: str) -> None:
    """The token flow: ask ``/v2/``, follow its challenge with Basic credentials, keep the bearer token."""
    challenge = dict(_CHALLENGE.findall(client.get("/v2/").headers["WWW-Authenticate"]))
    query = {"service": challenge["service"], "scope": f"repository:{repository}:{actions}"}
    answer = _checked(client.get(challenge["realm"], params=query, auth=(username, password)))
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"


def _upload(client: httpx.Client, repository: str, content: bytes) -> dict[str, object]:
    digest = _digest(content)
    if client.head(f"/v2/{repository}/blobs/{digest}").status_code != 200:
        location = _checked(client.post(f"/v2/{repository}/blobs/uploads/")).headers["Location"]
        _checked(client.patch(location, content=content))
        _checked(client.put(location, params={"digest": digest}))
    return {"digest": digest, "size": len(content)}


def push_image(
    registry_url: str,
    repository: str,
    tag: str,
    username: str,
    password: str,
    content: bytes = b"layer",
    *,
    verify: Verify = True,
) -> str:
    """Pushes an image with one layer of ``content`` and returns its digest; ``verify`` is httpx's.

    Raises:
        RegistryError: the credentials are wrong or do not allow the push.
    """
    with httpx.Client(base_url=registry_url, verify=verify) as client:
        _log_in(client, repository, "push,pull", username, password)
        layer = _upload(client, repository, content)
        root = {"type": "layers", "diff_ids": [layer["digest"]]}
        config = _upload(client, repository, json.dumps({"architecture": "amd64", "os": "linux", "rootfs": root}).encode())
        parts = {"config": {"mediaType": _CONFIG_TYPE, **config}, "layers": [{"mediaType": _LAYER_TYPE, **layer}]}
        body = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, **parts}).encode()
        where, headers = f"/v2/{repository}/manifests/{tag}", {"Content-Type": MANIFEST_TYPE}
        answer = _checked(client.put(where, content=body, headers=headers))
        return str(answer.headers["Docker-Content-Digest"])


def pull_manifest(
    registry_url: str, repository: str, reference: str, username: str = "", password: str = "", *, verify: Verify = True
) -> PulledManifest:
    """Fetches the manifest of a tag or digest; without a user name it asks as nobody, which public repositories allow.

    Raises:
        RegistryError: the credentials are wrong or do not allow the pull, or there is no such image.
    """
    with httpx.Client(base_url=registry_url, verify=verify) as client:
        if username:
            _log_in(client, repository, "pull", username, password)
        path, headers = f"/v2/{repository}/manifests/{reference}", {"Accept": MANIFEST_TYPE}
        answer = _checked(client.get(path, headers=headers))
        media_type, digest = answer.headers["Content-Type"], answer.headers["Docker-Content-Digest"]
        return PulledManifest(str(digest), str(media_type), answer.content)
