"""CustomResourceDefinitions: their own rules, and the resources they make the server serve."""

from __future__ import annotations

import copy
from importlib.resources import files

import yaml

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


def installed() -> list[Json]:
    """The definitions of both generations of QuayIntegration, as quaybridge has them: what an administrator applies."""
    found = sorted(files("quaybridge_sdk").joinpath("crds").iterdir(), key=lambda item: item.name)
    return [yaml.safe_load(item.read_text(encoding="utf-8")) for item in found]
