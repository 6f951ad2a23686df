"""The routes of the webhook, and the way of one admission request through it. Knows nothing of sockets."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from attrs import define

from quaybridge_sdk.admission import INTERNAL_ERROR, Admission, Answer, Held, Review, decode_review, encode_answer
from quaybridge_sdk.errors import InvalidReviewError
from quaybridge_sdk.model.admission import AdmissionRequest
from quaybridge_sdk.ports import Change
from quaybridge_sdk.runtime.webhook.replies import JSON, Call, Cancel, Reply, Respond, text_reply

_log = logging.getLogger(__name__)

ADMISSION_PATH = b"/admissionwebhook"
TIMEOUT_MARGIN = 1.0
"""Seconds before the API server's own timeout at which a held request is denied: its answer must still arrive."""

WAKING_KINDS = frozenset({"serviceaccount", "quayintegration"})
"""The changes after which a held request may have another answer."""

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)")
_TIMEOUT = re.compile(r"(?:^|&)timeout=((?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h))+)(?:&|$)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class AdmissionObserver(Protocol):
    """Is told of each admission request that was answered."""

    def admission(self, verdict: str, seconds: float) -> None:
        """``verdict`` is one of some fifteen words; ``seconds`` count from the complete request to its answer, the hold
        included.
        """


def parse_timeout(query: str) -> float | None:
    """The seconds of ``timeout=10s`` (a Go duration) in a URL's query; None when it is not there or not readable.

    >>> parse_timeout("timeout=1m30s")
    90.0
    """
    found = _TIMEOUT.search(query)
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(found[1])) if found else None


@define(eq=False)
class _Waiting:
    """A held request."""

    request: AdmissionRequest
    held: Held
    respond: Respond
    started: float
    timer: asyncio.TimerHandle | None = None


class App:
    """Answers calls, in the loop's thread; only :meth:`changed` may be called from others.

    While ``ready`` is False an admission request gets 503, so the webhook configuration's failurePolicy decides: answers
    from caches that are not filled would let builds through to the wrong registry.
    """

    def __init__(
        self,
        admission: Admission,
        observer: AdmissionObserver,
        *,
        ready: Callable[[], bool],
        hold: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._admission = admission
        self._observer = observer
        self._ready = ready
        self._hold = hold
        self._loop = loop
        self._waiting: set[_Waiting] = set()
        self._wake_due = False
        self.stopping = False

    @property
    def held(self) -> int:
        """How many requests wait for a pull secret."""
        return len(self._waiting)

    def handle(self, call: Call, respond: Respond) -> Cancel | None:
        """Answers one call (see :class:`~quaybridge_sdk.runtime.webhook.replies.Handler`). Never raises."""
        path, _, query = call.target.partition(b"?")
        if path == ADMISSION_PATH:
            if call.method == b"POST":
                return self._admit(call.body, query, respond)
            respond(text_reply(405, "only POST is allowed here", allow=b"POST"))
        elif path not in (b"/healthz", b"/readyz"):
            respond(text_reply(404, "not found"))
        elif call.method != b"GET":
            respond(text_reply(405, "only GET is allowed here", allow=b"GET"))
        elif path == b"/healthz" or (self._ready() and not self.stopping):
            respond(text_reply(200, "ok"))
        else:
            respond(text_reply(503, "stopping" if self.stopping else "the caches are not filled yet"))
        return None

    def changed(self, change: Change) -> None:
        """To be called, from any thread, once the caches hold the change."""
        if self._waiting and change.kind in WAKING_KINDS and not self._wake_due:
            self._wake_due = True
            self._loop.call_soon_threadsafe(self._wake)

    def deny_held(self) -> None:
        """Denies every request that still waits: the server is about to end."""
        for waiting in tuple(self._waiting):
            self._finish(waiting, waiting.held.denied())

    def _admit(self, body: bytes, query: bytes, respond: Respond) -> Cancel | None:
        started = perf_counter()
        if not self._ready():
            self._refuse(respond, 503, "the caches are not filled yet: try again", "unready", started)
            return None
        try:
            request = decode_review(body)
        except InvalidReviewError as error:
            self._refuse(respond, 400, str(error), "invalid", started)
            return None
        except Exception:  # noqa: BLE001 - the caller gets an answer whatever happens here
            _log.exception("a bug while decoding an AdmissionReview")
            self._refuse(respond, 500, INTERNAL_ERROR, "error", started)
            return None
        review = self._review(request)
        if isinstance(review, Held):
            return self._wait(_Waiting(request, review, respond, started), query)
        self._answer(request, review, respond, started)
        return None

    def _review(self, request: AdmissionRequest) -> Review:
        try:
            return self._admission.review(request)
        except Exception:  # noqa: BLE001 - the caller gets an answer whatever happens here
            _log.exception("a bug while deciding about a build in namespace %s", request.namespace)
            return self._admission.after_bug(request)

    def _wait(self, waiting: _Waiting, query: bytes) -> Cancel:
        timeout = parse_timeout(query.decode("ascii", "replace"))
        seconds = self._hold if timeout is None else min(self._hold, timeout - TIMEOUT_MARGIN)
        waiting.timer = self._loop.call_later(max(0.0, seconds), self._expire, waiting)
        self._waiting.add(waiting)
        self._again(waiting)  # the change may have come between the first look and now, when nobody was waiting yet
        return lambda: self._forget(waiting)

    def _wake(self) -> None:
        self._wake_due = False  # before looking: a change from here on asks for another look
        for waiting in tuple(self._waiting):
            self._again(waiting)

    def _again(self, waiting: _Waiting) -> None:
        review = self._review(waiting.request)
        if isinstance(review, Held):
            waiting.held = review
        else:
            self._finish(waiting, review)

    def _expire(self, waiting: _Waiting) -> None:
        held = waiting.held
        _log.warning("a build in namespace %s was denied: Secret %s was not linked in time", held.namespace, held.secret)
        self._finish(waiting, held.denied())

    def _finish(self, waiting: _Waiting, answer: Answer) -> None:
        self._forget(waiting)
        self._answer(waiting.request, answer, waiting.respond, waiting.started)

    def _forget(self, waiting: _Waiting) -> None:
        self._waiting.discard(waiting)
        if waiting.timer is not None:
            waiting.timer.cancel()

    def _answer(self, request: AdmissionRequest, answer: Answer, respond: Respond, started: float) -> None:
        respond(Reply(200, encode_answer(request, answer), JSON))
        self._observer.admission(answer.outcome.verdict, perf_counter() - started)

    def _refuse(self, respond: Respond, status: int, text: str, verdict: str, started: float) -> None:
        respond(text_reply(status, text))
        self._observer.admission(verdict, perf_counter() - started)
