"""A container registry seen from the import: the /v2/ protocol with token authentication, over real HTTP.

Source: openshift/library-go pkg/image/registryclient and openshift-apiserver pkg/image/apiserver/importer; the failures'
texts are those of the recordings (06-imagestreamimports), Go's words included.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import ssl
from collections.abc import Iterable
from typing import Any, Self

import httpx
from attrs import frozen

from quaybridge_sdk.testing.openshift.images import Reference
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.status import ApiError, Json, internal

TIMEOUT = 25.0
"""Seconds after which a silent registry is given up (measured), times the pace."""
_SCHEMA2, _OCI = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"
_LISTS = ("application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
_ACCEPT = ", ".join((_SCHEMA2, _OCI, *_LISTS))


@frozen
class Credentials:
    user: str
    password: str


def credentials(secrets: Iterable[Json], reference: Reference) -> Credentials | None:
    """What the docker secrets of a namespace hold for a registry, by the host and port of the ``auths`` key."""
    for secret in secrets:
        for key in (".dockerconfigjson", ".dockercfg"):
            raw = (secret.get("data") or {}).get(key)
            if raw is None:
                continue
            config = json.loads(base64.b64decode(raw))
            for place, entry in (config.get("auths", {}) if key == ".dockerconfigjson" else config).items():
                if re.sub(r"^https?://|(/v[12])?/?$", "", place) == reference.host:
                    return _credentials(entry)
    return None


def _credentials(entry: Json) -> Credentials:
    if entry.get("auth"):
        user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
        return Credentials(user, password)
    return Credentials(entry.get("username", ""), entry.get("password", ""))


def unauthorized(reference: Reference) -> ApiError:
    return ApiError(401, "Unauthorized", f'you may not have access to the container image "{reference.text}"')


def missing(reference: Reference) -> ApiError:
    about = {"name": reference.text, "group": "image.openshift.io", "kind": "dockerimage"}
    return ApiError(404, "NotFound", f'dockerimage.image.openshift.io "{reference.text}" not found', about)


@functools.cache
def _trust(insecure: bool, ca: str) -> ssl.SSLContext:
    """The authorities to check by (PEM, the system's without), or none checked; kept: loading them outlasts an import."""
    context = ssl.create_default_context(cadata=ca or None)
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Registry:
    """One registry during one import. ``insecure``: a certificate is not checked, and plain HTTP will do."""

    def __init__(self, reference: Reference, secret: Credentials | None, insecure: bool, seconds: float, ca: str = "") -> None:
        self.reference, self.secret, self.insecure = reference, secret, insecure
        self._client = httpx.Client(verify=_trust(insecure, ca), timeout=seconds, trust_env=False, follow_redirects=True)
        self._base = ""
        self._headers: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def image(self) -> Json:
        """The Image of the reference. Raises ApiError with the status the import reports for it."""
        challenge = self._ping()
        target = f"{self._base}/v2/{self.reference.path}/manifests/{self.reference.digest or self.reference.tag}"
        if challenge:
            self._authorize(challenge, target)
        manifest, digest, media = self._manifest(target)
        if media in _LISTS:
            raise not_imitated("indexes of several images")
        config = self._get(f"{self._base}/v2/{self.reference.path}/blobs/{manifest['config']['digest']}").json()
        return _image(self.reference, manifest, digest, media, config)

    def _ping(self) -> str:
        """Finds the scheme; returns the authentication challenge, "" when there is none."""
        fault = internal(f"{self.reference.text}: no scheme to try")
        for scheme in ("https", "http") if self.insecure else ("https",):
            self._base = f"{scheme}://{self.reference.host}"
            try:
                answer = self._client.get(f"{self._base}/v2/")
                return answer.headers.get("www-authenticate", "") if answer.status_code == 401 else ""
            except (httpx.HTTPError, ssl.SSLError) as error:
                fault = internal(f'{self.reference.text}: Get "{self._base}/v2/": {go_words(error, self.reference.host)}')
        raise fault

    def _authorize(self, challenge: str, target: str) -> None:
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        auth = httpx.BasicAuth(self.secret.user, self.secret.password) if self.secret else None
        if not challenge.lower().startswith("bearer"):
            if auth is not None:
                self._client.auth = auth
            return
        scope = {"service": fields.get("service", ""), "scope": f"repository:{self.reference.path}:pull"}
        answer = self._get(fields["realm"], params=scope, auth=auth)
        if answer.status_code in (401, 403):
            if auth is None:
                raise unauthorized(self.reference)
            raise internal(f'{self.reference.text}: Get "{target}": unauthorized: {_said(answer)}')
        self._headers = {"Authorization": f"Bearer {answer.json().get('token') or answer.json().get('access_token', '')}"}

    def _manifest(self, target: str) -> tuple[Json, str, str]:
        answer = self._get(target, accept=_ACCEPT)
        if answer.status_code == 404:
            raise missing(self.reference)
        if answer.status_code in (401, 403):
            raise unauthorized(self.reference)
        if answer.status_code != 200:
            raise internal(f'{self.reference.text}: Get "{target}": received unexpected HTTP status: {answer.status_code}')
        digest = answer.headers.get("docker-content-digest") or f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        manifest = answer.json()
        media = manifest.get("mediaType") or answer.headers["content-type"].partition(";")[0]
        return manifest, digest, media

    def _get(self, url: str, accept: str = "*/*", **more: Any) -> httpx.Response:
        try:
            return self._client.get(url, headers=self._headers | {"Accept": accept}, **more)
        except httpx.HTTPError as error:
            raise internal(f'{self.reference.text}: Get "{url}": {go_words(error, self.reference.host)}') from None


def _image(reference: Reference, manifest: Json, digest: str, media: str, config: Json) -> Json:
    layers = [{"name": layer["digest"]} | {key: layer[key] for key in ("size", "mediaType")} for layer in manifest["layers"]]
    size = sum(layer["size"] for layer in layers) + manifest["config"]["size"]
    about = {"kind": "DockerImage", "apiVersion": "image.openshift.io/1.0", "Id": manifest["config"]["digest"],
             "Created": config.get("created"), "ContainerConfig": config.get("container_config") or {},
             "Config": config.get("config") or {}, "Architecture": config.get("architecture", "amd64"), "Size": size}  # fmt: skip
    return {
        "metadata": {"name": digest, "annotations": {"image.openshift.io/dockerLayersOrder": "ascending"}},
        "dockerImageReference": f"{reference.host}/{reference.path}@{digest}",
        "dockerImageMetadata": about, "dockerImageMetadataVersion": "1.0",
        "dockerImageLayers": layers, "dockerImageManifestMediaType": media,
    }  # fmt: skip


def _said(answer: httpx.Response) -> str:
    """The message of a registry's error body."""
    try:
        body = answer.json()
        return str(body["errors"][0]["message"] if body.get("errors") else body["message"])
    except (ValueError, KeyError, IndexError, TypeError):
        return answer.text or "authentication required"


def go_words(error: Exception, host: str) -> str:
    """The transport's failure as Go's net/http words it."""
    text = str(error)
    if isinstance(error, httpx.TimeoutException):
        return "context deadline exceeded"
    if "refused" in text:
        return f"dial tcp {host}: connect: connection refused"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"tls: failed to verify certificate: x509: {text}"
    if "WRONG_VERSION_NUMBER" in text.upper() or "RECORD_LAYER_FAILURE" in text.upper():
        return "http: server gave HTTP response to HTTPS client"
    return "EOF" if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError)) else text
