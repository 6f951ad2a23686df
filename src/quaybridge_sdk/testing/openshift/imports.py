"""ImageStreamImport: looks at registries, then writes what it found into a stream.

Source: openshift-apiserver pkg/image/apiserver/registry/imagestreamimport (rest.go), as measured: see the facts at each rule.
"""

from __future__ import annotations

import copy
import uuid

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import bodies, images, metadata, reads, registry, writes
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.cluster import Call, Cluster
from quaybridge_sdk.testing.openshift.images import Reference
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.status import ApiError, Cause, Json, bad, conflict, invalid, not_found

STREAMS, IMAGES, SECRETS = ("image.openshift.io", "imagestreams"), ("image.openshift.io", "images"), ("", "secrets")
CHECKED = "openshift.io/image.dockerRepositoryCheck"
_DOCKER = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")


def docker_secrets(cluster: Cluster, namespace: str) -> list[Json]:
    """Every docker secret of a namespace counts, whatever service account it belongs to."""
    return [secret for secret in cluster.store.items(SECRETS, namespace) if secret["type"] in _DOCKER]


def create(call: Call) -> Response:
    """POST imagestreamimports: 201 whatever the registries said; see ``status.images[i].status``."""
    asked = bodies.read_object(call)
    writes.place(call, asked)
    writes.check_namespace(call.cluster, call.resource, call.namespace, asked["metadata"].get("name", ""))
    spec = asked.get("spec") or {}
    if spec.get("repository"):
        raise not_imitated("whole repository import")
    _validate(call, asked)
    stream = _stream(call, asked["metadata"])
    spec["images"] = [_defaulted(image) for image in spec["images"]]
    found = [_look(call, image) for image in spec["images"]]
    stamp = {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
    results = [_result(image, outcome) for image, outcome in zip(spec["images"], found, strict=True)]
    status: Json = {"images": results}
    if spec.get("import"):
        for result in results:
            if "image" in result:
                result["image"]["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        status["import"] = reads.item_of(call.resource, _store(call, asked["metadata"]["name"], stream, spec["images"], found))
    asked["metadata"] |= stamp
    return reads.answer(call, 201, asked | {"spec": spec, "status": status})


def _validate(call: Call, asked: Json) -> None:
    causes = metadata.validate(asked, metadata.STREAM, None)
    wanted = (asked.get("spec") or {}).get("images") or []
    if not causes and not wanted:
        text = "Invalid value: null: you must specify at least one image or a repository import"
        causes.append(Cause("FieldValueInvalid", "spec.images", text))
    for index, image in enumerate([] if causes else wanted):
        source, at = image["from"], f"spec.images[{index}].from"
        if source.get("kind") != "DockerImage":
            causes.append(bad(f"{at}.kind", source.get("kind", ""), "only DockerImage is supported"))
        elif Reference.parse(source["name"]) is None:
            causes.append(bad(f"{at}.name", source["name"], "invalid reference format"))
    if causes:
        raise invalid(call.resource.group, call.resource.kind, asked["metadata"].get("name", ""), causes)


def _stream(call: Call, meta: Json) -> Json | None:
    """The stream as it is before the registries are asked; a resourceVersion must be its own."""
    stream = call.cluster.store.get(STREAMS, call.namespace, meta["name"])
    wanted = meta.get("resourceVersion")
    if wanted and stream is None:
        raise not_found(call.resource, meta["name"])
    if wanted and stream is not None and stream["metadata"]["resourceVersion"] != wanted:
        text = f'the image stream was updated from "{wanted}" to "{stream["metadata"]["resourceVersion"]}"'
        raise conflict(call.resource, meta["name"], text, "imagestream")
    return stream


def _defaulted(image: Json) -> Json:
    reference = Reference.parse(image["from"]["name"])
    to = image.get("to") or ({"name": reference.tag} if reference and reference.tag else None)
    policies = images.tag_defaults(image)
    policies.pop("annotations")
    return policies | ({"to": to} if to else {})


def _look(call: Call, image: Json) -> Json | ApiError:
    """The image, or why it could not be had."""
    reference = Reference.parse(image["from"]["name"])
    if reference is None:
        raise ValueError(f"{image['from']['name']} was validated before, and is no reference now")
    secret = registry.credentials(docker_secrets(call.cluster, call.namespace), reference)
    insecure, seconds = image["importPolicy"].get("insecure", False), registry.TIMEOUT * call.cluster.settings.pace
    try:
        with registry.Registry(reference, secret, insecure, seconds, call.cluster.settings.registry_ca) as source:
            return source.image()
    except ApiError as error:
        return error


def _result(image: Json, outcome: Json | ApiError) -> Json:
    """One entry of ``status.images``: its ``tag`` is that of the source, not the one imported to."""
    reference = Reference.parse(image["from"]["name"])
    tag = {"tag": reference.tag} if reference and reference.tag else {}
    if isinstance(outcome, ApiError):
        status = {key: value for key, value in outcome.body().items() if key not in ("kind", "apiVersion")}
        return {"status": status} | tag
    return {"status": {"metadata": {}, "status": "Success"}, "image": copy.deepcopy(outcome)} | tag


def _store(call: Call, name: str, stream: Json | None, asked: list[Json], found: list[Json | ApiError]) -> Json:
    """Writes the outcome into the stream, made if need be. Of racing imports one wins, the others get 409."""
    store = call.cluster.store
    with store.changed:
        if store.get(STREAMS, call.namespace, name) is not stream:
            raise conflict(call.resource, name)
        value = copy.deepcopy(stream) if stream else _new_stream(call, name)
        generation = value["metadata"].get("generation", 0) + 1
        pairs = zip(asked, found, strict=True)
        changes = [_record(value, image, outcome, generation) for image, outcome in pairs if "to" in image]
        if not any(changes) and stream is not None:
            return stream
        for key in ("spec", "status"):
            value[key].get("tags", []).sort(key=lambda tag: tag["name" if key == "spec" else "tag"])
        value["metadata"] |= {"generation": generation}
        value["metadata"]["annotations"] = (value["metadata"].get("annotations") or {}) | {CHECKED: now()}
        for outcome in found:
            _keep_image(call.cluster, outcome)
        return store.put(STREAMS, value)


def _new_stream(call: Call, name: str) -> Json:
    resource = call.cluster.catalogue.of_key(*STREAMS)
    meta = {"name": name, "namespace": call.namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
    value: Json = {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": meta}
    resource.rules.default(value)
    resource.rules.on_create(value)
    return value


def _keep_image(cluster: Cluster, outcome: Json | ApiError) -> None:
    if isinstance(outcome, ApiError) or cluster.store.get(IMAGES, "", outcome["metadata"]["name"]):
        return
    value: Json = {"kind": "Image", "apiVersion": "image.openshift.io/v1"}
    value |= copy.deepcopy(outcome)
    value["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
    cluster.store.put(IMAGES, value)


def _record(value: Json, image: Json, outcome: Json | ApiError, generation: int) -> bool:
    """One image's outcome in ``spec.tags`` and ``status.tags``; whether that changed anything.

    The same digest or the same failure again changes nothing. A failure keeps the items and, where the tag exists, its source.
    """
    name = image["to"]["name"]
    tags = value["spec"].setdefault("tags", [])
    spec = next((tag for tag in tags if tag["name"] == name), None)
    entries = value["status"].setdefault("tags", [])
    entry = next((tag for tag in entries if tag["tag"] == name), None) or {"tag": name, "items": None}
    wanted: Json = {"name": name, "annotations": None}
    wanted |= {key: image[key] for key in ("from", "importPolicy", "referencePolicy")}
    if isinstance(outcome, ApiError):
        changed = _fail(entry, outcome, generation)
        wanted = spec or wanted
    else:
        same_source = spec is not None and {key: spec.get(key) for key in wanted} == wanted
        changed = _succeed(entry, outcome, generation, same_source)
    if changed:
        tags[:] = [tag for tag in tags if tag is not spec] + [wanted | {"generation": generation}]
        entries[:] = [tag for tag in entries if tag is not entry] + [entry]
    return changed


def _fail(entry: Json, error: ApiError, generation: int) -> bool:
    old: Json = next(iter(entry.get("conditions") or []), {})
    if (old.get("reason"), old.get("message")) == (error.reason, error.message):
        return False
    entry["conditions"] = [{"type": "ImportSuccess", "status": "False", "lastTransitionTime": now(), "reason": error.reason,
                            "message": error.message, "generation": generation}]  # fmt: skip
    return True


def _succeed(entry: Json, image: Json, generation: int, same_source: bool) -> bool:
    """Puts the image on top of the items, newest first; an earlier failure's condition goes."""
    items, digest = entry["items"] or [], image["metadata"]["name"]
    newest = {"dockerImageReference": image["dockerImageReference"], "image": digest}
    known = bool(items) and items[0]["image"] == digest
    if known and same_source and not entry.pop("conditions", None):
        return False
    entry.pop("conditions", None)
    if known:
        entry["items"] = [items[0] | newest | {"generation": generation}, *items[1:]]
    else:
        entry["items"] = [{"created": now()} | newest | {"generation": generation}, *items]
    return True
