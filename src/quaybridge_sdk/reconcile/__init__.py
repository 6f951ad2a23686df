"""One namespace, once: observe, map, plan, apply, joined. The only place that knows all four.

It works from a namespace's name and the whole state, never from an event: a lost or doubled event changes nothing.
"""

from quaybridge_sdk.reconcile.beliefs import Beliefs, without_tokens
from quaybridge_sdk.reconcile.cleanup import UnderWay
from quaybridge_sdk.reconcile.outcome import Outcome, Result
from quaybridge_sdk.reconcile.reconciler import Reconciler
from quaybridge_sdk.reconcile.rounds import MAX_ROUNDS
from quaybridge_sdk.reconcile.standing import SURVEYED, Standing

__all__ = ["MAX_ROUNDS", "SURVEYED", "Beliefs", "Outcome", "Reconciler", "Result", "Standing", "UnderWay", "without_tokens"]
