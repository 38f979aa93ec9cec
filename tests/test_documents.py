"""Every code block of the documentation does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documents import blocks, execute

from snapstart_hooks import _settings

PROJECT = Path(__file__).parents[1]
PAGES = sorted([PROJECT / "README.md", *(PROJECT / "docs").glob("**/*.md")])


@pytest.mark.once
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_the_code_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    assert execute(page, tmp_path, PROJECT) == len(list(blocks(page)))


def test_a_block_that_does_not_do_what_it_says_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ echo one\ntwo\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="echo one"):
        execute(page, tmp_path, PROJECT)
    page.write_text("```python\nassert False\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        execute(page, tmp_path, PROJECT)
    page.write_text("```cobol\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="who can execute 'cobol'"):
        execute(page, tmp_path, PROJECT)


def test_every_variable_that_is_read_is_documented() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(_settings.__file__).parent.rglob("*.py"))
    page = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
    read = set(re.findall(r"SNAPSTART_HOOKS_[A-Z_]*[A-Z]", source))
    assert len(read) > 8
    assert {name for name in read if f"`{name}`" not in page} == set()
