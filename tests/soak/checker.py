"""Compares both sides with what the diary says: nothing lost, nothing left over, nothing of a stranger's changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen
from tests.soak import records
from tests.soak.diary import Left, Page, Phase
from tests.soak.ground import Ground
from tests.soak.scene import SPECS

from quaybridge_sdk.testing.quay.snapshots import OrganizationSnapshot

ROLES = {"builder": "write", "default": "read", "deployer": "read"}
ROLE = "quaybridge.io/role"
FINALIZER = "quay.redhat.com/quayintegrations"
BLOCKED = {("False", "Ownership"), ("False", "ClusterConflict")}
"""What an integration says of itself while an organization of its names is somebody else's."""

IMPORTED = "quay-registry-operator.quay.redhat.com/destination-imagestreamtag-imported"


@frozen
class Checker:
    """All of it reads the servers' own state, past the wire. ``strangers``: the organizations that must be as they were."""

    ground: Ground
    pages: tuple[Page, ...]
    strangers: dict[str, OrganizationSnapshot]

    def differences(self) -> list[str]:
        """What is not as it should be, each with the name that it concerns; empty when all is."""
        organizations = self.ground.stage.quay.organizations()
        found = self.of(self.pages)
        found += [f"{name}: a stranger's organization was changed" for name, before in self.strangers.items()
                  if organizations.get(name) != before]  # fmt: skip
        known = {page.organization for page in self.pages} | self.strangers.keys()
        found += [f"{name}: an organization of nobody's" for name in organizations.keys() - known]
        remembered = (text for cluster_id in SPECS for text in self.remembered(cluster_id))
        return [*found, *remembered, *self._conditions()]

    def of(self, pages: Iterable[Page]) -> list[str]:
        """What is not as it should be with these."""
        organizations = self.ground.stage.quay.organizations()
        return [f"{page.name}: {text}" for page in pages for text in self._of(page, organizations.get(page.organization))]

    def _of(self, page: Page, found: OrganizationSnapshot | None) -> Iterator[str]:
        namespace = self.ground.objects("namespaces").get(page.name)
        if (namespace is not None) != (page.phase is Phase.LIVE):
            yield f"the namespace is {'there' if namespace else 'not there'}, but should be {page.phase.value}"
        elif page.blocked or (page.left is Left.KEPT and page.phase is Phase.ABSENT):
            yield from self._kept(page, found)
        elif namespace is not None and page.cluster_id:
            yield from self._living(page, found, namespace)
        elif page.left is Left.QUARANTINED and namespace is None:
            yield from self._quarantined(page, found)
        elif found is not None:
            yield "an organization that should not be there"
        elif namespace is not None and FINALIZER in namespace["metadata"].get("finalizers", ()):
            yield "a finalizer on a namespace that nothing covers"

    def _kept(self, page: Page, found: OrganizationSnapshot | None) -> Iterator[str]:
        if found is None:
            yield "the organization that should be kept is gone"
        elif found != page.frozen:
            yield f"the organization that should be kept was changed: {changes(page.frozen, found)}"
        elif not page.strangers:
            yield from self._images(page, found)

    def _quarantined(self, page: Page, found: OrganizationSnapshot | None) -> Iterator[str]:
        if found is None:
            yield "the organization that is in quarantine is gone"
            return
        if found.robots:
            yield f"robots in quarantine: {sorted(found.robots)}"
        if any(row.state != "READ_ONLY" for row in found.repositories.values()):
            yield "a repository in quarantine that is not read-only"
        yield from self._images(page, found)

    def _living(self, page: Page, found: OrganizationSnapshot | None, namespace: dict[str, Any]) -> Iterator[str]:
        if found is None:
            yield "no organization"
            return
        metadata = namespace["metadata"]
        accounts = self.ground.objects("serviceaccounts", page.name)
        asked = {name: (item["metadata"].get("annotations") or {}).get(ROLE) for name, item in accounts.items()}
        roles = {**{name: role for name, role in asked.items() if role}, **ROLES}
        # Spared: an edited e-mail stays while the robots still tell whose the organization is: a full check reads those alone.
        if found.email not in (f"{page.uid}@{self.ground.cluster_uid}.quaybridge.invalid", page.edited_mail):
            yield f"the mark: {found.email}"
        if FINALIZER not in metadata.get("finalizers", ()) or "quaybridge.io/applied" not in (metadata.get("annotations") or {}):
            yield "the finalizer, or the record of what was brought about"
        if (record := records.record(self.ground, page)) is not None and record.check != page.check:
            yield f"the check {page.check!r} was not followed: {record.check!r}"
        yield from self._registry(page, found, roles)
        yield from (text for account in roles for text in self._account(page, found, account, accounts))
        yield from self._images(page, found)
        yield from self._builds(page)

    def _registry(self, page: Page, found: OrganizationSnapshot, roles: dict[str, str]) -> Iterator[str]:
        rights = {f"{page.organization}+{account}": role for account, role in roles.items()}
        if set(found.robots) != set(roles):
            yield f"robots: {sorted(found.robots)}, not {sorted(roles)}"
        rules = sorted((p.delegate, p.role, p.activating_user) for p in found.prototypes)
        if rules != sorted((robot, role, None) for robot, role in rights.items()):
            yield f"default permissions: {rules}"
        yield from self._repositories(page, found)
        for name, row in found.repositories.items():
            held = {user: role for user, role in row.users.items() if "+" in user}
            if name in page.streams and held != rights:
                yield f"rights in {name}: {held}"
            if row.state != "NORMAL":
                yield f"{name} is {row.state}"

    def _repositories(self, page: Page, found: OrganizationSnapshot) -> Iterator[str]:
        """Where they go with their ImageStreams, each that is left over must be one that may not go."""
        there = found.repositories
        if not page.streams <= set(there) <= page.ever:
            yield f"repositories: {sorted(there)}, ImageStreams: {sorted(page.streams)}, once: {sorted(page.ever)}"
        mark, others = records.mark(self.ground, page), there.keys() - page.streams - page.ignored
        if page.removes and (over := sorted(name for name in others if there[name].description == mark)):
            yield f"repositories left over: {over}"
        if page.kept - there.keys():
            yield f"repositories gone that had to stay: {sorted(page.kept - there.keys())}"

    def _account(
        self, page: Page, found: OrganizationSnapshot, account: str, accounts: dict[str, dict[str, Any]]
    ) -> Iterator[str]:
        secret, robot = page.secret(account), found.robots.get(account)
        user, password = self.ground.credentials(page.name, secret) or ("", "")
        right = user == f"{page.organization}+{account}"
        if robot is None or not right or hashlib.sha256(password.encode()).hexdigest() != robot.token_sha256:
            yield f"the pull secret of {account}"
        links = ({entry["name"] for entry in accounts.get(account, {}).get(key) or ()} for key in ("secrets", "imagePullSecrets"))
        if not all(secret in names for names in links):
            yield f"the links of {account}"

    def _images(self, page: Page, found: OrganizationSnapshot) -> Iterator[str]:
        """All that was pushed, and nothing from before."""
        there = {(repository, tag): digest for repository, row in found.repositories.items() for tag, digest in row.tags.items()}
        lost = {place for place, digest in page.images.items() if there.get(place) != digest}
        if lost:
            yield f"images lost: {sorted(lost)}"
        if over := there.keys() - page.images.keys() - page.doubtful.keys():
            yield f"images left over: {sorted(over)}"

    def _builds(self, page: Page) -> Iterator[str]:
        objects = self.ground.objects("builds", page.name)
        for note in page.builds:
            annotations = objects.get(note.name, {}).get("metadata", {}).get("annotations") or {}
            marked = annotations.get(IMPORTED) == "true"
            if marked != note.imports and not (note.imports and note.excused):
                yield f"build {note.name} is {'' if marked else 'not '}imported"
        streams = self.ground.objects("imagestreams", page.name)
        for stream, digest in page.built.items():
            if _latest(streams.get(stream, {})) != digest:
                yield f"the tag {stream}:latest is {_latest(streams.get(stream, {}))}, not {digest}"
        if any("stolen" in _tags(item) for item in streams.values()):
            yield "a forged build was imported"

    def remembered(self, cluster_id: str) -> list[str]:
        """The deletions that an integration remembers are the quarantined ones."""
        pages = (page for page in self.pages if page.cluster_id == cluster_id and page.phase is Phase.ABSENT)
        wanted = {page.organization for page in pages if page.left is Left.QUARANTINED}
        status: dict[str, Any] = self.ground.objects("quayintegrations").get(cluster_id, {}).get("status") or {}
        entries = status.get("deletions") or []
        found = {entry["organization"] for entry in entries if entry["reason"] == "Quarantine"}
        if found == wanted and len(entries) == len(wanted):
            return []
        told = [(entry["organization"], entry["reason"]) for entry in entries]
        return [f"deletions remembered: {told}, wanted: {sorted(wanted)}"]

    def _conditions(self) -> Iterator[str]:
        integrations = self.ground.objects("quayintegrations")
        yield from (f"there is no QuayIntegration {name}" for name in SPECS.keys() - integrations.keys())
        for item in integrations.values():
            blocked = [p for p in self.pages if p.phase is Phase.LIVE and p.blocked and p.cluster_id == item["spec"]["clusterID"]]
            conditions = {c["type"]: (c["status"], c["reason"]) for c in (item.get("status") or {}).get("conditions") or ()}
            ready, wanted = conditions.get("Ready", ("", "")), BLOCKED if blocked else {("True", "Synchronized")}
            if ready not in wanted:
                yield f"QuayIntegration {item['metadata']['name']}: Ready is {ready}, not {wanted}; {conditions}"


def changes(before: OrganizationSnapshot | None, after: OrganizationSnapshot | None) -> str:
    """The parts that are not the same, before and after."""
    parts = ("email", "robots", "prototypes", "repositories")
    names = [name for name in parts if getattr(before, name, None) != getattr(after, name, None)]
    return ", ".join(f"{name}: {getattr(before, name, None)} -> {getattr(after, name, None)}" for name in names)


def _tags(stream: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {entry["tag"]: entry.get("items") or [] for entry in (stream.get("status") or {}).get("tags") or ()}


def _latest(stream: dict[str, Any]) -> str:
    items = _tags(stream).get("latest") or [{}]
    return str(items[0].get("image", ""))
