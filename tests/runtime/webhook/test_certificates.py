"""Certificate files: found under each of their names, followed when they change, never lost to a broken pair."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import pytest
from tests.runtime.webhook.wire import common_name, trusting, write_pair

from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.runtime.webhook import certificates
from quaybridge_sdk.runtime.webhook.certificates import (
    FILE_NAMES,
    CertificateDirectory,
    CertificateFiles,
    LiveCertificate,
)


def shown(live: LiveCertificate, server_name: str | None = "localhost") -> str:
    """The common name that a client sees in a handshake, made in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting().wrap_bio(to_client, to_server, server_hostname=server_name)
    server = live.context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return common_name(client.getpeercert(binary_form=True) or b"")


@pytest.mark.parametrize("names", FILE_NAMES)
def test_each_pair_of_names_is_found(tmp_path: Path, names: tuple[str, str]) -> None:
    write_pair(tmp_path, names)
    assert shown(LiveCertificate(CertificateDirectory(tmp_path))) == "first"


def test_the_names() -> None:
    assert FILE_NAMES == (("apiserver.crt", "apiserver.key"), ("tls.crt", "tls.key"), ("cert.pem", "key.pem"))


def test_the_first_complete_pair_is_taken(tmp_path: Path) -> None:
    write_pair(tmp_path, FILE_NAMES[2], name="third")
    write_pair(tmp_path, FILE_NAMES[1], name="second")
    tmp_path.joinpath(FILE_NAMES[0][0]).write_text("no key beside it")
    assert shown(LiveCertificate(CertificateDirectory(tmp_path))) == "second"


@pytest.mark.parametrize("server_name", [None, "localhost", "webhook-service.quay.svc"])
def test_with_and_without_a_server_name(tmp_path: Path, server_name: str | None) -> None:
    write_pair(tmp_path)
    assert shown(LiveCertificate(CertificateDirectory(tmp_path)), server_name) == "first"


def test_an_empty_directory_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInputError, match=r"no serving certificate in .*apiserver\.crt with apiserver\.key, or tls"
    ) as caught:
        LiveCertificate(CertificateDirectory(tmp_path))
    assert str(tmp_path) in str(caught.value)


def test_paths_may_be_given(tmp_path: Path) -> None:
    write_pair(tmp_path, ("a.pem", "b.pem"))
    files = CertificateFiles(tmp_path / "a.pem", tmp_path / "b.pem")
    assert shown(LiveCertificate(files)) == "first"
    with pytest.raises(InvalidInputError, match="cannot read the serving certificate"):
        LiveCertificate(CertificateFiles(tmp_path / "a.pem", tmp_path / "none"))


def test_nobody_is_asked_for_a_password(tmp_path: Path) -> None:
    write_pair(tmp_path, password="secret")
    with pytest.raises(InvalidInputError, match="cannot load the serving certificate"):
        LiveCertificate(CertificateDirectory(tmp_path))


def test_a_new_pair_is_used_once_the_files_have_changed(tmp_path: Path) -> None:
    write_pair(tmp_path)
    live = LiveCertificate(CertificateDirectory(tmp_path))
    assert live.refresh() is False
    write_pair(tmp_path, name="second")
    assert shown(live) == "first"
    assert live.refresh() is True
    assert shown(live) == "second"
    assert live.refresh() is False


def test_a_volume_is_replaced_through_a_link(tmp_path: Path) -> None:
    """As kubelet does it: the files are links to a directory that is switched as a whole."""
    for folder in ("one", "two"):
        tmp_path.joinpath(folder).mkdir()
        write_pair(tmp_path / folder, name=folder)
    tmp_path.joinpath("..data").symlink_to("one")
    for file in FILE_NAMES[1]:
        tmp_path.joinpath(file).symlink_to(f"..data/{file}")
    live = LiveCertificate(CertificateDirectory(tmp_path))
    tmp_path.joinpath("..tmp").symlink_to("two")
    tmp_path.joinpath("..tmp").rename(tmp_path / "..data")
    assert live.refresh() is True
    assert shown(live) == "two"


@pytest.mark.parametrize("damage", ["key of another", "half written", "gone", "unreadable"])
def test_a_broken_pair_keeps_the_former_one(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    write_pair(tmp_path)
    live = LiveCertificate(CertificateDirectory(tmp_path))
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    right = key.read_bytes(), certificate.read_bytes()
    if damage == "key of another":
        write_pair(tmp_path, name="second")
        key.write_bytes(right[0])
    elif damage == "half written":
        certificate.write_bytes(right[1][:200])
    elif damage == "gone":
        key.unlink()
    else:
        key.write_text("no PEM")
    with caplog.at_level(logging.ERROR):
        assert [live.refresh() for _ in range(3)] == [False, False, False]
    assert [record.levelname for record in caplog.records] == ["ERROR"], "said once, not every second"
    assert "stays in use" in caplog.text
    assert "PRIVATE" not in caplog.text
    assert shown(live) == "first"
    write_pair(tmp_path, name="third")
    assert live.refresh() is True
    assert shown(live) == "third"


def test_the_former_pair_may_come_back(tmp_path: Path) -> None:
    write_pair(tmp_path)
    live = LiveCertificate(CertificateDirectory(tmp_path))
    right = tmp_path.joinpath("tls.key").read_bytes()
    tmp_path.joinpath("tls.key").write_text("no PEM")
    assert live.refresh() is False
    tmp_path.joinpath("tls.key").write_bytes(right)
    live.refresh()
    assert shown(live) == "first"


def test_a_pair_that_was_read_in_the_middle_of_a_change_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contents are looked at, then change, then fail to load, and are in the end what they were when looked at."""
    write_pair(tmp_path)
    live = LiveCertificate(CertificateDirectory(tmp_path))
    write_pair(tmp_path, name="second")
    key = tmp_path / "tls.key"
    right, load = key.read_bytes(), certificates._load

    def torn(pair: certificates.CertificatePair) -> ssl.SSLContext:
        key.write_text("no PEM")
        return load(pair)

    monkeypatch.setattr(certificates, "_load", torn)
    assert live.refresh() is False
    monkeypatch.setattr(certificates, "_load", load)
    key.write_bytes(right)
    assert live.refresh() is True
    assert shown(live) == "second"


def test_a_pair_that_changed_while_it_was_loaded_is_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pair(tmp_path)
    live = LiveCertificate(CertificateDirectory(tmp_path))
    write_pair(tmp_path, name="second")
    load = certificates._load

    def overtaken(pair: certificates.CertificatePair) -> ssl.SSLContext:
        found = load(pair)
        write_pair(tmp_path, name="third")
        return found

    monkeypatch.setattr(certificates, "_load", overtaken)
    live.refresh()
    monkeypatch.setattr(certificates, "_load", load)
    assert live.refresh() is True
    assert shown(live) == "third"


def test_http2_is_not_offered(tmp_path: Path) -> None:
    write_pair(tmp_path)
    live = LiveCertificate(CertificateDirectory(tmp_path))
    client_context = trusting()
    client_context.set_alpn_protocols(["h2", "http/1.1"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    server = live.context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.selected_alpn_protocol() == "http/1.1"
