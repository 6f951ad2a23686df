"""What the workload has done to each name, and so what must be there at the end."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import define, field

from quaybridge_sdk.testing.quay.snapshots import OrganizationSnapshot


class Left(Enum):
    """What the last namespace of a name has left in Quay."""

    NOTHING = "nothing"
    KEPT = "its organization, as it was"
    QUARANTINED = "its organization, quarantined"


class Phase(Enum):
    ABSENT = "absent"
    LIVE = "live"
    GOING = "being deleted"


@define
class BuildNote:
    """A Build that has ended. ``excused``: its ImageStream or repository was taken away, so that it may stay without an import;
    ``imports``: False for those that must never lead to an import.
    """

    name: str
    stream: str
    digest: str
    imports: bool = True
    excused: bool = False


@define
class Page:
    """One name of a namespace, over all namespaces that had it.

    Attributes:
        cluster_id: of the integration that covers it, "" when none does.
        blocked: its organization belongs to somebody else, or to an earlier namespace, and is not given to this one.
        adopted: it was given over by hand.
        strangers: the organization is a stranger's; ``taken``: one who made it in the place of ours.
        streams: the ImageStreams there now.
        ever: all repositories that there may be: ImageStreams of an earlier namespace, too, since a watch may be behind.
        ignored: ImageStreams that the bridge was told to leave alone.
        gone: names of ImageStreams that were deleted in this namespace; ``again``: those that were made again, and when, of which
            it is not known yet whether the bridge has seen it: until then their repository may go.
        kept: repositories that no ImageStream's deletion may take away.
        images: repository and tag -> digest, of all that was pushed and must be there; ``doubtful``: what may be there, or have
            gone with an ImageStream.
        check: the last text with which a check was asked for.
        built: ImageStream -> digest of the last Build whose image must be in its tag.
        frozen: an organization that must not change any more.
    """

    name: str
    cluster_id: str
    stays: bool = False
    strangers: bool = False
    taken: bool = False
    phase: Phase = Phase.ABSENT
    left: Left = Left.NOTHING
    uid: str = ""
    policy: str = ""
    blocked: bool = False
    adopted: bool = False
    streams: set[str] = field(factory=set)
    ever: set[str] = field(factory=set)
    ignored: set[str] = field(factory=set)
    gone: set[str] = field(factory=set)
    again: dict[str, datetime] = field(factory=dict)
    kept: set[str] = field(factory=set)
    images: dict[tuple[str, str], str] = field(factory=dict)
    doubtful: dict[tuple[str, str], str] = field(factory=dict)
    built: dict[str, str] = field(factory=dict)
    builds: list[BuildNote] = field(factory=list)
    frozen: OrganizationSnapshot | None = None
    serial: int = 0
    check: str = ""

    @property
    def removes(self) -> bool:
        """Whether repositories go with their ImageStreams: of the two integrations one leaves that at its default."""
        return self.cluster_id == "openshift"

    @property
    def usable(self) -> list[str]:
        """The ImageStreams whose repository stays, sorted."""
        return sorted(self.streams - self.again.keys())

    @property
    def edited_mail(self) -> str:
        """What people write over the mark in an organization's e-mail."""
        return f"{self.name}@example.com"

    @property
    def organization(self) -> str:
        return f"{self.cluster_id}_{self.name}"

    def secret(self, account: str) -> str:
        return f"{account}-quay-{self.cluster_id}"

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def begin(self, uid: str) -> None:
        """A namespace of the name was made."""
        self.phase, self.uid, self.blocked, self.adopted = Phase.LIVE, uid, False, False
        self.streams, self.ignored, self.gone, self.again = set(), set(), set(), {}
        self.built, self.builds, self.check = {}, [], ""
        if self.left is Left.NOTHING:
            self.lose_all()

    def lose_all(self) -> None:
        """The organization is gone."""
        self.images, self.doubtful, self.kept = {}, {}, set()

    def lose_repository(self, repository: str) -> None:
        """Somebody has deleted it in Quay."""
        self.images = {place: digest for place, digest in self.images.items() if place[0] != repository}
        self.doubtful = {place: digest for place, digest in self.doubtful.items() if place[0] != repository}
        self.kept.discard(repository)
        self.excuse(repository)

    def doubt(self, repository: str) -> None:
        """It goes, unless its ImageStream is made again before the bridge gets to it."""
        self.doubtful |= {place: digest for place, digest in self.images.items() if place[0] == repository}
        self.images = {place: digest for place, digest in self.images.items() if place[0] != repository}
        self.kept.discard(repository)

    def settle(self, repository: str, there: Mapping[str, str]) -> None:
        """The bridge has seen that the ImageStream was made again: from now on what is ``there`` must stay."""
        found = {place: digest for place, digest in self.doubtful.items() if place[0] == repository}
        self.images = {**{place: digest for place, digest in found.items() if there.get(place[1]) == digest}, **self.images}
        self.doubtful = {place: digest for place, digest in self.doubtful.items() if place not in found}
        self.again.pop(repository, None)

    def excuse(self, stream: str) -> None:
        self.built.pop(stream, None)
        for note in self.builds:
            note.excused = note.excused or note.stream == stream


class Counters:
    """What has happened, by word; thread-safe."""

    def __init__(self) -> None:
        self._lock, self._counts = threading.Lock(), Counter[str]()

    def count(self, what: str, times: int = 1) -> None:
        with self._lock:
            self._counts[what] += times

    def __getitem__(self, what: str) -> int:
        return self._counts[what]

    def lines(self) -> list[str]:
        with self._lock:
            return [f"{count:>7}  {what}" for what, count in sorted(self._counts.items())]
