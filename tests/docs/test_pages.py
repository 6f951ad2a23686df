"""What the pages name exists: modules, files, links, targets of the Makefile, commands. The prose is for people to check."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from quaybridge_sdk.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts)],
    key=lambda page: page.as_posix(),
)
MODULE = re.compile(r"\bquaybridge_sdk(?:\.[A-Za-z_]\w*)*")
FILE = re.compile(r"`((?:src|docs|tests|deploy|entrypoints|benchmarks|requirements)/[\w./-]*)`")
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
TARGET = re.compile(r"`?\bmake ([a-z]+)\b")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
SUBCOMMAND = re.compile(r"\bquaybridge ([a-z]+)")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_of(page: Path) -> str:
    return "\n".join(CODE.findall(text_of(page)))


def anchors_of(page: Path) -> set[str]:
    """GitHub's rule for headings, which MyST follows."""
    titles = re.findall(r"^#+ +(.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def resolve(dotted: str) -> object:
    """The module, or what is in it, that a dotted name means; raises when there is none."""
    parts = dotted.split(".")
    found: object = import_module(parts[0])
    for number, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            import_module(".".join(parts[:number]))
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
class TestPage:
    def test_modules_exist(self, page: Path) -> None:
        for dotted in sorted(set(MODULE.findall(text_of(page)))):
            resolve(dotted)

    def test_files_exist(self, page: Path) -> None:
        missing = [name for name in FILE.findall(text_of(page)) if not (ROOT / name).exists()]
        assert missing == []

    def test_links_lead_somewhere(self, page: Path) -> None:
        for link in LINK.findall(CODE.sub("", text_of(page))):
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors_of(target), link

    def test_targets_of_make_exist(self, page: Path) -> None:
        targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
        assert set(TARGET.findall(code_of(page))) <= targets

    def test_commands_exist(self, page: Path) -> None:
        assert set(SUBCOMMAND.findall(code_of(page))) <= set(COMMANDS)


def test_readme_has_the_two_commands() -> None:
    assert {"demo", "test"} <= set(TARGET.findall(code_of(ROOT / "README.md")))


def test_changelog_begins_with_this_version() -> None:
    version = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["version"]
    first = re.search(r"^## \[(.+?)\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert first is not None
    assert first[1] == version


def test_every_page_has_a_place_in_the_table_of_contents() -> None:
    listed = set(
        re.findall(
            r"^([\w/*-]+)$",
            "\n".join(re.findall(r"```\{toctree\}.*?```", text_of(ROOT / "docs/index.md"), re.DOTALL)),
            re.MULTILINE,
        )
    )
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= listed


@pytest.mark.parametrize("dotted", ["quaybridge_sdk.nowhere", "quaybridge_sdk.plan.nothing"])
def test_a_name_that_is_gone_is_noticed(dotted: str) -> None:
    with pytest.raises((ModuleNotFoundError, AttributeError)):
        resolve(dotted)
