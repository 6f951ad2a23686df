"""The ImageStreams of one namespace, asked of the API itself."""

from __future__ import annotations

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, api_path
from quaybridge_sdk.adapters.kubernetes.objects import is_terminating, text
from quaybridge_sdk.adapters.kubernetes.watch import METADATA_ONLY_LIST
from quaybridge_sdk.errors import NotFoundError, ServerFaultError

IMAGE_STREAMS = "/apis/image.openshift.io/v1/namespaces"


@frozen
class KubernetesStreams:
    """Implements :class:`~quaybridge_sdk.ports.StreamLister`."""

    client: KubernetesClient

    def image_streams(self, namespace: str, uid: str) -> frozenset[str]:
        """All names. The list is not paged: a part of it would prove that the rest is gone.

        The namespace is asked about afterwards: its own deletion is marked before anything in it is deleted.

        Raises:
            NotFoundError: the namespace is gone or going, or another one has its name by now.
            ServerFaultError: the answer is no whole list.
        """
        path = api_path(IMAGE_STREAMS, namespace, "imagestreams")
        answer = self.client.get(path, accept=METADATA_ONLY_LIST)
        items = answer.get("items")
        names = [text(item, "metadata", "name") for item in items] if isinstance(items, list) else [""]
        if not all(names) or text(answer, "metadata", "continue"):
            raise ServerFaultError(f"GET {path}: the answer is no whole list", system=SYSTEM)
        found = self.client.get(api_path("/api/v1/namespaces", namespace))
        if is_terminating(found) or text(found, "metadata", "uid") != uid:
            raise NotFoundError(f"namespace {namespace!r} is gone or going, and its ImageStreams with it", system=SYSTEM)
        return frozenset(names)
