"""A Lease, read and written: what an election needs of the cluster. The election itself is the runtime's."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import field, frozen

from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, Timeouts, api_path
from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, text, version_of
from quaybridge_sdk.errors import AlreadyExistsError, ConflictError, NotFoundError
from quaybridge_sdk.ports import LeaseRecord

LEASES = "/apis/coordination.k8s.io/v1/namespaces"
MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

IN_TIME = Timeouts(connect=2.0, read=3.0)
"""A renewal is two calls, and both have failed within the renew deadline of 10 s: a leader has no use for what comes later."""


def _in_time(client: KubernetesClient) -> KubernetesClient:
    return client.limited(IN_TIME)


@frozen
class KubernetesLeases:
    """Implements :class:`~quaybridge_sdk.ports.LeasePort`. Calls have the limits :data:`IN_TIME`, whatever the client's are."""

    client: KubernetesClient = field(converter=_in_time)

    def read(self, namespace: str, name: str) -> LeaseRecord | None:
        try:
            return _record(self.client.get(api_path(LEASES, namespace, "leases", name)))
        except NotFoundError:
            return None

    def write(self, record: LeaseRecord) -> LeaseRecord:
        collection = api_path(LEASES, record.namespace, "leases")
        try:
            if not record.version:
                return _record(self.client.create(collection, _body(record)))
            return _record(self.client.replace(api_path(collection, record.name), _body(record)))
        except AlreadyExistsError as error:
            raise ConflictError(str(error), system=SYSTEM) from error
        except NotFoundError as error:
            if not record.version:  # the namespace is missing
                raise
            raise ConflictError(str(error), system=SYSTEM) from error


def _body(record: LeaseRecord) -> Json:
    spec: Json = {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": record.duration_seconds,
        "leaseTransitions": record.transitions,
        "acquireTime": _told(record.acquired),
        "renewTime": _told(record.renewed),
    }
    metadata: Json = {"name": record.name, "namespace": record.namespace}
    if record.version:
        metadata["resourceVersion"] = record.version
    return {
        **record.others,
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {**(record.others.get("metadata") or {}), **metadata},
        "spec": {**(record.others.get("spec") or {}), **spec},
    }


def _record(item: Json) -> LeaseRecord:
    duration, transitions = dig(item, "spec", "leaseDurationSeconds"), dig(item, "spec", "leaseTransitions")
    return LeaseRecord(
        namespace=text(item, "metadata", "namespace"),
        name=text(item, "metadata", "name"),
        holder=text(item, "spec", "holderIdentity"),
        duration_seconds=duration if isinstance(duration, int) else 0,
        acquired=_time(text(item, "spec", "acquireTime")),
        renewed=_time(text(item, "spec", "renewTime")),
        transitions=transitions if isinstance(transitions, int) else 0,
        version=version_of(item),
        others=item,
    )


def _told(time: datetime | None) -> str | None:
    """A MicroTime: the API takes nothing but UTC with six digits."""
    return None if time is None else time.astimezone(UTC).strftime(MICRO_TIME)


def _time(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None
