"""What people break on either side, and what the bridge has to put right."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterable

from attrs import frozen
from tests.soak.diary import Counters, Left, Page
from tests.soak.ground import Ground, RefusedError

from quaybridge_sdk.mapping.ownership import email_mark
from quaybridge_sdk.testing.quay.snapshots import OrganizationSnapshot

NAMESPACES = "/api/v1/namespaces"
ROLES = {"builder": "write", "default": "read", "deployer": "read"}
ACCOUNTS = tuple(ROLES)
EXTRA = "ci"
EXTRA_ROLES = {"openshift": "read", "second": "write"}
"""By clusterID: the role of that account."""

SPOILT = base64.b64encode(b'{"auths":{"127.0.0.1":{"auth":"eDp5"}}}').decode()


def wrong_roles(page: Page, found: OrganizationSnapshot | None) -> set[str]:
    """The repositories on which a robot has another role than it should."""
    rights = {**ROLES, EXTRA: EXTRA_ROLES.get(page.cluster_id, "")}
    rows = found.repositories.items() if found else ()
    return {name for name, row in rows for user, role in row.users.items() if rights.get(user.partition("+")[2], role) != role}


@frozen
class Hands:
    ground: Ground
    chance: random.Random
    counters: Counters

    def in_quay(self, page: Page) -> None:
        """Only where the organization is this namespace's: what an earlier one has left is about to go, or to be given back."""
        found = self.ground.organization(page.organization) if page.cluster_id and not page.blocked else None
        mark = email_mark(found.email) if found else None
        if found is None or mark is None or mark.namespace_uid != page.uid:
            return
        deeds = (
            self._regenerate, self._delete_robot, self._prototypes, self._double, self._permission, self._repository, self._mail,
            self._regenerate, self._describe, self._describe,
            self._organization if self.chance.random() < 0.3 else self._permission,
        )  # fmt: skip
        deed: Callable[[Page, OrganizationSnapshot], None] = self.chance.choice(deeds)
        deed(page, found)
        self.counters.count(f"broken in Quay: {deed.__name__.strip('_')}")

    def _regenerate(self, page: Page, found: OrganizationSnapshot) -> None:
        for robot in self._one(found.robots):
            self.ground.quay("POST", f"organization/{page.organization}/robots/{robot}/regenerate")

    def _delete_robot(self, page: Page, found: OrganizationSnapshot) -> None:
        for robot in self._one(found.robots):
            self.ground.quay("DELETE", f"organization/{page.organization}/robots/{robot}")

    def _prototypes(self, page: Page, found: OrganizationSnapshot) -> None:
        """Spared: a wrong one beside a right one, see :meth:`_double`."""
        path = f"organization/{page.organization}/prototypes"
        doubled = len(found.prototypes) > len({rule.delegate for rule in found.prototypes})
        for rule in self._one({rule["id"]: rule for rule in self.ground.quay("GET", path)["prototypes"]}):
            if doubled or self.chance.random() < 0.5:
                self.ground.quay("DELETE", f"{path}/{rule}")
            else:
                self.ground.quay("PUT", f"{path}/{rule}", {"role": "admin"})

    def _double(self, page: Page, found: OrganizationSnapshot) -> None:
        """Spared: one beside a wrong one. The older counts for new repositories, and the bridge is content with any right one."""
        if any(rule.role == "admin" for rule in found.prototypes):
            return
        for robot in self._one(found.robots):
            delegate = {"kind": "user", "name": f"{page.organization}+{robot}", "is_robot": True}
            self.ground.quay("POST", f"organization/{page.organization}/prototypes", {"role": "read", "delegate": delegate})

    def _permission(self, page: Page, found: OrganizationSnapshot) -> None:
        places = {f"{repository}/permissions/user/{user}": user for repository, row in found.repositories.items()
                  for user in row.users if "+" in user}  # fmt: skip
        for place in self._one(places):
            self.ground.quay("DELETE", f"repository/{page.organization}/{place}")

    def _repository(self, page: Page, found: OrganizationSnapshot) -> None:
        for repository in self._one(found.repositories):
            self.ground.quay("DELETE", f"repository/{page.organization}/{repository}")
            page.lose_repository(repository)

    def _organization(self, page: Page, found: OrganizationSnapshot) -> None:
        self.ground.quay("DELETE", f"organization/{page.organization}")
        page.lose_all()
        for repository in (*found.repositories, *page.streams):
            page.excuse(repository)

    def _describe(self, page: Page, found: OrganizationSnapshot) -> None:
        """Then it is somebody's own, and stays when its ImageStream goes."""
        for repository in self._one(set(page.usable) & found.repositories.keys()):
            self.ground.quay("PUT", f"repository/{page.organization}/{repository}", {"description": f"by hand {page.number()}"})
            page.kept.add(repository)

    def _mail(self, page: Page, found: OrganizationSnapshot) -> None:
        """One place of the mark may be edited if another one still tells: a robot that was made for this very namespace."""
        if not page.adopted and any(page.uid in found.robots[name].description for name in ACCOUNTS if name in found.robots):
            self.ground.quay("PUT", f"organization/{page.organization}", {"email": page.edited_mail})

    def take(self, page: Page) -> None:
        """Somebody deletes the organization, and makes one of the same name: it must never be written to, nor deleted.

        Not while Quay has faults: a pass of the bridge that had read the organization before might go on writing for seconds. Nor
        are there new ImageStreams then: what the bridge knows of an organization it believes until the next check.
        """
        found = self.ground.organization(page.organization) if page.cluster_id and not page.blocked and not page.stays else None
        if (
            found is None
            or email_mark(found.email) is None
            or page.uid not in found.email
            or self.ground.stage.quay.faults._faults
        ):
            return
        self._organization(page, found)
        self.ground.stage.quay.collect_garbage()
        email = self.chance.choice(("mallory@example.com", "4ea1@another.quaybridge.invalid"))
        self.ground.quay("POST", "organization/", {"name": page.organization, "email": email})
        page.taken = page.strangers = page.blocked = True
        page.left, page.frozen = Left.KEPT, self.ground.organization(page.organization)
        self.counters.count("organizations made anew by a stranger")

    def give_back(self, page: Page) -> None:
        """The stranger deletes it again."""
        self.ground.quay("DELETE", f"organization/{page.organization}")
        page.taken = page.strangers = False
        page.left, page.frozen = Left.NOTHING, None
        self.counters.count("strangers that went")

    def _one(self, of: Iterable[str]) -> list[str]:
        """One of them, or none where there are none."""
        names = sorted(of)
        return [self.chance.choice(names)] if names else []

    def in_cluster(self, page: Page) -> None:
        """Secrets edited and deleted, accounts unlinked, a rotation asked for."""
        if not page.cluster_id or page.blocked:
            return
        account = self.chance.choice(ACCOUNTS)
        secret, own = (
            f"{NAMESPACES}/{page.name}/secrets/{page.secret(account)}",
            f"{NAMESPACES}/{page.name}/serviceaccounts/{account}",
        )
        deed = self.chance.choice(("secret deleted", "secret edited", "account unlinked", "rotation asked for"))
        if deed == "secret deleted":
            self.ground.oc("DELETE", secret)
        elif deed == "secret edited":
            self.ground.oc("PATCH", secret, {"data": {".dockerconfigjson": SPOILT}})
        elif deed == "account unlinked":
            self.ground.oc("PATCH", own, {"secrets": None, "imagePullSecrets": None})
        else:
            self.ground.oc("PATCH", own, {"metadata": {"annotations": {"quaybridge.io/rotate": str(page.number())}}})
        self.counters.count(f"broken in the cluster: {deed}")

    def accounts(self, page: Page) -> None:
        """An account gets a role, or loses it. Spared: a change from one role to another, which does not reach the repository
        of an ImageStream that is away at that time and comes back.
        """
        role = self.chance.choice((EXTRA_ROLES.get(page.cluster_id, "read"), None))
        path = f"{NAMESPACES}/{page.name}/serviceaccounts"
        annotations = {"quaybridge.io/role": role}
        try:
            self.ground.oc("PATCH", f"{path}/{EXTRA}", {"metadata": {"annotations": annotations}})
        except RefusedError:
            self.ground.oc(
                "POST", path, {"metadata": {"name": EXTRA, "annotations": {k: v for k, v in annotations.items() if v}}}
            )
        self.counters.count("roles of another account changed")
