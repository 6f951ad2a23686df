"""Rights in the cluster: every request that controller and webhook make, asked about in a review of access."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from quaybridge_sdk.cli.doctor.cluster import whoami
from quaybridge_sdk.cli.doctor.finding import Finding, bad, good, unsure
from quaybridge_sdk.cli.doctor.ports import ClusterPort, Examination, Json, look
from quaybridge_sdk.errors import RemoteError
from quaybridge_sdk.model.integration import GROUP, PLURAL, SEED_GROUP

IMAGES, BUILDS = "image.openshift.io", "build.openshift.io"


@frozen
class Rule:
    """What is needed of one resource. ``local``: in the bridge's own namespace only."""

    resource: str
    verbs: tuple[str, ...]
    why: str
    group: str = ""
    local: bool = False

    @property
    def full_name(self) -> str:
        """As ``oc`` takes it: ``quayintegrations.quay.redhat.com/status``."""
        plural, slash, below = self.resource.partition("/")
        return plural + (f".{self.group}" if self.group else "") + slash + below


READ = ("get", "list", "watch")
RULES = (
    Rule("namespaces", (*READ, "update"), "finalizer and annotations"),
    Rule("serviceaccounts", (*READ, "update"), "the links to pull secrets"),
    Rule("secrets", (*READ, "create", "update", "delete"), "pull secrets, and the credentials Secret"),
    Rule("imagestreams", READ, "repositories, and the stream that is imported into", IMAGES),
    Rule("imagestreamimports", ("create",), "imports", IMAGES),
    Rule("builds", (*READ, "patch"), "what is finished, and the mark on it", BUILDS),
    Rule(PLURAL, (*READ, "update"), "configuration, the finalizer of a cleanup", GROUP),
    Rule(f"{PLURAL}/status", ("get", "patch", "update"), "conditions, remembered deletions", GROUP),
    Rule(PLURAL, (*READ, "update"), "the same of the first generation", SEED_GROUP),
    Rule(f"{PLURAL}/status", ("get", "patch", "update"), "the same of the first generation", SEED_GROUP),
    Rule("subjectaccessreviews", ("create",), "imports into other namespaces", "authorization.k8s.io"),
    Rule("events", ("create", "patch"), "what people should see"),
    Rule("leases", ("get", "create", "update"), "leader election, the webhook's heartbeat", "coordination.k8s.io", local=True),
)
"""The same rows as in the documentation's page on configuration."""


def examine(examination: Examination) -> Iterator[Finding]:
    """The account, then one finding a rule."""
    if examination.account:
        namespace, name = examination.account
        seen = look(examination.cluster, f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
        if seen.missing:
            command = f"oc create serviceaccount {name} -n {namespace}"
            yield bad("rights.account", f"{namespace}/{name}", "there is no such service account", "create it", command)
        elif seen.problem:
            yield unsure("rights.account", f"{namespace}/{name}", seen.problem)
    who = subject(examination)
    for rule in RULES:
        yield _rule(examination, rule, who)


def subject(examination: Examination) -> str:
    """Whose rights are asked about; "" when unknown."""
    if examination.account:
        return "system:serviceaccount:{}:{}".format(*examination.account)
    return whoami(examination.cluster)


def _rule(examination: Examination, rule: Rule, who: str) -> Finding:
    namespace = examination.namespace if rule.local else ""
    title = rule.full_name + (f" in {namespace}" if namespace else "")
    try:
        missing = [verb for verb in rule.verbs if not allowed(examination, rule, verb, namespace)]
    except RemoteError as error:
        return unsure("rights.rules", title, f"the review was refused: {error}")
    if not missing:
        return good("rights.rules", title, ", ".join(rule.verbs))
    detail = f"{who or 'this identity'} may not {', '.join(missing)}: needed for {rule.why}"
    return bad("rights.rules", title, detail, "give the right", *_grant(rule, namespace, who or "<user>"))


def _grant(rule: Rule, namespace: str, who: str) -> tuple[str, ...]:
    """The two commands that make a role of this rule and give it."""
    name = "quaybridge-" + rule.full_name.replace("/", "-")
    verbs = ",".join(rule.verbs)
    parts = who.split(":")
    account = f"{parts[2]}:{parts[3]}" if parts[:2] == ["system", "serviceaccount"] and len(parts) == 4 else ""
    to = f"--serviceaccount={account}" if account else f"--user={who}"
    if namespace:
        role = f"oc create role {name} -n {namespace} --verb={verbs} --resource={rule.full_name}"
        return role, f"oc create rolebinding {name} -n {namespace} --role={name} {to}"
    role = f"oc create clusterrole {name} --verb={verbs} --resource={rule.full_name}"
    return role, f"oc create clusterrolebinding {name} --clusterrole={name} {to}"


def allowed(examination: Examination, rule: Rule, verb: str, namespace: str) -> bool:
    """A SelfSubjectAccessReview, or a SubjectAccessReview about the service account. Raises RemoteError."""
    resource, _, below = rule.resource.partition("/")
    attributes = {"verb": verb, "group": rule.group, "resource": resource, "subresource": below, "namespace": namespace}
    spec: Json = {"resourceAttributes": {key: value for key, value in attributes.items() if value}}
    if examination.account is None:
        return _review(examination.cluster, "SelfSubjectAccessReview", spec)
    home, name = examination.account
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{home}", "system:authenticated"]
    spec |= {"user": f"system:serviceaccount:{home}:{name}", "groups": groups}
    return _review(examination.cluster, "SubjectAccessReview", spec)


def _review(cluster: ClusterPort, kind: str, spec: Json) -> bool:
    body: Json = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "metadata": {}, "spec": spec}
    answer = cluster.create(f"/apis/authorization.k8s.io/v1/{kind.lower()}s", body)
    return (answer.get("status") or {}).get("allowed") is True
