"""What an ``edit`` user of one namespace can write there, as objects of the API; and the caches that read them.

Source: OpenShift's bootstrap role ``edit`` (pkg/bootstrappolicy): Builds with their status, ImageStreams, Secrets, service
accounts and ConfigMaps; neither namespaces nor anything of the cluster. The names are those that hurt: the victim's.
"""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

from quaybridge_sdk.adapters.kubernetes.kinds import Kind, is_default_account, looks_like_pull_secret
from quaybridge_sdk.adapters.kubernetes.objects import PULL_SECRET_KEY, PULL_SECRET_TYPE, Json
from quaybridge_sdk.adapters.kubernetes.reads import CachedReads
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import DESTINATION_ANNOTATION, IMPORTED_ANNOTATION, MANAGED_ANNOTATION

ATTACKER, VICTIM, HOST = "mallory", "victim", "quay.example.com"
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64
SECRETS = tuple(f"{account}-quay-openshift" for account in ("builder", "default", "deployer"))

_nonsense = st.none() | st.integers() | st.text(max_size=6) | st.just([None]) | st.just({"name": 3})
_specs = st.sampled_from(
    [
        *(f"{HOST}/openshift_{place}/app:latest" for place in (ATTACKER, VICTIM)),
        f"{HOST}/openshift_{ATTACKER}/../openshift_{VICTIM}/app:latest",
        f"{HOST}/openshift_{VICTIM}/app@{OLD}",
        "evil.example.com/x:y",
        "app:latest",
        "app",
        "",
    ]
)
_destinations = st.sampled_from(
    [
        *(f"{place}/app:latest" for place in (ATTACKER, VICTIM)),
        f"{ATTACKER}/../{VICTIM}/app:latest",
        f"{VICTIM}/app:latest/x",
        f"{VICTIM}\n/app:latest",
        f"openshift_{VICTIM}/app:latest",
        "kube-system/app:latest",
        f"{VICTIM}:builder/app:latest",
        "app",
    ]
)
_accounts = st.sampled_from(["builder", "default", f"{VICTIM}:builder", f"../{VICTIM}/builder", "x" * 300, ""])
_times = st.sampled_from(["", "2026-01-02T03:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "zzzz", "2026-01-02"])


def _some(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(good, good, good, _nonsense)


_outputs = st.fixed_dictionaries(
    {
        "to": _some(
            st.fixed_dictionaries(
                {"kind": st.sampled_from(["DockerImage", "DockerImage", "ImageStreamTag"]), "name": _specs},
                optional={"namespace": st.sampled_from([VICTIM, ATTACKER, "", "kube-system"])},
            )
        )
    },
    optional={"pushSecret": _some(st.sampled_from([{"name": name} for name in (*SECRETS, f"../{VICTIM}/{SECRETS[0]}")]))},
)
_annotations = st.fixed_dictionaries(
    {},
    optional={
        MANAGED_ANNOTATION: st.sampled_from(["true", "true", "true", "false"]),
        DESTINATION_ANNOTATION: _destinations,
        IMPORTED_ANNOTATION: st.sampled_from(["true", "false"]),
    },
)
_build_statuses = st.fixed_dictionaries(
    {"phase": st.sampled_from(["Complete", "Complete", "Failed", "New"])},
    optional={
        "completionTimestamp": _times,
        "output": _some(st.fixed_dictionaries({"to": st.fixed_dictionaries({"imageDigest": st.sampled_from([OLD, NEW, ""])})})),
    },
)


_nothing: st.SearchStrategy[Any] = st.none()


def _object(name: st.SearchStrategy[str], annotations: st.SearchStrategy[Any] = _nothing) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"namespace": st.just(ATTACKER), "name": name, "annotations": annotations})


builds: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {
        "metadata": _object(st.sampled_from(["app-1", "app-2", "forged"]), _some(_annotations)),
        "spec": st.fixed_dictionaries(
            {
                "strategy": _some(st.sampled_from([{"type": "Docker"}, {"type": "Source"}, {"type": "Custom"}])),
                "output": _some(_outputs),
            },
            optional={"serviceAccount": _some(_accounts)},
        ),
        "status": _some(_build_statuses),
    }
)
_stolen = base64.b64encode(f'{{"auths":{{"{HOST}":{{"auth":"{VICTIM}"}}}}}}'.encode()).decode()
secrets: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {
        "metadata": _object(st.sampled_from([*SECRETS, f"x-quay-{VICTIM}", f"builder.quay.{VICTIM}.x"])),
        "type": st.just(PULL_SECRET_TYPE),
        "data": _some(st.sampled_from([{PULL_SECRET_KEY: _stolen}, {PULL_SECRET_KEY: "!"}, {}])),
    }
)
_references = _some(st.lists(st.sampled_from([{"name": name} for name in (*SECRETS, VICTIM, "")]), max_size=4))
accounts: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {
        "metadata": _object(st.sampled_from(["builder", "default", "deployer", f"{VICTIM}:builder"])),
        "secrets": _references,
        "imagePullSecrets": _references,
    }
)
streams: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {
        "metadata": _object(
            st.sampled_from(["app", f"openshift_{VICTIM}", f"../openshift_{VICTIM}/app", f"{VICTIM}/app", "a" * 253, "A"])
        )
    }
)
writes: st.SearchStrategy[list[tuple[Kind, str, Json]]] = st.lists(
    st.one_of(
        *(
            st.tuples(st.just(kind), st.sampled_from(["put", "put", "put", "remove"]), items)
            for kind, items in (
                (Kind.BUILD, builds),
                (Kind.BUILD, builds),
                (Kind.SECRET, secrets),
                (Kind.SERVICE_ACCOUNT, accounts),
                (Kind.IMAGE_STREAM, streams),
            )
        )
    ),
    min_size=1,
    max_size=12,
)
"""Any sequence of writes; a deletion is one of them."""


class Caches(CachedReads):
    """The real caches, filled by hand."""

    def __init__(self, integration: QuayIntegration) -> None:
        super().__init__(looks_like_pull_secret, is_default_account)
        self._known = (integration,)

    def write(self, kind: Kind, verb: str, item: Json) -> None:
        getattr(self._stores[kind], verb)(item)

    def namespace(self, name: str) -> None:
        """A namespace as OpenShift makes it, with one ImageStream."""
        self.write(Kind.NAMESPACE, "put", {"metadata": {"name": name, "uid": f"uid-of-{name}", "finalizers": []}})
        for account in ("builder", "default", "deployer"):
            listed = [{"name": f"{account}-dockercfg"}]
            item = {"metadata": {"namespace": name, "name": account}, "secrets": listed, "imagePullSecrets": listed}
            self.write(Kind.SERVICE_ACCOUNT, "put", item)
        self.write(Kind.IMAGE_STREAM, "put", {"metadata": {"namespace": name, "name": "app"}})
