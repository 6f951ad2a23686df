"""Every check by its stable name, and what it looks at. The documentation's page lists the same; a test holds them together."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TOPICS: Mapping[str, str] = MappingProxyType(
    {
        "cluster": "The cluster",
        "rights": "Rights in the cluster",
        "integrations": "QuayIntegrations",
        "quay": "Quay",
        "webhook": "The admission webhook",
        "programs": "The running programs",
        "clocks": "Clocks",
    }
)
"""The topics in the order in which one would mend what they find, with their headings."""

CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "cluster.api": "the API server answers, and to whom",
        "cluster.version": "OpenShift 4.2 or later, or its Kubernetes",
        "cluster.groups": "each API group that the bridge uses is served",
        "cluster.crds": "the CRDs of QuayIntegration are there, serve their versions and keep all fields",
        "rights.account": "the service account of `--service-account` exists",
        "rights.rules": "each right that controller and webhook use",
        "integrations.present": "there is a QuayIntegration",
        "integrations.readable": "each of them can be read",
        "integrations.leaving": "one that is being deleted is not held up by a cleanup that nobody does",
        "integrations.overlap": "no namespace is covered by two",
        "integrations.clusterid": "the clusterID was chosen, not left to its default",
        "integrations.hostname": "the form of `quayHostname`",
        "integrations.prefix": "`organizationPrefix`, which has no effect",
        "integrations.secret": "the credentials Secret is there, has its key, and a token in it",
        "quay.reachable": "Quay answers: a wrong name, a closed port and silence are told apart",
        "quay.tls": "the certificate: expired, for another host, of an unknown CA; or not verified at all",
        "quay.health": "what Quay says of its own health, and whether it takes writes",
        "quay.version": "Quay's version",
        "quay.token": "the token is valid, and whose it is",
        "quay.superuser": "whether the token is a superuser's, and what follows",
        "quay.scopes": "each scope that a call of the bridge needs, as far as reading shows it",
        "webhook.configuration": "the MutatingWebhookConfiguration is there: by a known name, or by path and rule",
        "webhook.rules": "which builds it is asked about; its path, review versions, side effects, time-out and failure policy",
        "webhook.service": "the Service that it calls",
        "webhook.endpoints": "the Service has a ready pod behind it",
        "webhook.certificate": "the serving certificate: names, dates, and that it can be read",
        "webhook.trust": "the caBundle vouches for that certificate",
        "webhook.way": "the API server reaches the webhook, and a build is rewritten: one is tried, as a dry run, and not made",
        "programs.replicas": "the bridge runs, and how many replicas are ready",
        "programs.incumbent": "the Go operator does not act beside the bridge",
        "programs.lease": "who holds the leader's lease, and still renews it",
        "clocks.skew": "cluster, Quay and this machine agree on the time",
    }
)
