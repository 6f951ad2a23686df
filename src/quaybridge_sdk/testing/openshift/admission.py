"""Mutating admission webhooks, called as the API servers call them: over HTTP(S), for what their rules name.

Source: k8s.io/apiserver pkg/admission/plugin/webhook; requests as recorded (tests/cassettes/admission), texts as measured.
"""

from __future__ import annotations

import base64
import binascii
import copy
import json
import ssl
import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx

from quaybridge_sdk.testing.openshift import options, patches, selectors
from quaybridge_sdk.testing.openshift.cluster import Call
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.registry import go_words
from quaybridge_sdk.testing.openshift.status import ApiError, Json, internal

HEADERS = {"User-Agent": "kube-apiserver-admission", "Accept": "application/json, */*", "Content-Type": "application/json"}
_CONFIGURATIONS = ("admissionregistration.k8s.io", "mutatingwebhookconfigurations")


class _CallError(Exception):
    """The webhook gave no usable answer: what failurePolicy is about."""


def mutate(call: Call, operation: str, value: Json, old: Json | None) -> Json:
    """The object after all webhooks that want to see it, in the order of their configurations' names.

    Raises:
        ApiError: a webhook denied (its code, 400 without one), could not be called under failurePolicy Fail, or sent a
            patch that does not apply (500).
    """
    if call.key == _CONFIGURATIONS:
        return value
    for configuration in call.cluster.store.items(_CONFIGURATIONS):
        for webhook in configuration["webhooks"]:
            if _wants(call, webhook, operation, value):
                value = _ask(call, webhook, operation, value, old)
    return value


def _wants(call: Call, webhook: Json, operation: str, value: Json) -> bool:
    if webhook.get("matchConditions"):
        raise not_imitated("validating webhooks")
    namespace = call.cluster.namespace(call.namespace) if call.namespace else None
    home: Json = namespace or {"metadata": {}}
    return (any(_matches(call, rule, operation) for rule in webhook.get("rules") or [])
            and selectors.label_selector(webhook.get("namespaceSelector") or {})(home)
            and selectors.label_selector(webhook.get("objectSelector") or {})(value))  # fmt: skip


def _matches(call: Call, rule: Json, operation: str) -> bool:
    resource = call.resource
    scope = "Namespaced" if resource.namespaced else "Cluster"
    asked = {"operations": operation, "apiGroups": resource.group, "apiVersions": resource.version, "resources": resource.plural}
    return all(value in rule[key] or "*" in rule[key] for key, value in asked.items()) and rule.get("scope", "*") in ("*", scope)


def review(call: Call, operation: str, value: Json, old: Json | None) -> Json:
    """The AdmissionReview for one webhook. ``name`` is left out when the name is yet to be generated."""
    resource = call.resource
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    plural = {"group": resource.group, "version": resource.version, "resource": resource.plural}
    dry = options.is_dry(call.request.query)
    choices: Json = {"kind": f"{operation.capitalize()}Options", "apiVersion": "meta.k8s.io/v1"} | (
        {"dryRun": ["All"]} if dry else {}
    )
    asked: Json = {"uid": str(uuid.uuid4()), "kind": kind, "resource": plural, "requestKind": kind, "requestResource": plural}
    name = value["metadata"].get("name")
    asked |= ({"name": name} if name else {}) | ({"namespace": call.namespace} if call.namespace else {})
    asked |= {"operation": operation, "userInfo": call.user.info(), "object": value, "oldObject": old, "dryRun": dry}
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": asked | {"options": choices}}


def _ask(call: Call, webhook: Json, operation: str, value: Json, old: Json | None) -> Json:
    if "v1" not in webhook["admissionReviewVersions"]:
        raise not_imitated("validating webhooks")
    asked = review(call, operation, value, old)
    try:
        response = _verdict(_send(call, webhook, asked), asked["request"]["uid"])
    except _CallError as failure:
        if webhook["failurePolicy"] == "Ignore":
            return value
        raise internal(f'failed calling webhook "{webhook["name"]}": {failure}') from None
    call.warnings += [f"299 - {json.dumps(text)}" for text in response.get("warnings") or []]
    if not response["allowed"]:
        raise _denial(webhook["name"], response.get("status") or {})
    return _patched(value, response)


def _send(call: Call, webhook: Json, asked: Json) -> Any:
    """The decoded answer. Raises _CallError with Go's words for what went wrong."""
    config, seconds = webhook["clientConfig"], webhook["timeoutSeconds"]
    url, name = _address(call, config)
    url = f"{url}?timeout={seconds}s"
    extensions = {"sni_hostname": name} if name else {}
    try:
        with httpx.Client(verify=_trust(config), timeout=seconds, trust_env=False) as client:
            answer = client.post(url, json=asked, headers=HEADERS, extensions=extensions)
    except (httpx.HTTPError, ssl.SSLError) as error:
        raise _CallError(f'failed to call webhook: Post "{url}": {go_words(error, str(urlsplit(url).netloc))}') from None
    if answer.status_code != 200:
        raise _CallError(f"failed to call webhook: {_refusal(answer.status_code)}")
    try:
        return answer.json()
    except ValueError:
        raise _CallError("failed to call webhook: couldn't get version/kind; json parse error") from None


def _address(call: Call, config: Json) -> tuple[str, str]:
    """The URL of a webhook, and the name its certificate has to carry when it is a service's."""
    if "url" in config:
        return str(config["url"]), ""
    service = config["service"]
    base = call.cluster.services.get(f"{service['namespace']}/{service['name']}")
    if base is None:
        raise _CallError(f'failed to call webhook: service "{service["name"]}" not found')
    return base.rstrip("/") + (service.get("path") or "/"), f"{service['name']}.{service['namespace']}.svc"


def _trust(config: Json) -> ssl.SSLContext:
    """The authorities of the caBundle; the system's without one."""
    if not config.get("caBundle"):
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=base64.b64decode(config["caBundle"]).decode())
    except (ssl.SSLError, ValueError):
        text = "unable to load root certificates: unable to parse bytes as PEM block"
        raise _CallError(f"failed to call webhook: {text}") from None


def _refusal(status: int) -> str:
    texts = {404: "the server could not find the requested resource", 503: "the server is currently unable to handle the request"}
    return texts.get(status, f'an error on the server ("") has prevented the request from succeeding ({status})')


def _verdict(answer: Any, uid: str) -> Json:
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise _CallError("webhook response was absent")
    if response.get("uid") != uid:
        raise _CallError(f'received invalid webhook response: expected response.uid="{uid}", got "{response.get("uid", "")}"')
    return {"allowed": False} | response


def _denial(name: str, status: Json) -> ApiError:
    why = status.get("message") or status.get("reason")
    text = f'admission webhook "{name}" denied the request' + (f": {why}" if why else " without explanation")
    return ApiError(max(400, status.get("code") or 0), status.get("reason"), text)


def _patched(value: Json, response: Json) -> Json:
    if not response.get("patch"):
        return value
    if response.get("patchType") != "JSONPatch":
        raise internal("webhook returned response.patch but not response.patchType")
    try:
        operations = json.loads(base64.b64decode(response["patch"]))
        return patches.apply(copy.deepcopy(value), operations)
    except patches.PatchError as error:
        raise internal(str(error)) from None
    except (binascii.Error, ValueError) as error:
        raise internal(f"webhook returned a patch that is no JSON patch: {error}") from None
