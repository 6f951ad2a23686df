"""The real connections, against real servers on this machine."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.cli.pki import DAY, Pair, issue

from quaybridge_sdk.cli.doctor.network import Network, parse_date, trouble_of
from quaybridge_sdk.cli.doctor.ports import NoAnswerError, Trouble
from quaybridge_sdk.model.quay import QuayEndpoint
from quaybridge_sdk.testing.quay import EmbeddedQuay
from quaybridge_sdk.testing.tls import server_context


def served(folder: Path, pair: Pair) -> EmbeddedQuay:
    (folder / "crt").write_bytes(pair.pem)
    (folder / "key").write_bytes(pair.key_pem)
    return EmbeddedQuay(tls=server_context(folder / "crt", folder / "key"))


def endpoint(url: str, trusted: Pair | None = None, *, insecure: bool = False) -> QuayEndpoint:
    return QuayEndpoint(url, url.partition("://")[2], insecure, trusted.pem.decode() if trusted else None)


CA = issue(ca=True, cn="ca")


@pytest.mark.parametrize(
    ("leaf", "trouble"),
    [
        (issue("127.0.0.1", by=CA), None),
        (issue("127.0.0.1"), Trouble.UNKNOWN_CA),
        (issue("other.example", by=CA), Trouble.WRONG_HOST),
        (issue("127.0.0.1", by=CA, begin=datetime.now(UTC) - 9 * DAY, lasts=DAY), Trouble.EXPIRED),
        (issue("127.0.0.1", by=CA, begin=datetime.now(UTC) + DAY), Trouble.NOT_YET_VALID),
    ],
)
def test_certificates_are_told_apart(tmp_path: Path, leaf: Pair, trouble: Trouble | None) -> None:
    with served(tmp_path, leaf) as quay:
        url = f"{quay.url}/health/instance"
        assert Network().page(url, endpoint(quay.url, insecure=True)).status == 200
        assert Network().certificate("127.0.0.1", int(quay.url.rpartition(":")[2])) == leaf.der
        if trouble is None:
            assert Network().page(url, endpoint(quay.url, CA)).status == 200
            return
        with pytest.raises(NoAnswerError) as raised:
            Network().page(url, endpoint(quay.url, CA))
    assert raised.value.trouble is trouble


def test_a_page_carries_the_servers_time() -> None:
    with EmbeddedQuay() as quay:
        date = Network().page(f"{quay.url}/health/instance").date
        assert date is not None
        assert abs(date - datetime.now(UTC)) < timedelta(seconds=5)
        with pytest.raises(NoAnswerError) as raised:
            Network().page(quay.url.replace("http://", "https://"))
        assert raised.value.trouble is Trouble.NO_TLS
        with pytest.raises(NoAnswerError):
            Network().certificate("127.0.0.1", int(quay.url.rpartition(":")[2]))


def test_refused_silent_and_unknown_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(NoAnswerError) as raised:
            Network(0.2).page(f"http://127.0.0.1:{port}/")
        assert raised.value.trouble is Trouble.TIMEOUT
    with pytest.raises(NoAnswerError) as raised:
        Network(1).page(f"http://127.0.0.1:{port}/")
    assert raised.value.trouble is Trouble.REFUSED
    with pytest.raises(NoAnswerError) as raised:
        Network(1).page("http://host.invalid/")
    assert raised.value.trouble is Trouble.DNS


def test_every_error_is_some_trouble() -> None:
    assert trouble_of(httpx.RemoteProtocolError("x")) is Trouble.UNREACHABLE
    assert trouble_of(httpx.ReadTimeout("x")) is Trouble.TIMEOUT
    assert trouble_of(ssl.SSLError("x")) is Trouble.NO_TLS
    odd = ssl.SSLCertVerificationError("x")
    odd.verify_code = 24
    assert trouble_of(odd) is Trouble.UNTRUSTED


@pytest.mark.parametrize("header", ["", "no date", "Tue, 99 Nov 2026 10:00:00 GMT"])
def test_what_is_no_date(header: str) -> None:
    assert parse_date(header) is None
