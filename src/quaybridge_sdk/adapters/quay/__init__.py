"""Quay behind the registry ports: httpx and tenacity, and every quirk of Quay's answers, which live here and nowhere else.

The flow of one call: a row of :mod:`.routes` becomes a ``Call``, :mod:`.transport` sends it (:mod:`.retries` sends a read
again, :mod:`.failures` names what broke), :mod:`.answers` says what Quay meant, :mod:`.parse` makes values of it;
:mod:`.reader` and :mod:`.registry` join them into the ports' methods.
"""

from quaybridge_sdk.adapters.quay.registry import QuayRegistry
from quaybridge_sdk.adapters.quay.transport import CallObserver

__all__ = ["CallObserver", "QuayRegistry"]
