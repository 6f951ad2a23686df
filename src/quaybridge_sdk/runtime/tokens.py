"""Notices that an integration's token was replaced, and asks Quay about the new one: one call, once for each replacement.

Without it a bad token would be noticed only when a namespace next needs Quay, which may be hours later.
"""

from __future__ import annotations

import threading

from attrs import field, frozen

from quaybridge_sdk.errors import QuaybridgeError, TokenInvalidError
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.ports import RegistryProvider
from quaybridge_sdk.runtime.registries import Credentials


@frozen
class TokenWatch:
    """What each integration's token was when it was last looked at, as a fingerprint; thread-safe."""

    credentials: Credentials
    registries: RegistryProvider
    _lock: threading.Lock = field(factory=threading.Lock)
    _known: dict[str, str] = field(factory=dict)

    def replaced(self, integration: QuayIntegration) -> bool:
        """Whether the token is another than the last time. One seen for the first time is not replaced: the work on the
        namespaces is under way, and a restart makes no call.
        """
        try:
            now = self.credentials.credentials(integration.credentials).fingerprint()
        except QuaybridgeError:  # there is none at the moment: what needs it says so
            return False
        with self._lock:
            before = self._known.get(integration.key, now)
            self._known[integration.key] = now
        return before != now

    def check(self, integration: QuayIntegration) -> None:
        """Asks Quay whose the token is.

        Raises:
            TokenInvalidError: Quay does not accept it, or it lacks ``user:admin``, without which no organization can be made.
            QuaybridgeError: there is no token, or Quay could not be asked.
        """
        with self.registries.registry(integration) as registry:
            if registry.check_token() is None:
                raise TokenInvalidError(
                    f"Quay does not accept the new token in the Secret {integration.credentials}, or it lacks the scope "
                    "user:admin: make another one, with the scopes that the documentation lists",
                    system="quay",
                )
