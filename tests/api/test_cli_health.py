"""What `attolog doctor` tells of the machine."""

import importlib.util
import os
from pathlib import Path

import pytest

import attolog
from attolog import _core
from attolog._cli import health, main


def test_room_is_that_of_the_nearest_folder_there_is(tmp_path: Path) -> None:
    facts = os.statvfs(tmp_path)
    size = f"{facts.f_blocks * facts.f_frsize / (1 << 20):,.0f} MiB"
    assert f" of {size} are free there." in health.room(str(tmp_path / "not" / "there"))


def test_little_room_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Facts:
        f_bavail, f_blocks, f_frsize = 1024, 4096, 4096

    monkeypatch.setattr(os, "statvfs", lambda path: Facts)
    assert health.room(str(tmp_path)) == (
        "4 MiB of 16 MiB are free there. A ring takes 16 KiB to 4 MiB for each thread that logs."
    )


def test_the_clock_and_the_versions_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["doctor"])
    shown = capsys.readouterr().out
    assert f"attolog {attolog.__version__}, CPython " in shown
    assert ("(TSC)" in shown) is _core.is_tsc
    assert " are free there." in shown


def test_a_missing_extra_has_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "duckdb" else find(name)
    )
    assert "Without duckdb: pip install 'attolog[sql]' adds it." in list(health.of_machine())
