from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest
from attrs import define

from quaybridge_sdk.errors import InvalidCredentialsError, TokenInvalidError
from quaybridge_sdk.model.integration import QuayIntegration, SecretKey, parse_endpoint
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.ports import Registry
from quaybridge_sdk.runtime.tokens import TokenWatch

INTEGRATION = QuayIntegration("quay", "openshift", SecretKey("ns", "secret"), parse_endpoint("quay.example.com"))


@define
class World:
    """One Secret, and a Quay that knows one token's user."""

    token: str | None = "first"
    user: str | None = "admin"
    asked: int = 0

    def credentials(self, key: SecretKey) -> SecretText:
        if self.token is None:
            raise InvalidCredentialsError("there is none")
        return SecretText(self.token)

    def check_token(self) -> str | None:
        self.asked += 1
        return self.user

    @contextmanager
    def registry(self, integration: QuayIntegration, *, background: bool = False) -> Iterator[Registry]:
        yield cast(Registry, self)


def test_a_token_is_replaced_when_it_differs_from_the_last_one_that_was_there() -> None:
    world = World()
    watch = TokenWatch(world, world)
    seen = []
    for token in ("first", "first", "second", None, "second", "third"):
        world.token = token
        seen.append(watch.replaced(INTEGRATION))
    assert seen == [False, False, True, False, False, True]
    assert world.asked == 0


def test_a_token_that_quay_does_not_know_is_an_error_that_tells_what_to_do() -> None:
    world = World()
    watch = TokenWatch(world, world)
    watch.check(INTEGRATION)
    world.user = None
    with pytest.raises(TokenInvalidError, match=r"ns/secret.*user:admin"):
        watch.check(INTEGRATION)
    assert world.asked == 2
