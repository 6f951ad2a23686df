"""The doctor's three ports, as tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from quaybridge_sdk.cli.doctor.catalogue import CHECKS
from quaybridge_sdk.cli.doctor.finding import Finding, Status
from quaybridge_sdk.cli.doctor.ports import Examination, Json, NoAnswerError, Page, Trouble
from quaybridge_sdk.errors import NotFoundError
from quaybridge_sdk.model.quay import Organization, QuayEndpoint

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HEALTHY = b'{"data": {"services": {"auth": true, "database": true}}, "status_code": 200}'


@define
class FakeCluster:
    """Objects by path; whatever is not there is a NotFoundError. ``allowed`` answers the reviews."""

    objects: dict[str, Json | Exception] = field(factory=dict)
    allowed: Callable[[Mapping[str, str]], bool] = lambda _: True
    user: str = "system:admin"
    host: str = "https://api.cluster:6443"
    reviews: list[tuple[str, Json]] = field(factory=list)
    tried: list[tuple[str, Json]] = field(factory=list)
    webhook: Callable[[Json], Json] = lambda body: body

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        found = self.objects.get(path, NotFoundError(f"GET {path}: 404", system="kubernetes"))
        if isinstance(found, Exception):
            raise found
        return found

    def create(self, path: str, body: Json) -> Json:
        if body["kind"] == "SelfSubjectReview":
            return {"status": {"userInfo": {"username": self.user}}}
        self.reviews.append((body["kind"], body["spec"]))
        return {"status": {"allowed": self.allowed(body["spec"]["resourceAttributes"])}}

    def try_creating(self, path: str, body: Json) -> Json:
        self.tried.append((path, body))
        return self.webhook(body)


@define
class FakeNetwork:
    pages: dict[str, Page | Exception] = field(factory=dict)
    certificates: dict[tuple[str, int], bytes] = field(factory=dict)

    def page(self, url: str, endpoint: QuayEndpoint | None = None) -> Page:
        found = self.pages.get(url, NoAnswerError(Trouble.REFUSED))
        if isinstance(found, Exception):
            raise found
        return found

    def certificate(self, host: str, port: int) -> bytes:
        if (host, port) not in self.certificates:
            raise NoAnswerError(Trouble.REFUSED)
        return self.certificates[host, port]


@define
class FakeQuay:
    user: str | None = "admin"
    is_superuser: bool = True
    organizations: Mapping[str, Organization] = field(factory=dict)
    content: Mapping[str, Collection[str]] = field(factory=dict)
    administers: bool = True

    def check_token(self) -> str | None:
        return self.user

    def superuser(self) -> bool:
        return self.is_superuser

    def organization(self, name: str) -> Organization | None:
        return self.organizations.get(name)

    def repositories(self, organization: str) -> Collection[str]:
        return self.content.get(organization, ())

    def may_administer(self, organization: str, repository: str) -> bool:
        return self.administers


def examination(
    objects: Mapping[str, Json | Exception] | None = None,
    network: FakeNetwork | None = None,
    quay: FakeQuay | None = None,
    **more: Any,
) -> Examination:
    cluster = more.pop("cluster", None) or FakeCluster(dict(objects or {}))
    used = quay or FakeQuay()
    return Examination(cluster, network or FakeNetwork(), lambda *_: nullcontext(used), lambda: NOW, **more)


def statuses(findings: Iterable[Finding], check: str) -> list[Status]:
    """How one check ended, for each of its subjects; every finding must be of the catalogue."""
    found = list(findings)
    assert {each.check for each in found} <= set(CHECKS)
    return [each.status for each in found if each.check == check]


def the(findings: Iterable[Finding], check: str) -> Finding:
    """The one finding of a check."""
    found = [each for each in findings if each.check == check]
    assert len(found) == 1, found
    return found[0]
