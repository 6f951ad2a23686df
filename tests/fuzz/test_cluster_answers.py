"""The API server's answers, watches and imports of any content: documented errors, and no Secret's text in them."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
import urllib3
from attrs import define, field
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fuzz.corpus import bodies, documents, encoded, mangled, odd_values, pieces, turned
from tests.fuzz.watching import CANARY, only_documented, quiet_log

from quaybridge_sdk.adapters.kubernetes import objects
from quaybridge_sdk.adapters.kubernetes.answers import Call, answer_error, decode
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.imports import KubernetesImporter
from quaybridge_sdk.adapters.kubernetes.kinds import GENERATIONS, integration_parser
from quaybridge_sdk.adapters.kubernetes.sources import Pace, Source
from quaybridge_sdk.adapters.kubernetes.stores import Store
from quaybridge_sdk.adapters.kubernetes.stream import Stream
from quaybridge_sdk.adapters.kubernetes.watch import Reflector
from quaybridge_sdk.adapters.kubernetes.writer import KubernetesWriter
from quaybridge_sdk.errors import QuaybridgeError, RemoteError, RequestRefusedError
from quaybridge_sdk.model.openshift import Build, ImageImport, ImageStreamTag, ImportedImage
from quaybridge_sdk.model.quay import SecretText

cluster_bodies = bodies(documents("openshift"))
cuts = st.lists(st.integers(0, 100_000), max_size=8)
waits = st.none() | st.sampled_from(["0", "7", "9" * 400, "²", "-1", "soon"])


@given(st.sampled_from(["/api/v1/namespaces", "/api/v1/namespaces/a/secrets/b"]), st.integers(100, 999), waits, cluster_bodies)
@example("/api", 429, "²", b"{}")
def test_any_answer_is_an_object_or_a_documented_error(path: str, code: int, wait: str | None, body: bytes) -> None:
    call = Call("GET", path)
    found = only_documented(lambda: decode(call, body), RemoteError)
    assert isinstance(found, dict | RemoteError)
    error = answer_error(call, code, {} if wait is None else {"Retry-After": wait}, body)
    assert isinstance(error, RemoteError)
    assert len(str(error)) < 1_500
    str(error).encode()


@given(st.integers(400, 599), st.sampled_from(["Invalid", "BadRequest", "", "InternalError", "Unknown"]), st.booleans())
def test_a_refused_secret_is_quoted_in_no_message(code: int, reason: str, as_json: bool) -> None:
    """The API server quotes a body that it cannot decode, or the value of a field that it refuses."""
    causes = [{"field": "data[.dockerconfigjson]", "message": f"Invalid value: {CANARY}", "reason": "FieldValueInvalid"}]
    status = {"message": f"cannot decode {CANARY}", "reason": reason, "details": {"causes": causes}}
    body = json.dumps(status).encode() if as_json else f"cannot decode {CANARY}".encode()
    assert CANARY not in str(answer_error(Call("PUT", "/api/v1/namespaces/a/secrets/b"), code, {}, body))


# --- watches ---


@define
class Body:
    """A watch's body as urllib3 gives it."""

    parts: list[bytes]
    chunked: bool = True

    def read_chunked(self) -> Iterator[bytes]:
        yield from self.parts

    def read1(self) -> bytes:
        return self.parts.pop(0) if self.parts else b""

    def close(self) -> None:
        pass

    def shutdown(self) -> None:
        pass


def stream_of(parts: list[bytes], *, in_chunks: bool = True) -> Stream:
    return Stream(Call("GET", "/api/v1/x"), cast("urllib3.BaseHTTPResponse", Body(parts, in_chunks)))


@given(st.lists(st.binary(max_size=12), max_size=6).map(b"\n".join), cuts, st.booleans())
def test_lines_are_the_same_however_they_come(data: bytes, at: list[int], in_chunks: bool) -> None:
    assert list(stream_of(pieces(data, at), in_chunks=in_chunks).lines()) == data.split(b"\n")[:-1]


@define
class Server:
    """Stands for the client: one list, then watches with these bodies; then it ends the reflector."""

    page: Any
    watches: list[list[bytes]]
    stop: threading.Event = field(factory=threading.Event)
    asked: int = 0
    reflector: Reflector | None = None

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = "") -> Any:
        self._count()
        return self.page

    def stream(self, path: str, query: Mapping[str, str], *, accept: str = "", silence: float | None = None) -> Stream:
        self._count()
        return stream_of(self.watches.pop(0) if self.watches else [])

    def _count(self) -> None:
        self.asked += 1
        if self.asked > 6 and self.reflector is not None:
            self.reflector.stop()


def watched(page: Any, watches: list[list[bytes]]) -> tuple[Store[Any], list[float]]:
    """What a store holds after a list and watches of this content; the pauses that were made between attempts."""
    server, pauses = Server(page, watches), list[float]()
    store: Store[Any] = Store(integration_parser(*GENERATIONS[0]), lambda _: None)
    client = cast("KubernetesClient", server)
    server.reflector = Reflector(client, Source("/apis/x"), store, Pace(), wait=pauses.append, monotonic=lambda: 0.0)
    server.reflector.run()
    return store, pauses


events = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR", "X"]),
            "object": turned(documents("openshift")),
        }
    ),
    odd_values,
)
lines = st.one_of(events.map(encoded), events.map(encoded).flatmap(mangled), st.binary(max_size=20))
version_5000 = {"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": "9" * 5000}}}


@given(turned(documents("openshift")), st.lists(st.lists(lines, max_size=5), max_size=3), cuts)
@example({"metadata": {"resourceVersion": "1"}, "items": [None, 3, {}]}, [[encoded(version_5000)]], [])
def test_any_soup_of_lines_ends_no_watch_for_good(page: Any, soups: list[list[bytes]], at: list[int]) -> None:
    """Raises nothing, and waits between any two attempts: no hot loop, whatever the server says."""
    bodies_of_watches = [pieces(b"\n".join(soup) + b"\n", at) for soup in soups]
    if not isinstance(page, dict):
        page = {}
    with quiet_log():
        store, pauses = watched({**page, "metadata": {"resourceVersion": "7"}}, bodies_of_watches)
    assert all(pause > 0 for pause in pauses)
    assert pauses
    assert len(store.all()) < 100


# --- imports ---

REQUEST = ImageImport(ImageStreamTag("a", "app", "v1"), "q/openshift_a/app:v1", insecure=False, scheduled=False)


@define
class Api:
    """Stands for the client: the same answer to everything."""

    answer: Any

    def get(self, path: str) -> Any:
        return self.answer

    def create(self, path: str, body: Any, *, read_timeout: float | None = None) -> Any:
        return self.answer

    def replace(self, path: str, body: Any) -> Any:
        return self.answer

    patch_merge = replace


answers_to_imports = turned(documents("openshift")).filter(lambda value: isinstance(value, dict))


@given(answers_to_imports)
def test_any_answer_to_an_import_is_an_image_or_a_documented_error(answer: Any) -> None:
    seen: list[Any] = []
    importer = KubernetesImporter(
        cast("KubernetesClient", Api(answer)), observe=lambda _, item: seen.append(item), sleep=lambda _: None
    )
    try:
        found: object = importer.import_image(REQUEST)
    except QuaybridgeError as error:
        found = error
    assert isinstance(found, ImportedImage | RemoteError)
    assert importer.may_import("system:serviceaccount:a:b", "a") in (True, False)
    only_documented(lambda: importer.mark_imported(Build("a", "b", uid="u")), RemoteError)
    for item in seen:
        objects.parse_build(item)


@pytest.mark.parametrize("allowed", [None, "true", 1, [True], {"allowed": True}])
def test_only_a_plain_true_is_a_permission(allowed: object) -> None:
    importer = KubernetesImporter(cast("KubernetesClient", Api({"status": {"allowed": allowed}})))
    assert importer.may_import("system:serviceaccount:a:b", "victim") is False


@pytest.mark.parametrize("kind", ["x" * 1_000_000, "\n\x00", CANARY[:0]])
def test_a_secret_of_any_type_under_our_name_is_told_of_in_a_bounded_message(kind: str) -> None:
    """Whoever may make a Secret chooses its type, of up to a megabyte; messages are kept, by the thousand."""
    there = {
        "metadata": {"namespace": "a", "name": "builder-quay-x"},
        "type": kind,
        "data": {"x": base64.b64encode(b"y").decode()},
    }

    class There(Api):
        def create(self, path: str, body: Any, *, read_timeout: float | None = None) -> Any:
            raise answer_error(Call("POST", path), 409, {}, b'{"reason":"AlreadyExists"}')

    writer = KubernetesWriter(cast("KubernetesClient", There(there)), sleep=lambda _: None)
    error = only_documented(lambda: writer.write_pull_secret("a", "builder-quay-x", SecretText(CANARY)), RequestRefusedError)
    assert isinstance(error, RequestRefusedError)
    assert len(str(error)) < 600
