"""One client per endpoint and token: shared, replaced when either changes, closed when its last user has gone."""

from __future__ import annotations

from types import TracebackType
from typing import Any, cast

import pytest
from attrs import evolve

from quaybridge_sdk.adapters.quay import Governor, QuayRegistry
from quaybridge_sdk.adapters.quay.routes import GET_USER
from quaybridge_sdk.errors import BusyError, InvalidCredentialsError, UnreachableError
from quaybridge_sdk.model.integration import QuayIntegration, SecretKey, parse_endpoint
from quaybridge_sdk.model.quay import QuayEndpoint, SecretText
from quaybridge_sdk.ports import Registry
from quaybridge_sdk.runtime.registries import GovernedRegistry, Recoveries, RegistryPool

INTEGRATION = QuayIntegration("quay", "openshift", SecretKey("ns", "secret"), parse_endpoint("quay.example.com"))


class Client:
    opened: list[Client]

    def __init__(self, endpoint: QuayEndpoint, token: SecretText, governor: Governor) -> None:
        self.endpoint, self.token, self.governor, self.open = endpoint, token, governor, False

    def __enter__(self) -> GovernedRegistry:
        self.open = True
        return cast(GovernedRegistry, self)

    def in_background(self) -> Registry:
        return cast(Registry, ("background", self))

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

    def open(self, endpoint: QuayEndpoint, token: SecretText, *, governor: Governor) -> Client:
        self.clients.append(Client(endpoint, token, governor))
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


def test_all_clients_of_one_quay_share_a_governor_also_the_one_that_replaces_another() -> None:
    world = World()
    other = evolve(INTEGRATION, name="other", credentials=SecretKey("ns", "other"))
    elsewhere = evolve(INTEGRATION, name="elsewhere", endpoint=parse_endpoint("other.example.com"))
    with world.pool:
        for integration in (INTEGRATION, other, elsewhere):
            with world.pool.registry(integration):
                pass
        world.token = SecretText("two")
        with world.pool.registry(INTEGRATION):
            pass
    one, two, three, four = (client.governor for client in world.clients)
    assert one is two is four
    assert one is not three


def test_work_of_the_background_gets_a_view_of_the_same_client() -> None:
    world = World()
    with world.pool, world.pool.registry(INTEGRATION) as client, world.pool.registry(INTEGRATION, background=True) as view:
        assert cast(Any, view) == ("background", client)
    assert len(world.clients) == 1


def test_a_stopped_pool_makes_no_call_and_lets_nobody_wait() -> None:
    world = World()
    with world.pool, world.pool.registry(INTEGRATION):
        world.pool.stop()
        with pytest.raises(UnreachableError, match="the program ends"):
            world.clients[0].governor.send(GET_USER.call({}), lambda _: pytest.fail("nothing is sent"))


def test_the_adapter_fits() -> None:
    pool = RegistryPool(World(), QuayRegistry)
    with pool, pool.registry(INTEGRATION) as registry, pool.registry(INTEGRATION, background=True) as view:
        assert isinstance(registry, QuayRegistry)
        assert isinstance(view, QuayRegistry)
        assert view is not registry


def test_one_quay_takes_no_more_than_its_places_and_leaves_the_rest_to_others() -> None:
    world = World()
    other = evolve(INTEGRATION, name="other", endpoint=parse_endpoint("other.example.com"))
    with RegistryPool(world, world.open, places=2) as pool:
        with pool.registry(INTEGRATION), pool.registry(evolve(INTEGRATION, name="same-quay")):
            with pytest.raises(BusyError), pool.registry(INTEGRATION):
                raise AssertionError
            with pool.registry(other):
                pass
        with pool.registry(INTEGRATION):
            pass
        world.token = None
        for _ in range(3):  # what fails gives its place back
            with pytest.raises(InvalidCredentialsError), pool.registry(INTEGRATION):
                raise AssertionError
        world.token = SecretText("two")
        with pool.registry(INTEGRATION), pool.registry(INTEGRATION):
            pass


def test_a_quay_that_is_called_again_is_told_of_once() -> None:
    told: list[str] = []
    recoveries = Recoveries(None, told.append)
    for quay, is_called in (("a", True), ("a", False), ("b", True), ("a", False), ("a", True), ("a", True)):
        recoveries.quay_governed(quay, is_called=is_called, at_once=1)
    assert told == ["a"]
