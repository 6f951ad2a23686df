"""Each example of the page on embedding runs when it is copied alone. (As one document they run by the top ``conftest.py``.)"""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: textwrap.shorten(block.splitlines()[-1], 40))
def test_block_runs_alone(block: str, tmp_path: Path) -> None:
    namespace: dict[str, object] = {"__name__": "copied"}
    exec(compile(block, str(PAGE), "exec"), namespace)
    tests = [value for name, value in namespace.items() if name.startswith("test_") and callable(value)]
    for number, test in enumerate(tests):
        folder = tmp_path / str(number)
        folder.mkdir()
        test(*(folder for name in inspect.signature(test).parameters if name == "tmp_path"))


def test_all_blocks_were_found() -> None:
    assert len(BLOCKS) == PAGE.read_text(encoding="utf-8").count("```python")
    assert sum("def test_" in block for block in BLOCKS) == 3
