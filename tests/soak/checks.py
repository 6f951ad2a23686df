"""Checks that are asked for: after a role was changed by hand, which nothing else finds, and many at once."""

from __future__ import annotations

import random

from attrs import frozen
from tests.soak import records
from tests.soak.damage import NAMESPACES
from tests.soak.diary import Counters, Page
from tests.soak.ground import Ground

from quaybridge_sdk.mapping.ownership import email_mark

CHECK = "quaybridge.io/check"


@frozen
class Checks:
    ground: Ground
    chance: random.Random
    counters: Counters

    def ask(self, page: Page) -> None:
        """With a new text, which is the one to be followed from now on."""
        text = str(page.number())
        self.ground.oc("PATCH", f"{NAMESPACES}/{page.name}", {"metadata": {"annotations": {CHECK: text}}})
        page.check = text
        self.counters.count("checks asked for")

    def role(self, page: Page) -> None:
        """A robot's role on a single repository is changed by hand, and somebody asks for a check."""
        if self.change_role(page):
            self.ask(page)

    def hurry(self, page: Page) -> None:
        """Many texts in a burst; a role is changed somewhere in the middle of it."""
        texts = self.chance.randint(25, 60)
        changed = self.chance.randrange(texts)
        for number in range(texts):
            if number == changed:
                self.change_role(page)
            self.ask(page)
        self.counters.count("bursts of checks")

    def change_role(self, page: Page) -> bool:
        """Whether it was done: where the bridge has seen the ImageStream, since a check is about those that it knows of."""
        found = self.ground.organization(page.organization) if page.cluster_id and not page.blocked else None
        mark = email_mark(found.email) if found else None
        if found is None or mark is None or mark.namespace_uid != page.uid or not records.is_up_to_date(self.ground, page):
            return False
        places = [(name, user, role) for name in page.usable if (row := found.repositories.get(name))
                  for user, role in sorted(row.users.items()) if "+" in user]  # fmt: skip
        if not places:
            return False
        repository, user, role = self.chance.choice(places)
        other = self.chance.choice(sorted({"read", "write", "admin"} - {role}))
        place = f"repository/{page.organization}/{repository}/permissions/user/{user}"
        self.ground.quay("PUT", place, {"role": other})
        self.counters.count("roles changed by hand on a repository")
        return True
