"""quaybridge: OpenShift's integrated registry replaced with Quay, as a library.

The flow is ``observe -> map -> plan -> apply``. What decides is pure, and here::

    desired = desired_state(integration, cluster, cluster_uid)   # map
    actions = plan(Observed(cluster, registry), desired)         # plan
    observed = after(observed, action, result)                   # learn

What touches the outside sits behind :mod:`quaybridge_sdk.ports`, implemented by :mod:`quaybridge_sdk.adapters`;
:mod:`quaybridge_sdk.reconcile` joins it all for one namespace, :mod:`quaybridge_sdk.importing` for one Build, and
:mod:`quaybridge_sdk.admission` answers the API server. :mod:`quaybridge_sdk.testing` has both servers, embedded.

Importing this package loads no HTTP and no Kubernetes client, and each name's module only when the name is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quaybridge_sdk.effects import after
    from quaybridge_sdk.errors import QuaybridgeError
    from quaybridge_sdk.mapping.build_import import decide_import, judge
    from quaybridge_sdk.mapping.build_patch import decide
    from quaybridge_sdk.mapping.collisions import collisions
    from quaybridge_sdk.mapping.desired import desired_state, settle
    from quaybridge_sdk.mapping.organization import organization_name, organization_origin
    from quaybridge_sdk.mapping.ownership import ownership
    from quaybridge_sdk.mapping.pull_secret import pull_secret_bytes, pull_secret_name
    from quaybridge_sdk.mapping.repository import image_pull_spec, repository_name, repository_origin
    from quaybridge_sdk.mapping.reverse import reverse
    from quaybridge_sdk.mapping.robot import robot_name, robot_origin
    from quaybridge_sdk.mapping.scope import assign, scope
    from quaybridge_sdk.model.integration import QuayIntegration, parse_integration
    from quaybridge_sdk.model.quay import SecretText
    from quaybridge_sdk.model.state import ClusterState, Desired, Observed, RegistryState
    from quaybridge_sdk.plan import plan

__all__ = [
    "ClusterState",
    "Desired",
    "Observed",
    "QuayIntegration",
    "QuaybridgeError",
    "RegistryState",
    "SecretText",
    "after",
    "assign",
    "collisions",
    "decide",
    "decide_import",
    "desired_state",
    "image_pull_spec",
    "judge",
    "organization_name",
    "organization_origin",
    "ownership",
    "parse_integration",
    "plan",
    "pull_secret_bytes",
    "pull_secret_name",
    "repository_name",
    "repository_origin",
    "reverse",
    "robot_name",
    "robot_origin",
    "scope",
    "settle",
]

_MODULES = {
    "ClusterState": "model.state",
    "Desired": "model.state",
    "Observed": "model.state",
    "QuayIntegration": "model.integration",
    "QuaybridgeError": "errors",
    "RegistryState": "model.state",
    "SecretText": "model.quay",
    "after": "effects",
    "assign": "mapping.scope",
    "collisions": "mapping.collisions",
    "decide": "mapping.build_patch",
    "decide_import": "mapping.build_import",
    "desired_state": "mapping.desired",
    "image_pull_spec": "mapping.repository",
    "judge": "mapping.build_import",
    "organization_name": "mapping.organization",
    "organization_origin": "mapping.organization",
    "ownership": "mapping.ownership",
    "parse_integration": "model.integration",
    "plan": "plan",
    "pull_secret_bytes": "mapping.pull_secret",
    "pull_secret_name": "mapping.pull_secret",
    "repository_name": "mapping.repository",
    "repository_origin": "mapping.repository",
    "reverse": "mapping.reverse",
    "robot_name": "mapping.robot",
    "robot_origin": "mapping.robot",
    "scope": "mapping.scope",
    "settle": "mapping.desired",
}


def __getattr__(name: str) -> object:
    """Loads a public name's module at its first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
