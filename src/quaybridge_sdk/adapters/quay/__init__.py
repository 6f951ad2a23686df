"""Quay behind the registry ports: httpx and tenacity, and every quirk of Quay's answers, which live here and nowhere else.

The flow of one call: a row of :mod:`.routes` becomes a ``Call``, :mod:`.governor` lets it go when it is its turn,
:mod:`.transport` sends it (:mod:`.retries` sends a read again, :mod:`.failures` names what broke), :mod:`.answers` says what
Quay meant, :mod:`.parse` makes values of it; :mod:`.reader` joins them into the readers' methods, :mod:`.settle` into writes
whose outcome is known in the end, of which :mod:`.accounts` and :mod:`.repositories` are made; :mod:`.registry` is the whole.
"""

from quaybridge_sdk.adapters.quay.governor import Governor, GovernorObserver
from quaybridge_sdk.adapters.quay.registry import QuayRegistry
from quaybridge_sdk.adapters.quay.transport import CallObserver

__all__ = ["CallObserver", "Governor", "GovernorObserver", "QuayRegistry"]
