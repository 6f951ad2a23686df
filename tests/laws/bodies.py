"""QuayIntegrations as the API gives them, right and wrong."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st
from tests.laws.strategies import any_text, namespaces, words

from quaybridge_sdk.model.integration import GROUP, SEED_GROUP

_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=8)
_nested = _scalars | st.lists(_scalars, max_size=3) | st.dictionaries(st.text(max_size=6), _scalars, max_size=3)
json_values: st.SearchStrategy[Any] = (
    _nested | st.lists(_nested, max_size=3) | st.dictionaries(st.text(max_size=6), _nested, max_size=3)
)


def often(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what belongs there, and sometimes any JSON value."""
    return st.one_of(good, good, good, good, json_values)


def bodies() -> st.SearchStrategy[dict[str, Any]]:
    """QuayIntegrations as the API gives them, of both generations; every field may be missing, right or nonsense."""
    text = st.one_of(words, any_text)
    endpoint = st.one_of(
        st.sampled_from(
            [
                "quay.example.com",
                "https://Q.example.com:8443/",
                "http://q.example",
                "q",
                "https://q:bad port",
                "",
                "q:99999",
                "q:65535",
            ]
        ),
        any_text,
    )
    secret = st.fixed_dictionaries({"namespace": words, "name": words}, optional={"key": text})
    right: dict[str, st.SearchStrategy[Any]] = {
        "clusterID": text,
        "quayHostname": endpoint,
        "credentialsSecret": secret,
        "credentialsSecretName": st.sampled_from(["a/b", "ab", "/", "a/b/c", "a/"]) | any_text,
        "organizationPrefix": text,
        "insecureRegistry": st.booleans(),
        "scheduledImageStreamImport": st.booleans(),
        "caBundle": st.sampled_from(["", "é", "!", "AAAA", "/w==", base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()])
        | any_text,
        "failurePolicy": st.sampled_from(["Fail", "Ignore", "fail"]),
        **dict.fromkeys(
            ("allowlistNamespaces", "denylistNamespaces", "whitelistNamespaces", "blacklistNamespaces"),
            st.lists(namespaces, max_size=3),
        ),
    }
    spec = st.fixed_dictionaries({}, optional={key: often(value) for key, value in right.items()})
    metadata = st.fixed_dictionaries(
        {}, optional={"name": often(words), "uid": often(words), "generation": often(st.integers(0, 9)), "extra": json_values}
    )
    versions = st.sampled_from([f"{GROUP}/v1", f"{SEED_GROUP}/v1alpha1"]) | json_values
    whole = st.fixed_dictionaries({}, optional={"apiVersion": versions, "metadata": often(metadata), "spec": often(spec)})
    complete = st.fixed_dictionaries(
        {
            "apiVersion": versions,
            "metadata": st.fixed_dictionaries({"name": words}),
            "spec": st.fixed_dictionaries(
                {
                    "quayHostname": st.just("https://quay.example.com"),
                    "credentialsSecret": secret,
                    "credentialsSecretName": st.just("a/b"),
                },
                optional={key: value for key, value in right.items() if not key.startswith(("quay", "credentials"))},
            ),
        }
    )
    return st.one_of(whole, complete)
