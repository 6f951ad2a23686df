"""Plans, performs, learns, and plans again until nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quaybridge_sdk.effects import Result as ActionResult
from quaybridge_sdk.effects import after
from quaybridge_sdk.errors import ConflictError, NotFoundError, QuaybridgeError, RequestRefusedError
from quaybridge_sdk.mapping.desired import settle
from quaybridge_sdk.model.actions import (
    Action,
    CreateRepository,
    DeletePrototype,
    DeleteRepository,
    LinkPullSecret,
    RecordApplied,
    SetRepositoryPermission,
    SetRepositoryState,
    UpdatePrototype,
    WritePullSecret,
)
from quaybridge_sdk.model.state import Desired, Observed
from quaybridge_sdk.plan import plan
from quaybridge_sdk.reconcile.look import require_writable
from quaybridge_sdk.record import followed_rotations

SEPARATE = (
    CreateRepository,
    DeleteRepository,
    SetRepositoryPermission,
    SetRepositoryState,
    WritePullSecret,
    LinkPullSecret,
)
"""Actions on single objects: nothing else depends on them."""

MAX_ROUNDS = 6
"""A pass plans at most this often: finalizer and Quay's side, secrets and links, record, and the empty plan make four."""


def advance(
    observed: Observed, desired: Desired, perform: Callable[[Action], ActionResult]
) -> tuple[Observed, tuple[Action, ...]]:
    """Plans, performs, learns, and plans again until nothing is left.

    An object that is refused (a Secret of another type, say) does not stop the others.

    Raises:
        QuaybridgeError: of the first object that was refused, when all others are done; or what concerns all.
    """
    done: list[Action] = []
    refused: list[Action] = []
    first: QuaybridgeError | None = None
    for _ in range(MAX_ROUNDS):
        settled = settle(desired, observed)
        require_writable(settled)
        actions = [action for action in plan(observed, settled) if not _concerns(action, refused)]
        for action in actions:
            if _concerns(action, refused):  # by what was refused since they were planned
                continue
            try:
                observed = after(observed, action, perform(action))
            except (RequestRefusedError, NotFoundError, ConflictError) as error:
                if not isinstance(action, SEPARATE):
                    raise
                refused.append(action)
                first = first or error
                continue
            done.append(action)
        if not actions:
            break
    else:
        raise ConflictError(
            f"namespace {desired.namespace}: after {MAX_ROUNDS} plans something is still to be done: who else changes it?",
            system="quay",
        )
    if first is not None:
        record = followed_rotations(observed, settle(desired, observed))
        if record is not None:
            perform(record)
        raise first
    return observed, tuple(done)


def _concerns(action: Action, refused: Sequence[Action]) -> bool:
    """Whether the action was refused, or is the link to a Secret that was, or the record that all is done."""
    secrets = {other.secret for other in refused if isinstance(other, WritePullSecret)}
    linked = isinstance(action, LinkPullSecret) and action.secret in secrets
    robots = {other.robot for other in refused if isinstance(other, SetRepositoryPermission)}
    # A wrong default permission is all that tells which rights are in doubt: it stays until they are put right.
    ruled = isinstance(action, UpdatePrototype | DeletePrototype) and action.prototype.delegate in robots
    return action in refused or linked or ruled or (bool(refused) and isinstance(action, RecordApplied))
