"""CustomResourceDefinitions: their own rules, and the resources they make the server serve."""

from __future__ import annotations

import copy

from quaybridge_sdk.testing.openshift import metadata, schema
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.resources import ALL_VERBS, STATUS_VERBS, Resource, Rules, Subresource
from quaybridge_sdk.testing.openshift.status import Cause, Json, bad

_ESTABLISHED = (("NamesAccepted", "NoConflicts", "no conflicts found"),
                ("Established", "InitialNamesAccepted", "the initial names have been accepted"))  # fmt: skip


class DefinitionRules(Rules):
    """A definition is established at once; the real server takes some 100 ms."""

    counts_generations = True
    blind_put = False

    def default(self, value: Json) -> None:
        spec = value["spec"]
        names = spec["names"]
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", f"{names['kind']}List")
        spec.setdefault("conversion", {"strategy": "None"})

    def on_create(self, value: Json) -> None:
        stamp, spec = now(), value["spec"]
        value["status"] = {
            "conditions": [{"type": kind, "status": "True", "lastTransitionTime": stamp, "reason": reason, "message": text}
                           for kind, reason, text in _ESTABLISHED],
            "acceptedNames": copy.deepcopy(spec["names"]),
            "storedVersions": [version["name"] for version in spec["versions"] if version["storage"]],
        }  # fmt: skip

    def validate(self, value: Json) -> list[Cause]:
        expected = f"{value['spec']['names']['plural']}.{value['spec']['group']}"
        if value["metadata"]["name"] != expected:
            return [bad("metadata.name", value["metadata"]["name"], 'must be spec.names.plural+"."+spec.group')]
        return []


class CustomRules(Rules):
    """The rules a schema gives its custom resources. Unknown fields are pruned before these rules see the object."""

    names = metadata.SUBDOMAIN
    counts_generations = True
    blind_put = False

    def __init__(self, definition: Json, kind: str, group_version: str) -> None:
        self.schema, self.kind, self.group_version = definition, kind, group_version

    def prune(self, value: Json) -> tuple[Json, list[str]]:
        """The object without unknown fields, and their paths; ObjectMeta is not the schema's business."""
        own = {key: entry for key, entry in value.items() if key not in ("apiVersion", "kind", "metadata")}
        kept, unknown = schema.prune(own, self.schema)
        head = {key: value[key] for key in ("apiVersion", "kind", "metadata") if key in value}
        return head | kept, unknown

    def default(self, value: Json) -> None:
        schema.fill(value, self.schema)

    def on_create(self, value: Json) -> None:
        value.pop("status", None)

    def validate(self, value: Json) -> list[Cause]:
        return schema.faults({key: entry for key, entry in value.items() if key != "metadata"}, self.schema)


def resources_of(definition: Json) -> list[Resource]:
    """The resources a definition makes available, one a served version."""
    spec, found = definition["spec"], []
    names = spec["names"]
    for version in spec["versions"]:
        if not version["served"]:
            continue
        rules = CustomRules(version["schema"]["openAPIV3Schema"], names["kind"], f"{spec['group']}/{version['name']}")
        status = {"status": Subresource(names["kind"], STATUS_VERBS)} if "status" in version.get("subresources", {}) else {}
        found.append(
            Resource(spec["group"], version["name"], names["plural"], names["kind"], spec["scope"] == "Namespaced", "crd",
                     ALL_VERBS, tuple(names.get("shortNames", ())), status, rules)
        )  # fmt: skip
    return found


def _text(**more: object) -> Json:
    return {"type": "string"} | more


_CONDITION: Json = {
    "type": "object",
    "required": ["lastTransitionTime", "message", "reason", "status", "type"],
    "properties": {
        "lastTransitionTime": _text(format="date-time"),
        "message": _text(maxLength=32768),
        "observedGeneration": {"type": "integer", "format": "int64", "minimum": 0},
        "reason": _text(maxLength=1024, minLength=1, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
        "status": _text(enum=["True", "False", "Unknown"]),
        "type": _text(maxLength=316, pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
                      r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"),
    },
}  # fmt: skip
_NAMES: Json = {"type": "array", "items": _text()}
_V1: Json = {
    "type": "object",
    "properties": {
        "apiVersion": _text(), "kind": _text(), "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "required": ["clusterID", "credentialsSecret", "quayHostname"],
            "properties": {
                "allowlistNamespaces": _NAMES, "clusterID": _text(), "denylistNamespaces": _NAMES,
                "credentialsSecret": {"type": "object", "required": ["name", "namespace"],
                                      "properties": {"key": _text(), "name": _text(), "namespace": _text()}},
                "insecureRegistry": {"type": "boolean"}, "organizationPrefix": _text(), "quayHostname": _text(),
                "scheduledImageStreamImport": {"type": "boolean"},
            },
        },
        "status": {
            "type": "object",
            "properties": {
                "conditions": {"type": "array", "items": _CONDITION, "x-kubernetes-list-map-keys": ["type"],
                               "x-kubernetes-list-type": "map"},
                "lastUpdate": _text(),
            },
        },
    },
}  # fmt: skip
_OPEN: Json = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_ANY: Json = {"type": "object", "properties": {"spec": _OPEN, "status": _OPEN}}


def _definition(group: str, version: str, structure: Json) -> Json:
    names = {"plural": "quayintegrations", "singular": "quayintegration", "kind": "QuayIntegration",
             "listKind": "QuayIntegrationList"}  # fmt: skip
    served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}}
    served["schema"] = {"openAPIV3Schema": structure}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"quayintegrations.{group}", "annotations": {"controller-gen.kubebuilder.io/version": "v0.4.1"}},
        "spec": {"group": group, "names": names, "scope": "Cluster", "versions": [served]},
    }  # fmt: skip


QUAY_INTEGRATIONS: tuple[Json, ...] = (
    _definition("quay.redhat.com", "v1", _V1),
    _definition("redhatcop.redhat.io", "v1alpha1", _ANY),
)
"""What the operator's two generations install: v1 as recorded (without its descriptions), v1alpha1 with an open schema."""
