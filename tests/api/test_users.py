"""Root recovers other users' records as they could, and no others."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from attolog import _core
from attolog._cli import main
from attolog._cli.users import as_user, other_users

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be other users")

NOBODY = 65534
LEAVE = """
import os, sys
import attolog
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
log = attolog.AsyncFileLogger(sys.argv[1])
for i in range(12): log("E", i)
os._exit(0)
"""


@pytest.fixture
def path() -> Iterator[Path]:
    """A log file in a folder that everybody may write to; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder, "run.csv")


def leave(path: Path) -> None:
    subprocess.run([sys.executable, "-c", LEAVE, path], check=True)


def test_root_recovers_what_another_user_left(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    leave(path)
    assert main(["recover", "--check", str(path)]) == 1
    assert main(["recover", str(path)]) == 0
    assert f"{path}: recovered 12 records of 1 killed process\n" in capfd.readouterr().out
    assert path.read_text().count(",E,") == 12


def test_root_lists_the_circular_log_of_another_user_with_that_user_s_command(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = LEAVE.replace("AsyncFileLogger(sys.argv[1])", "CircularLogger(10, ring_dir=sys.argv[1])")
    code = "import attolog._native.save_triggers\n" + code  # which that user may not read
    rings = str(path.parent)
    process = subprocess.Popen([sys.executable, "-c", code, rings])
    assert process.wait() == 0
    assert main(["recover", "--all", "--check", "--ring-dir", rings]) == 1
    command = f"attolog recover {process.pid} -o FILE --ring-dir {rings} (as user {NOBODY})"
    left = f"killed process {process.pid} left a circular log of 10 records"
    assert f"{rings}/attolog-{NOBODY}: {left}: {command}\n" in capfd.readouterr().out


def test_root_writes_nothing_for_a_user_who_may_not(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    leave(path)
    os.chown(path, 0, 0)
    path.chmod(0o644)
    before = path.read_bytes()
    assert main(["recover", str(path)]) == 1
    assert "Permission denied" in capfd.readouterr().err
    assert path.read_bytes() == before
    os.chown(path, NOBODY, NOBODY)
    assert main(["recover", str(path)]) == 0
    assert path.read_text().count(",E,") == 12


def test_folders_that_belong_to_another_than_their_name_says_are_no_user_s(tmp_path: Path) -> None:
    for name, uid in (("attolog-0", 0), ("attolog-7", 7), ("attolog-8", 9), ("attolog-x", 7)):
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, uid, uid)
    assert other_users([str(tmp_path / "attolog-0")]) == [7]


def test_what_another_user_s_process_raises_is_raised() -> None:
    assert as_user(NOBODY, os.geteuid) == NOBODY
    with pytest.raises(OSError, match="Permission denied"):
        as_user(NOBODY, lambda: os.listdir("/root"))
    assert _core.places("run.csv")["homes"]
