"""A QuayIntegration as an object that comes and goes: what its deletion asks of the bridge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import frozen

from quaybridge_sdk.errors import InvalidIntegrationError
from quaybridge_sdk.model.integration import CleanupPolicy, QuayIntegration, parse_integration

CLEANUP_FINALIZER = "quaybridge.io/cleanup"
"""On a QuayIntegration whose spec asks for a cleanup: it stays until what was made for it in the cluster is taken back."""

NAMING = ("clusterID", "quayHostname")
LISTS = ("allowlistNamespaces", "denylistNamespaces", "whitelistNamespaces", "blacklistNamespaces")
NOBODY: Mapping[str, Any] = {"credentialsSecret": {"namespace": "-", "name": "-"}, "credentialsSecretName": "-/-"}
"""Stands for credentials that nobody will use."""


@frozen
class Tenure:
    """One QuayIntegration, also one that cannot be read otherwise.

    Attributes:
        held: our finalizer is on it.
        deleted: its deletion was asked for; finalizers, ours or others, still keep it.
        basis: what names things and says which namespaces are covered; None when even that cannot be read.
    """

    key: str
    name: str
    uid: str = ""
    policy: CleanupPolicy = CleanupPolicy.RETAIN
    held: bool = False
    deleted: bool = False
    basis: QuayIntegration | None = None

    @property
    def leaving(self) -> bool:
        """Whether nothing is made for it any more. One that asks for no cleanup is used until it is gone."""
        return self.deleted and (self.held or self.cleans)

    @property
    def cleans(self) -> bool:
        """Whether what was made for it in the cluster is to be taken back."""
        return self.deleted and self.policy is CleanupPolicy.CLUSTER


@frozen
class HoldIntegration:
    """Put our finalizer on a QuayIntegration, so that it waits for the cleanup when it is deleted."""

    integration: str


@frozen
class LetIntegrationGo:
    """Take our finalizer off a QuayIntegration."""

    integration: str


IntegrationAction: TypeAlias = HoldIntegration | LetIntegrationGo
"""What is done to a QuayIntegration itself; :data:`.actions.Action` is what is done for a namespace."""


def parse_basis(body: Mapping[str, Any]) -> QuayIntegration | None:
    """The integration with nothing in it but what names things and says which namespaces are covered: whatever is wrong with the
    rest, what was made for it can be found. None when that much cannot be read.

    Args:
        body: the object as the API gives it: ``apiVersion``, ``metadata``, ``spec``.
    """
    spec, metadata = body.get("spec"), body.get("metadata")
    if not isinstance(spec, Mapping) or not isinstance(metadata, Mapping):
        return None
    kept = {name: spec[name] for name in (*NAMING, *LISTS) if name in spec}
    try:
        return parse_integration({**body, "metadata": {"name": metadata.get("name")}, "spec": {**kept, **NOBODY}})
    except InvalidIntegrationError:
        return None
