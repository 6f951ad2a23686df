"""The ground of a soak: both embedded servers, a user's client that no fault meets, and all tokens that ever existed."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from attrs import define, field

from quaybridge_sdk.cli.stage import Stage
from quaybridge_sdk.testing.http import Request, Response
from quaybridge_sdk.testing.quay.snapshots import OrganizationSnapshot

USER = "fieldManager=soak"
"""In the query of each request of the soak itself: faults spare it, and the bridge's calls can be told from it."""

MERGE = "application/merge-patch+json"
OPERATORS = "/api/v1/namespaces/openshift-operators"


class RefusedError(Exception):
    """A server refused what the workload asked for, or is stopped at the moment: nothing was done."""


class Gate:
    """Requests pass while it is open; who closes it waits until none is under way."""

    def __init__(self, *, patient: bool) -> None:
        self._patient, self._open, self._inside = patient, True, 0
        self._changed = threading.Condition()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Raises RefusedError while it is closed, unless the gate is a patient one: then it waits."""
        with self._changed:
            if not self._open and not self._patient:
                raise RefusedError("stopped")
            self._changed.wait_for(lambda: self._open)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        with self._changed:
            self._open = False
            self._changed.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._changed:
                self._open = True
                self._changed.notify_all()


@define
class Ground:
    """The servers as the workload uses them.

    ``tokens``: every secret text that a server ever gave out. ``second_gate``: what users do in the namespaces of the second
    integration passes it.
    """

    stage: Stage
    cluster_gate: Gate = field(factory=lambda: Gate(patient=True))
    quay_gate: Gate = field(factory=lambda: Gate(patient=False))
    second_gate: Gate = field(factory=lambda: Gate(patient=False))
    tokens: set[str] = field(factory=set)
    cluster_url: str = field(init=False)
    quay_url: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.cluster_url, self.quay_url = self.stage.openshift.url, self.stage.quay.url
        self.tokens |= {self.stage.quay.token, self.stage.openshift.admin_token}
        quay = self.stage.quay
        handle: Callable[[Request], Response] = quay.handle

        def handled(request: Request) -> Response:
            answer = handle(request)
            if "/robots/" in request.path and request.method in ("PUT", "POST"):
                self._learn(answer)
            return answer

        replaced: Any = handled
        setattr(quay, "handle", replaced)  # noqa: B010 - a method is replaced on one instance

    def _learn(self, answer: Response) -> None:
        if answer.status in (200, 201):
            robot = json.loads(answer.body)
            auth = base64.b64encode(f"{robot['name']}:{robot['token']}".encode()).decode()
            self.tokens |= {robot["token"], auth}

    def new_token(self) -> str:
        """One for the bridge."""
        token = self.stage.quay.issue_token()
        self.tokens |= {token, base64.b64encode(token.encode()).decode()}
        return token

    def oc(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What a user does in the cluster."""
        headers = {"Authorization": f"Bearer {self.stage.openshift.admin_token}"}
        headers["Content-Type"] = MERGE if method == "PATCH" else "application/json"
        with self.cluster_gate.passing():
            return self._sent(method, f"{self.cluster_url}{path}?{USER}", body, headers)

    def quay(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What somebody with all rights does in Quay, below ``/api/v1/``."""
        headers = {"Authorization": f"Bearer {self.stage.quay.token}"}
        with self.quay_gate.passing():
            return self._sent(method, f"{self.quay_url}/api/v1/{path}?{USER}", body, headers)

    def _sent(self, method: str, url: str, body: object, headers: dict[str, str]) -> dict[str, Any]:
        try:
            answer = httpx.request(method, url, json=body, headers=headers, timeout=40, trust_env=False, verify=False)
        except httpx.TransportError as error:
            raise RefusedError(f"{method} {url}: {error!r}") from error
        if answer.status_code >= 400:
            raise RefusedError(f"{method} {url}: {answer.status_code} {answer.text[:300]}")
        found = answer.json() if answer.content else {}
        return found if isinstance(found, dict) else {}

    def objects(self, plural: str, namespace: str | None = None) -> dict[str, dict[str, Any]]:
        """The truth of the cluster, past the wire."""
        return {item["metadata"]["name"]: item for item in self.stage.openshift.objects(plural, namespace)}

    def organization(self, name: str) -> OrganizationSnapshot | None:
        """The truth of Quay, past the wire."""
        return self.stage.quay.organizations().get(name)

    def credentials(self, namespace: str, secret: str) -> tuple[str, str] | None:
        """User and password in a pull secret; None when there is none, or somebody has spoilt it."""
        found = self.objects("secrets", namespace).get(secret)
        if found is None:
            return None
        try:
            auths = json.loads(base64.b64decode(found["data"][".dockerconfigjson"]))["auths"]
            user, _, password = base64.b64decode(next(iter(auths.values()))["auth"]).decode().partition(":")
        except (ValueError, KeyError, StopIteration):
            return None
        return user, password

    @property
    def cluster_uid(self) -> str:
        return str(self.objects("namespaces")["kube-system"]["metadata"]["uid"])

    def put_token(self, secret: str, token: str) -> None:
        """Makes or changes the credentials Secret of an integration."""
        data = {"token": base64.b64encode(token.encode()).decode()}
        if secret in self.objects("secrets", "openshift-operators"):
            self.oc("PATCH", f"{OPERATORS}/secrets/{secret}", {"data": data})
        else:
            self.oc("POST", f"{OPERATORS}/secrets", {"metadata": {"name": secret}, "data": data})
