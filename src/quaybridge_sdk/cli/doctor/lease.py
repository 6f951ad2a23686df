"""The leader's lease: who holds it, and whether its holder still renews it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta

from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, text
from quaybridge_sdk.cli.doctor.clocks import cluster_time
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.ports import Examination, look
from quaybridge_sdk.runtime.leader import INCUMBENT_LOCK

LEASES = "/apis/coordination.k8s.io/v1/leases"
STALE = timedelta(seconds=60)
"""Both operators renew it every few seconds."""


def examine(examination: Examination, needed: bool) -> Iterator[Finding]:
    """Each lease that somebody holds.

    Args:
        needed: whether nothing that was found running could act without the lease.
    """
    seen = look(examination.cluster, LEASES, {"fieldSelector": f"metadata.name={INCUMBENT_LOCK}"})
    if seen.problem:
        yield unsure("programs.lease", INCUMBENT_LOCK, seen.problem)
        return
    named = [item for item in seen.items if text(item, "metadata", "name") == INCUMBENT_LOCK]
    leases = [item for item in named if text(item, "spec", "holderIdentity")]
    if not leases:
        yield good("programs.lease", INCUMBENT_LOCK, "nobody holds it: no controller runs with --leader-elect")
        return
    now = cluster_time(examination)
    live = [item for item in leases if _is_live(item, now)]
    for item in leases:
        yield good("programs.lease", _title(item), _told(item)) if live else _stale(item, needed)
    if len(live) > 1:
        places = [text(item, "metadata", "namespace") for item in live]
        commands = tuple(f"oc get pods -n {place}" for place in places)
        detail = f"held in {', '.join(places)} at once: a lease works in one namespace only, so all of them act"
        yield bad("programs.lease", INCUMBENT_LOCK, detail, "stop all but one, or run them in one namespace", *commands)


def _title(lease: Json) -> str:
    return f"Lease {text(lease, 'metadata', 'namespace')}/{INCUMBENT_LOCK}"


def _told(lease: Json) -> str:
    return f"held by {text(lease, 'spec', 'holderIdentity')}, last renewed at {text(lease, 'spec', 'renewTime') or 'no time'}"


def _stale(lease: Json, needed: bool) -> Finding:
    """A leader that was killed leaves its lease behind. A controller that waits for none would not show in it."""
    namespace, holder = text(lease, "metadata", "namespace"), text(lease, "spec", "holderIdentity")
    detail = f"{_told(lease)}: no controller acts" + ("" if needed else ", unless one runs without --leader-elect")
    mend = "see whether the controller runs, and what it logs (or the clock of its machine is behind)"
    pod = holder.partition("_")[0]  # a random part follows
    commands = (f"oc get pods -n {namespace}", f"oc logs -n {namespace} {shlex.quote(pod)}")
    return (bad if needed else doubtful)("programs.lease", _title(lease), detail, mend, *commands)


def _is_live(lease: Json, now: datetime) -> bool:
    """Whether it was renewed of late. One that is made to last longer may be renewed more rarely, too."""
    try:
        renewed = datetime.fromisoformat(text(lease, "spec", "renewTime"))
    except ValueError:
        return False
    lasts = dig(lease, "spec", "leaseDurationSeconds")
    allowed = max(STALE, timedelta(seconds=lasts)) if isinstance(lasts, int) else STALE
    return renewed.tzinfo is not None and now - renewed < allowed
