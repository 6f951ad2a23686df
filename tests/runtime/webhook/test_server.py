"""The webhook as the API server meets it: real sockets, TLS, held builds, renewed certificates, and its end."""

from __future__ import annotations

import base64
import itertools
import json
import logging
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.admission_caches import INTEGRATION, RECORDINGS, Caches, changed, linked_caches, policy, recorded
from tests.runtime.webhook.conftest import Serve
from tests.runtime.webhook.wire import PATIENCE, Response, post, request, review_request, wire, write_pair
from tests.test_admission import ROWS, Row, patch_of

from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.model.integration import FailurePolicy
from quaybridge_sdk.model.openshift import ServiceAccount
from quaybridge_sdk.ports import Change
from quaybridge_sdk.runtime.webhook import CertificateDirectory, WebhookServer
from quaybridge_sdk.runtime.webhook.app import WAKING_KINDS, parse_timeout

REVIEW = recorded("docker-annotated")
NOT_PROVISIONED = "The builder service account has not been provisioned with secrets yet"


class Observer:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []

    def admission(self, verdict: str, seconds: float) -> None:
        self.told.append((verdict, seconds))

    @property
    def verdicts(self) -> list[str]:
        return [verdict for verdict, _ in self.told]


def until(what: Callable[[], object]) -> None:
    """Waits until it is true; fails after :data:`PATIENCE`."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


@pytest.fixture
def certificates(tmp_path: Path) -> CertificateDirectory:
    write_pair(tmp_path)
    return CertificateDirectory(tmp_path)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as made:
        yield made


def held(caches: Caches, pool: ThreadPoolExecutor, server: WebhookServer, **more: Any) -> Future[Response]:
    """A request that is held by now."""
    answer = pool.submit(post, server.port, REVIEW, **more)
    assert all(caches.looked.acquire(timeout=PATIENCE) for _ in range(2)), "the account was looked at twice, so it waits"
    return answer


# Answers


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.case)
def test_recorded_reviews_over_tls(serve: Serve, certificates: CertificateDirectory, row: Row) -> None:
    server = serve(certificates=certificates)
    response = post(server.port, recorded(row.case), tls=True)
    assert response.status == 200
    assert patch_of(response.json) == row.patch
    assert response.json["response"]["uid"] == recorded(row.case)["request"]["uid"]


def test_the_bytes_that_were_recorded(serve: Serve) -> None:
    """Not written anew by a JSON library of ours."""
    body = RECORDINGS.joinpath("buildconfig-instantiate.request.json").read_bytes()
    with wire(serve().port) as connection:
        assert connection.send(request(body)).read().json["response"]["allowed"] is True


def test_v1beta1_without_tls_as_in_the_first_generation(serve: Serve) -> None:
    response = post(serve().port, changed("docker-annotated", "apiVersion", to="admission.k8s.io/v1beta1"))
    assert response.json["apiVersion"] == "admission.k8s.io/v1beta1"
    assert patch_of(response.json)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "the body is not JSON: "),
        (b"{}", "kind: must be AdmissionReview"),
        (json.dumps(changed("docker-annotated", "request", "uid", to=None)).encode(), "request.uid: must be a string"),
    ],
)
def test_what_cannot_be_decoded_gets_a_clear_400(serve: Serve, body: bytes, text: str) -> None:
    observer = Observer()
    with wire(serve(observer=observer).port) as connection:
        response = connection.send(request(body)).read()
        assert (response.status, response.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert response.body.decode().startswith(text)
        assert connection.send(review_request(REVIEW)).read().status == 200, "the connection goes on"
    assert observer.verdicts == ["invalid", "rewritten"]


def test_not_ready_before_the_caches_are(serve: Serve) -> None:
    """With 503 the webhook configuration's failurePolicy decides; an answer from empty caches would let builds through."""
    ready = threading.Event()
    observer = Observer()
    server = serve(ready=ready.is_set, observer=observer)
    with wire(server.port) as connection:
        assert connection.send(review_request(REVIEW)).read().status == 503
        assert connection.send(request(b"", method="GET", target="/readyz")).read().status == 503
        assert connection.send(request(b"", method="GET", target="/healthz")).read().status == 200
        ready.set()
        assert connection.send(request(b"", method="GET", target="/readyz")).read().status == 200
        assert connection.send(review_request(REVIEW)).read().status == 200
    assert observer.verdicts == ["unready", "rewritten"]


def test_the_observer_is_told_verdict_and_time(serve: Serve) -> None:
    observer = Observer()
    server = serve(observer=observer)
    started = time.perf_counter()
    for case in ("docker-annotated", "update-noop", "output-none", "unmanaged-namespace"):
        post(server.port, recorded(case))
    until(lambda: len(observer.told) == 4)
    assert observer.verdicts == ["rewritten", "not_create", "no_output", "unmanaged"]
    assert 0 < sum(seconds for _, seconds in observer.told) < time.perf_counter() - started


# Held builds


@pytest.mark.parametrize("tls", [True, False])
def test_a_held_build_is_answered_when_its_secret_is_linked(
    serve: Serve, pool: ThreadPoolExecutor, certificates: CertificateDirectory, tls: bool
) -> None:
    caches, observer = Caches(), Observer()
    server = serve(caches, observer=observer, hold=PATIENCE, certificates=certificates if tls else None)
    answer = held(caches, pool, server, tls=tls, target="/admissionwebhook")
    caches.link("peer-a")
    assert not answer.done()
    caches.link("peer-b")
    assert patch_of(answer.result(PATIENCE).json)
    until(lambda: observer.told)
    assert observer.verdicts == ["rewritten"]


def test_a_held_build_keeps_nobody_else_waiting(serve: Serve, pool: ThreadPoolExecutor) -> None:
    caches = Caches()
    caches.link("peer-a")
    server = serve(caches, hold=PATIENCE)
    answers = [held(caches, pool, server, target="/admissionwebhook") for _ in range(8)]
    for _ in range(20):
        assert patch_of(post(server.port, changed("docker-annotated", "request", "namespace", to="peer-a")).json)
    assert not any(answer.done() for answer in answers)
    caches.link("peer-b")
    assert all(patch_of(answer.result(PATIENCE).json) for answer in answers)


def test_a_held_build_is_denied_in_the_end(serve: Serve, pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture) -> None:
    caches, observer = Caches(), Observer()
    server = serve(caches, observer=observer, hold=0.2)
    with caplog.at_level(logging.WARNING):
        response = held(caches, pool, server).result(PATIENCE)
    assert response.status == 200
    assert response.json["response"]["allowed"] is False
    assert response.json["response"]["uid"] == REVIEW["request"]["uid"]
    assert response.json["response"]["status"]["message"].startswith(NOT_PROVISIONED)
    until(lambda: observer.told)
    assert observer.told[0][0] == "denied"
    assert observer.told[0][1] >= 0.19
    assert "peer-b" in caplog.text


@pytest.mark.parametrize(
    ("timeout", "hold", "shortest", "longest"),
    [("1200ms", 5.0, 0.19, 1.2), ("1s", 5.0, 0.0, 1.0), ("nonsense", 0.3, 0.29, PATIENCE)],
)
def test_the_denial_comes_before_the_api_servers_own_timeout(
    serve: Serve, timeout: str, hold: float, shortest: float, longest: float
) -> None:
    started = time.monotonic()
    response = post(serve(Caches(), hold=hold).port, REVIEW, target=f"/admissionwebhook?timeout={timeout}")
    assert response.json["response"]["allowed"] is False
    assert shortest <= time.monotonic() - started < longest


def test_a_change_between_the_first_look_and_the_waiting_is_not_lost(serve: Serve) -> None:
    class Racing(Caches):
        def service_account(self, namespace: str, name: str) -> ServiceAccount | None:
            found = super().service_account(namespace, name)
            if found is None:
                self.link(namespace)  # its change is told before anybody waits for it
            return found

    assert patch_of(post(serve(Racing(), hold=PATIENCE).port, REVIEW, target="/admissionwebhook").json)


def test_a_held_build_is_let_go_when_its_integration_goes(serve: Serve, pool: ThreadPoolExecutor) -> None:
    caches = Caches()
    answer = held(caches, pool, serve(caches, hold=PATIENCE), target="/admissionwebhook")
    caches.known = ()
    caches.tell(Change("quayintegration", "", "quay"))
    response = answer.result(PATIENCE).json["response"]
    assert response["allowed"] is True
    assert "patch" not in response


def test_the_kinds_that_wake_are_kinds_of_the_caches() -> None:
    """They are plain text in the port: a misspelt one would only ever be noticed by a build that waits too long."""
    assert {Kind.SERVICE_ACCOUNT.value, Kind.INTEGRATION.value} == WAKING_KINDS


def test_changes_of_other_kinds_wake_nobody(serve: Serve, pool: ThreadPoolExecutor) -> None:
    caches = Caches()
    answer = held(caches, pool, serve(caches, hold=PATIENCE), target="/admissionwebhook")
    for _ in range(100):
        caches.tell(Change("build", "peer-b", "x"))
    assert not caches.looked.acquire(timeout=0.1)
    caches.link("peer-b")
    assert answer.result(PATIENCE).status == 200


def test_a_storm_of_changes_from_many_threads(serve: Serve, pool: ThreadPoolExecutor) -> None:
    caches = Caches()
    server = serve(caches, hold=PATIENCE)
    answers = [held(caches, pool, server, target="/admissionwebhook") for _ in range(4)]

    def many() -> None:
        for _ in range(500):
            caches.link("peer-a")

    storm = [pool.submit(many) for _ in range(4)]
    pool.submit(caches.link, "peer-b")
    assert all(patch_of(answer.result(PATIENCE).json) for answer in answers)
    for done in storm:
        done.result(PATIENCE)


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("timeout=10s", 10.0),
        ("timeout=1m30s", 90.0),
        ("timeout=500ms", 0.5),
        ("a=b&timeout=1.5s&c=d", 1.5),
        ("", None),
        ("timeout=", None),
        ("timeout=10", None),
        ("timeout=ten", None),
        ("timeout=10sx", None),
        ("mytimeout=10s", None),
        ("timeout=-1s", None),
    ],
)
def test_the_timeout_of_a_query(query: str, seconds: float | None) -> None:
    assert parse_timeout(query) == seconds


# Bugs


@pytest.mark.parametrize("found", FailurePolicy)
def test_a_bug_is_answered_as_the_integration_says_and_logged(
    serve: Serve, found: FailurePolicy, caplog: pytest.LogCaptureFixture
) -> None:
    caches, observer = linked_caches(policy(found)), Observer()
    caches.broken = RuntimeError("a bug")
    server = serve(caches, observer=observer)
    with caplog.at_level(logging.ERROR):
        response = post(server.port, REVIEW)
    assert response.status == 200
    assert response.json["response"]["allowed"] is (found is FailurePolicy.IGNORE)
    assert "internal error, please report" in response.body.decode()
    assert "Traceback" in caplog.text
    assert "RuntimeError: a bug" in caplog.text
    until(lambda: observer.told)
    assert observer.verdicts == ["error"]
    caches.broken = None
    assert patch_of(post(server.port, REVIEW).json), "the server goes on"


def test_a_bug_in_decoding_is_a_500(serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(body: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.app.decode_review", broken)
    observer = Observer()
    with caplog.at_level(logging.ERROR):
        response = post(serve(observer=observer).port, REVIEW)
    assert (response.status, response.body) == (500, b"internal error, please report\n")
    assert "ZeroDivisionError" in caplog.text
    assert observer.verdicts == ["error"]


def test_a_bug_while_a_build_is_held_ends_the_hold(serve: Serve, pool: ThreadPoolExecutor) -> None:
    caches = Caches((INTEGRATION,))
    answer = held(caches, pool, serve(caches, hold=PATIENCE), target="/admissionwebhook")
    caches.broken = RuntimeError("a bug")
    caches.tell(Change("serviceaccount", "peer-b", "builder"))
    assert answer.result(PATIENCE).json["response"]["status"]["message"] == "internal error, please report"


# Under load


@contextmanager
def load(port: int, connections: int, *, tls: bool) -> Iterator[Counter[str]]:
    """Kept-alive connections that send one review after another; a connection is opened anew when the server ended it properly.

    Gives the number of answers by outcome; any other outcome than an answer fails the test at the end.
    """
    stop, found = threading.Event(), Counter[str]()

    def one() -> None:
        while not stop.is_set():
            with wire(port, tls=tls) as connection:
                last = False
                while not (last or stop.is_set()):
                    response = connection.send(review_request(REVIEW)).read()
                    assert patch_of(response.json)
                    last = response.headers.get("connection") == "close"
                    found[connection.certificate] += 1

    with ThreadPoolExecutor(connections) as threads:
        running = [threads.submit(one) for _ in range(connections)]
        try:
            yield found
        finally:
            stop.set()
    for future in running:
        future.result()


def test_a_renewed_certificate_fails_no_request(
    serve: Serve, certificates: CertificateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New connections see the new certificate, those that are open go on, and a broken pair in between does no harm."""
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.server.TICK_SECONDS", 0.01)
    server = serve(certificates=certificates)
    key = certificates.path / "tls.key"

    def seen() -> str:
        with wire(server.port, tls=True) as connection:
            assert connection.send(review_request(REVIEW)).read().status == 200
            return connection.certificate

    with load(server.port, 4, tls=True) as answers:
        for name in ("second", "third", "fourth"):
            former = key.read_bytes()
            write_pair(certificates.path, name=name)
            right = key.read_bytes()
            key.write_bytes(former)  # half of a change, which may well be seen
            until(lambda: sum(answers.values()) > 20)
            assert seen() != ""
            key.write_bytes(right)
            until(lambda name=name: seen() == name)  # type: ignore[misc]
            before = sum(answers.values())
            until(lambda before=before: sum(answers.values()) > before + 20)  # type: ignore[misc]
    assert answers["first"] > 60, "the connections of the beginning were never cut"


def test_a_stop_under_load_fails_no_request(
    serve: Serve, certificates: CertificateDirectory, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each connection gets all its answers, the last with the word that it ends. Nobody is taken for idle on a slow machine."""
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.server.LINGER_SECONDS", PATIENCE)
    server = serve(certificates=certificates, grace=PATIENCE)

    def send_to_the_end() -> int:
        with wire(server.port, tls=True) as connection:
            for number in itertools.count(1):
                response = connection.send(review_request(REVIEW)).read()
                assert patch_of(response.json)
                counts.release()
                if response.headers.get("connection") == "close":
                    assert connection.at_end()
                    return number
        raise AssertionError("the stop never reached this connection")

    counts = threading.Semaphore(0)
    sending = [pool.submit(send_to_the_end) for _ in range(8)]
    assert all(counts.acquire(timeout=PATIENCE) for _ in range(100))
    assert not any(future.done() for future in sending)
    server.stop()
    assert sum(future.result(PATIENCE) for future in sending) >= 100


def test_a_connection_that_is_quiet_when_the_stop_comes_gets_one_more_answer(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next request may be on its way already: that is answered, with the word that the connection ends."""
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.server.LINGER_SECONDS", PATIENCE)
    server = serve(grace=PATIENCE)
    with wire(server.port) as first, wire(server.port) as second:
        for connection in (first, second):
            assert connection.send(review_request(REVIEW)).read().headers.get("connection") is None
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        until(lambda: refused(server.port))
        for connection in (first, second):
            assert connection.send(review_request(REVIEW)).read().headers.get("connection") == "close"
            assert connection.at_end()
        stopping.join(PATIENCE)
        assert not stopping.is_alive()


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except (ConnectionRefusedError, ConnectionResetError):  # a listener that closes resets what waits in its backlog
        return True
    return False


# Its end


def stopped_in(server: WebhookServer) -> float:
    started = time.monotonic()
    server.stop()
    return time.monotonic() - started


def test_a_stop_denies_what_is_still_held_after_the_grace(serve: Serve, pool: ThreadPoolExecutor) -> None:
    caches = Caches()
    server = serve(caches, hold=PATIENCE, grace=0.3)
    answer = held(caches, pool, server, target="/admissionwebhook")
    assert 0.29 <= stopped_in(server) < PATIENCE
    response = answer.result(PATIENCE)
    assert response.json["response"]["status"]["message"].startswith(NOT_PROVISIONED)
    assert response.headers["connection"] == "close"


def test_a_held_build_may_still_be_answered_while_the_server_stops(serve: Serve, pool: ThreadPoolExecutor) -> None:
    caches = Caches()
    server = serve(caches, hold=PATIENCE, grace=PATIENCE)
    answer = held(caches, pool, server, target="/admissionwebhook")
    stopping = pool.submit(server.stop)
    until(lambda: refused(server.port))
    caches.link("peer-b")
    assert patch_of(answer.result(PATIENCE).json)
    stopping.result(PATIENCE)


def test_a_request_that_is_half_sent_may_be_finished(
    serve: Serve, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.server.LINGER_SECONDS", PATIENCE)
    server = serve(grace=PATIENCE)
    data = review_request(REVIEW)
    with wire(server.port) as connection, wire(server.port) as probe:
        connection.send(data[:300])
        stopping = pool.submit(server.stop)
        until(lambda: refused(server.port))
        assert probe.send(request(b"", method="GET", target="/readyz")).read().body == b"stopping\n"
        response = connection.send(data[300:]).read()
        assert patch_of(response.json)
        assert response.headers["connection"] == "close"
        stopping.result(PATIENCE)


def test_idle_connections_do_not_delay_the_end(serve: Serve) -> None:
    server = serve(grace=PATIENCE)
    with wire(server.port) as connection:
        assert connection.send(review_request(REVIEW)).read().status == 200
        assert stopped_in(server) < PATIENCE / 2
        assert connection.at_end()


def test_who_never_finishes_a_request_is_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.server.FLUSH_SECONDS", 0.1)
    server = serve(grace=0.1)
    with wire(server.port) as connection:
        connection.send(review_request(REVIEW)[:300])
        until(lambda: server.connections == 1)
        server.stop()
        assert server.connections == 0


# uvloop closes such a transport with its loop, and warns; as an error the warning would be raised in the middle of closing.
@pytest.mark.filterwarnings("ignore:unclosed resource <TCPTransport:ResourceWarning")
def test_who_never_finishes_the_handshake_delays_nothing(serve: Serve, certificates: CertificateDirectory) -> None:
    server = serve(certificates=certificates, grace=PATIENCE)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as plain:
        plain.sendall(b"\x16\x03\x01")
        assert post(server.port, REVIEW, tls=True).status == 200, "others are answered meanwhile"
        assert stopped_in(server) < PATIENCE / 2
        assert plain.recv(1) == b""


def test_no_listener_is_left_behind(serve: Serve) -> None:
    caches = linked_caches()
    before = list(caches.listeners)
    server = serve(caches)
    assert len(caches.listeners) == len(before) + 1
    server.stop()
    server.stop()
    assert caches.listeners == before
    assert server.wait(0) is True
    assert threading.active_count() == len(threading.enumerate())


def test_run_forever_ends_when_it_is_told(pool: ThreadPoolExecutor) -> None:
    caches, stopped = linked_caches(), threading.Event()
    server = WebhookServer(caches, caches, ready=lambda: True, host="127.0.0.1", port=0)
    running = pool.submit(server.run_forever, stopped)
    assert caches.subscribed.wait(PATIENCE)
    assert server.wait(0) is False
    assert post(server.port, REVIEW).status == 200
    stopped.set()
    assert running.result(PATIENCE) is None


def test_what_ends_the_server_reaches_the_caller(pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, now: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.server.TICK_SECONDS", 0.01)
    monkeypatch.setattr("quaybridge_sdk.runtime.webhook.connection.Connection.close_if_stale", broken)
    caches = linked_caches()
    server = WebhookServer(caches, caches, ready=lambda: True, host="127.0.0.1", port=0)
    running = pool.submit(server.run_forever, threading.Event())
    assert caches.subscribed.wait(PATIENCE)
    with wire(server.port) as connection:
        with pytest.raises(ZeroDivisionError):
            running.result(PATIENCE)
        assert connection.at_end(), "nothing stays open that nobody serves"
    assert caches.listeners == []


# Its beginning


def test_a_port_in_use_is_a_clear_error(serve: Serve) -> None:
    port = serve().port
    with pytest.raises(InvalidInputError, match=rf"cannot listen on 127\.0\.0\.1:{port}: "):
        serve(port=port)


def test_no_certificate_is_a_clear_error(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no serving certificate in"):
        serve(certificates=CertificateDirectory(tmp_path))


def test_a_server_starts_once(serve: Serve) -> None:
    server = serve()
    with pytest.raises(RuntimeError, match="can be started once"):
        server.start()


def test_a_server_that_was_not_started_has_no_port() -> None:
    caches = Caches()
    server = WebhookServer(caches, caches, ready=lambda: True)
    with pytest.raises(RuntimeError, match="was not started"):
        _ = server.port
    server.stop()


def test_every_address(serve: Serve) -> None:
    assert post(serve(host="").port, REVIEW).status == 200


def test_the_answer_is_base64_of_a_json_patch(serve: Serve) -> None:
    """Said once without any helper of the tests."""
    response = post(serve().port, REVIEW).json["response"]
    patch = json.loads(base64.b64decode(response["patch"], validate=True))
    assert (response["patchType"], patch[0]["path"]) == ("JSONPatch", "/spec/output/to/kind")


def test_without_uvloop(
    serve: Serve, certificates: CertificateDirectory, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is none, asyncio's own loop does the same: TLS, a held build, the end."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    caches = Caches()
    server = serve(caches, certificates=certificates, hold=PATIENCE)
    answer = held(caches, pool, server, tls=True, target="/admissionwebhook")
    caches.link("peer-b")
    assert patch_of(answer.result(PATIENCE).json)
    with wire(server.port, tls=True) as connection:
        connection.send(review_request(REVIEW) * 3)
        assert [connection.read().status for _ in range(3)] == [200, 200, 200]
        assert connection.certificate == "first"
