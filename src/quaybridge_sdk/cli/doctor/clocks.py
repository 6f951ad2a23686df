"""Clocks: tokens, certificates and records carry times, so cluster, Quay and this machine should agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.integrations import Integration
from quaybridge_sdk.cli.doctor.ports import Examination, NoAnswerError
from quaybridge_sdk.errors import InvalidIntegrationError
from quaybridge_sdk.model.quay import QuayEndpoint

TOLERATED, SERIOUS = timedelta(seconds=30), timedelta(minutes=5)
"""Below the first nothing is said; above the second tokens and fresh certificates may be refused."""

MEND = "let the machines' clocks be set by NTP"
COMMANDS = ("oc debug node/<node> -- chroot /host chronyc tracking", "timedatectl")


def examine(examination: Examination, integrations: tuple[Integration, ...]) -> Iterator[Finding]:
    """The cluster against this machine, then each Quay against the cluster. ``Date`` headers tell the time, to the second."""
    cluster = _cluster_offset(examination)
    if cluster is None:
        yield unsure("clocks.skew", "cluster", "the API server's answer carries no time")
    else:
        yield _judged("cluster and this machine", cluster)
    for url, endpoint in {each.parsed.endpoint.url: each.parsed.endpoint for each in integrations}.items():
        quay = _offset(examination, f"{url}/health/instance", endpoint)
        if quay is not None:
            yield _judged(f"Quay {url} and {'this machine' if cluster is None else 'cluster'}", quay - (cluster or timedelta()))


def cluster_time(examination: Examination) -> datetime:
    """Now, by the API server's clock; by this machine's, when the API server does not tell."""
    offset = _cluster_offset(examination)
    return examination.clock() + (offset or timedelta())


def _cluster_offset(examination: Examination) -> timedelta | None:
    return _offset(examination, f"{examination.cluster.host.rstrip('/')}/version", None)


def _offset(examination: Examination, url: str, endpoint: QuayEndpoint | None) -> timedelta | None:
    """How far the server's clock is ahead of ours."""
    before = examination.clock()
    try:
        date = examination.network.page(url, endpoint).date
    except (NoAnswerError, InvalidIntegrationError):
        return None
    return None if date is None else date - before - (examination.clock() - before) / 2


def _judged(subject: str, offset: timedelta) -> Finding:
    seconds = abs(offset.total_seconds())
    detail = f"{seconds:.0f} s apart"
    if seconds <= TOLERATED.total_seconds():
        return good("clocks.skew", subject, detail)
    found = bad if seconds > SERIOUS.total_seconds() else doubtful
    return found("clocks.skew", subject, detail, MEND, *COMMANDS)
