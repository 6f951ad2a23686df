"""One client per endpoint and token: shared, replaced when either changes, closed when its last user has gone."""

from __future__ import annotations

from types import TracebackType
from typing import Any, cast

import pytest
from attrs import evolve

from quaybridge_sdk.errors import InvalidCredentialsError
from quaybridge_sdk.model.integration import QuayIntegration, SecretKey, parse_endpoint
from quaybridge_sdk.model.quay import QuayEndpoint, SecretText
from quaybridge_sdk.ports import Registry
from quaybridge_sdk.runtime.registries import RegistryPool

INTEGRATION = QuayIntegration("quay", "openshift", SecretKey("ns", "secret"), parse_endpoint("quay.example.com"))


class Client:
    opened: list[Client]

    def __init__(self, endpoint: QuayEndpoint, token: SecretText) -> None:
        self.endpoint, self.token, self.open = endpoint, token, False

    def __enter__(self) -> Registry:
        self.open = True
        return cast(Registry, self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self.open, "closed twice"
        self.open = False


class World:
    def __init__(self) -> None:
        self.token: SecretText | None = SecretText("one")
        self.clients: list[Client] = []
        self.pool = RegistryPool(self, self.open)

    def credentials(self, key: SecretKey) -> SecretText:
        if self.token is None:
            raise InvalidCredentialsError(f"no Secret {key}")
        return self.token

    def open(self, endpoint: QuayEndpoint, token: SecretText) -> Client:
        self.clients.append(Client(endpoint, token))
        return self.clients[-1]


def test_the_client_is_shared_and_closed_with_the_pool() -> None:
    world = World()
    with world.pool:
        with world.pool.registry(INTEGRATION) as first, world.pool.registry(INTEGRATION) as second:
            assert first is second
        assert [client.open for client in world.clients] == [True]
    assert [client.open for client in world.clients] == [False]


def test_a_new_token_or_endpoint_replaces_the_client_and_the_old_one_is_closed_after_its_last_user() -> None:
    world = World()
    with world.pool:
        with world.pool.registry(INTEGRATION):
            world.token = SecretText("two")
            with world.pool.registry(INTEGRATION) as new:
                assert cast(Any, new).token.reveal() == "two"
            assert [client.open for client in world.clients] == [True, True]
        assert [client.open for client in world.clients] == [False, True]
        with world.pool.registry(evolve(INTEGRATION, endpoint=parse_endpoint("other.example.com"))):
            assert [client.open for client in world.clients] == [False, False, True]


def test_missing_credentials_are_an_error_that_opens_nothing() -> None:
    world = World()
    world.token = None
    with world.pool, pytest.raises(InvalidCredentialsError), world.pool.registry(INTEGRATION):
        pytest.fail("there is no client to give")
    assert world.clients == []
