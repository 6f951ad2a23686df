"""An embedded OpenShift API for tests, demos and people who embed the SDK.

    with EmbeddedOpenShift() as cluster:
        config = cluster.kubeconfig(tmp_path / "kubeconfig")
        ...
        assert [entry["metadata"]["name"] for entry in cluster.objects("secrets", "team-a")] == [...]

It speaks the real protocol over real sockets and is checked, request by request, against recordings of kube-apiserver and
openshift-apiserver. ``NOT_IMITATED`` lists what it answers with 501.
"""

from quaybridge_sdk.testing.openshift.cluster import Settings
from quaybridge_sdk.testing.openshift.outside import NOT_IMITATED
from quaybridge_sdk.testing.openshift.server import EmbeddedOpenShift

__all__ = ["NOT_IMITATED", "EmbeddedOpenShift", "Settings"]
