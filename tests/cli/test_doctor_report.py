from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from quaybridge_sdk.cli.doctor.catalogue import CHECKS, TOPICS
from quaybridge_sdk.cli.doctor.examine import TOPICS as EXAMINED
from quaybridge_sdk.cli.doctor.finding import bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.report import as_json, as_text, passed

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
FINDINGS = (
    good("cluster.api", "https://api", "answers to you"),
    doubtful("quay.tls", "https://quay", "a long sentence about what is not verified here and why that may matter", "think"),
    bad("webhook.service", "Service a/b", "there is none", "make it", "oc apply -f - <<'END'\na: b\nEND", "oc get svc"),
    unsure("quay.version", "https://quay", "Quay does not tell"),
)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_text_fits_the_columns_and_commands_stay_whole(width: int) -> None:
    lines = list(as_text(FINDINGS, width))
    assert all(len(line) <= width or line.lstrip().startswith("$") for line in map(plain, lines))
    assert "      $ oc get svc" in lines
    assert "\n".join(lines).find("oc apply -f - <<'END'\na: b\nEND") > 0
    assert plain(lines[-1]) == "1 failed, 1 warnings, 1 not checked, 1 good"


def plain(line: str) -> str:
    return click.unstyle(line)


def test_json_has_the_documented_keys() -> None:
    document = json.loads(as_json(FINDINGS))
    assert set(document) == {"format", "ok", "summary", "findings"}
    assert document["summary"] == {"ok": 1, "warning": 1, "failure": 1, "not_checked": 1}
    assert {key for row in document["findings"] for key in row} == {
        "topic", "check", "subject", "status", "detail", "mend", "commands"
    }  # fmt: skip


def test_only_a_failure_fails() -> None:
    assert not passed(FINDINGS)
    assert passed([f for f in FINDINGS if f.topic != "webhook"])


def test_the_documentation_lists_every_check() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, what in CHECKS.items():
        assert f"| `{name}` | {what} |" in page
    assert set(EXAMINED) == set(TOPICS) == {name.partition(".")[0] for name in CHECKS}


def test_the_page_warns_before_it_prints_all_commands() -> None:
    before, _, _ = PAGE.read_text(encoding="utf-8").partition("| jq ")
    assert "Read them before you run any" in before.rpartition("\n## ")[2]
