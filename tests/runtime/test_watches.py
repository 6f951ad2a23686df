from __future__ import annotations

import logging
from collections.abc import Mapping

import pytest

from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.watches import tell_of_watches


def test_a_watch_that_stays_broken_is_told_of_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "quaybridge_sdk.runtime.watches")
    looks: list[Mapping[str, str]] = [{}, {"/a": "503"}, {}, {"/a": "503"}, {"/a": "503", "/b": "401"}, {"/a": "503"}, {}, {}]
    metrics, gauges, given = Metrics(), list[float](), iter(looks)

    def wait(seconds: float) -> bool:
        gauges.append(float(metrics.registry.get_sample_value("quaybridge_watches_failing") or 0))
        return len(gauges) > len(looks)

    tell_of_watches(lambda: next(given), metrics, wait)
    assert gauges[1:] == [len(look) for look in looks]
    assert [(record.levelname, record.getMessage().partition(" ")[0]) for record in caplog.records] == [
        ("WARNING", "/a"),
        ("INFO", "/a"),
    ]
    assert "503" in caplog.text
