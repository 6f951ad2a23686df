"""The kinds of kube-apiserver: namespaces, service accounts, secrets, config maps, events, leases, webhook configurations."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime

from quaybridge_sdk.testing.openshift import metadata
from quaybridge_sdk.testing.openshift.metadata import DecodeError
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.resources import Rules
from quaybridge_sdk.testing.openshift.status import Cause, Json, bad, refused, required


def check_base64(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        wrong = re.match(r"[A-Za-z0-9+/]*", text)
        raise DecodeError(f"illegal base64 data at input byte {wrong.end() if wrong else 0}") from None


class NamespaceRules(Rules):
    """``spec.finalizers`` and ``status`` belong to the server; only /finalize and /status write them."""

    names = metadata.LABEL
    answers_deleted_object = True
    fields = {"status.phase": "status.phase"}
    zero = {"spec": {}, "status": {}}

    def on_create(self, value: Json) -> None:
        finalizers = (value.get("spec") or {}).get("finalizers") or []
        value["spec"] = {"finalizers": [*finalizers, *([] if "kubernetes" in finalizers else ["kubernetes"])]}
        value["status"] = {"phase": "Active"}
        self.default(value)

    def default(self, value: Json) -> None:
        if value["metadata"].get("name"):
            labels = value["metadata"].get("labels") or {}
            value["metadata"]["labels"] = labels | {"kubernetes.io/metadata.name": value["metadata"]["name"]}

    def on_update(self, value: Json, old: Json) -> None:
        value["spec"] = old["spec"]


class ServiceAccountRules(Rules):
    answers_deleted_object = True
    top_level = ("secrets", "imagePullSecrets", "automountServiceAccountToken")


class ConfigMapRules(Rules):
    top_level = ("data", "binaryData", "immutable")


class SecretRules(Rules):
    """Types, their required keys, sizes and immutability (k8s.io/kubernetes pkg/apis/core/validation)."""

    top_level = ("data", "stringData", "type", "immutable")
    fields = {"type": "type"}
    _KEYS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
    _LIMIT = 1024 * 1024

    def decode(self, value: Json) -> None:
        for entry in (value.get("data") or {}).values():
            check_base64(entry)

    def default(self, value: Json) -> None:
        value.setdefault("type", "Opaque")
        plain = value.pop("stringData", None) or {}
        folded = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}
        if folded or "data" in value:
            value["data"] = (value.get("data") or {}) | folded

    def validate(self, value: Json) -> list[Cause]:
        data = value.get("data") or {}
        causes = [
            bad(f"data[{key}]", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
                "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')")
            for key in data if not re.fullmatch(r"[-._a-zA-Z0-9]+", key)
        ]  # fmt: skip
        if sum(len(base64.b64decode(entry)) for entry in data.values()) > self._LIMIT:
            causes.append(Cause("FieldValueTooLong", "data", f"Too long: may not be more than {self._LIMIT} bytes"))
        return causes + self._docker(value["type"], data)

    def _docker(self, kind: str, data: Json) -> list[Cause]:
        key = self._KEYS.get(kind)
        if key is None:
            return []
        if key not in data:
            return [required(f"data[{key}]")]
        try:
            json.loads(base64.b64decode(data[key]))
        except ValueError as error:
            return [bad(f"data[{key}]", "<secret contents redacted>", f"invalid character: {error}")]
        return []

    def validate_change(self, value: Json, old: Json) -> list[Cause]:
        if value["type"] != old["type"]:
            return [bad("type", value["type"], "field is immutable")]
        if old.get("immutable") and value.get("data") != old.get("data"):
            return [refused("data", "field is immutable when `immutable` is set")]
        return []


class EventRules(Rules):
    top_level = ("involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type",
                 "eventTime", "series", "action", "related", "reportingComponent", "reportingInstance")  # fmt: skip
    fields = {name: name for name in ("reason", "type", "reportingComponent")} | {
        f"involvedObject.{name}": f"involvedObject.{name}" for name in ("kind", "name", "namespace", "uid")
    }

    def default(self, value: Json) -> None:
        for key, zero in (("source", {}), ("firstTimestamp", None), ("lastTimestamp", None), ("eventTime", None),
                          ("reportingComponent", ""), ("reportingInstance", "")):  # fmt: skip
            value.setdefault(key, zero)

    def validate(self, value: Json) -> list[Cause]:
        about = value.get("involvedObject", {}).get("namespace", "")
        if about != value["metadata"]["namespace"] and not (not about and value["metadata"]["namespace"] == "default"):
            return [bad("involvedObject.namespace", about, "does not match event.namespace")]
        return []


class LeaseRules(Rules):
    blind_put = False

    def decode(self, value: Json) -> None:
        for field in ("acquireTime", "renewTime"):
            text = (value.get("spec") or {}).get(field)
            try:
                datetime.fromisoformat(text or "2026-01-01T00:00:00Z")
            except ValueError:
                form = "2006-01-02T15:04:05.000000Z07:00"
                raise DecodeError(f'parsing time "{text}" as "{form}": cannot parse "{text}" as "2006"') from None

    def validate(self, value: Json) -> list[Cause]:
        seconds = value.get("spec", {}).get("leaseDurationSeconds")
        if seconds is not None and seconds <= 0:
            return [bad("spec.leaseDurationSeconds", seconds, "must be greater than 0")]
        return []


class WebhookConfigurationRules(Rules):
    """Defaults and validation of MutatingWebhookConfiguration (k8s.io/kubernetes pkg/apis/admissionregistration)."""

    blind_put = False
    counts_generations = True
    top_level = ("webhooks",)
    _DEFAULTS: Json = {"failurePolicy": "Fail", "matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {},
                       "timeoutSeconds": 10, "reinvocationPolicy": "Never"}  # fmt: skip

    def decode(self, value: Json) -> None:
        for webhook in value.get("webhooks") or []:
            check_base64(webhook.get("clientConfig", {}).get("caBundle") or "")

    def default(self, value: Json) -> None:
        for webhook in value.get("webhooks") or []:
            for key, default in self._DEFAULTS.items():
                webhook.setdefault(key, default)
            for rule in webhook.get("rules") or []:
                rule.setdefault("scope", "*")
            if service := webhook.get("clientConfig", {}).get("service"):
                service.setdefault("port", 443)

    def validate(self, value: Json) -> list[Cause]:
        if any(self._is_faulty(webhook) for webhook in value.get("webhooks") or []):
            raise not_imitated("faulty webhook configurations")
        return []

    @staticmethod
    def _is_faulty(webhook: Json) -> bool:
        config = webhook.get("clientConfig", {})
        return (
            len(webhook["name"].split(".")) < 3
            or webhook.get("sideEffects") not in ("None", "NoneOnDryRun")
            or not 1 <= webhook["timeoutSeconds"] <= 30
            or ("url" in config) == ("service" in config)
            or not config.get("url", "https://").startswith("https://")
            or not webhook.get("admissionReviewVersions")
        )
