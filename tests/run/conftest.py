"""What tests of programs share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for a program."""
    made = tmp_path / "program"
    made.mkdir()
    return made
