from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.cli.pki import DAY, issue

from quaybridge_sdk.cli.doctor.certificates import (
    dates,
    described,
    ends_soon,
    is_for,
    names,
    parse_bundle,
    parse_der,
    parse_pem,
    vouched_for,
)

ROOT = issue(ca=True, cn="root")
MIDDLE = issue(by=ROOT, ca=True, cn="middle")
LEAF = issue("svc.ns.svc", by=MIDDLE, cn="leaf")
OTHER = issue(ca=True, cn="root")


@pytest.mark.parametrize(
    ("chain", "anchors", "trusted"),
    [
        ([LEAF, MIDDLE], [ROOT], True),
        ([LEAF], [MIDDLE], True),
        ([LEAF], [LEAF], True),
        ([LEAF], [ROOT], False),  # the one in between is missing
        ([LEAF, MIDDLE], [OTHER], False),  # the same name, another key
        ([LEAF, MIDDLE], [], False),
        ([], [ROOT], False),
    ],
)
def test_a_bundle_vouches_by_signatures(chain: list[object], anchors: list[object], trusted: bool) -> None:
    assert vouched_for([p.certificate for p in chain], [p.certificate for p in anchors]) is trusted  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "host", "fits"),
    [
        (("svc.ns.svc",), "svc.ns.svc", True),
        (("SVC.ns.svc",), "svc.NS.svc", True),
        (("*.ns.svc",), "svc.ns.svc", True),
        (("*.svc",), "svc.ns.svc", False),
        (("10.0.0.1",), "10.0.0.1", True),
        (("*.0.0.1",), "10.0.0.1", False),
        ((), "x", False),  # the common name alone
    ],
)
def test_names_come_from_the_sans_alone(given: tuple[str, ...], host: str, fits: bool) -> None:
    assert is_for(issue(*given).certificate, host) is fits


def test_dates() -> None:
    now = datetime(2026, 1, 10, tzinfo=UTC)
    certificate = issue(begin=now - DAY, lasts=100 * DAY).certificate
    assert dates(certificate, now) == ("valid until 2026-04-19 00:00 UTC", True)
    assert dates(certificate, now - 2 * DAY) == ("not valid before 2026-01-09 00:00 UTC", False)
    assert dates(certificate, now + 100 * DAY) == ("expired on 2026-04-19 00:00 UTC", False)
    assert not ends_soon(certificate, now + 80 * DAY)
    assert ends_soon(certificate, now + 90 * DAY)


def test_a_certificate_for_a_day_is_not_always_at_its_end() -> None:
    now = datetime(2026, 1, 10, tzinfo=UTC)
    certificate = issue(begin=now, lasts=DAY).certificate
    assert not ends_soon(certificate, now + timedelta(hours=1))
    assert ends_soon(certificate, now + timedelta(hours=23))


def test_what_is_no_certificate_reads_as_none() -> None:
    assert parse_pem(b"no") == ()
    assert parse_der(b"no") == ()
    assert parse_bundle("${CA_BUNDLE}") == ()
    assert parse_bundle("bm8=") == ()
    assert parse_bundle(LEAF.base64) == (LEAF.certificate,)
    assert names(ROOT.certificate) == ()


def test_a_description_lets_a_person_compare() -> None:
    assert "CN=leaf" in described(LEAF.certificate)
    assert "CN=middle" in described(LEAF.certificate)
    assert "signed by itself" in described(ROOT.certificate)
