"""Every code block of the pages runs, and shows what stands below it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from . import pages

WITH_BLOCKS = [page for page in pages.PAGES if any(pages.blocks(page.read_text("utf-8")))]


def run(page: Path, folder: Path) -> None:
    """Run a page in a process and a folder of its own."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith("ATTOLOG")}
    done = subprocess.run(
        [sys.executable, "-W", "error", pages.__file__, page],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    run(page, tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('```python\nprint(1)\n```\n\n```text title="Output"\n2\n```\n', "instead of"),
        ("```python\n1 / 0\n```\n", "line 2"),
        ("```console\n$ false\n```\n", "exit status 1"),
        ("```console\n$ echo 1\n2\n```\n", "instead of"),
    ],
)
def test_a_block_that_is_wrong_is_found(text: str, complaint: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(AssertionError, match=complaint):
        run(page, tmp_path)


def test_times_and_places_of_an_output_may_differ() -> None:
    line = "2026-11-23T06:48:59.010557Z EVENT    request ms=1.5"
    assert pages.is_alike(line, line.replace("23T06", "24T17"))
    assert not pages.is_alike(line, line.replace("1.5", "1.6"))
    assert pages.is_alike("a\nb\nc", "a\n...\nc")
