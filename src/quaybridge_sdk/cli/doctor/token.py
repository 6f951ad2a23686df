"""The token: valid or not, whose, and which of the calls of the bridge it may make, as far as reading shows it."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.objects import text
from quaybridge_sdk.adapters.quay import routes
from quaybridge_sdk.adapters.quay.routes import Route
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.integrations import Integration, write_token
from quaybridge_sdk.cli.doctor.ports import Examination, QuayPort, look
from quaybridge_sdk.errors import QuaybridgeError, TokenInvalidError
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.scope import scope

ONLY_FOR_CHECKS = (routes.GET_USER, routes.LIST_ALL_ORGANIZATIONS)
NEEDED: tuple[Route, ...] = tuple(
    value for value in vars(routes).values() if isinstance(value, Route) and value.scopes and value not in ONLY_FOR_CHECKS
)
"""The calls that need a scope, from the adapter's own table."""

STEPS = (
    "make a new OAuth token: log in to Quay as a superuser, open the organization that holds the application, then "
    "Applications, the application, Generate Token, tick {scopes}, Authorize Application, and copy the token"
)
ENOUGH = ("user:admin", "org:admin", "repo:create", "repo:admin")
MOST_TRIED = 5
"""Organizations that are looked at to find one that exists."""


@frozen
class Scopes:
    """What is known of the token's scopes: those that it has, and those that it lacks, or that its user cannot use."""

    has: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()


def new_token(*scopes: str) -> str:
    return STEPS.format(scopes=", ".join(scopes or ENOUGH))


def examine_token(examination: Examination, each: Integration, full_access: bool | None) -> Iterator[Finding]:
    """``full_access``: Quay's SUPERUSERS_FULL_ACCESS, None when it is not told."""
    assert each.token is not None  # noqa: S101 - asked for by the caller
    url = each.parsed.endpoint.url
    try:
        with examination.open_quay(each.parsed.endpoint, each.token) as quay:
            user, superuser = quay.check_token(), quay.superuser()
            yield _token(each, user, superuser)
            if user is None and not superuser:
                return
            yield _superuser(each, superuser, full_access)
            names = _candidates(examination, each)
            yield from grouped(each, known_scopes(quay, superuser, full_access, names))
    except TokenInvalidError as error:
        yield bad("quay.token", url, f"{error.reason}: {error}", new_token(), write_token(each))
    except QuaybridgeError as error:
        yield bad("quay.token", url, f"{error.reason}: {error}", "look at Quay, then run this again")


def _token(each: Integration, user: str | None, superuser: bool) -> Finding:
    url = each.parsed.endpoint.url
    if user is not None:
        return good("quay.token", url, f"the token belongs to {user}")
    if superuser:
        return good("quay.token", url, "the token is a superuser's; it lacks user:read, so it does not say whose")
    detail = "Quay does not accept the token: it is wrong, expired or revoked, or has neither user:read nor user:admin"
    return bad("quay.token", url, detail, new_token(), write_token(each))


def _superuser(each: Integration, superuser: bool, full_access: bool | None) -> Finding:
    url = each.parsed.endpoint.url
    if not superuser:
        detail = (
            "no superuser, or no scope super:user: organizations of other owners cannot be taken over, and the scopes must be "
            "user:admin, org:admin, repo:create and repo:admin"
        )
        return doubtful("quay.superuser", url, detail, f"{new_token('super:user', *ENOUGH)}; or leave it so", write_token(each))
    if full_access is False:
        detail = "a superuser, but Quay's FEATURE_SUPERUSERS_FULL_ACCESS is off: only own organizations can be worked on"
        return doubtful("quay.superuser", url, detail, "set FEATURE_SUPERUSERS_FULL_ACCESS: true in Quay's config.yaml")
    detail = "a superuser: organizations of all owners can be worked on"
    if full_access is None:
        detail += ", if Quay has FEATURE_SUPERUSERS_FULL_ACCESS"
    return good("quay.superuser", url, detail)


def _candidates(examination: Examination, each: Integration) -> list[str]:
    """Names of organizations that the bridge may have made."""
    seen = look(examination.cluster, "/api/v1/namespaces")
    found = sorted(name for item in seen.items if scope(each.parsed, name := text(item, "metadata", "name")).covered)
    return [organization_name(each.parsed.cluster_id, name) for name in found[:MOST_TRIED]]


def known_scopes(quay: QuayPort, superuser: bool, full_access: bool | None, organizations: list[str]) -> Scopes:
    """What reading shows. An organization that the bridge made tells of org:admin, a repository in it of repo:admin."""
    has, lacks = ({"super:user"}, set[str]()) if superuser and full_access is not False else (set[str](), {"super:user"})
    for name in organizations:
        organization = quay.organization(name)
        if organization is None:
            continue
        if "super:user" in has:
            break  # it stands for all that an organization could show
        (has if organization.administered else lacks).add("org:admin")
        repository = min(quay.repositories(name), default=None) if organization.administered else None
        if repository is not None:
            (has if quay.may_administer(name, repository) else lacks).add("repo:admin")
            break
    return Scopes(frozenset(has), frozenset(lacks - has))


def grouped(each: Integration, scopes: Scopes) -> Iterator[Finding]:
    """One finding for each set of scopes that allows some calls: any one of a set is enough."""
    for allowing in dict.fromkeys(route.scopes for route in NEEDED):
        calls = ", ".join(f"{route.method} {route.shape}" for route in NEEDED if route.scopes == allowing)
        title = f"{each.parsed.endpoint.url}: {' or '.join(allowing)}"
        held = [name for name in allowing if name in scopes.has]
        if held:
            yield good("quay.scopes", title, f"allowed by {held[0]}")
        elif all(name in scopes.lacks for name in allowing):
            detail = f"missing, or the organizations have another owner; needed for {calls}"
            yield bad(
                "quay.scopes",
                title,
                detail,
                new_token(*ENOUGH),
                write_token(each),
            )
        else:
            yield unsure("quay.scopes", title, f"only a write would show it, and nothing is written here; needed for {calls}")
