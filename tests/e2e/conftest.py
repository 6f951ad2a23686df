from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.running import World
from tests.e2e.running import world as make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with make_world(tmp_path) as made:
        yield made
