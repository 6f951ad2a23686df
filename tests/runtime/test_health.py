from __future__ import annotations

import httpx
import pytest

from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.runtime.health import Address, Page, PageServer, checks_page, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8080", Address("", 8080)),
        ("127.0.0.1:8081", Address("127.0.0.1", 8081)),
        ("[::1]:1", Address("::1", 1)),
        ("localhost:0", Address("localhost", 0)),
        ("0", None),
        ("", None),
    ],
)
def test_addresses_are_read_as_go_programs_write_them(text: str, address: Address | None) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["8080", "host", ":", ":x", ":65536", ":-1", ":८०"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not an address"):
        parse_address(text)


def test_checks_are_served_and_name_what_fails() -> None:
    ready = {"caches": False, "leader": True}
    checks = checks_page({name: lambda name=name: ready[name] for name in ready})  # type: ignore[misc]
    with PageServer(Address("127.0.0.1", 0), {"/readyz": checks, "/x": lambda: Page(200, b"x")}) as server:
        url = f"http://127.0.0.1:{server.port}"
        answer = httpx.get(url + "/readyz?verbose")
        assert (answer.status_code, answer.text) == (503, "not ready: caches\n")
        ready["caches"] = True
        assert (httpx.get(url + "/readyz").status_code, httpx.get(url + "/readyz").text) == (200, "ok\n")
        assert httpx.get(url + "/nope").status_code == 404
        head = httpx.head(url + "/readyz")
        assert (head.status_code, head.headers["content-length"], head.text) == (200, "3", "")
        assert httpx.post(url + "/x").status_code == 501
