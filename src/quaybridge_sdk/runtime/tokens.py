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

    def knows(self, integration: str) -> bool:
        """Whether the integration's token was seen in this process."""
        with self._lock:
            return integration in self._known

    def fingerprint(self, integration: QuayIntegration) -> str:
        """Of the token as it was last seen, "" when none was: 16 hex digits, from which nobody gets a token back."""
        with self._lock:
            return self._known.get(integration.key, "")

    def replaced(self, integration: QuayIntegration, former: str = "") -> bool:
        """Whether the token is another than the last time. One seen for the first time is not replaced: the work on the
        namespaces is under way.

        Args:
            former: its fingerprint as an earlier process left it, "" when there was none.
        """
        try:
            now = self.credentials.credentials(integration.credentials).fingerprint()
        except QuaybridgeError:  # there is none at the moment: what needs it says so
            return False
        with self._lock:
            before = self._known.get(integration.key, former or now)
            self._known[integration.key] = now
        return before != now

    def check(self, integration: QuayIntegration, organization: str | None = None) -> None:
        """Asks Quay whose the token is; 1 call.

        Args:
            organization: one of ours, whose robots are asked for, too: it shows whether the token has rights there; 1 call more.

        Raises:
            ForbiddenError: the token may not see our robots.
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
            if organization is not None:
                registry.robots(organization)
