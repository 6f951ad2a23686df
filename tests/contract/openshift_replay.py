"""Replays recordings of real API servers against the embedded one, over real HTTP, and compares the meaning of every answer.

The recordings (tests/cassettes/openshift, in the order sent) were made against kube-apiserver 1.36 and
openshift-apiserver. Opaque values differ from server to server, so they are learned: both bodies are walked side by side,
and what was recorded is replaced by what the embedded server gave in later requests. A value learned once has to come back
the same: that is how "a write without effect keeps the resourceVersion" is checked.

What the embedded server does not imitate is classified by :data:`OUTSIDE`, a table of kinds. Where such a request wrote
something, the replay catches up: it brings the object into the recorded state by requests that are imitated.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import httpx
import yaml
from attrs import Factory, define, field, frozen

from quaybridge_sdk.testing.http import HttpServer, Request, Response
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift, Settings

CASSETTES = Path(__file__).parent.parent / "cassettes" / "openshift"
PACE, GRACE = 0.05, 0.5
TABLE = "as=Table"
RECORDED_REGISTRY, RECORDED_NOTHING, RECORDED_QUAY = "127.0.0.1:5000", "127.0.0.1:5999", "127.0.0.1:8080"


@frozen
class Interaction:
    """One recorded request and its answer. ``hints`` are the x-vcr headers, which no server saw."""

    cassette: str
    number: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    hints: Mapping[str, str]
    body: str
    status: int
    answer_headers: Mapping[str, str]
    answer: str

    @property
    def watches(self) -> bool:
        named = re.search(r"/imagestreams/[^/?]+$", self.path)  # a watch of a named URL is no watch
        return self.query.get("watch") in ("1", "true") and self.status == 200 and named is None

    @property
    def media(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def accept(self) -> str:
        return self.headers.get("accept", "*/*")

    def __str__(self) -> str:
        return f"{self.cassette} #{self.number} {self.method} {self.path} ({self.hints.get('title', '')})"


def load(cassette: str) -> list[Interaction]:
    """The interactions of one recording, in the order they were sent."""
    raw = yaml.load((CASSETTES / f"{cassette}.yaml").read_text(), Loader=yaml.CSafeLoader)
    return [_interaction(cassette, number, entry) for number, entry in enumerate(raw["interactions"], 1)]


def _interaction(cassette: str, number: int, entry: Any) -> Interaction:
    request, response = entry["request"], entry["response"]
    headers = {name.lower(): values[0] for name, values in request["headers"].items()}
    hints = {name[6:]: value for name, value in headers.items() if name.startswith("x-vcr-")}
    kept = {name: value for name, value in headers.items() if not name.startswith("x-vcr-")}
    url = urlsplit(request["uri"])
    answer_headers = {name: values[0] for name, values in response["headers"].items()}
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Interaction(cassette, number, request["method"], url.path, query, kept, hints, request["body"] or "",
                       response["status"]["code"], answer_headers, response["body"]["string"])  # fmt: skip


@frozen
class Outside:
    """A kind of request the embedded server does not imitate.

    ``answered``: 501, or "plain" for a form of answer in whose place the client's Accept header also allows plain JSON.
    Any other status is what comes where nothing can be refused, because the difference lies in what went before.
    Failures a real server reports before it looks at the request's kind are still replayed and compared.
    """

    row: str
    reason: str
    applies: Callable[[Interaction], bool]
    answered: int | str = 501


UNSERVED = ("events.k8s.io", "rbac.authorization.k8s.io", "apiregistration.k8s.io")


def _group(*names: str) -> Callable[[Interaction], bool]:
    return lambda it: it.path.startswith(tuple(f"/apis/{name}/" for name in names)) and it.status != 403


def _titled(*parts: str) -> Callable[[Interaction], bool]:
    """For kinds that a request shows only together with the state it meets."""
    return lambda it: any(part in it.hints.get("title", "") for part in parts)


OUTSIDE = (
    Outside("server-side apply", "PATCH with an apply patch", lambda it: it.media.startswith("application/apply-patch")),
    Outside("strategic merge patch", "PATCH with a strategic merge patch",
            lambda it: it.media.startswith("application/strategic-merge")),
    Outside("huge JSON patches", "over 10,000 operations", _titled("JSON patch limit")),
    Outside("other representations", "Accept names nothing but a Table", lambda it: TABLE in it.accept and "," not in it.accept),
    Outside("other representations", "Accept prefers a Table and allows JSON",
            lambda it: TABLE in it.accept and "," in it.accept and it.status == 200, "plain"),
    Outside("other representations", "Accept prefers APIGroupDiscoveryList and allows JSON",
            lambda it: "APIGroupDiscoveryList" in it.accept, "plain"),
    Outside("other representations", "Accept or Content-Type name what is answered 406 or 415",
            lambda it: it.status in (406, 415)),
    Outside("bodies of another kind", "kind or apiVersion are others", _titled("another kind", "another apiVersion")),
    Outside("duplicate fields", "a JSON body with a key twice", lambda it: it.body.count('"a":') == 2),
    Outside("options of a write", "dryRun of what is there, or a bad one",
            lambda it: it.query.get("dryRun", "All") != "All" or ("dryRun" in it.query and it.method != "POST")),
    Outside("options of a write", "fieldValidation=Nope", lambda it: it.query.get("fieldValidation") == "Nope"),
    Outside("malformed numbers", "abc", lambda it: it.query.get("resourceVersion") == "abc" or it.query.get("limit") == "x"),
    Outside("lists at a version", "resourceVersionMatch, and not too old",
            lambda it: "watch" not in it.query and "resourceVersionMatch" in it.query and it.status != 410),
    Outside("streaming lists", "sendInitialEvents", lambda it: "watch" in it.query and "resourceVersionMatch" in it.query),
    Outside("streaming lists", "sendInitialEvents alone", lambda it: "sendInitialEvents" in it.query),
    Outside("foreign continue tokens", "a token that no server gave", _titled("bad continue token")),
    Outside("unlisted groups", "path of a group that is not served", _group(*UNSERVED)),
    Outside("unlisted resources", "path of a subresource that is not served",
            lambda it: it.path.endswith(("/layers", "/clone", "/app/secrets"))),
    Outside("tokens of service accounts", "TokenRequest", lambda it: it.path.endswith(("/token", "/tokenreviews"))),
    Outside("tokens of service accounts", "the token of a deleted service account",
            _titled("bearer token of a deleted service account"), 200),
    Outside("faulty webhook configurations", "422", lambda it: "mutatingwebhook" in it.path and it.status == 422
            and "base64" not in it.hints["title"]),
    Outside("whole repository import", "POST imagestreamimports with spec.repository", lambda it: '"repository"' in it.body),
    Outside("garbage collection", "DELETE with a propagationPolicy", lambda it: '"propagationPolicy"' in it.body),
    Outside("unknown HTTP methods", "a method no server knows", lambda it: it.method == "BREW"),
)  # fmt: skip


def outside(it: Interaction) -> Outside | None:
    return next((kind for kind in OUTSIDE if kind.applies(it)), None)


@frozen
class Leniency:
    """A member that may differ in certain answers, and why."""

    member: str
    reason: str
    path: str = ""


LENIENT = (
    Leniency("managedFields", "field management is not imitated"),
    Leniency("remainingItemCount", "a hint the real servers give only sometimes"),
    Leniency("storageVersionHash", "opaque"),
    Leniency("categories", "of kubectl"),
    Leniency("description", "of the CRD's schema: text for people"),
    Leniency("authentication.kubernetes.io/credential-id", "opaque"),
    Leniency("gitCommit", "says which server this is", "/version"),
    Leniency("serverAddress", "the address", "/api"),
    Leniency("reason", "names RBAC objects, which are not imitated", "accessreviews"),
)
"""Besides these: times of the day of the recording, digits and uids in messages, and the values of openshift.io/sa.scc.*."""

DISCOVERED = ("groups", "resources")
"""Lists of discovery: the embedded server serves less, so its entries (and their verbs) are looked up among the recorded ones."""
_RECORDING_DAY = "2026-11-23T"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class DifferenceError(AssertionError):
    """The embedded server answered something else."""


BOOKKEEPING = {
    ("02-namespaces", 31): "who owns spec.finalizers changed, nothing else",
}
"""Writes that moved the resourceVersion by a change of managedFields alone."""


@define
class Learned:
    """Recorded values to live ones. resourceVersions of lists are apart: they move with everything in the cluster."""

    values: dict[str, str] = Factory(dict)
    versions: dict[str, str] = Factory(dict)
    lists: dict[str, str] = Factory(dict)
    loose: set[str] = Factory(set)
    """Live resourceVersions of objects that were caught up: several recorded ones may stand for them."""

    def learn(self, table: dict[str, str], recorded: str, live: str, where: str) -> None:
        if table.setdefault(recorded, live) != live:
            raise DifferenceError(f"{where}: {recorded} was {table[recorded]} before and is {live} now")

    def version(self, recorded: str, live: str, where: str) -> None:
        self.learn(self.versions, recorded, live, where)
        stands_for = {old for old, new in self.versions.items() if new == live}
        if len(stands_for) > 1 and live not in self.loose:
            raise DifferenceError(f"{where}: {live} stands for {sorted(stands_for)}: a change did not change the resourceVersion")

    def text(self, recorded: str) -> str:
        for old, new in self.values.items():
            recorded = recorded.replace(old, new) if len(old) > 8 else recorded
        return recorded

    def body(self, value: Any, key: str = "") -> Any:
        """A request's body with recorded values replaced."""
        if isinstance(value, dict):
            inner = {name: self.body(entry, name) for name, entry in value.items()}
            if str(inner.get("path", "")).endswith("/resourceVersion"):
                inner["value"] = self.versions.get(inner["value"], inner["value"])
            return inner
        if isinstance(value, list):
            return [self.body(entry) for entry in value]
        if key == "resourceVersion":
            return self.versions.get(value, self.lists.get(value, value))
        return self.text(value) if isinstance(value, str) else value


class Comparison:
    """Walks a recorded and a live body side by side: learns, and collects what differs."""

    def __init__(self, it: Interaction, learned: Learned) -> None:
        self.it, self.learned = it, learned
        self.lenient = {entry.member for entry in LENIENT if entry.path in it.path}
        self.faults: list[str] = []

    def bodies(self, recorded: Any, live: Any, at: str = "") -> None:
        if isinstance(recorded, dict) and isinstance(live, dict):
            self._objects(recorded, live, at)
        elif isinstance(recorded, list) and isinstance(live, list):
            self._lists(recorded, live, at)
        elif isinstance(recorded, str) and isinstance(live, str):
            self._texts(recorded, live, at)
        elif recorded != live:
            self.faults.append(f"{at}: {recorded!r} was recorded, {live!r} came")

    def _objects(self, recorded: Any, live: Any, at: str) -> None:
        named = recorded.get("generateName")
        for key in sorted({*recorded, *live} - self.lenient):
            here = f"{at}.{key}"
            if key not in recorded or key not in live:
                self.faults.append(f"{here}: {recorded.get(key)!r} was recorded, {live.get(key)!r} came")
            elif key in ("uid", "continue", "token") or (key == "name" and named):
                self._opaque(recorded[key], live[key], here)
            elif key == "resourceVersion":
                self._version(recorded[key], live[key], here)
            elif key.startswith("openshift.io/sa.scc.") or (key == "verbs" and {*live[key]} <= {*recorded[key]}):
                continue
            else:
                self.bodies(recorded[key], live[key], here)

    def _lists(self, recorded: list[Any], live: list[Any], at: str) -> None:
        if at.lstrip(".") in DISCOVERED:
            by_name = {entry["name"]: entry for entry in recorded}
            recorded = [by_name.get(entry["name"], {"name": "not recorded"}) for entry in live if entry["name"] in by_name]
            live = [entry for entry in live if entry["name"] in by_name]
        if len(recorded) != len(live):
            self.faults.append(f"{at}: {len(recorded)} entries were recorded, {len(live)} came: {live}")
        for index, (one, other) in enumerate(zip(recorded, live, strict=False)):
            self.bodies(one, other, f"{at}[{index}]")

    def _opaque(self, recorded: str, live: str, at: str) -> None:
        if recorded != live:
            self._learn(self.learned.values, recorded, live, at)

    def _version(self, recorded: str, live: str, at: str) -> None:
        try:
            if at == ".metadata.resourceVersion" and '"items":' in self.it.answer:
                self.learned.lists[recorded] = live
            else:
                if (self.it.cassette, self.it.number) in BOOKKEEPING:
                    self.learned.loose.add(live)
                self.learned.version(recorded, live, at)
        except DifferenceError as difference:
            self.faults.append(str(difference))

    def _learn(self, table: dict[str, str], recorded: str, live: str, at: str) -> None:
        try:
            self.learned.learn(table, recorded, live, at)
        except DifferenceError as difference:
            self.faults.append(str(difference))

    def _texts(self, recorded: str, live: str, at: str) -> None:
        if recorded.startswith(_RECORDING_DAY):
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", live):
                self.faults.append(f"{at}: {live!r} is no time")
            return
        ours, theirs = _DIGEST.findall(live), _DIGEST.findall(recorded)
        for one, other in zip(theirs, ours, strict=False):
            self._opaque(one, other, at)
        if at.endswith(("message", ".details.name")):
            recorded, live = masked(recorded), masked(live)
        if _DIGEST.sub("sha256", recorded) != _DIGEST.sub("sha256", live):
            self.faults.append(f"{at}: {recorded!r} was recorded, {live!r} came")


def masked(message: str) -> str:
    """A message without what differs from server to server: uids, digits, made-up names, the object a failed patch quotes;
    and without what only a Go program would say: why a text is no JSON.
    """
    message = re.sub(r'(Invalid value: )"\{.*\}": ', r"\1", message, flags=re.DOTALL)
    message = re.sub(r"(invalid character).*", r"\1", message)
    message = re.sub(r"Bad_\w+", "Bad_", _UUID.sub("UID", message))
    return re.sub(r"\d+", "#", message)


@define
class Outcome:
    """What the replay of one interaction came to: equal (no faults) or outside."""

    it: Interaction
    outside: bool
    faults: list[str] = Factory(list)


@define
class Replay:
    """The replay of one recording against a cluster of its own."""

    cassette: str
    cluster: EmbeddedOpenShift
    hosts: Mapping[str, str] = Factory(dict)
    learned: Learned = Factory(Learned)
    outcomes: list[Outcome] = Factory(list)
    client: httpx.Client = field(init=False)

    def run(self) -> list[Outcome]:
        self.client = httpx.Client(base_url=self.cluster.url, timeout=30, verify=False)
        pending = load(self.cassette)
        with self.client:
            while pending:
                it = pending.pop(0)
                during = int(it.hints.get("during", "0"))
                inner, pending = pending[:during], pending[during:]
                self._step(it, inner)
        return self.outcomes

    def _step(self, it: Interaction, inner: list[Interaction]) -> None:
        if it.hints.get("wait", "")[:1].isdigit():
            self.cluster.settle()
        if it.method == "DELETE" and "openshift.io/sa.scc.mcs" in it.answer:
            self._wait_for_annotations(it.path.rpartition("/")[2])
        if it.cassette.startswith("12"):
            self._outage(it)
        kind = outside(it)
        if kind is not None:
            self._outside(it, kind)
        elif it.watches:
            self._watch(it, inner)
        else:
            self._plain(it)

    def _wait_for_annotations(self, namespace: str) -> None:
        """The recordings took their time between a namespace's creation and its deletion; a replay does not."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            found = [entry["metadata"] for entry in self.cluster.objects("namespaces")]
            if any("openshift.io/sa.scc.mcs" in meta.get("annotations", {}) for meta in found if meta["name"] == namespace):
                return
            time.sleep(0.01)

    def _send(self, it: Interaction, **changed: str) -> httpx.Request:
        query = {key: self._query(key, value) for key, value in it.query.items()} | changed
        url = self.learned.text(it.path) + (f"?{urlencode(query)}" if query else "")
        body = self._body(it)
        headers = dict(it.headers) | _identity(self.cluster, self.learned, it)
        request = self.client.build_request(it.method, url, content=body or None, headers=headers)
        for name in ("accept", "content-type"):
            if name not in headers:
                request.headers.pop(name, None)
        return request

    def _query(self, key: str, value: str) -> str:
        if key == "resourceVersion":
            return self.learned.lists.get(value, self.learned.versions.get(value, value))
        return self.learned.values.get(value, value) if key == "continue" else value

    def _body(self, it: Interaction) -> bytes:
        if "body" in it.hints:
            return GENERATED[it.hints["body"].split(" ", 1)[0]]().encode()
        text = _moved(it.body, self.hosts)
        try:
            value = json.loads(text)
        except ValueError:
            return text.encode()
        replaced = self.learned.body(value)
        return (text if replaced == value else json.dumps(replaced)).encode()

    def _plain(self, it: Interaction) -> None:
        response = self.client.send(self._send(it))
        outcome = Outcome(it, outside=False)
        outcome.faults += _compare_heads(it, response)
        recorded, live = _moved(it.answer, self.hosts), response.text
        if "json" in it.answer_headers.get("content-type", "") and recorded and live:
            comparison = Comparison(it, self.learned)
            comparison.bodies(json.loads(recorded), json.loads(live))
            outcome.faults += comparison.faults
        elif masked(recorded) != masked(live):
            outcome.faults.append(f"{recorded!r} was recorded, {live!r} came")
        self.outcomes.append(outcome)

    def _watch(self, it: Interaction, inner: list[Interaction]) -> None:
        """A watch, with what was sent while it was open; ended from outside only where the recording's end is not the timeout."""
        expected = [json.loads(line) for line in it.answer.splitlines()]
        by_hand = bool(inner) or "eof" in it.hints
        request = self._send(it, timeoutSeconds="600") if by_hand else self._send(it)
        reader = _Reader(self.cluster.url, request)
        for other in inner:
            self.cluster.settle()
            self._step(other, [])
        if by_hand:
            reader.wait_for(len(expected))
            self._end(it)
        live = reader.finish()
        outcome = Outcome(it, outside=False, faults=_compare_ends(it, reader))
        outcome.faults += self._events(it, expected, live)
        self.outcomes.append(outcome)

    def _end(self, it: Interaction) -> None:
        if "eof" in it.hints:
            self.cluster.aggregation = "refused" if it.hints["eof"] == "abrupt" else "unavailable"
        else:
            self.cluster.break_watches(clean=True)

    def _events(self, it: Interaction, expected: list[Any], live: list[Any]) -> list[str]:
        """Compares events one by one, plain bookmarks apart: the recorded 7 s watch with allowWatchBookmarks got none."""
        recorded, came = _without_plain_bookmarks(expected), _without_plain_bookmarks(live)
        if [event["type"] for event in recorded] != [event["type"] for event in came]:
            return [f"{[event['type'] for event in recorded]} was recorded, {[event['type'] for event in came]} came"]
        faults = []
        for one, other in zip(recorded, came, strict=True):
            comparison = Comparison(it, self.learned)
            if one["type"] == "BOOKMARK":
                one, other = copy.deepcopy(one), copy.deepcopy(other)
                faults += [] if other["object"]["metadata"].pop("resourceVersion") else ["a bookmark without resourceVersion"]
                one["object"]["metadata"].pop("resourceVersion")
            comparison.bodies(one, other)
            faults += comparison.faults
        return faults

    def _outside(self, it: Interaction, kind: Outside) -> None:
        response = self.client.send(self._send(it))
        outcome = Outcome(it, outside=True)
        wanted = it.status if kind.answered == "plain" else kind.answered
        if response.status_code != wanted:
            outcome.faults.append(f"outside ({kind.row}): {wanted} expected, {response.status_code} came: {response.text}")
        self.outcomes.append(outcome)
        if it.status in (200, 201) and it.method != "GET" and "dryRun" not in it.query:
            catch_up(self, it)

    def _outage(self, it: Interaction) -> None:
        """The outages of recording 12 were made by hand; here by the switch, as the recorded answer tells."""
        if not re.match(r"/apis/(image|build)\.openshift\.io/v1/", it.path) or "impersonate-user" in it.headers or it.watches:
            return
        texts = {"connection refused": "refused", "connection reset": "reset", "service unavailable": "unavailable"}
        found = next((outage for text, outage in texts.items() if text in it.answer), "up")
        wanted = "anonymous" if "system:anonymous" in it.answer else found
        if self.cluster.aggregation != wanted:
            self.cluster.aggregation = wanted  # type: ignore[assignment]


class _Reader:
    """Reads a watch in a thread of its own; made when the answer's head is there."""

    def __init__(self, url: str, request: httpx.Request) -> None:
        self.lines: list[str] = []
        self.clean = False
        self._arrived = threading.Condition()
        self._client = httpx.Client(base_url=url, timeout=60, verify=False)
        self._response = self._client.send(request, stream=True)
        self.status = self._response.status_code
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for line in self._response.iter_lines():
                with self._arrived:
                    self.lines.append(line)
                    self._arrived.notify_all()
            self.clean = True
        except httpx.RemoteProtocolError:
            self.clean = False

    def wait_for(self, count: int) -> None:
        """Waits until that many lines are there, and a little for one too many."""
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.lines) >= count, timeout=10)
        time.sleep(0.1)

    def finish(self) -> list[Any]:
        self._thread.join(timeout=30)
        self._client.close()
        return [json.loads(line) for line in self.lines if line]


def _without_plain_bookmarks(events: list[Any]) -> list[Any]:
    return [event for event in events if event["type"] != "BOOKMARK" or "annotations" in event["object"]["metadata"]]


def _compare_ends(it: Interaction, reader: _Reader) -> list[str]:
    wanted = it.hints.get("eof", "clean") == "clean"
    faults = [] if reader.status == it.status else [f"{it.status} was recorded, {reader.status} came"]
    return faults + ([] if reader.clean == wanted else [f"the body ended {'cleanly' if reader.clean else 'abruptly'}"])


def _compare_heads(it: Interaction, response: httpx.Response) -> list[str]:
    faults = []
    if response.status_code != it.status:
        faults.append(f"{it.status} was recorded, {response.status_code} came: {response.text[:500]}")
    pairs = {name: (it.answer_headers.get(name), response.headers.get(name)) for name in ("retry-after", "warning")}
    faults += [f"{name}: {one!r} was recorded, {other!r} came" for name, (one, other) in pairs.items() if one != other]
    if it.answer_headers["content-type"].partition(";")[0] != response.headers.get("content-type", "").partition(";")[0]:
        faults.append(f"content-type: {response.headers.get('content-type')!r} came")
    return faults


def _moved(text: str, hosts: Mapping[str, str]) -> str:
    """A recorded text with the addresses of the registries replaced, also in the (base64) secrets with their credentials."""
    for recorded, live in hosts.items():
        text = text.replace(recorded, live)
    return re.sub(r"eyJhdXRocyI6[\w+/=]+", lambda match: _moved_secret(match[0], hosts), text)


def _moved_secret(encoded: str, hosts: Mapping[str, str]) -> str:
    text = base64.b64decode(encoded).decode()
    for recorded, live in hosts.items():
        text = text.replace(recorded, live)
    return base64.b64encode(text.encode()).decode()


def _identity(cluster: EmbeddedOpenShift, learned: Learned, it: Interaction) -> dict[str, str]:
    identity = it.hints.get("identity", "")
    if identity == "anonymous":
        return {}
    token = cluster.admin_token
    if identity == "bad-bearer":
        token = "not-a-token"
    elif identity.startswith("token "):
        token = cluster.token("system:serviceaccount:vcr-access:viewer")
    return {"authorization": f"Bearer {token}"}


def _big_secret() -> str:
    data = {"x": "A" * 1_400_000}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "big"}, "type": "Opaque", "data": data})


GENERATED: Mapping[str, Callable[[], str]] = {
    "the": _big_secret,
    '{"x":"yyy…"}': lambda: json.dumps({"x": "y" * 3_200_000}),
    "10001": lambda: json.dumps([{"op": "test", "path": "/kind", "value": "ConfigMap"}] * 10_001),
}
"""Bodies too big to keep, by the first word of their description."""


# What outside requests left behind in the recording, made with requests that are imitated.

LATER_FORM = {("10a-leases-events", 22): 29}
"""An event made through events.k8s.io: what it looks like in the core group, by the interaction that shows it."""


def catch_up(replay: Replay, it: Interaction) -> None:
    """Brings the cluster into the state an outside request led to, and learns the values that came with it."""
    if "rbac" in it.path:
        _grant(replay.cluster, it)
        return
    if it.path.startswith("/apis/authentication") or it.path.endswith("/token"):
        return
    if it.path.startswith("/apis/events"):
        if (later := LATER_FORM.get((it.cassette, it.number))) is not None:
            _write(replay, "POST", "/api/v1/namespaces/vcr-misc/events", json.loads(load(it.cassette)[later - 1].answer))
        return
    recorded = json.loads(_moved(it.answer, replay.hosts))
    if it.method == "DELETE":
        _orphan(replay, it.path)
        return
    if it.path.endswith("/imagestreamimports"):
        return
    collection = it.path.removesuffix("/clone").rpartition("/")[0]
    if it.status == 201:
        _write(replay, "POST", collection, recorded)
    else:
        _write(replay, "PUT", it.path, recorded)


def _write(replay: Replay, method: str, path: str, recorded: Any) -> None:
    value = replay.learned.body(recorded)
    meta = value["metadata"]
    for key in ("uid", "creationTimestamp", "managedFields", "resourceVersion", "generation"):
        meta.pop(key, None)
    headers = {"authorization": f"Bearer {replay.cluster.admin_token}"}
    if method == "PUT":
        meta["resourceVersion"] = replay.client.get(path, headers=headers).json()["metadata"]["resourceVersion"]
    live = replay.client.request(method, path, json=value, headers=headers).raise_for_status().json()
    if recorded["metadata"]["uid"] not in replay.learned.values:
        replay.learned.values[recorded["metadata"]["uid"]] = live["metadata"]["uid"]
    replay.learned.versions[recorded["metadata"]["resourceVersion"]] = live["metadata"]["resourceVersion"]
    replay.learned.loose.add(live["metadata"]["resourceVersion"])


def _orphan(replay: Replay, path: str) -> None:
    """A build config deleted with its builds orphaned: their ownerReferences go, then it goes."""
    headers = {"authorization": f"Bearer {replay.cluster.admin_token}"}
    builds = path.replace("buildconfigs", "builds").rpartition("/")[0]
    merge = headers | {"content-type": "application/merge-patch+json"}
    for build in replay.client.get(builds, headers=headers).json()["items"]:
        if "ownerReferences" in build["metadata"]:
            place = f"{builds}/{build['metadata']['name']}"
            replay.client.patch(place, json={"metadata": {"ownerReferences": None}}, headers=merge).raise_for_status()
    replay.client.delete(path, headers=headers).raise_for_status()


def _grant(cluster: EmbeddedOpenShift, it: Interaction) -> None:
    """The policy for a recorded Role, given when it is bound: the role is the interaction before its binding."""
    if not it.path.endswith("/rolebindings"):
        return
    role = json.loads(load(it.cassette)[it.number - 2].body)
    subject, namespace = json.loads(it.body)["subjects"][0], it.path.split("/")[5]
    user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
    for rule in role["rules"]:
        for verb in rule["verbs"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", ["*"]):
                    cluster.allow(user, verb, resource, namespace, group=rule["apiGroups"][0], name=name)


# The registries the imports of recording 06 talked to.


def _image(tag: str, layer: int, config: int, oci: bool) -> dict[str, bytes]:
    """The blobs and the manifest of an image whose layer and config have the recorded sizes."""
    media = "application/vnd.oci.image" if oci else "application/vnd.docker"
    about = {"created": "2026-01-01T00:00:00Z", "architecture": "amd64", "os": "linux"}
    settings = json.dumps(about | {"config": {"Cmd": ["/hello"], "Labels": {"ref": "yes"}}, "tag": tag}).encode().ljust(config)
    content = tag.encode().ljust(layer, b".")
    kinds = ("config.v1+json", "layer.v1.tar+gzip") if oci else ("container.image.v1+json", "image.rootfs.diff.tar.gzip")
    entry = [{"mediaType": f"{media}.{kind}", "size": len(blob), "digest": _digest(blob)}
             for kind, blob in zip(kinds, (settings, content), strict=True)]  # fmt: skip
    manifest = {"schemaVersion": 2, "mediaType": f"{media}.{'manifest.v1+json' if oci else 'distribution.manifest.v2+json'}"}
    text = json.dumps(manifest | {"config": entry[0], "layers": [entry[1]]}).encode()
    return {f"manifests/{tag}": text, f"manifests/{_digest(text)}": text, f"blobs/{_digest(settings)}": settings}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


class SmallRegistry(HttpServer):
    """A registry with one repository; with ``password`` it is private and asks for tokens as Quay does."""

    def __init__(self, repository: str, content: Mapping[str, bytes], password: str = "", tls: Any = None) -> None:
        super().__init__(tls=tls)
        self.repository, self.content, self.password = repository, content, password

    def handle(self, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        if request.path == "/v2/auth":
            return self._token(authorization)
        if self.password and not authorization:
            realm = f'Bearer realm="{self.url}/v2/auth",service="{self.url[7:]}"'
            return Response(401, b"true", headers={"WWW-Authenticate": realm})
        if request.path == "/v2/":
            return Response(200, b"true")
        found = self.content.get(unquote(request.path).removeprefix(f"/v2/{self.repository}/"))
        if self.password and authorization != "Bearer granted":
            return _refused(401, "access to the requested resource is not authorized")
        return Response(200, found, json.loads(found).get("mediaType", "application/json")) if found else _refused(404, "unknown")

    def _token(self, authorization: str) -> Response:
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if authorization and password != self.password:
            return _refused(401, f"Could not find robot with username: {user} and supplied password.")
        return Response.of_json(200, {"token": "granted" if authorization else "nothing"})


def _refused(status: int, message: str) -> Response:
    return Response.of_json(status, {"errors": [{"code": "UNAUTHORIZED", "message": message}]})


def recorded_definitions() -> list[Any]:
    """The CustomResourceDefinition that the recorded server had."""
    recorded = json.loads(load("09-quayintegrations")[0].answer)
    kept = {"name": recorded["metadata"]["name"], "annotations": recorded["metadata"]["annotations"]}
    return [{key: recorded[key] for key in ("kind", "apiVersion", "spec")} | {"metadata": kept}]


def replayed(cassette: str) -> list[Outcome]:
    """Replays one recording on a fresh cluster."""
    settings = Settings(pace=PACE, namespace_grace=GRACE)
    with EmbeddedOpenShift(settings=settings, definitions=recorded_definitions()) as cluster:
        if not cassette.startswith("06"):
            return Replay(cassette, cluster).run()
        with _registries() as hosts:
            return Replay(cassette, cluster, hosts).run()


class _registries:  # noqa: N801 - reads as a function
    """The two registries, and an address where nothing listens."""

    def __enter__(self) -> dict[str, str]:
        public = _image("latest", 105, 326, oci=False) | _image("v2", 102, 326, oci=False) | _image("oci", 103, 326, oci=True)
        self._public = SmallRegistry("team/app", public)
        self._quay = SmallRegistry("vcrpriv/app", _image("latest", 104, 326, oci=False), password="DELETED-ROBOT-TOKEN")
        self._public.start()
        self._quay.start()
        nothing = SmallRegistry("none", {})
        nothing.start()
        address = nothing.url[7:]
        nothing.stop()
        return {RECORDED_REGISTRY: self._public.url[7:], RECORDED_QUAY: self._quay.url[7:], RECORDED_NOTHING: address}

    def __exit__(self, *_: object) -> None:
        self._public.stop()
        self._quay.stop()


def all_cassettes() -> Iterator[str]:
    yield from sorted(path.stem for path in CASSETTES.glob("*.yaml"))
