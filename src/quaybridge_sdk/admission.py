"""An AdmissionReview in, its answer out: the cluster's caches and the build rule, joined. No call is made, nothing is
waited for.

The flow for one posted body::

    decode_review  ->  Admission.review  ->  Answer, or Held until the builder's pull secret is linked  ->  encode_answer

Who answers over the network (:mod:`quaybridge_sdk.runtime.webhook`) keeps a :class:`Held` request, reviews it again
after a change of the caches, and denies it when its time is over.
"""

from __future__ import annotations

import base64
from collections.abc import Hashable
from typing import Protocol, TypeAlias, TypeVar

import orjson
from attrs import frozen

from quaybridge_sdk.errors import InvalidReviewError
from quaybridge_sdk.mapping.build_patch import BUILDER, Verdict, decide, is_managed, is_marked
from quaybridge_sdk.mapping.scope import Assignment, assign
from quaybridge_sdk.model.admission import KIND, AdmissionRequest, Outcome, parse_review
from quaybridge_sdk.model.integration import FailurePolicy, QuayIntegration
from quaybridge_sdk.model.openshift import Build, ServiceAccount

NOT_PROVISIONED = "The builder service account has not been provisioned with secrets yet"
"""The incumbent's words, with which the denial of a held Build begins."""

INTERNAL_ERROR = "internal error, please report"

MAX_KNOWN = 10_000
"""Assignments, and rewrites, that are kept: an output is any text that a user writes, so there must be an end."""

MAX_KEPT_TEXT = 2_000
"""Characters of a case that is kept: names that can exist are shorter, but what is posted may hold megabytes of one."""


class AdmissionReader(Protocol):
    """What admission reads of the cluster: a part of :class:`quaybridge_sdk.ports.ClusterReader`."""

    def integrations(self) -> tuple[QuayIntegration, ...]: ...

    def ignored(self) -> frozenset[str]: ...

    def is_ignored_stream(self, namespace: str, name: str) -> bool:
        """Whether an annotation takes the ImageStream out."""

    def service_account(self, namespace: str, name: str) -> ServiceAccount | None: ...


class Answer:
    """An outcome, and the JSON that says it, made once: it is most of what an answer costs.

    Attributes:
        outcome: what becomes of the request.
        members: of ``response`` in the AdmissionReview, all but the ``uid``.
    """

    __slots__ = ("members", "outcome")

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        response: dict[str, object] = {"allowed": outcome.allowed}
        if outcome.patch:
            response["patch"] = base64.b64encode(orjson.dumps(outcome.patch)).decode("ascii")
            response["patchType"] = "JSONPatch"
        if outcome.warnings:
            response["warnings"] = outcome.warnings
        if not outcome.allowed:
            status = {"message": outcome.message, "reason": outcome.reason, "code": outcome.code}
            response["status"] = {"status": "Failure", **status}
        self.members = orjson.dumps(response)[1:-1]


@frozen
class Held:
    """The Build is to be rewritten as ``answer`` says, once the account ``builder`` of ``namespace`` has ``secret``."""

    namespace: str
    secret: str
    answer: Answer

    def denied(self) -> Answer:
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
        return Answer(Outcome("denied", allowed=False, code=503, reason="ServiceUnavailable", message=message))


Review: TypeAlias = Answer | Held


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


def encode_answer(request: AdmissionRequest, answer: Answer) -> bytes:
    """The AdmissionReview to send, in the version of the request."""
    return b'{"kind":"%b","apiVersion":"%b","response":{"uid":%b,%b}}' % (
        KIND.encode(),
        request.api_version.encode(),
        orjson.dumps(request.uid),
        answer.members,
    )


IGNORED_STREAM = Answer(Outcome(Verdict.IGNORED_STREAM.name.lower()))
NOTHING_TO_DECIDE = Answer(Outcome(Verdict.NOT_CREATE.name.lower()))
BUG_DENIED = Answer(Outcome("error", allowed=False, code=500, reason="InternalError", message=INTERNAL_ERROR))
BUG_ALLOWED = Answer(Outcome("error", warnings=(f"quaybridge: {INTERNAL_ERROR}. The build was not changed to push to Quay.",)))


class Admission:
    """Reviews requests; one instance for all threads.

    What was worked out is kept for as long as the reader answers the very same tuple of integrations: a BuildConfig's
    builds differ in their names only, and the rule does not look at those.
    """

    def __init__(self, reader: AdmissionReader) -> None:
        self._reader = reader
        self._rules = Rules(())

    def review(self, request: AdmissionRequest) -> Review:
        """The answer to one request, as the caches are now; a dry run is answered like any other. Total."""
        if request.build is None:
            return NOTHING_TO_DECIDE
        if self._leaves_alone(request.build):
            return IGNORED_STREAM
        secret, answer = self._current_rules().decide(request.build)
        if secret is None:
            return answer
        account = self._reader.service_account(request.namespace, BUILDER)
        return answer if account is not None and secret in account.secrets else Held(request.namespace, secret, answer)

    def after_bug(self, request: AdmissionRequest) -> Answer:
        """The answer when :meth:`review` raised, which is a bug: as the ``failurePolicy`` of the integrations that cover
        the namespace says; «Fail» when they cannot be told.
        """
        return BUG_ALLOWED if self._ignores_bugs(request) else BUG_DENIED

    def _current_rules(self) -> Rules:
        integrations, ignored = self._reader.integrations(), self._reader.ignored()
        rules = self._rules
        if rules.integrations is not integrations or rules.ignored is not ignored:
            self._rules = rules = Rules(integrations, ignored)
        return rules

    def _leaves_alone(self, build: Build) -> bool:
        name = (build.output_name or "").partition(":")[0]
        return self._reader.is_ignored_stream(build.output_namespace or build.namespace, name)

    def _ignores_bugs(self, request: AdmissionRequest) -> bool:
        try:
            covering = assign(self._reader.integrations(), request.namespace, self._reader.ignored()).covering
        except Exception:  # noqa: BLE001 - the caller logs the first failure; this is the same bug again, or its cause
            return False
        return all(integration.failure_policy is FailurePolicy.IGNORE for integration in covering)


class Rules:
    """The scope and build rules for one set of integrations and of namespaces taken out, each case worked out once."""

    def __init__(self, integrations: tuple[QuayIntegration, ...], ignored: frozenset[str] = frozenset()) -> None:
        self.integrations, self.ignored = integrations, ignored
        self._assignments: dict[str, Assignment] = {}
        self._answers: dict[Hashable, tuple[str | None, Answer]] = {}

    @property
    def size(self) -> int:
        """How many cases are kept."""
        return len(self._assignments) + len(self._answers)

    def assign(self, namespace: str) -> Assignment:
        """As :func:`quaybridge_sdk.mapping.scope.assign`."""
        known = self._assignments.get(namespace)
        return known or _keep(self._assignments, namespace, assign(self.integrations, namespace, self.ignored))

    def decide(self, build: Build) -> tuple[str | None, Answer]:
        """As :func:`quaybridge_sdk.mapping.build_patch.decide`: the Secret that must be there first, and the answer."""
        key = (  # all of a Build that the rule looks at
            build.namespace,
            build.strategy,
            build.output_kind,
            build.output_name,
            build.output_namespace,
            build.push_secret,
            build.service_account,
            (bool(build.annotations), is_managed(build), is_marked(build)),
        )
        return self._answers.get(key) or _keep(self._answers, key, self._work_out(build))

    def _work_out(self, build: Build) -> tuple[str | None, Answer]:
        rewrite = decide(build, self.assign)
        outcome = Outcome(rewrite.verdict.name.lower(), patch=rewrite.patch, warnings=rewrite.warnings)
        return rewrite.needs_secret, Answer(outcome)


_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


def _keep(known: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    if len(repr(key)) > MAX_KEPT_TEXT:
        return value
    if len(known) >= MAX_KNOWN:
        known.clear()
    known[key] = value
    return value
