"""Holds QuayIntegrations whose spec asks for a cleanup, and lets each go when it is done."""

from __future__ import annotations

import logging

from attrs import frozen

from quaybridge_sdk.apply import apply_to_integration
from quaybridge_sdk.mapping.cleanup import left_over, tenure_step
from quaybridge_sdk.mapping.conditions import MESSAGE_LENGTH
from quaybridge_sdk.model.cleanup import LetIntegrationGo, Tenure
from quaybridge_sdk.ports import ClusterWriter, EventRecorder
from quaybridge_sdk.reconcile import UnderWay
from quaybridge_sdk.runtime.surroundings import ControllerCaches

_log = logging.getLogger(__name__)

CLEANUP_SECONDS = 1.0
"""So often an integration that is cleaned up after is looked at: in the caches alone."""


@frozen
class Keeper:
    """One for all threads. ``under_way``: the integrations for which passes write."""

    caches: ControllerCaches
    writer: ClusterWriter
    recorder: EventRecorder
    under_way: UnderWay

    def tend(self, key: str) -> Tenure | None:
        """Puts our finalizer on the integration or takes it off, when it is time; answers what was found, None: it is gone.

        Raises:
            QuaybridgeError: the API could not be written.
        """
        tenures = self.caches.tenures()
        tenure = next((tenure for tenure in tenures if tenure.key == key), None)
        if tenure is None or (tenure.cleans and key in self.under_way):  # before the records are looked at: it may write one
            return tenure
        action = tenure_step(tenure, left_over(tenure, tenures, self.caches.namespaces()))
        if isinstance(action, LetIntegrationGo) and tenure.cleans:
            self._tell(tenure)
        if action is not None:
            apply_to_integration(action, self.writer)
            _log.info("QuayIntegration %s: %s", key, type(action).__name__)
        return tenure

    def _tell(self, tenure: Tenure) -> None:
        """What is not taken back. Before the object goes: killed in between, it is told again rather than never."""
        remembered = sorted(d.organization for d in self.caches.all_deletions() if d.integration == tenure.key)
        if remembered:
            text = "their deletions were remembered in this QuayIntegration, and are forgotten with it. Delete in Quay those that"
            self._event(tenure, "OrganizationsStay", f"{text} nobody needs: {', '.join(remembered)}")
        if tenure.basis is None:
            text = "its clusterID, quayHostname or lists cannot be read, so what was made for it cannot be told: pull"
            self._event(tenure, "NotCleanedUp", f"{text} secrets, links and the annotations quaybridge.io/* stay where they are")

    def _event(self, tenure: Tenure, reason: str, message: str) -> None:
        _log.warning("QuayIntegration %s: %s: %s", tenure.key, reason, message)  # all of it: an event has a limit
        self.recorder.event("QuayIntegration", "", tenure.name, reason, message[:MESSAGE_LENGTH], warning=True)
