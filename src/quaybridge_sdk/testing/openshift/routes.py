"""From a request to its handler: who asks, whether they may, and which function answers.

The order is that of the real servers: authentication (401), authorization (403), the aggregator (503), then the API (404, 405,
406, 501 ...).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import unquote

from attrs import frozen

from quaybridge_sdk.testing.http import Request, Response
from quaybridge_sdk.testing.openshift import (
    access,
    deletes,
    discovery,
    imports,
    options,
    outside,
    reads,
    special,
    watches,
    writes,
)
from quaybridge_sdk.testing.openshift.access import Action, User
from quaybridge_sdk.testing.openshift.cluster import Call, Cluster, Outage
from quaybridge_sdk.testing.openshift.resources import Resource
from quaybridge_sdk.testing.openshift.status import ApiError, PlainError, method_not_allowed, not_served

Handler = Callable[[Call], Response]

VERBS: Mapping[str, str] = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
COLLECTION_VERBS: Mapping[str, str] = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
HANDLERS: Mapping[str, Handler] = {
    "get": reads.get, "list": reads.list_objects, "watch": watches.watch, "create": writes.create, "update": writes.update,
    "patch": writes.patch, "delete": deletes.delete, "deletecollection": deletes.delete_collection,
}  # fmt: skip
SPECIAL: Mapping[str, Handler] = {
    "imagestreamimports": imports.create,
    "imagestreamtags": special.stream_tag,
    "buildconfigs/instantiate": special.instantiate,
    "projectrequests": special.request_project,
    "selfsubjectaccessreviews": special.self_subject_access_review,
    "selfsubjectreviews": special.self_subject_review,
    "subjectaccessreviews": special.subject_access_review,
}
_BACKEND = "127.0.0.1:8444"
OUTAGES: Mapping[Outage, str] = {
    "refused": f"error trying to reach service: dial tcp {_BACKEND}: connect: connection refused\n",
    "reset": f"error trying to reach service: read tcp 127.0.0.1:40000->{_BACKEND}: read: connection reset by peer\n",
    "unavailable": "service unavailable\n",
}
"""The aggregator's 503, text/plain and without Retry-After, by the way openshift-apiserver fails."""


@frozen
class Target:
    """What a path names."""

    group: str
    version: str
    plural: str
    namespace: str
    name: str
    subresource: str

    @classmethod
    def parse(cls, path: str) -> Target | None:
        """The parts of a resource's path, None for any other."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[0] == "api" and len(parts) > 2:
            group, version, rest = "", parts[1], parts[2:]
        elif parts[0] == "apis" and len(parts) > 3:
            group, version, rest = parts[1], parts[2], parts[3:]
        else:
            return None
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and (group or rest[2] != "status"):
            namespace, rest = rest[1], rest[2:]
        plural, name, *below = [*rest, ""] if len(rest) == 1 else rest
        return cls(group, version, plural, namespace, name, "/".join(below))

    def action(self, method: str, watch: bool) -> Action:
        """What authorization is asked: the namespace itself counts as lying in itself."""
        verbs = VERBS if self.name and method != "POST" else COLLECTION_VERBS
        verb = "watch" if watch and not self.name and method == "GET" else verbs.get(method, method.lower())
        namespace = self.name if self.plural == "namespaces" and not self.group else self.namespace
        resource = f"{self.plural}/{self.subresource}" if self.subresource else self.plural
        return Action(verb, self.group, resource, namespace, self.name)


def answer(cluster: Cluster, request: Request) -> Response:
    """The response to any request; failures are responses too."""
    try:
        return _answer(cluster, request)
    except ApiError as error:
        return error.response()


def _answer(cluster: Cluster, request: Request) -> Response:
    user = _impersonated(cluster, request, authenticate(cluster, request))
    target = Target.parse(request.path)
    watching = request.query.get("watch") in ("1", "true")
    if target is None:
        cluster.access.require(user, Action(request.method.lower(), path=request.path))
        _check_aggregator(cluster, request.path.strip("/").split("/"), None)
        options.wants_metadata(request)  # raises if there is no form to answer in
        return discovery.answer(cluster, request.path, request.headers.get("host", ""))
    action = target.action(request.method, watching)
    cluster.access.require(user, action)
    _check_aggregator(cluster, ["apis", target.group, target.version], action)
    return _dispatch(cluster, request, user, target, action.verb)


def authenticate(cluster: Cluster, request: Request) -> User:
    header = request.headers.get("authorization", "")
    if not header:
        return access.ANONYMOUS
    user = cluster.access.bearer(header.partition(" ")[2])
    if user is None:
        raise access.unauthorized()
    return user


def _impersonated(cluster: Cluster, request: Request, user: User) -> User:
    name = request.headers.get("impersonate-user")
    if name is None:
        return user
    cluster.access.require(user, Action("impersonate", "", "users", "", name))
    return access.user_named(name)


def _check_aggregator(cluster: Cluster, parts: list[str], action: Action | None) -> None:
    """While openshift-apiserver is away only the list of its groups is still answered, by the aggregator itself."""
    if cluster.outage == "up" or len(parts) < 3 or parts[0] != "apis":
        return
    served = cluster.catalogue.group(parts[1], parts[2])
    if not served or served[0].family != "openshift":
        return
    if cluster.outage == "anonymous":
        raise access.denial(access.ANONYMOUS, action or Action("get", path="/" + "/".join(parts)))
    raise PlainError(503, None, OUTAGES[cluster.outage])


def _dispatch(cluster: Cluster, request: Request, user: User, target: Target, verb: str) -> Response:
    resource = cluster.catalogue.find(target.group, target.version, target.plural)
    place = f"{target.plural}/{target.subresource}" if target.subresource else target.plural
    if place in outside.SUBRESOURCES:
        raise outside.not_imitated("unlisted resources")
    verb = _served_verb(request, resource, target, verb)
    partial = options.wants_metadata(request)
    call = Call(cluster, request, user, resource, target.namespace, target.name, target.subresource, partial)
    options.check_size(request)
    return SPECIAL.get(place, HANDLERS[verb])(call)


def _served_verb(request: Request, resource: Resource, target: Target, verb: str) -> str:
    """The verb, if the resource has it at this path. Raises ApiError 404 for a path that is not there, else 405."""
    verbs = resource.verbs
    if target.subresource:
        if target.subresource not in resource.subresources:
            raise not_served()
        verbs = resource.subresources[target.subresource].verbs
    of_path = set(verbs) & (set(VERBS.values()) if target.name else {*COLLECTION_VERBS.values(), "watch"})
    if target.subresource:
        of_path = set(verbs)
    elif resource.namespaced and not target.namespace:
        of_path &= {"list", "watch"}
    elif target.namespace and not resource.namespaced:
        of_path = set()
    if not of_path:
        raise not_served()
    if verb not in of_path or request.method in ("HEAD", "OPTIONS"):
        raise method_not_allowed()
    return verb
