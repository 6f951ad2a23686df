"""One finished Build, once: decide, ask, import, compare, mark. The counterpart of :mod:`.reconcile` for Builds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum

from attrs import field, frozen

from quaybridge_sdk.errors import NotFoundError, QuaybridgeError, StaleImageError
from quaybridge_sdk.mapping.build_import import Freshness, ImportReason, decide_import, judge
from quaybridge_sdk.mapping.scope import Assignment, assign
from quaybridge_sdk.model.openshift import Build, ImageImport, ImportedImage
from quaybridge_sdk.ports import ClusterReader, ImageImporter


class ImportResult(Enum):
    """How the work on a Build ended, when it did not raise."""

    GONE = "the build is gone"
    SKIPPED = "the build asks for nothing (yet)"
    IMPORTED = "the tag was imported"
    SUPERSEDED = "the tag was imported; a later push, as far as can be told, had replaced the build's image"
    GAVE_UP = "the tag was imported, but it never showed the build's image"
    FORGED = "the build's annotation does not agree with its output"
    REFUSED = "the build's account may not push to the destination"
    LOST = "the build's ImageStream is not there, or Quay has no such tag: no longer tried"


RESULTS = {
    Freshness.SAME: ImportResult.IMPORTED,
    Freshness.NEWER: ImportResult.SUPERSEDED,
    Freshness.UNTOLD: ImportResult.SUPERSEDED,
    Freshness.OLDER: ImportResult.GAVE_UP,
}
"""What becomes of a Build whose import is not tried again."""


@frozen
class ImportOutcome:
    """What was done for a Build; ``request`` is there when something was imported, refused or given up.

    ``recent`` is False for what was told of before: a Build that was refused long after its completion, or is lost and was not
    tried before by this process.
    """

    result: ImportResult
    reason: ImportReason | None = None
    request: ImageImport | None = None
    recent: bool = True


@frozen
class BuildImporter:
    """Imports the tags of finished Builds.

    Attributes:
        patience: how long after a Build's completion an older image is imported again, and one that is not there waited for;
            then what the registry serves is taken for the truth.
        doubt: the same for an image of which cannot be told whether it is older.
    """

    reader: ClusterReader
    importer: ImageImporter
    clock: Callable[[], datetime]
    patience: timedelta = timedelta(minutes=10)
    doubt: timedelta = timedelta(minutes=1)
    _failing: set[tuple[str, str]] = field(factory=set, init=False, repr=False, eq=False)  # Builds of which people were told

    def process(self, namespace: str, name: str) -> ImportOutcome:
        """Does what the Build needs now.

        Raises:
            StaleImageError: an older image came in, or one that may be older; try again.
            QuaybridgeError: the import failed; nothing is marked.
        """
        key = (namespace, name)
        try:
            outcome = self._process(self.reader.build(namespace, name), key in self._failing)
        except QuaybridgeError:
            self._failing.add(key)
            raise
        self._failing.discard(key)
        return outcome

    def _process(self, build: Build | None, told: bool) -> ImportOutcome:
        if build is None:
            return ImportOutcome(ImportResult.GONE)
        integrations, ignored = self.reader.integrations(), self.reader.ignored()

        def assigned(of: str) -> Assignment:
            return assign(integrations, of, ignored)

        decision = decide_import(build, assigned)
        if decision.reason is ImportReason.FORGED:
            return ImportOutcome(ImportResult.FORGED, decision.reason, recent=self._within(self.patience, build))
        if decision.request is None:
            return ImportOutcome(ImportResult.SKIPPED, decision.reason)
        return self._import(build, decision.request, decision.asks_for, told)

    def _import(self, build: Build, request: ImageImport, asks_for: str | None, told: bool) -> ImportOutcome:
        """An old Build is given up when what it needs is not there: nothing tells that it ever will be."""
        recent, lost = self._within(self.patience, build), ImportOutcome(ImportResult.LOST, ImportReason.IMPORT, request, told)
        if not recent and not self._has_stream(request):
            return lost  # without a call: at a start there may be thousands of such Builds
        if asks_for and not self.importer.may_import(asks_for, request.destination.namespace):
            return ImportOutcome(ImportResult.REFUSED, ImportReason.IMPORT, request, recent)
        try:
            imported = self.importer.import_image(request)
        except NotFoundError:
            if recent:  # the push, or the stream, may be on its way
                raise
            return lost
        return self._imported(build, request, imported)

    def _has_stream(self, request: ImageImport) -> bool:
        found = self.reader.state(request.destination.namespace)
        return found is not None and request.destination.name in found.image_streams

    def _imported(self, build: Build, request: ImageImport, imported: ImportedImage) -> ImportOutcome:
        places = (request.destination.namespace, build.namespace)  # what a Build says of another's image is no evidence
        rivals = (rival for rival in self.reader.builds(request.destination.namespace) if rival.namespace in places)
        freshness = judge(imported, build, rivals)
        waits = {Freshness.OLDER: self.patience, Freshness.UNTOLD: self.doubt}
        if freshness in waits and self._within(waits[freshness], build):
            raise StaleImageError(
                f"{request.pull_spec} is still {imported.digest}, and the build pushed {build.digest}", system="quay"
            )
        self.importer.mark_imported(build)
        return ImportOutcome(RESULTS[freshness], ImportReason.IMPORT, request)

    def _within(self, wait: timedelta, build: Build) -> bool:
        try:
            completed = datetime.fromisoformat(build.completed)
        except ValueError:  # a Build that does not say when it completed gets no second look
            return False
        return completed.tzinfo is not None and abs(self.clock() - completed) < wait  # it may also lie ahead
