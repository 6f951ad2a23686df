"""Replays recorded exchanges with a real Quay against a server, and says in words where the answers differ.

The recordings hold no Authorization header, so who called is told by :data:`CALLERS` where the answer does not show it.
Compared are status, content type, the headers a client acts on, and the JSON body: every key and every value, except
values that are opaque to a client (:data:`OPAQUE`), and the schema that Quay quotes behind the first line of a
validation error. HTML is compared by its content type. Opaque names handed out earlier (a prototype's id, a page's
token) are translated in later requests.
"""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml
from attrs import Factory, define, frozen

CASSETTES = Path(__file__).parents[1] / "cassettes" / "quay"
ANONYMOUS, GARBAGE, ALICE, ADMIN, ORGADMIN = "anonymous", "garbage", "alice", "admin", "admin with scope org:admin only"

CALLERS = {  # what status and content type do not tell; everything else is inferred by `_inferred`
    ("errors", 10): GARBAGE,
    ("errors", 14): GARBAGE,
    ("errors", 15): ORGADMIN,
    ("errors", 16): ORGADMIN,
    ("organization", 4): ALICE,
    ("organization", 5): ANONYMOUS,
    ("organization", 6): GARBAGE,
    ("repositories", 23): GARBAGE,
}
OPAQUE = {"id", "token", "next_page", "status_token", "hash", "color", "created", "last_accessed", "type"}
UNORDERED = {"robots": "name", "prototypes": "id", "members": "name", "organizations": "name"}  # order is not promised
HTTP_DEFAULTS = {"connection": "keep-alive"}
MEANINGFUL_HEADERS = ("location", "connection")
OUTSIDE = {  # recorded kinds of call that the embedded Quay answers 501, by what "METHOD path body" has in it
    "notifications": r"/notification/",
    "robot federation": r"/federation",
    "teams": r"/team/",
    "the roles a user has through teams": r"/transitive",
    "the history of tags": r"/tag/",
    "changes of an organization beyond its e-mail": r"PUT .*tag_expiration_s",
    "descriptions of the error types": r"/error/",
}
AFTERMATH = {("teams", 6)}  # a read of what an outside call has made: answered as ever, but of other content


@frozen
class Interaction:
    cassette: str
    index: int
    method: str
    path: str
    body: str
    content_type: str | None
    status: int
    headers: dict[str, str]
    answer: str

    @property
    def name(self) -> str:
        return f"{self.cassette}-{self.index:02}-{self.method}-{self.status}"

    @property
    def is_outside(self) -> bool:
        return self.kind_outside is not None or (self.cassette, self.index) in AFTERMATH

    @property
    def kind_outside(self) -> str | None:
        line = f"{self.method} {self.path} {self.body}"
        return next((kind for kind, pattern in OUTSIDE.items() if re.search(pattern, line)), None)

    @property
    def caller(self) -> str:
        return CALLERS.get((self.cassette, self.index)) or self._inferred()

    def _inferred(self) -> str:
        if self.status == 401 or (self.status == 403 and self.headers["content-type"].startswith("text/html")):
            return ANONYMOUS
        return ALICE if self.status == 403 else ADMIN


@define
class Outcome:
    """``differences`` is empty when the live answer means the same as the recorded one."""

    interaction: Interaction
    status: int
    differences: list[str]


@define
class Replay:
    """One run through cassettes against one server; remembers what the server calls the recorded opaque names."""

    client: httpx.Client
    tokens: dict[str, str | None]
    names: dict[str, str] = Factory(dict)

    def run(self, interaction: Interaction) -> Outcome:
        path = interaction.path
        for recorded, live in self.names.items():
            path = path.replace(recorded, live)
        token = self.tokens[interaction.caller]
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        if interaction.content_type:
            headers["Content-Type"] = interaction.content_type
        answer = self.client.request(interaction.method, path, content=interaction.body, headers=headers)
        return Outcome(interaction, answer.status_code, list(self._differences(interaction, answer)))

    def _differences(self, interaction: Interaction, answer: httpx.Response) -> Iterator[str]:
        if interaction.status != answer.status_code:
            yield f"status: recorded {interaction.status}, now {answer.status_code} {answer.text[:200]}"
            return
        recorded_type, live_type = interaction.headers["content-type"], answer.headers["content-type"]
        if recorded_type.partition(";")[0] != live_type.partition(";")[0]:
            yield f"content type: recorded {recorded_type}, now {live_type}"
        for name in MEANINGFUL_HEADERS:
            recorded, live = interaction.headers.get(name), answer.headers.get(name, HTTP_DEFAULTS.get(name))
            if _without_host(recorded) != _without_host(live):
                yield f"header {name}: recorded {recorded}, now {live}"
        yield from self._body_differences(interaction.answer, answer.text)

    def _body_differences(self, recorded: str, live: str) -> Iterator[str]:
        try:
            expected = json.loads(recorded)
        except ValueError:  # a page, or nothing
            if bool(recorded.strip()) != bool(live.strip()):
                yield f"body: recorded {recorded[:80]!r}, now {live[:80]!r}"
            return
        yield from self.compare(expected, json.loads(live), "$")

    def compare(self, recorded: Any, live: Any, where: str) -> Iterator[str]:
        if isinstance(recorded, dict) and isinstance(live, dict):
            if recorded.keys() != live.keys():
                yield f"{where}: only recorded {recorded.keys() - live.keys()}, only now {live.keys() - recorded.keys()}"
            for key in recorded.keys() & live.keys():
                yield from self._compare_value(key, recorded[key], live[key], f"{where}.{key}")
        elif isinstance(recorded, list) and isinstance(live, list):
            if len(recorded) != len(live):
                yield f"{where}: recorded {len(recorded)} entries, now {len(live)}"
            for index, (left, right) in enumerate(zip(recorded, live, strict=False)):
                yield from self.compare(left, right, f"{where}[{index}]")
        elif _meaning(recorded) != _meaning(live):
            yield f"{where}: recorded {recorded!r}, now {live!r}"

    def _compare_value(self, key: str, recorded: Any, live: Any, where: str) -> Iterator[str]:
        if key in OPAQUE:
            if type(recorded) is not type(live) or bool(recorded) != bool(live):
                yield f"{where}: recorded {recorded!r}, now {live!r}"
            if key in ("id", "next_page"):
                self.names[recorded] = live
        elif key in UNORDERED:
            order = UNORDERED[key]
            recorded = sorted(recorded, key=lambda entry: self.names.get(entry[order], entry[order]))
            yield from self.compare(recorded, sorted(live, key=lambda entry: str(entry[order])), where)
        else:
            yield from self.compare(recorded, live, where)


def _meaning(value: Any) -> Any:
    """A validation error means its first line; the rest quotes Quay's schema."""
    if isinstance(value, str) and "\n\nFailed validating" in value:
        return value.partition("\n")[0]
    return value


def _without_host(url: str | None) -> str | None:
    return urlsplit(url)._replace(scheme="", netloc="").geturl() if url else url


def _interaction(cassette: str, index: int, recorded: dict[str, Any]) -> Interaction:
    request, response = recorded["request"], recorded["response"]
    url = urlsplit(request["uri"])
    headers = {name.lower(): values[0] for name, values in response["headers"].items()}
    sent = {name.lower(): values[0] for name, values in request["headers"].items()}
    path = url.path + (f"?{url.query}" if url.query else "")
    body, status = request["body"] or "", response["status"]["code"]
    answer = response["body"]["string"]
    return Interaction(cassette, index, request["method"], path, body, sent.get("content-type"), status, headers, answer)


def cassette(name: str) -> list[Interaction]:
    content = yaml.load((CASSETTES / f"{name}.yaml").read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return [_interaction(name, index, recorded) for index, recorded in enumerate(content["interactions"])]


def in_order_of_recording() -> list[Interaction]:
    """All interactions; cassettes were recorded one after another against the same Quay."""
    cassettes = [cassette(path.stem) for path in CASSETTES.glob("*.yaml")]
    cassettes.sort(key=lambda content: email.utils.parsedate_to_datetime(content[0].headers["date"]))
    return [interaction for content in cassettes for interaction in content]


@define
class Preset:
    """What the recorded Quay held before, read out of the recordings and rebuilt through the API of the server."""

    client: httpx.Client
    recorded: list[Interaction]

    def build(self) -> None:
        for name in self._organizations():
            self._post("/api/v1/organization/", {"name": name})
        for entry in self._answer("organization", 24)["organizations"]:
            self._put(f"/api/v1/organization/{entry['name']}", {"email": entry["email"]})
        self._put("/api/v1/organization/rb-org/robots/builder", {})
        pages = [entry["name"] for index in (24, 25) for entry in self._answer("repositories", index)["repositories"]]
        for name in pages:
            body = {"namespace": "pg-org", "repository": name, "visibility": "private", "description": ""}
            self._post("/api/v1/repository", body)

    def _organizations(self) -> list[str]:
        made = [
            json.loads(step.body)["name"] for step in self.recorded if step.path == "/api/v1/organization/" and step.status == 201
        ]
        names = [entry["name"] for entry in self._answer("errors", 11)["organizations"]]
        return [name for name in names if name not in made]

    def _answer(self, name: str, index: int) -> Any:
        return json.loads(next(step.answer for step in self.recorded if (step.cassette, step.index) == (name, index)))

    def _post(self, path: str, body: dict[str, str]) -> None:
        self.client.post(path, json=body).raise_for_status()

    def _put(self, path: str, body: dict[str, str]) -> None:
        self.client.put(path, json=body).raise_for_status()
