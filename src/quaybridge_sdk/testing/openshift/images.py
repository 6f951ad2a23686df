"""ImageStreams: names, tags, the computed repository; and image references.

Source: openshift/openshift-apiserver pkg/image/apiserver/registry/imagestream (strategy), distribution/reference.
"""

from __future__ import annotations

import re

from attrs import frozen

from quaybridge_sdk.testing.openshift import metadata
from quaybridge_sdk.testing.openshift.resources import Rules
from quaybridge_sdk.testing.openshift.status import Cause, Json, bad

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}"
_REFERENCE = re.compile(
    rf"(?P<name>(?:(?P<host>{_DOMAIN})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*))(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>{_DIGEST}))?",
    re.ASCII,
)
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
LONGEST = 255


def reference_fault(text: str) -> str | None:
    """Why a text is no image reference, in the words of openshift/library-go pkg/image/internal/reference."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        if not text:
            return "repository name must have at least one component"
        return "repository name must be lowercase" if _REFERENCE.fullmatch(text.lower()) else "invalid reference format"
    if len(match["name"]) > LONGEST:
        return f"repository name must not be more than {LONGEST} characters"
    algorithm, _, digits = (match["digest"] or "").partition(":")
    if digits and algorithm not in _DIGITS:
        return "unsupported digest algorithm"
    return "invalid checksum digest length" if digits and len(digits) != _DIGITS[algorithm] else None


@frozen
class Reference:
    """A container image reference: ``host/path[:tag][@digest]``."""

    text: str
    host: str
    path: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """The parts of a reference, None when it is none. Without a host it is Docker Hub's, without a tag ``latest``."""
        match = _REFERENCE.fullmatch(text)
        if match is None or reference_fault(text):
            return None
        host, path = match["host"] or "", match["path"]
        if host and not re.search(r"[.:]|^localhost$", host):
            host, path = "", f"{host}/{path}"
        tag = match["tag"] or ("" if match["digest"] else "latest")
        return cls(text, host or "docker.io", path, tag, match["digest"] or "")


def tag_defaults(tag: Json) -> Json:
    """A spec tag as the server stores it: false flags dropped, importMode and referencePolicy filled in."""
    policy: Json = {key: True for key in ("insecure", "scheduled") if (tag.get("importPolicy") or {}).get(key)}
    policy["importMode"] = (tag.get("importPolicy") or {}).get("importMode") or "Legacy"
    reference = {"type": (tag.get("referencePolicy") or {}).get("type") or "Source"}
    return {"annotations": None} | tag | {"importPolicy": policy, "referencePolicy": reference}


class ImageStreamRules(Rules):
    """``status.dockerImageRepository`` is computed from the internal registry's name; tags are sorted by name."""

    names = metadata.STREAM
    counts_generations = True
    blind_put = False
    zero = {"metadata": {"namespace": "default"}, "spec": {"lookupPolicy": {"local": False}},
            "status": {"dockerImageRepository": ""}}  # fmt: skip

    def __init__(self, internal_registry: str) -> None:
        self.internal_registry = internal_registry

    def default(self, value: Json) -> None:
        spec = value["spec"] = dict(value.get("spec") or {})
        spec.setdefault("lookupPolicy", {"local": False})
        if spec.get("tags"):
            spec["tags"] = sorted((tag_defaults(tag) for tag in spec["tags"]), key=lambda tag: str(tag["name"]))

    def on_create(self, value: Json) -> None:
        meta = value["metadata"]
        value["status"] = {key: kept for key, kept in (value.get("status") or {}).items() if key == "tags"}
        if self.internal_registry:
            value["status"]["dockerImageRepository"] = f"{self.internal_registry}/{meta['namespace']}/{meta['name']}"
        self._number(value, {}, 1)

    def on_update(self, value: Json, old: Json) -> None:
        before = {tag["name"]: tag for tag in old["spec"].get("tags") or []}
        self._number(value, before, old["metadata"]["generation"] + 1)

    def _number(self, value: Json, before: Json, generation: int) -> None:
        """A tag's generation is that of the stream when the tag last changed."""
        for tag in value["spec"].get("tags") or []:
            old = before.get(tag["name"])
            same = old is not None and old == tag | {"generation": old.get("generation")}
            tag["generation"] = old["generation"] if same and old else generation

    def validate(self, value: Json) -> list[Cause]:
        causes, meta = [], value["metadata"]
        if len(f"{meta['namespace']}/{meta['name']}") > LONGEST:
            causes.append(bad("metadata.name", meta["name"], f"'namespace/name' cannot be longer than {LONGEST} characters"))
        for tag in value["spec"].get("tags") or []:
            source = tag.get("from") or {}
            if source.get("kind") == "DockerImage" and (fault := reference_fault(source["name"])):
                causes.append(bad(f"spec.tags[{tag['name']}].from.name", source["name"], fault))
        return causes
