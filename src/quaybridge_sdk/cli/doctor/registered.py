"""One webhook of a MutatingWebhookConfiguration, and what must hold for each of its fields."""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, entries, text
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful

NAMES = ("quayintegration.quay.redhat.com", "quayintegration.redhatcop.redhat.io")
"""The webhook's name: the Go operator's, and that of the first generation's manual."""

PATH = "/admissionwebhook"
LONGEST_HOLD = 10
"""Seconds: the webhook may hold a build for 8 s by default, and needs a moment besides."""

RESOURCE = "mutatingwebhookconfiguration"


GROUP = "build.openshift.io"
RESOURCES = frozenset({"builds", "builds/*", "*", "*/*"})
"""Each of them matches builds, by the API server's rules: a star stands for any name, and for any subresource or none."""


def has(rule: object, key: str, values: Collection[str]) -> bool:
    """Whether one of ``values`` is in a list of a rule."""
    return any(entry in values for entry in entries(rule, key) if isinstance(entry, str))


@frozen
class Registered:
    """One webhook of one MutatingWebhookConfiguration. ``shared``: its configuration holds webhooks without a known name, too."""

    configuration: str
    index: int
    body: Json
    shared: bool = False

    @property
    def title(self) -> str:
        return f"{self.configuration}, webhook {text(self.body, 'name')}"

    @property
    def bundle(self) -> str:
        return text(self.body, "clientConfig", "caBundle")

    @property
    def url(self) -> str:
        return text(self.body, "clientConfig", "url")

    @property
    def service(self) -> tuple[str, str]:
        """Namespace and name, both "" for a webhook with a URL."""
        return text(self.body, "clientConfig", "service", "namespace"), text(self.body, "clientConfig", "service", "name")

    @property
    def port(self) -> int:
        found = dig(self.body, "clientConfig", "service", "port")
        return found if isinstance(found, int) else 443

    @property
    def path(self) -> str:
        return urlsplit(self.url).path if self.url else text(self.body, "clientConfig", "service", "path")

    @property
    def named(self) -> bool:
        return text(self.body, "name") in NAMES

    @property
    def ours(self) -> bool:
        """By its name; or by where it leads and what for. Neither the path alone will do, nor a rule for everything with it:
        other products' webhooks have the same, and they are none of our business.
        """
        rules = entries(self.body, "rules")
        return self.named or (
            self.path == PATH and any(has(rule, "apiGroups", (GROUP,)) and has(rule, "resources", RESOURCES) for rule in rules)
        )

    def patch(self, field: str, value: str) -> str:
        """The command that sets a field of it; ``value`` is JSON."""
        change = f'[{{"op":"add","path":"/webhooks/{self.index}/{field}","value":{value}}}]'
        return f"oc patch {RESOURCE} {self.configuration} --type=json -p '{change}'"


def _path(each: Registered) -> Finding | None:
    if each.path == PATH:
        return None
    if each.url:
        edit = f"oc edit {RESOURCE} {each.configuration}"
        return bad("webhook.rules", each.title, f"the URL's path is not {PATH}", "correct the URL", edit)
    command = each.patch("clientConfig/service/path", f'"{PATH}"')
    return bad("webhook.rules", each.title, f"the path is {each.path!r}, not {PATH!r}", "correct it", command)


def _versions(each: Registered) -> Finding | None:
    if {"v1", "v1beta1"} & set(entries(each.body, "admissionReviewVersions")):
        return None
    command = each.patch("admissionReviewVersions", '["v1","v1beta1"]')
    return bad("webhook.rules", each.title, "neither AdmissionReview v1 nor v1beta1 is accepted", "name both", command)


def _effects(each: Registered) -> Finding | None:
    if text(each.body, "sideEffects") in ("None", "NoneOnDryRun"):
        return None
    detail = "sideEffects is neither None nor NoneOnDryRun: dry runs are refused"
    return doubtful("webhook.rules", each.title, detail, "the webhook has none", each.patch("sideEffects", '"None"'))


def _timeout(each: Registered) -> Finding | None:
    seconds = dig(each.body, "timeoutSeconds")
    if not isinstance(seconds, int) or seconds >= LONGEST_HOLD:
        return None
    detail = f"timeoutSeconds is {seconds}, but a first build may be held for its pull secret for 8 s"
    return doubtful("webhook.rules", each.title, detail, "allow more", each.patch("timeoutSeconds", "30"))


def _policy(each: Registered) -> Finding | None:
    if text(each.body, "failurePolicy") in ("Fail", "Ignore"):
        return None
    command = each.patch("failurePolicy", '"Fail"')
    return bad("webhook.rules", each.title, "failurePolicy is neither Fail nor Ignore", "set it", command)


RULES: tuple[Callable[[Registered], Finding | None], ...] = (_path, _versions, _effects, _timeout, _policy)
