"""The transport: identities, timeouts, secrecy, streams; over real sockets."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kubernetes.config import incluster_config
from tests.adapters.kubernetes.support import TOKEN, Scripted, break_off, client_of, configuration, events, recorded
from tests.adapters.kubernetes.tls import self_signed, server_context

from quaybridge_sdk.adapters.kubernetes.answers import Call
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, Timeouts, api_path
from quaybridge_sdk.adapters.kubernetes.stream import Stream
from quaybridge_sdk.errors import (
    InvalidInputError,
    InvalidNameError,
    NotFoundError,
    RemoteError,
    ServerFaultError,
    TLSVerificationError,
    TokenInvalidError,
    UnreachableError,
)
from quaybridge_sdk.testing.http import Fault, Response
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

OK = Response.of_json(200, {"kind": "Namespace"})
SHORT = Timeouts(connect=0.2, read=0.2)


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted([OK]) as running:
        yield running


def test_a_kubeconfig_with_a_token(cluster: EmbeddedOpenShift, tmp_path: Path) -> None:
    path = cluster.kubeconfig(tmp_path / "kubeconfig")
    with KubernetesClient.from_kubeconfig(str(path)) as client:
        assert client.get("/api/v1/namespaces/default")["kind"] == "Namespace"
    with KubernetesClient.from_kubeconfig(str(path), context="embedded") as client:
        assert client.host == cluster.url


def test_a_rejected_token(cluster: EmbeddedOpenShift) -> None:
    with client_of(cluster, "wrong") as client, pytest.raises(TokenInvalidError) as caught:
        client.get("/api/v1/namespaces")
    assert "wrong" not in str(caught.value)


SERVER = """
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: %s}}]
users: [{name: u, user: {token: secret-token}}]
"""
HTTPS = SERVER % "https://127.0.0.1:6443"
WITHOUT_CREDENTIALS = HTTPS.replace("token: secret-token", "")
PLUGIN = HTTPS.replace(
    "token: secret-token", "exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, interactiveMode: Never}"
)
NO_PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n").decode()
STRANGE_CA = HTTPS.replace("server:", f"certificate-authority-data: {NO_PEM}, server:")
STRANGE_CLIENT = HTTPS.replace("token: secret-token", f"client-certificate-data: {NO_PEM}, client-key-data: {NO_PEM}")


@pytest.mark.parametrize(
    "content",
    [
        *(None, "", "a: b: c: secret-token", "{}", '{"current-context": "none", "contexts": []}', "directory"),
        *("- 1", "hello", "contexts: 5", SERVER % "5", SERVER % '"not a url"', SERVER % "ftp://secret-token"),
        *(WITHOUT_CREDENTIALS, PLUGIN, STRANGE_CA, STRANGE_CLIENT),
    ],
    ids=[
        *("missing", "empty", "no YAML", "nothing", "no context", "unreadable"),
        *("a list", "a word", "a number", "a server of another type", "no URL", "another scheme"),
        *("no credentials", "a plugin that is not there", "a CA that is none", "a client certificate that is none"),
    ],
)
def test_a_useless_kubeconfig(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if content == "directory":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    with pytest.raises(InvalidInputError, match="kubeconfig") as caught:
        KubernetesClient.from_kubeconfig(str(path))
    assert "secret-token" not in str(caught.value)
    assert "secret-token" not in repr(caught.value.__cause__)


def test_outside_of_a_cluster() -> None:
    with pytest.raises(InvalidInputError, match="not in a cluster"):
        KubernetesClient.in_cluster()


def test_in_a_cluster_the_token_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, ca = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first\n")
    ca.write_text(self_signed()[0])
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(ca))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    with Scripted([OK], tls=server_context(tmp_path)) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        with KubernetesClient.in_cluster() as client:
            client.get("/api")
            token.write_text("second\n")
            client.get("/api")
            make_due(client)
            client.get("/api")
            token.unlink()
            make_due(client)
            with pytest.raises(TokenInvalidError, match="no token to send"):
                client.get("/api")
    assert [request.headers["authorization"] for request in server.received] == ["bearer first", "bearer first", "bearer second"]


def make_due(client: KubernetesClient) -> None:
    """Lets the minute pass after which the client library reads the token file again."""
    hook: Any = client._configuration.refresh_api_key_hook
    loader = hook.__closure__[0].cell_contents
    loader.token_expires_at = loader.token_expires_at.replace(year=2000)


def test_basic_authentication_and_none(server: Scripted) -> None:
    settings = configuration(server.url, token="")
    with KubernetesClient(settings) as client:
        client.get("/api")
    settings.username, settings.password = "u", "p"
    with KubernetesClient(settings) as client:
        client.get("/api")
    assert [request.headers.get("authorization") for request in server.received] == [None, "Basic dTpw"]


def test_bodies_and_types_of_each_verb(server: Scripted) -> None:
    with client_of(server) as client:
        client.create("/c", {"a": 1})
        client.replace("/c/x", {"a": 2})
        client.patch_merge("/c/x", {"a": None})
        client.delete("/c/x")
        client.get("/c", {"limit": "5", "fieldSelector": "type=a/b"}, accept="application/json;as=Table")
    sent = [(request.method, request.headers.get("content-type"), request.body) for request in server.received]
    assert sent == [
        ("POST", "application/json", b'{"a":1}'),
        ("PUT", "application/json", b'{"a":2}'),
        ("PATCH", "application/merge-patch+json", b'{"a":null}'),
        ("DELETE", None, b""),
        ("GET", None, b""),
    ]
    assert server.received[-1].query == {"limit": "5", "fieldSelector": "type=a/b"}
    assert server.received[-1].headers["accept"] == "application/json;as=Table"


def test_no_request_is_repeated_by_the_transport(server: Scripted) -> None:
    with client_of(server) as client:
        for fault in (Fault("status", status=503, times=None), Fault("reset", times=None)):
            server.faults.clear()
            server.faults.inject(fault)
            before = len(server.requests)
            with pytest.raises(UnreachableError):
                client.get("/api")
            assert len(server.requests) == before + 1


def test_redirects_are_not_followed() -> None:
    """The token must not go where a server points."""
    with Scripted([Response(307, headers={"Location": "/elsewhere"})]) as server, client_of(server) as client:
        with pytest.raises(ServerFaultError, match="307"):
            client.get("/api")
        assert len(server.received) == 1


def test_silence_and_no_listener_are_unreachable() -> None:
    with Scripted([OK]) as server, client_of(server, timeouts=SHORT) as client:
        server.faults.inject(Fault("silence", seconds=5))
        with pytest.raises(UnreachableError, match="timed out"):
            client.get("/api")
        client.get("/api")
    with client_of_closed(server) as client, pytest.raises(UnreachableError, match="refused"):
        client.get("/api")


def test_limits_for_some_calls(server: Scripted) -> None:
    """They share the connections, so neither is of use without the other."""
    with client_of(server) as client:
        hurried = client.limited(SHORT)
        server.faults.inject(Fault("latency", times=2, seconds=1.0))
        with pytest.raises(UnreachableError, match="timed out"):
            hurried.get("/api")
        client.get("/api")
        hurried.get("/api")
    with pytest.raises(RuntimeError, match="closed"):
        hurried.get("/api")


def client_of_closed(server: Scripted) -> KubernetesClient:
    return KubernetesClient(configuration(f"http://127.0.0.1:{server._port}"), SHORT)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"a":'])
def test_an_answer_that_is_no_json_object(body: bytes) -> None:
    with Scripted([Response(200, body)]) as server, client_of(server) as client, pytest.raises(ServerFaultError):
        client.get("/api")


def test_recorded_answers_come_through_the_wire() -> None:
    listed, missing, outage = (
        recorded("03-serviceaccounts", 2),
        recorded("03-serviceaccounts", 6),
        recorded("12-aggregation-outage", 5),
    )
    with Scripted([answer.response() for answer in (listed, missing, outage)]) as server, client_of(server) as client:
        assert [entry["metadata"]["name"] for entry in client.get(listed.path)["items"]] == ["builder", "default", "deployer"]
        with pytest.raises(NotFoundError, match='serviceaccounts "nope" not found'):
            client.get(missing.path)
        with pytest.raises(UnreachableError, match="error trying to reach service"):
            client.get(outage.path)


def test_tls_is_verified(tmp_path: Path) -> None:
    with EmbeddedOpenShift(tls=server_context(tmp_path), ca=self_signed()[0]) as cluster:
        trusting = cluster.kubeconfig(tmp_path / "kubeconfig")
        with KubernetesClient.from_kubeconfig(str(trusting)) as client:
            assert client.get("/api/v1/namespaces/default")["kind"] == "Namespace"
            with client.stream("/api/v1/namespaces", {"watch": "1"}) as stream:
                lines = stream.lines()
                next(lines)
                threading.Timer(0.1, stream.interrupt).start()
                assert time_of(lines) < 5
        settings = configuration(cluster.url, cluster.admin_token)
        with KubernetesClient(settings) as client, pytest.raises(TLSVerificationError, match="not trusted"):
            client.get("/api")
        foreign = configuration(cluster.url, cluster.admin_token)
        foreign.ssl_ca_cert = str(tmp_path / "kubeconfig.ca.crt")
        foreign.tls_server_name = "somebody.else"
        with KubernetesClient(foreign) as client, pytest.raises(TLSVerificationError):
            client.get("/api")


def time_of(lines: Iterator[bytes]) -> float:
    started = time.monotonic()
    for _ in lines:
        pass
    return time.monotonic() - started


@contextmanager
def streaming(answer: Response) -> Iterator[Stream]:
    with Scripted([answer]) as server, client_of(server) as client, client.stream("/watch", {}) as stream:
        yield stream


def test_a_stream_gives_complete_lines_however_they_are_cut() -> None:
    whole = recorded("08-watches", 11).answer.encode()
    assert whole.count(b"\n") == 6
    for size in (1, 7, 4096):
        chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
        with streaming(events(*chunks, b'{"cut off')) as stream:
            assert list(stream.lines()) == whole.splitlines()


def test_a_stream_that_is_not_chunked_works_too() -> None:
    with streaming(Response(200, b"one\ntwo\n")) as stream:
        assert list(stream.lines()) == [b"one", b"two"]


def test_an_abrupt_end_is_an_error_and_a_clean_one_is_not() -> None:
    with streaming(events(b"one\n")) as stream:
        assert list(stream.lines()) == [b"one"]
    with streaming(events(b"one\n", then=break_off)) as stream, pytest.raises(UnreachableError):
        list(stream.lines())


def test_a_stream_that_is_silent_for_too_long_is_broken() -> None:
    hold = threading.Event()
    with Scripted([events(b"one\n", then=lambda: hold.wait(10))]) as server, client_of(server) as client:
        with client.stream("/watch", {}, silence=0.2) as stream, pytest.raises(UnreachableError, match="timed out"):
            list(stream.lines())
        hold.set()


def test_a_refused_stream_raises_at_once() -> None:
    refused = recorded("12-aggregation-outage", 9).response()
    with pytest.raises(UnreachableError, match="connection refused"), streaming(refused):
        pytest.fail("the stream was opened")


def test_a_refusal_of_a_stream_that_breaks_off() -> None:
    with Scripted([Response(503, b"x" * 1000)]) as server, client_of(server) as client:
        server.faults.inject(Fault("truncate"))
        with pytest.raises(UnreachableError, match="ProtocolError"):
            client.stream("/watch", {})


class Unwrapped:
    """A response whose TLS socket was unwrapped just before the read."""

    chunked = False

    def read1(self) -> bytes:
        raise ValueError("Read on closed or unwrapped SSL socket.")

    def shutdown(self) -> None: ...


def test_an_unwrapped_socket_ends_an_interrupted_stream_only() -> None:
    response: Any = Unwrapped()
    stream = Stream(Call("GET", "/watch"), response)
    with pytest.raises(ValueError, match="unwrapped"):
        list(stream.lines())
    stream.interrupt()
    assert list(stream.lines()) == []


def test_a_reader_is_woken_and_an_ended_stream_is_interrupted_in_vain() -> None:
    hold, reading, seen = threading.Event(), threading.Event(), list[bytes]()
    with Scripted([events(b"one\n", then=lambda: hold.wait(10))]) as server, client_of(server) as client:
        stream = client.stream("/watch", {})

        def run() -> None:
            with stream:
                for line in stream.lines():
                    seen.append(line)
                    reading.set()

        thread = threading.Thread(target=run)
        thread.start()
        assert reading.wait(5)
        stream.interrupt()
        thread.join(5)
        assert not thread.is_alive()
        assert seen == [b"one"]
        stream.interrupt()
        hold.set()


def test_a_closed_client_says_so(server: Scripted) -> None:
    client = client_of(server)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.get("/api")


def test_the_token_is_in_no_error_and_no_repr(cluster: EmbeddedOpenShift) -> None:
    with client_of(cluster, TOKEN) as client:
        with pytest.raises(RemoteError) as caught:
            client.create("/api/v1/namespaces", {})
        for shown in (str(caught.value), repr(caught.value), repr(client), json.dumps(vars(caught.value), default=repr)):
            assert TOKEN not in shown


@pytest.mark.parametrize("segment", ["", ".", "..", "a\ud800", "\udcff"])
def test_segments_that_urls_resolve_away_or_cannot_carry(segment: str) -> None:
    with pytest.raises(InvalidNameError):
        api_path("/api/v1/namespaces", "team", segment)


def test_segments_are_quoted() -> None:
    assert api_path("/api/v1/namespaces", "a/b", "x?y") == "/api/v1/namespaces/a%2Fb/x%3Fy"
