"""Builds and BuildConfigs.

Source: openshift/openshift-apiserver pkg/build/apiserver (registry/build strategy, validation, defaults) and recordings; the
rule of the phases was measured.
"""

from __future__ import annotations

import copy
import json

from quaybridge_sdk.testing.openshift import buildfields, buildspecs, patches
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.resources import Rules
from quaybridge_sdk.testing.openshift.status import Cause, Json, bad

OPEN = ("New", "Pending", "Running")
"""All other phases are terminal, those that nobody knows too."""
FAILED = {"reason": "GenericBuildFailed", "message": "Generic Build failure - check logs for details."}


def default_spec(spec: Json) -> Json:
    """Defaults of the part builds and build configs share, the kind of the output among them."""
    empty: Json = {"output": {}, "resources": {}, "postCommit": {}, "nodeSelector": None}
    spec = empty | spec
    if spec.get("strategy"):
        spec["strategy"] = buildspecs.default_strategy(spec["strategy"])
    to = spec["output"].get("to")
    if to is not None:
        spec["output"] = spec["output"] | {"to": buildspecs.stream_tag(to, ("", "ImageStream"))}
    return spec


def enter(status: Json, phase: str) -> None:
    """Puts a build's status into a phase; the conditions follow by themselves."""
    status["phase"] = phase
    if phase == "Failed":
        status.update({key: text for key, text in FAILED.items() if not status.get(key)})
    conditions = [entry | {"status": "False"} for entry in status.get("conditions") or [] if entry["type"] != phase]
    stamp = now()
    said = {key: status[key] for key in FAILED if status.get(key)}
    mine = {"type": phase, "status": "True", "lastUpdateTime": stamp, "lastTransitionTime": stamp} | said
    status["conditions"] = [*conditions, mine]


def _faults(spec: Json) -> list[Cause]:
    """Raises ApiError 501 for a spec that may have others, too."""
    found = buildspecs.faults(spec)
    buildfields.require_plain(spec)
    return found


class BuildRules(Rules):
    """The phase is written through the main resource; the spec cannot change, its push secret excepted."""

    counts_generations = True
    blind_put = False
    fields = {"status": "status.phase", "podName": "status.podName"}
    zero = {
        "spec": {"source": {"type": "None"}, "strategy": {}, "output": {}, "resources": {}, "postCommit": {},
                 "nodeSelector": None},
        "status": {"phase": "", "output": {}},
    }  # fmt: skip

    def default(self, value: Json) -> None:
        value["spec"] = default_spec(value.get("spec") or {})
        value["status"] = {"phase": "", "output": {}} | (value.get("status") or {})

    def on_create(self, value: Json) -> None:
        enter(value["status"], value["status"]["phase"] or "New")

    def on_update(self, value: Json, old: Json) -> None:
        if value["status"]["phase"] != old["status"]["phase"]:
            enter(value["status"], value["status"]["phase"])

    def validate(self, value: Json) -> list[Cause]:
        """Of a new build only: a stored one is compared with what it was."""
        return [] if value["metadata"].get("resourceVersion") else _faults(value["spec"])

    def validate_change(self, value: Json, old: Json) -> list[Cause]:
        causes = []
        if old["status"]["phase"] not in OPEN and value["status"]["phase"] != old["status"]["phase"]:
            causes.append(bad("status.phase", value["status"]["phase"], "phase cannot be updated from a terminal state"))
        return causes + self._immutable(value["spec"], old["spec"])

    def _immutable(self, spec: Json, old: Json) -> list[Cause]:
        before = copy.deepcopy(old)
        before["output"].pop("pushSecret", None)
        if spec["output"].get("pushSecret"):
            before["output"]["pushSecret"] = spec["output"]["pushSecret"]
        if before == spec:
            return []
        hidden = "content of spec is not printed out, please refer to the details"
        diff = json.dumps({"spec": patches.difference(before, spec)}, separators=(",", ":"))
        return [bad("spec", hidden, f"spec is immutable, diff: {diff}")]


class BuildConfigRules(Rules):
    counts_generations = True
    blind_put = False

    def default(self, value: Json) -> None:
        limits = {"successfulBuildsHistoryLimit": 5, "failedBuildsHistoryLimit": 5}
        value["spec"] = {"runPolicy": "Serial"} | limits | default_spec(value.get("spec") or {})
        value["status"] = {"lastVersion": 0} | (value.get("status") or {})

    def validate(self, value: Json) -> list[Cause]:
        return _faults(value["spec"])


_OF_THE_CONFIG = ("triggers", "runPolicy", "successfulBuildsHistoryLimit", "failedBuildsHistoryLimit")


def build_of(config: Json, number: int, triggers: list[Json]) -> Json:
    """The Build that a BuildConfig's next instantiation makes."""
    meta = config["metadata"]
    name, label = meta["name"], "openshift.io/build-config.name"
    owner = {"apiVersion": "build.openshift.io/v1", "kind": "BuildConfig", "name": name, "uid": meta["uid"], "controller": True}
    spec = {key: copy.deepcopy(value) for key, value in config["spec"].items() if key not in _OF_THE_CONFIG}
    labels = {"buildconfig": name, label: name, "openshift.io/build.start-policy": config["spec"]["runPolicy"]}
    build: Json = {
        "kind": "Build", "apiVersion": "build.openshift.io/v1",
        "metadata": {"name": f"{name}-{number}", "namespace": meta["namespace"],
                     "labels": (meta.get("labels") or {}) | labels,
                     "annotations": {label: name, "openshift.io/build.number": str(number)}, "ownerReferences": [owner]},
        "spec": {"serviceAccount": "builder"} | spec | {"triggeredBy": triggers},
        "status": {"phase": "New", "config": {"kind": "BuildConfig", "namespace": meta["namespace"], "name": name}},
    }  # fmt: skip
    enter(build["status"], "New")
    return build
