"""An AdmissionReview in, its answer out: the cluster's caches and the build rule, joined. No call is made, nothing is
waited for.

The flow for one posted body::

    decode_review  ->  Admission.review  ->  Decided, or Held until the builder's pull secret is linked  ->  encode_answer

Who answers over the network (:mod:`quaybridge_sdk.runtime.webhook`) keeps a :class:`Held` request, reviews it again
after a change of the caches, and denies it when its time is over.
"""

from __future__ import annotations

import base64
from typing import Protocol, TypeAlias

import orjson
from attrs import frozen

from quaybridge_sdk.errors import InvalidReviewError
from quaybridge_sdk.mapping.build_patch import BUILDER, Rewrite, Verdict, decide
from quaybridge_sdk.mapping.scope import Assignment, assign
from quaybridge_sdk.model.admission import KIND, AdmissionAnswer, AdmissionRequest, parse_review
from quaybridge_sdk.model.integration import FailurePolicy, QuayIntegration
from quaybridge_sdk.model.openshift import Build, ServiceAccount

NOT_PROVISIONED = "The builder service account has not been provisioned with secrets yet"
"""The incumbent's words, with which the denial of a held Build begins."""

INTERNAL_ERROR = "internal error, please report"

MAX_KNOWN = 10_000
"""Assignments that are kept: output namespaces are any text that a user writes, so there must be an end."""


class AdmissionReader(Protocol):
    """What admission reads of the cluster: a part of :class:`quaybridge_sdk.ports.ClusterReader`."""

    def integrations(self) -> tuple[QuayIntegration, ...]: ...

    def service_account(self, namespace: str, name: str) -> ServiceAccount | None: ...


@frozen
class Decided:
    """The answer is known. ``verdict`` is one of a few words, for metrics."""

    verdict: str
    answer: AdmissionAnswer


@frozen
class Held:
    """The Build is to be rewritten as ``decided`` says, once the account ``builder`` of ``namespace`` has ``secret``."""

    namespace: str
    secret: str
    decided: Decided

    def denied(self) -> Decided:
        """The answer when the Secret has not come in time.

        Its code is 503 on purpose: OpenShift's BuildConfig controller tries again after it, but gives up for good after
        the 400 or 403 of a plain denial ("gave up on Build for BuildConfig"), and then the first build of a new
        application never runs.
        """
        message = (
            f"{NOT_PROVISIONED}: Secret {self.secret!r} is not among the secrets of service account "
            f"{self.namespace}/{BUILDER}. It comes with the namespace's Quay organization: start the build again in a minute. "
            "If it stays so, the QuayIntegration's conditions and events, or `quaybridge doctor`, tell what is in the way."
        )
        given = self.decided.answer
        return Decided("denied", denial(given.api_version, given.uid, 503, "ServiceUnavailable", message))


Review: TypeAlias = Decided | Held


def decode_review(body: bytes) -> AdmissionRequest:
    """Reads what was posted.

    Raises:
        InvalidReviewError: it is no JSON, or no AdmissionReview of a known version, or lacks what an answer needs. The message
            repeats nothing of the body.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidReviewError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    return parse_review(value)


def encode_answer(answer: AdmissionAnswer) -> bytes:
    """The AdmissionReview to send, in the version of the request."""
    response: dict[str, object] = {"uid": answer.uid, "allowed": answer.allowed}
    if answer.patch:
        response["patch"] = base64.b64encode(orjson.dumps(answer.patch)).decode("ascii")
        response["patchType"] = "JSONPatch"
    if answer.warnings:
        response["warnings"] = answer.warnings
    if not answer.allowed:
        response["status"] = {"status": "Failure", "message": answer.message, "reason": answer.reason, "code": answer.code}
    return orjson.dumps({"kind": KIND, "apiVersion": answer.api_version, "response": response})


def denial(api_version: str, uid: str, code: int, reason: str, message: str) -> AdmissionAnswer:
    return AdmissionAnswer(api_version, uid, allowed=False, code=code, reason=reason, message=message)


class Admission:
    """Reviews requests; one instance for all threads.

    It keeps the namespaces' assignments for as long as the reader answers the very same tuple of integrations.
    """

    def __init__(self, reader: AdmissionReader) -> None:
        self._reader = reader
        self._table = AssignmentTable(())

    def review(self, request: AdmissionRequest) -> Review:
        """The answer to one request, as the caches are now; a dry run is answered like any other. Total."""
        if request.build is None:
            return Decided(Verdict.NOT_CREATE.name.lower(), AdmissionAnswer(request.api_version, request.uid, allowed=True))
        rewrite = decide(request.build, self._assignments())
        answer = AdmissionAnswer(request.api_version, request.uid, allowed=True, patch=rewrite.patch, warnings=rewrite.warnings)
        decided = Decided(rewrite.verdict.name.lower(), answer)
        return self._hold(request.build, rewrite, decided) or decided

    def after_bug(self, request: AdmissionRequest) -> Decided:
        """The answer when :meth:`review` raised, which is a bug: as the ``failurePolicy`` of the integrations that cover
        the namespace says; «Fail» when they cannot be told.
        """
        if self._ignores_bugs(request):
            warning = f"quaybridge: {INTERNAL_ERROR}. The build was not changed to push to Quay."
            answer = AdmissionAnswer(request.api_version, request.uid, allowed=True, warnings=(warning,))
            return Decided("error", answer)
        return Decided("error", denial(request.api_version, request.uid, 500, "InternalError", INTERNAL_ERROR))

    def _assignments(self) -> AssignmentTable:
        integrations = self._reader.integrations()
        table = self._table
        if table.integrations is not integrations:
            self._table = table = AssignmentTable(integrations)
        return table

    def _hold(self, build: Build, rewrite: Rewrite, decided: Decided) -> Held | None:
        if rewrite.needs_secret is None:
            return None
        account = self._reader.service_account(build.namespace, BUILDER)
        if account is not None and rewrite.needs_secret in account.secrets:
            return None
        return Held(build.namespace, rewrite.needs_secret, decided)

    def _ignores_bugs(self, request: AdmissionRequest) -> bool:
        try:
            covering = assign(self._reader.integrations(), request.namespace).covering
        except Exception:  # noqa: BLE001 - the caller logs the first failure; this is the same bug again, or its cause
            return False
        return all(integration.failure_policy is FailurePolicy.IGNORE for integration in covering)


class AssignmentTable:
    """The integrations of each namespace, worked out once. Called like a function: ``table(namespace)``."""

    def __init__(self, integrations: tuple[QuayIntegration, ...]) -> None:
        self.integrations = integrations
        self._known: dict[str, Assignment] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __call__(self, namespace: str) -> Assignment:
        known = self._known.get(namespace)
        if known is None:
            known = assign(self.integrations, namespace)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[namespace] = known
        return known
