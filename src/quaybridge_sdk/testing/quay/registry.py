"""``/v2/``: pushing and pulling, blob by blob and manifest by manifest.

Sources: quay/quay ``endpoints/v2/blob.py`` and ``manifest.py``; the OCI distribution specification. Not imitated: cross
repository mounts, deletion, tag lists, indexes of several images, conversion to schema 1 for clients that accept nothing newer.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import Factory, define

from quaybridge_sdk.testing.http import Request, Response

from .login import Logins, RegistryRefusalError, challenge
from .records import Manifest, Repository, Tag
from .world import World

_INDEX_TYPES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_IMAGE_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PATH = re.compile(r"/v2/(?P<repo>[^/]+(?:/[^/]+)+?)/(?P<kind>manifests|blobs/uploads|blobs)/(?P<ref>[^/]*)")
_READS = ("GET", "HEAD")


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _path(row: Repository) -> str:
    return f"/v2/{row.namespace}/{row.name}"


def _stored(location: str, digest: str) -> Response:
    return Response(201, headers={"Location": location, "Docker-Content-Digest": digest})


@define
class Registry:
    """The registry half of the server; called under the server's lock."""

    world: World
    logins: Logins
    blobs: dict[str, bytes] = Factory(dict)
    uploads: dict[str, tuple[str, bytes]] = Factory(dict)

    def handle(self, request: Request, base_url: str, read_only: bool) -> Response:
        try:
            return self._dispatch(request, base_url, read_only)
        except RegistryRefusalError as refusal:
            return refusal.render(base_url)

    def _dispatch(self, request: Request, base_url: str, read_only: bool) -> Response:
        if request.path == "/v2/auth":
            return self.logins.issue(request)
        if request.path == "/v2/":
            return Response(200 if self.logins.grant(request) else 401, b"true", headers=challenge(base_url))
        match = _PATH.fullmatch(request.path)
        method = "GET" if request.method == "HEAD" else request.method
        handler = _HANDLERS.get((match["kind"], method)) if match else None
        if match is None or handler is None:
            raise RegistryRefusalError("UNSUPPORTED")
        row = self._authorized(request, match["repo"])
        if read_only and request.method not in _READS:
            raise RegistryRefusalError("DENIED", is_readonly=True)
        return handler(self, request, row, match["ref"])

    def _authorized(self, request: Request, path: str) -> Repository:
        grant, row = self.logins.grant(request), self.world.repositories.get(path)
        actions = grant.access.get(path, frozenset()) if grant else frozenset()
        reads = request.method in _READS
        needed = {"pull", "push", "*"} if reads else {"push", "*"}
        if needed.isdisjoint(actions) and not (reads and row and row.public):
            raise RegistryRefusalError("UNAUTHORIZED", scope=f"repository:{path}:{'pull' if reads else 'pull,push'}")
        if row is None:
            raise RegistryRefusalError("NAME_UNKNOWN")
        return row

    def start_upload(self, request: Request, row: Repository, _: str) -> Response:
        """With ``?digest=`` the whole blob comes in this request."""
        upload = secrets.token_hex(16)
        self.uploads[upload] = (_path(row), b"")
        if "digest" in request.query:
            return self.finish_upload(request, row, upload)
        headers = {"Location": f"{_path(row)}/blobs/uploads/{upload}", "Docker-Upload-UUID": upload, "Range": "bytes=0-0"}
        return Response(202, headers=headers)

    def continue_upload(self, request: Request, row: Repository, upload: str) -> Response:
        content = self._upload(row, upload) + request.body
        self.uploads[upload] = (_path(row), content)
        where = {"Location": f"{_path(row)}/blobs/uploads/{upload}", "Docker-Upload-UUID": upload}
        return Response(202, headers=where | {"Range": f"0-{len(content) - 1}"})

    def finish_upload(self, request: Request, row: Repository, upload: str) -> Response:
        content, digest = self._upload(row, upload) + request.body, request.query.get("digest", "")
        if digest != digest_of(content):
            raise RegistryRefusalError("BLOB_UPLOAD_INVALID", reason="the digest is not that of the content")
        del self.uploads[upload]
        self.blobs[digest] = content
        row.blobs.add(digest)
        return _stored(f"{_path(row)}/blobs/{digest}", digest)

    def _upload(self, row: Repository, upload: str) -> bytes:
        path, content = self.uploads.get(upload, ("", b""))
        if path != _path(row):
            raise RegistryRefusalError("BLOB_UPLOAD_UNKNOWN")
        return content

    def read_blob(self, _: Request, row: Repository, digest: str) -> Response:
        if digest not in row.blobs:
            raise RegistryRefusalError("BLOB_UNKNOWN")
        headers = {"Docker-Content-Digest": digest, "Accept-Ranges": "bytes"}
        return Response(200, self.blobs[digest], "application/octet-stream", headers)

    def read_manifest(self, request: Request, row: Repository, reference: str) -> Response:
        """By tag, Quay would convert to schema 1 what the client does not accept; that is not imitated."""
        by_digest, tag = _DIGEST.fullmatch(reference), row.tags.get(reference)
        digest = tag.digest if tag else reference
        manifest = row.manifests.get(digest)
        if manifest is None:
            raise RegistryRefusalError("MANIFEST_UNKNOWN")
        if not by_digest and manifest.media_type not in request.headers.get("accept", ""):
            raise RegistryRefusalError("UNSUPPORTED", f"Accept {manifest.media_type}: schema 1 is not imitated.")
        return Response(200, manifest.body, manifest.media_type, {"Docker-Content-Digest": digest})

    def write_manifest(self, request: Request, row: Repository, reference: str) -> Response:
        """A tag is moved by pushing to it again; a manifest pushed by digest gets none."""
        manifest, digest = _parse(request, row), digest_of(request.body)
        if _DIGEST.fullmatch(reference):
            if reference != digest:
                raise RegistryRefusalError("MANIFEST_INVALID", message="manifest digest mismatch")
        else:
            row.tags[reference] = Tag(reference, digest, int(time.time()))
        row.manifests[digest] = manifest
        return _stored(f"{_path(row)}/manifests/{digest}", digest)


def _parse(request: Request, row: Repository) -> Manifest:
    """Raises MANIFEST_INVALID for another type, for broken JSON, and when a part has not been uploaded before."""
    media_type = request.headers.get("content-type", "")
    if media_type in _INDEX_TYPES:
        raise RegistryRefusalError("UNSUPPORTED")
    if media_type not in _IMAGE_TYPES:
        raise RegistryRefusalError("MANIFEST_INVALID", message="manifest schema version not supported")
    try:
        content: dict[str, Any] = json.loads(request.body)
        digests = [part["digest"] for part in (content["config"], *content["layers"])]
        size = sum(layer["size"] for layer in content["layers"])
    except (ValueError, KeyError, TypeError) as error:
        raise RegistryRefusalError("MANIFEST_INVALID", message=f"failed to parse manifest: {error!r}") from None
    for digest in digests:
        if digest not in row.blobs:
            raise RegistryRefusalError("MANIFEST_INVALID", message=f"unknown part: {digest}")
    return Manifest(media_type, request.body, size)


_HANDLERS: Mapping[tuple[str, str], Callable[[Registry, Request, Repository, str], Response]] = {
    ("blobs/uploads", "POST"): Registry.start_upload,
    ("blobs/uploads", "PATCH"): Registry.continue_upload,
    ("blobs/uploads", "PUT"): Registry.finish_upload,
    ("blobs", "GET"): Registry.read_blob,
    ("manifests", "GET"): Registry.read_manifest,
    ("manifests", "PUT"): Registry.write_manifest,
}
