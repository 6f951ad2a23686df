"""Each request that the bridge makes in a namespace's life, on both sides, as a row: its name and the pattern of its line."""

from __future__ import annotations

import re
from typing import Literal

from attrs import frozen
from tests.faults.life import USER

from quaybridge_sdk.adapters.kubernetes.kinds import GENERATIONS, SOURCES, integration_source
from quaybridge_sdk.adapters.quay import routes as quay

Side = Literal["quay", "kubernetes"]
END = r"(\?(?!.*" + USER + r").*)?$"
"""The end of a request line that is no user's."""


@frozen
class Row:
    """``pattern`` has ``{name}`` where the namespace's name stands; without one the request is of no single namespace."""

    side: Side
    name: str
    pattern: str
    stream: bool = False

    @property
    def shared(self) -> bool:
        return "{name}" not in self.pattern

    def regex(self, name: str) -> str:
        return self.pattern.replace("{name}", re.escape(name))


def _quay_rows() -> list[Row]:
    rows = []
    for route in vars(quay).values():
        if isinstance(route, quay.Route):
            path = route.shape.replace("{organization}", "openshift_{name}").replace("{repository}", "[a-z]+")
            path = re.sub(r"\{(robot|prototype)\}", "[^/?]+", path.replace("+", r"\+") if "{" not in path else path)
            rows.append(Row("quay", f"{route.method} {route.shape}", f"^{route.method} {path}{END}"))
    return [row for row in rows if row.name != "GET /api/v1/repository"] + [
        Row("quay", "GET /api/v1/repository", rf"^GET /api/v1/repository\?(?!.*{USER})(.*&)?namespace=openshift_{{name}}(&|$)")
    ]


_NS, _IMAGES = "/api/v1/namespaces/{name}", "/apis/image.openshift.io/v1/namespaces/{name}"
_BUILDS, _STATUS = "/apis/build.openshift.io/v1/namespaces/{name}/builds", "/apis/quay.redhat.com/v1/quayintegrations/quay"
_CLUSTER = (
    ("GET", _NS),
    ("PUT", _NS),
    ("POST", f"{_NS}/secrets"),
    ("GET", f"{_NS}/secrets/[^/?]+"),
    ("PUT", f"{_NS}/secrets/[^/?]+"),
    ("GET", f"{_NS}/serviceaccounts/[^/?]+"),
    ("PUT", f"{_NS}/serviceaccounts/[^/?]+"),
    ("GET", f"{_IMAGES}/imagestreams/[^/?]+"),
    ("POST", f"{_IMAGES}/imagestreamimports"),
    ("GET", f"{_BUILDS}/[^/?]+"),
    ("PATCH", f"{_BUILDS}/[^/?]+"),
    ("POST", f"{_NS}/events"),
    ("PATCH", f"{_NS}/events/[^/?]+"),
    ("POST", "/api/v1/namespaces/default/events"),
    ("GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases/quaybridge-webhook"),
    ("GET", _STATUS),
    ("GET", f"{_STATUS}/status"),
    ("PUT", f"{_STATUS}/status"),
    ("PATCH", f"{_STATUS}/status"),
)


def _cluster_rows() -> list[Row]:
    rows = [Row("kubernetes", f"{method} {path}", f"^{method} {path}{END}") for method, path in _CLUSTER]
    paths = [source.path for source in SOURCES.values()] + [integration_source(*generation).path for generation in GENERATIONS]
    for path in (*paths, "/api/v1/namespaces/openshift-operators/secrets"):
        rows.append(Row("kubernetes", f"LIST {path}", rf"^GET {path}\?(?!.*(watch=1|{USER}))", stream=True))
        rows.append(Row("kubernetes", f"WATCH {path}", rf"^GET {path}\?(?!.*{USER})(.*&)?watch=1", stream=True))
    return rows


ROWS = (*_quay_rows(), *_cluster_rows())
