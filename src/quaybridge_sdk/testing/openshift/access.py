"""Who may do what: users, tokens, and a policy that tests set instead of RBAC objects."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping

from attrs import frozen

from quaybridge_sdk.testing.openshift.status import ApiError, Json, details, qualified

MASTERS, AUTHENTICATED, UNAUTHENTICATED = "system:masters", "system:authenticated", "system:unauthenticated"


@frozen
class User:
    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)
    uid: str = ""

    def info(self) -> Json:
        """The userInfo of reviews and of admission."""
        return {"username": self.name, "groups": list(self.groups)} | ({"uid": self.uid} if self.uid else {})


ADMIN = User("system:admin", (MASTERS, AUTHENTICATED))
ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))
API_SERVER = User("system:apiserver", (AUTHENTICATED, MASTERS), "0f1c2d3e-0000-4000-8000-0000000a9150")


def user_named(name: str) -> User:
    """A user with the groups its name implies: those of a service account, or just system:authenticated."""
    parts = name.split(":")
    if parts[:2] == ["system", "serviceaccount"] and len(parts) == 4:
        return User(name, ("system:serviceaccounts", f"system:serviceaccounts:{parts[2]}", AUTHENTICATED))
    return ANONYMOUS if name == ANONYMOUS.name else User(name)


@frozen
class Action:
    """What a request does, in the terms of authorization. ``path`` is set for non-resource URLs only."""

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


@frozen
class Rule:
    """One permission. ``subject`` is a user or a group; "*" matches everything, namespace "*" the cluster scope too."""

    subject: str
    verb: str
    resource: str = ""
    group: str = "*"
    namespace: str = "*"
    name: str = "*"
    path: str = ""

    def covers(self, user: User, action: Action) -> bool:
        if self.subject != user.name and self.subject not in user.groups:
            return False
        if action.path:
            open_ended = self.path.endswith("*") and action.path.startswith(self.path[:-1])
            return self.verb in ("*", action.verb) and (open_ended or self.path == action.path)
        mine = (self.verb, self.group, self.resource, self.namespace, self.name)
        asked = (action.verb, action.group, action.resource, action.namespace, action.name)
        return bool(self.resource) and all(rule in ("*", wanted) for rule, wanted in zip(mine, asked, strict=True))


_PUBLIC = ("/healthz", "/livez", "/readyz", "/version", "/version/")
DEFAULT_POLICY = (
    Rule(MASTERS, "*", "*", path="*"),
    *(Rule(subject, "get", path=path) for subject in (AUTHENTICATED, UNAUTHENTICATED) for path in _PUBLIC),
    *(Rule(AUTHENTICATED, "get", path=path) for path in ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*")),
    Rule(AUTHENTICATED, "create", "selfsubjectaccessreviews", "authorization.k8s.io"),
    Rule(AUTHENTICATED, "create", "selfsubjectreviews", "authentication.k8s.io"),
)
"""The bootstrap roles that matter here: cluster-admin, system:discovery, system:public-info-viewer, system:basic-user."""


class Access:
    """Tokens and permissions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules = list(DEFAULT_POLICY)
        self.admin_token = f"sha256~{secrets.token_urlsafe(32)}"
        self._tokens: dict[str, User] = {self.admin_token: ADMIN}

    def allow(self, rule: Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def token(self, user: User) -> str:
        """A new bearer token for a user."""
        token = f"sha256~{secrets.token_urlsafe(32)}"
        with self._lock:
            self._tokens[token] = user
        return token

    def bearer(self, token: str) -> User | None:
        with self._lock:
            return self._tokens.get(token)

    def allowed(self, user: User, action: Action) -> bool:
        with self._lock:
            return any(rule.covers(user, action) for rule in self._rules)

    def require(self, user: User, action: Action) -> None:
        """Raises ApiError 403, in the words of the authorization filter, when the user may not."""
        if not self.allowed(user, action):
            raise denial(user, action)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def denial(user: User, action: Action) -> ApiError:
    if action.path:
        text = f'forbidden: User "{user.name}" cannot {action.verb} path "{action.path}"'
        return ApiError(403, "Forbidden", text, {})
    plural = action.resource.partition("/")[0]
    subject = qualified(plural, action.group) + (f' "{action.name}"' if action.name else "")
    where = f'in the namespace "{action.namespace}"' if action.namespace else "at the cluster scope"
    text = (f'{subject} is forbidden: User "{user.name}" cannot {action.verb} resource "{action.resource}" '
            f'in API group "{action.group}" {where}')  # fmt: skip
    return ApiError(403, "Forbidden", text, details(action.name, action.group, plural))


def action_of(attributes: Mapping[str, str]) -> Action:
    """The action a review's resourceAttributes ask about."""
    resource = attributes.get("resource", "")
    if attributes.get("subresource"):
        resource = f"{resource}/{attributes['subresource']}"
    return Action(attributes.get("verb", ""), attributes.get("group", ""), resource,
                  attributes.get("namespace", ""), attributes.get("name", ""))  # fmt: skip
