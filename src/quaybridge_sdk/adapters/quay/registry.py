"""The whole of the adapter: one Quay behind all three registry ports."""

from __future__ import annotations

from quaybridge_sdk.adapters.quay.accounts import AccountWriter
from quaybridge_sdk.adapters.quay.repositories import RepositoryWriter


class QuayRegistry(AccountWriter, RepositoryWriter):
    """One Quay with one token, behind the ports ``RegistryReader``, ``RegistryWriter`` and ``Registry``.

    Arguments, life and errors are those of :class:`.reader.QuayReader`; how a write is settled, :mod:`.settle` says::

        with QuayRegistry(endpoint, token) as registry:
            registry.organization("openshift_shop")
    """
