"""Whether an integration may write at all: a new one first looks whether another cluster uses its clusterID on this Quay.

Without it a second cluster with the same clusterID would make organizations for those of its namespaces that the first one does
not have (yet), until it meets the first common one. An integration that has written before, as the records on its namespaces
say, has its standing; then a strange organization concerns its own namespace alone: any user of Quay may make one, to annoy.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from attrs import define, field, frozen

from quaybridge_sdk.model.state import RegistryState

SURVEYED = 100
"""At most so many namespaces are looked at before the first write; each of those looks is one that its pass makes anyway."""


FRESH = timedelta(seconds=60)
"""So long a look of the survey still counts when the writing begins."""

RESAMPLED = timedelta(seconds=2)
"""So often the namespaces are listed anew while a survey is under way."""


@define
class _Survey:
    established: bool = False
    names: frozenset[str] = frozenset()
    listed_at: datetime | None = None
    conflicts: dict[str, str] = field(factory=dict)
    looks: dict[str, tuple[datetime, RegistryState | None]] = field(factory=dict)


@frozen
class Standing:
    """The surveys of all integrations; thread-safe. ``subject`` is the integration, its clusterID and its Quay.

    Attributes:
        clock: the current time, with a time zone.
    """

    clock: Callable[[], datetime]
    _lock: threading.Lock = field(factory=threading.Lock)
    _surveys: dict[str, _Survey] = field(factory=dict)

    def established(self, subject: str, survey: Callable[[], tuple[bool, Iterable[str]]]) -> bool:
        """Whether the integration may write.

        Args:
            survey: tells whether it has written before, and else the namespaces that it covers; asked only until it may.
        """
        with self._lock:
            found = self._surveys.setdefault(subject, _Survey())
            now = self.clock()
            if not found.established and (found.listed_at is None or not timedelta(0) <= now - found.listed_at < RESAMPLED):
                found.established, names = survey()
                found.names, found.listed_at = frozenset(names), now
            return found.established

    def establish(self, subject: str) -> None:
        """From now on: it has written before."""
        with self._lock:
            self._surveys[subject] = _Survey(established=True)

    def note(self, subject: str, namespace: str, found: RegistryState | None, conflict: str | None = None) -> bool:
        """Keeps what a look at one namespace's organization found, and the conflict with another cluster if that was it.

        Args:
            found: None when there was trouble that concerns this namespace alone: the others do not wait for it.

        Returns:
            Whether enough was looked at, without a conflict: then the integration may write from now on.
        """
        with self._lock:
            survey = self._surveys.setdefault(subject, _Survey())
            survey.looks[namespace] = (self.clock(), found)
            survey.conflicts.pop(namespace, None)
            if conflict is not None:
                survey.conflicts[namespace] = conflict
            survey.established |= not _unseen(survey) and not _live(survey)
            return survey.established

    def unseen(self, subject: str) -> tuple[str, ...]:
        """The namespaces that the survey still has to look at."""
        with self._lock:
            return _unseen(self._surveys.setdefault(subject, _Survey()))

    def looked(self, subject: str, namespace: str) -> bool:
        """Whether the survey has lately looked at the namespace's organization, and found nothing wrong."""
        with self._lock:
            survey = self._surveys.setdefault(subject, _Survey())
            look = survey.looks.get(namespace)
        return look is not None and look[1] is not None and namespace not in survey.conflicts and self.clock() - look[0] < FRESH

    def skip(self, subject: str, namespace: str) -> None:
        """A look failed in a way that may pass. When others succeed it is not Quay as a whole, so they do not wait for it."""
        with self._lock:
            looks = self._surveys.setdefault(subject, _Survey()).looks
            if any(found is not None and self.clock() - at < FRESH for at, found in looks.values()):
                looks[namespace] = (self.clock(), None)

    def recall(self, subject: str, namespace: str) -> RegistryState | None:
        """What the survey saw of a namespace's organization lately; once, then it is to be looked at again."""
        with self._lock:
            at, found = self._surveys.setdefault(subject, _Survey()).looks.pop(namespace, (None, None))
        return found if at is not None and self.clock() - at < FRESH else None

    def conflict(self, subject: str, namespace: str) -> str | None:
        """What another namespace of the integration met; None when nothing: its own is looked at again by each."""
        with self._lock:
            found = _live(self._surveys.setdefault(subject, _Survey()))
        return next((text for name, text in sorted(found.items()) if name != namespace), None)


def _unseen(survey: _Survey) -> tuple[str, ...]:
    sample = sorted(survey.names, key=lambda name: (zlib.crc32(name.encode()), name))[:SURVEYED]
    return tuple(name for name in sample if name not in survey.looks)


def _live(survey: _Survey) -> dict[str, str]:
    """The conflicts of namespaces that are still there."""
    return {name: text for name, text in survey.conflicts.items() if name in survey.names}
