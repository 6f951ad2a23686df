"""Which path belongs to which handler, what is not imitated, and what Quay does with a path it does not know.

Source of the slash rules, measured: werkzeug's strict slashes, with the page of Quay's web interface (GET on any
path that ends in a slash) behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from attrs import frozen

from quaybridge_sdk.testing.http import Response

from . import about, organizations, permissions, prototypes, repositories, robots
from .answers import message, not_imitated, page
from .call import Handler

NOT_IMITATED: Mapping[str, str] = {
    "/api/v1/repository/<path:repo>/notification/": "notifications (webhooks)",
    "/api/v1/repository/<path:repo>/autoprunepolicy/": "auto-prune policies",
    "/api/v1/repository/<path:repo>/mirror": "mirrored repositories",
    "/api/v1/repository/<path:repo>/mirror/": "mirrored repositories",
    "/api/v1/repository/<path:repo>/build/": "builds by Quay",
    "/api/v1/repository/<path:repo>/trigger/": "builds by Quay",
    "/api/v1/repository/<path:repo>/changetrust": "signing",
    "/api/v1/repository/<path:repo>/manifest/": "manifests, labels and security scans through the REST API",
    "/api/v1/repository/<path:repo>/tag/": "the history of tags (the tags themselves are in the repository), and changing tags",
    "/api/v1/repository/<path:repo>/permissions/team/": "teams other than owners",
    "/api/v1/repository/<path:repo>/permissions/user/<name>/transitive": "the roles a user has through teams",
    "/api/v1/organization/<org>/team/": "teams other than owners",
    "/api/v1/organization/<org>/robots/<robot>/federation": "robot federation",
    "/api/v1/organization/<org>/quota": "quota",
    "/api/v1/organization/<org>/quota/": "quota",
    "/api/v1/organization/<org>/autoprunepolicy/": "auto-prune policies",
    "/api/v1/organization/<org>/applications": "OAuth applications (see EmbeddedQuay.issue_token)",
    "/api/v1/organization/<org>/applications/": "OAuth applications (see EmbeddedQuay.issue_token)",
    "/api/v1/organization/<org>/members": "members of an organization",
    "/api/v1/organization/<org>/logs": "usage logs",
    "/api/v1/organization/<org>/proxycache": "proxy caches",
    "PUT /api/v1/organization/<org>": "changes of an organization other than that of its e-mail",
    "/api/v1/superuser/": "superuser calls other than the list of organizations",
    "/api/v1/user/": "user settings, robots of users",
    "/api/v1/users/": "lookup of users",
    "/api/v1/error/": "descriptions of the error types",
    "/api/v1/discovery": "the Swagger document",
    "/v2/_catalog": "the registry's catalogue",
}
"""Route shapes answered 501, and what they stand for; one that ends in a slash stands for all below it too."""

_SLOTS = {"": r"[^/]+", "path:": r"[^/]+(?:/[^/]+)+"}
_GROUPS = (about, organizations, robots, prototypes, permissions, repositories)


def _pattern(rule: str) -> str:
    """``<name>`` is one segment, ``<path:name>`` two or more."""
    parts = re.split(r"<(path:)?(\w+)>", rule)
    literals, kinds, names = parts[::3], parts[1::3], parts[2::3]
    slots = [f"(?P<{name}>{_SLOTS[kind or '']})" for kind, name in zip(kinds, names, strict=True)] + [""]
    return "".join(re.escape(text) + slot for text, slot in zip(literals, slots, strict=True))


def _outside(subject: str) -> Handler:
    def refuse(*_: object, **__: str) -> Response:
        raise not_imitated(subject)

    return refuse


@frozen
class Route:
    """A row of the routing table; one that is not imitated serves any method."""

    method: str | None
    rule: str
    handler: Handler
    pattern: re.Pattern[str]

    @property
    def is_imitated(self) -> bool:
        return self.method is not None

    def serves(self, method: str) -> bool:
        return self.method is None or self.method == ("GET" if method == "HEAD" else method)


def _routes() -> Iterator[Route]:
    imitated = [row for group in _GROUPS for row in group.ROUTES]
    specific = [row for row in imitated if not row[1].endswith("<path:repo>")]
    general = [row for row in imitated if row[1].endswith("<path:repo>")]
    outside = [(None, rule, _outside(subject)) for rule, subject in NOT_IMITATED.items()]
    for method, rule, handler in (*specific, *outside, *general):
        below = ".*" if method is None and rule.endswith("/") else ""
        yield Route(method, rule, handler, re.compile(_pattern(rule) + below))


_ROUTES = tuple(_routes())


def find(method: str, raw_path: str, base_url: str) -> tuple[Route, dict[str, str]] | Response:
    """The route and its arguments, or the answer to a path or method that has none."""
    path, known = unquote(raw_path), False
    if "%2f" in raw_path.lower():  # never a separator, never part of a name
        return page(404 if method == "GET" else 405, "Quay")
    for route in _ROUTES:
        match = route.pattern.fullmatch(path)
        if match and route.serves(method):
            return route, match.groupdict()
        known = known or match is not None
        if route.rule.endswith("/") and route.serves(method) and route.pattern.fullmatch(path + "/"):
            return _redirect(base_url + raw_path + "/")
    return _unknown(method, raw_path, base_url, known)


def _unknown(method: str, path: str, base_url: str, known: bool) -> Response:
    if method in ("GET", "HEAD"):
        return page(404, "Quay") if path.endswith("/") else _redirect(base_url + path + "/")
    if known:
        return message("The method is not allowed for the requested URL.", 405).render(base_url)
    return page(405, "405 Method Not Allowed")


def _redirect(location: str) -> Response:
    return page(308, "Redirecting...", Location=location)
