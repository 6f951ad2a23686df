"""What is thrown at the readers: recorded bodies of real servers, and what becomes of them when somebody turns a part."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

CASSETTES = Path(__file__).parents[1] / "cassettes"
LONGEST_SEED = 20_000
"""Characters; longer recordings only make the search slower."""

SCALARS: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    2**64,
    10**400,
    1e308,
    "",
    "\x00",
    "\ud800",
    "\U0010ffff",
    "a\r\nb: c",
    "../..",
    "1" * 30,
    "9" * 5000,
    "x" * 3000,
    "true",
    "9999-12-31T23:59:59Z",
    [],
    {},
    [[]],
    [None, 1, {}],
    {"": None},
    {"name": []},
)
"""Values of the wrong type, size or meaning."""

odd_values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(SCALARS),
    st.sampled_from(SCALARS),
    st.text(st.characters(), max_size=12),
    st.integers(0, 1_500).map(lambda depth: _nested(depth)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        max_leaves=8,
    ),
)


def _nested(depth: int) -> Any:
    value: Any = "deep"
    for level in range(min(depth, 400)):
        value = [value] if level % 2 else {"a": value}
    return value


@cache
def admission_reviews() -> tuple[Any, ...]:
    """The recorded requests."""
    return tuple(json.loads(path.read_bytes()) for path in sorted((CASSETTES / "admission").glob("*.request.json")))


@cache
def answers(folder: str) -> tuple[tuple[int, dict[str, str], str], ...]:
    """Status, headers and body of each distinct recorded answer."""
    found = {}
    for path in sorted((CASSETTES / folder).glob("*.yaml")):
        for item in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["interactions"]:
            response = item["response"]
            headers = {name.lower(): values[0] for name, values in response["headers"].items()}
            body = response["body"]["string"]
            if len(body) <= LONGEST_SEED:
                found[response["status"]["code"], body] = headers
    return tuple((status, headers, body) for (status, body), headers in found.items())


@cache
def documents(folder: str) -> tuple[Any, ...]:
    """The JSON objects among the recorded answers, and the items of lists; a watch is one object for each event."""
    return tuple(item for _, _, body in answers(folder) for item in _documents(body))


def _documents(body: str) -> Iterator[Any]:
    for line in body.splitlines() if body.startswith('{"type":') else [body]:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value.get("object", value)
            yield from (item for item in (value.get("items") or ())[:3] if isinstance(item, dict))


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from _places(inner, (*path, step))


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _replaced(copied[path[0]], path[1:], new)
    return copied


@st.composite
def turned(draw: st.DrawFn, seeds: tuple[Any, ...]) -> Any:
    """A recorded document in which up to three parts were replaced by something odd."""
    value = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 3))):
        value = _replaced(value, draw(st.sampled_from(list(_places(value)))), draw(odd_values))
    return value


def encoded(value: Any) -> bytes:
    """JSON as a careless server writes it: NaN, lone surrogates and all."""
    return json.dumps(value).encode("ascii")


snippets = st.one_of(
    st.sampled_from(
        [b"", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"[" * 2000, b'{"a":' * 1100, b"9" * 5000, b"1e999"]
    ),
    st.sampled_from([b"\r\n", b"\n", b'"kind":"X",', b'"uid":1,', b",", b"}", b"<!DOCTYPE html><title>x</title>", b"\x1f\x8b"]),
    st.binary(max_size=8),
)


@st.composite
def mangled(draw: st.DrawFn, data: bytes) -> bytes:
    """``data`` cut, doubled, or with bytes put in, up to four times: duplicate keys and broken UTF-8 come of it."""
    for _ in range(draw(st.integers(1, 4))):
        start, length = draw(st.integers(0, len(data))), draw(st.integers(0, 40))
        match draw(st.sampled_from(["put", "over", "cut", "double"])):
            case "put":
                data = data[:start] + draw(snippets) + data[start:]
            case "over":
                data = data[:start] + draw(snippets) + data[start + length :]
            case "cut":
                data = data[:start]
            case _:
                data = data[: start + length] + data[start:]
    return data


@st.composite
def bodies(draw: st.DrawFn, seeds: tuple[Any, ...]) -> bytes:
    """Bodies of every kind: as recorded, turned, mangled, or no JSON at all."""
    data = encoded(draw(turned(seeds)))
    kind = draw(st.sampled_from(["whole", "whole", "mangled", "any", "deep"]))
    if kind == "any":
        return draw(st.binary(max_size=64))
    if kind == "deep":
        return draw(st.sampled_from([b"[", b'{"a":', b'{"message":[', b"-"])) * draw(st.integers(1, 3000))
    return draw(mangled(data)) if kind == "mangled" else data


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """``data`` cut at these places; no piece is empty."""
    places = sorted({cut % len(data) for cut in cuts} - {0}) if data else []
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True) if end > start]
