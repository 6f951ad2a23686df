"""The table of calls: names stay in their place, and each row is a route that a real Quay was seen to have."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.quay.support import recorded_request, recordings

from quaybridge_sdk.adapters.quay import routes
from quaybridge_sdk.adapters.quay.routes import Route, require_path_safe
from quaybridge_sdk.errors import InvalidNameError

TABLE = {name: row for name, row in vars(routes).items() if isinstance(row, Route)}


def test_names_are_put_into_the_path() -> None:
    names = {"organization": "c1_shop", "repository": "a/b.c", "robot": "c1_shop+builder"}
    call = routes.SET_PERMISSION.call(names, body={"role": "read"})
    assert str(call) == "PUT /api/v1/repository/c1_shop/a/b.c/permissions/user/c1_shop+builder"
    assert not call.is_read


def test_a_long_path_is_shortened_in_the_middle() -> None:
    call = routes.GET_ROBOT.call({"organization": "o" * 200, "robot": "builder"})
    assert len(str(call)) <= 125
    assert str(call).endswith("/robots/builder")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a?b", "a#b", "a%2Fb", "a b", "a\n", "é", "a\x00", "a\\b"])
def test_no_name_leaves_its_place(name: str) -> None:
    with pytest.raises(InvalidNameError):
        routes.GET_ORGANIZATION.call({"organization": name})


@pytest.mark.parametrize("name", ["", "/", "a//b", "../x", "a/..", "/a", "a/"])
def test_no_repository_leaves_its_place(name: str) -> None:
    with pytest.raises(InvalidNameError):
        routes.GET_REPOSITORY.call({"organization": "shop", "repository": name})


@given(st.from_regex(r"[a-z0-9]+([._-]{1,2}[a-z0-9]+)*", fullmatch=True))
def test_every_name_of_kubernetes_and_quay_fits(name: str) -> None:
    require_path_safe("organization", name)
    require_path_safe("repository", name)


@pytest.mark.parametrize("name", TABLE)
def test_each_row_was_answered_by_a_real_quay(name: str) -> None:
    """With its trailing slash or without: the wrong one is a redirect or a page."""
    row = TABLE[name]
    pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", re.escape(row.shape).replace(r"\{", "{").replace(r"\}", "}")))
    seen = [(*recorded_request(cassette, index), status) for cassette, index, status in recordings()]
    assert any(m == row.method and pattern.fullmatch(path) and status in (200, 201, 204) for m, path, status in seen)
