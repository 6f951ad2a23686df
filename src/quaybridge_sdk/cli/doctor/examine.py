"""All checks, in the order in which one would mend what they find."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

from quaybridge_sdk.cli.doctor import clocks, cluster, integrations, programs, quay, rights, serving, trial, webhook
from quaybridge_sdk.cli.doctor.finding import Finding, Status
from quaybridge_sdk.cli.doctor.integrations import Integrations
from quaybridge_sdk.cli.doctor.ports import Examination, Json

Topic = Callable[[Examination, Json, Integrations], Iterator[Finding]]


def _quay(examination: Examination, _: Json, found: Integrations) -> Iterator[Finding]:
    for each in found.usable:
        yield from quay.examine(examination, each)


def _webhook(examination: Examination, _: Json, found: Integrations) -> Iterator[Finding]:
    registered, missing = webhook.registered(examination)
    if missing is not None:
        yield missing
    yield from webhook.examine_registration(examination, registered, [each.parsed for each in found.usable])
    for each in registered:
        yield from webhook.examine_service(examination, each)
        yield from serving.examine(examination, each)
    if registered:
        yield trial.examine(examination, found.usable)


TOPICS: Mapping[str, Topic] = MappingProxyType(
    {
        "cluster": lambda examination, version, _: cluster.examine(examination, version),
        "rights": lambda examination, _, __: rights.examine(examination),
        "integrations": lambda _, __, found: iter(found.findings),
        "quay": _quay,
        "webhook": _webhook,
        "programs": lambda examination, _, __: programs.examine(examination),
        "clocks": lambda examination, _, found: clocks.examine(examination, found.usable),
    }
)
"""What belongs to each topic of the catalogue."""


def examine(examination: Examination, skipped: Collection[str] = ()) -> Iterator[Finding]:
    """Every finding; only the first when the API server does not answer, since nothing else can be asked then."""
    first, version = cluster.reach(examination.cluster)
    yield first
    if first.status is Status.FAILURE:
        return
    found = integrations.examine(examination)
    for name, topic in TOPICS.items():
        if name not in skipped:
            yield from topic(examination, version, found)
