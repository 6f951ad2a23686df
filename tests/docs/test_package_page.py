"""What a package index shows: its links lead out of it, and the project's addresses are one."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HOME = PROJECT["urls"]["Homepage"]


def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("quaybridge_hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_of_the_readme_are_absolute_and_to_files_that_exist() -> None:
    metadata = {"urls": PROJECT["urls"]}
    hook().Readme(str(ROOT), {}).update(metadata)
    links = re.findall(r"\]\(([^)\s]+)\)", metadata["readme"]["text"])
    ours = [link.removeprefix(f"{HOME}/blob/main/") for link in links if link.startswith(HOME)]
    assert "docs/differences.md" in ours
    assert [name for name in ours if not (ROOT / name.partition("#")[0]).is_file()] == []
    assert [link for link in links if not link.startswith("https://")] == []


def test_other_links_stay() -> None:
    text = "[a](https://quay.io) [b](#here) [c](docs/x.md#y)"
    assert hook().absolute(text, "https://p") == "[a](https://quay.io) [b](#here) [c](https://p/blob/main/docs/x.md#y)"


def test_all_addresses_are_of_one_project() -> None:
    assert [url for url in PROJECT["urls"].values() if not url.startswith(HOME)] == []
    assert PROJECT["authors"]
