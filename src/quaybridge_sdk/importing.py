"""One finished Build, once: decide, ask, import, compare, mark. The counterpart of :mod:`.reconcile` for Builds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum

from attrs import frozen

from quaybridge_sdk.errors import StaleImageError
from quaybridge_sdk.mapping.build_import import Freshness, ImportReason, decide_import, judge
from quaybridge_sdk.mapping.scope import Assignment, assign
from quaybridge_sdk.model.openshift import Build, ImageImport
from quaybridge_sdk.ports import ClusterReader, ImageImporter


class ImportResult(Enum):
    """How the work on a Build ended, when it did not raise."""

    GONE = "the build is gone"
    SKIPPED = "the build asks for nothing (yet)"
    IMPORTED = "the tag was imported"
    SUPERSEDED = "the tag was imported; a later push had replaced the build's image"
    GAVE_UP = "the tag was imported, but it never showed the build's image"
    FORGED = "the build's annotation does not agree with its output"
    REFUSED = "the build's account may not push to the destination"


@frozen
class ImportOutcome:
    """What was done for a Build; ``request`` is there when something was imported or refused.

    ``recent`` is False for a Build that was refused long after its completion: it was told of then.
    """

    result: ImportResult
    reason: ImportReason | None = None
    request: ImageImport | None = None
    recent: bool = True


@frozen
class BuildImporter:
    """Imports the tags of finished Builds.

    Attributes:
        patience: how long after a Build's completion an older image is imported again; then what the registry serves
            is taken for the truth.
    """

    reader: ClusterReader
    importer: ImageImporter
    clock: Callable[[], datetime]
    patience: timedelta = timedelta(minutes=10)

    def process(self, namespace: str, name: str) -> ImportOutcome:
        """Does what the Build needs now.

        Raises:
            StaleImageError: an older image came in; try again.
            QuaybridgeError: the import failed; nothing is marked.
        """
        build = self.reader.build(namespace, name)
        if build is None:
            return ImportOutcome(ImportResult.GONE)
        integrations = self.reader.integrations()

        def assigned(of: str) -> Assignment:
            return assign(integrations, of)

        decision = decide_import(build, assigned)
        if decision.reason is ImportReason.FORGED:
            return ImportOutcome(ImportResult.FORGED, decision.reason, recent=self._within_patience(build))
        if decision.request is None:
            return ImportOutcome(ImportResult.SKIPPED, decision.reason)
        if decision.asks_for and not self.importer.may_import(decision.asks_for, decision.request.destination.namespace):
            return ImportOutcome(ImportResult.REFUSED, decision.reason, decision.request, self._within_patience(build))
        return self._import(build, decision.request)

    def _import(self, build: Build, request: ImageImport) -> ImportOutcome:
        imported = self.importer.import_image(request)
        freshness = judge(imported, build, self.reader.builds(request.destination.namespace))
        result = ImportResult.SUPERSEDED if freshness is Freshness.NEWER else ImportResult.IMPORTED
        if freshness is Freshness.OLDER:
            if self._within_patience(build):
                raise StaleImageError(
                    f"{request.pull_spec} is still {imported.digest}, and the build pushed {build.digest}", system="quay"
                )
            result = ImportResult.GAVE_UP
        self.importer.mark_imported(build)
        return ImportOutcome(result, ImportReason.IMPORT, request)

    def _within_patience(self, build: Build) -> bool:
        try:
            completed = datetime.fromisoformat(build.completed)
        except ValueError:  # a Build that does not say when it completed gets no second look
            return False
        return completed.tzinfo is not None and self.clock() - completed < self.patience
