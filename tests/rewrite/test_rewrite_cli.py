"""`attolog rewrite`: its modes, what it says, and what is wrong with files."""

import os
import pty
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from attolog._cli import main

BEFORE = 'import sys\n\nprint(f"{x} of {y}")\nprint("GEN", x)\nprint(x)\n'
AFTER = 'import sys\nfrom attolog import log\n\nlog("{x} of {y}", x, y)\nlog("GEN", x)\nprint(x)\n'
DIFF = r"""
--- {0}
+++ {0}
@@ -1,5 +1,6 @@
 import sys
+from attolog import log
{1}
-print(f"{{x}} of {{y}}")
-print("GEN", x)
+log("{{x}} of {{y}}", x, y)
+log("GEN", x)
 print(x)
"""[1:]


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text(BEFORE)
    return path


def run(capfd: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, str, str]:
    status = main(["rewrite", *map(str, args)])
    return status, *capfd.readouterr()


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


@pytest.mark.parametrize("mode", [[], ["--diff"]])
def test_a_diff_changes_nothing(
    app: Path, capfd: pytest.CaptureFixture[str], mode: list[str]
) -> None:
    status, out, err = run(capfd, *mode, app)
    assert status == 0
    assert out == DIFF.format(app, " ")
    assert err.splitlines() == [
        "Rewritten prints would leave standard output and go to the log, which "
        "ATTOLOG=run.log python app.py, or --entry app.py, turns on.",
        "3 prints: 2 could be rewritten, 1 left:",
        f"  {app}:5: plain values, which may be the program's output (--all takes them)",
        "To turn the log off: ATTOLOG=off python app.py",
    ]
    assert app.read_text() == BEFORE
    assert names(app.parent) == ["app.py"]


@pytest.mark.skipif(shutil.which("patch") is None, reason="there is no patch")
def test_a_diff_is_a_patch(app: Path, capfd: pytest.CaptureFixture[str]) -> None:
    app.write_bytes(b"# coding: latin-1\r\nx = '\xe9'\nprint(f'\xe9 {x}')")
    subprocess.run(
        ["patch", "--binary", str(app)],
        input=subprocess.run(
            [sys.executable, "-m", "attolog", "rewrite", app], capture_output=True, check=True
        ).stdout,
        check=True,
        capture_output=True,
    )
    assert app.read_bytes().endswith(b"log('\xe9 {x}', x)")


def test_a_diff_on_a_terminal_is_coloured(app: Path) -> None:
    main_end, terminal = pty.openpty()
    args = [sys.executable, "-m", "attolog", "rewrite", str(app)]
    subprocess.run(args, stdout=terminal, stderr=subprocess.DEVNULL, check=True)
    os.close(terminal)
    shown = b""
    while chunk := _read(main_end):
        shown += chunk
    os.close(main_end)
    assert b'\x1b[31m-print("GEN", x)\x1b[0m' in shown
    assert b'\x1b[32m+log("GEN", x)\x1b[0m' in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed, and all is read
        return b""


def test_write_and_undo(app: Path, capfd: pytest.CaptureFixture[str]) -> None:
    app.chmod(0o754)
    status, out, err = run(capfd, "--write", app)
    assert (status, out) == (0, "")
    assert err.startswith("Rewritten prints leave standard output")
    assert "3 prints: 2 rewritten, 1 left:\n" in err
    assert app.read_text() == AFTER
    assert stat.S_IMODE(app.stat().st_mode) == 0o754
    backup = app.with_name("app.py.orig")
    assert backup.read_text() == BEFORE
    assert names(app.parent) == ["app.py", "app.py.orig"]

    assert run(capfd, "--write", app)[:2] == (0, "")  # nothing is left to do
    assert app.read_text() == AFTER

    assert run(capfd, "--undo", app) == (0, "", "1 file put back\n")
    assert app.read_text() == BEFORE
    assert stat.S_IMODE(app.stat().st_mode) == 0o754
    assert names(app.parent) == ["app.py"]

    status, _, err = run(capfd, "--undo", app)
    assert status == 1
    assert err.startswith(f"attolog: {app}: no app.py.orig to put back")


def test_the_first_original_is_the_one_that_is_kept(
    app: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(capfd, "--write", app)
    assert run(capfd, "--write", "--all", app)[0] == 0
    assert "log.print(x)" in app.read_text()
    assert app.with_name("app.py.orig").read_text() == BEFORE
    run(capfd, "--undo", app)
    assert app.read_text() == BEFORE


def test_undo_spares_what_was_changed_since(app: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(capfd, "--write", app)
    changed = AFTER + 'print("NEW", x)\n'
    app.write_text(changed)
    os.utime(app, ns=(1, 1))
    status, _, err = run(capfd, "--undo", app)
    assert status == 1
    assert "was changed after it had been rewritten; the original is" in err
    assert app.read_text() == changed

    status, _, err = run(capfd, "--write", app)
    assert status == 1
    assert f"attolog: {app}.orig: is in the way: remove it, or use --undo; skipped\n" in err
    assert app.read_text() == changed


def test_check_names_what_could_be_rewritten(app: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capfd, "--check", app)
    assert status == 1
    assert out.splitlines() == [
        f'{app}:3: print(f"{{x}} of {{y}}") -> log("{{x}} of {{y}}", x, y)',
        f'{app}:4: print("GEN", x) -> log("GEN", x)',
    ]
    assert app.read_text() == BEFORE
    run(capfd, "--write", app)
    assert run(capfd, "--check", app)[:2] == (0, "")
    assert run(capfd, "--check", "--all", app)[0] == 1


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ("yn", ['log("{x} of {y}", x, y)', 'print("GEN", x)', "print(x)"]),
        ("ny", ['print(f"{x} of {y}")', 'log("GEN", x)', "print(x)"]),
        ("a", ['log("{x} of {y}", x, y)', 'log("GEN", x)', "print(x)"]),
        ("yq", ['log("{x} of {y}", x, y)', 'print("GEN", x)', "print(x)"]),
        ("nn", ['print(f"{x} of {y}")', 'print("GEN", x)', "print(x)"]),
    ],
)
def test_interactive_asks(
    app: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answers: str,
    expected: list[str],
) -> None:
    import io

    other = app.with_name("other.py")
    other.write_text('print("OTHER", x)\n')
    rest = "" if answers.endswith("q") else "n"
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers + rest) + "\n"))
    status, out, _ = run(capfd, "--interactive", app.parent)
    assert status == 0
    assert f'{app}:3\n-print(f"{{x}} of {{y}}")\n+log("{{x}} of {{y}}", x, y)\n' in out
    assert app.read_text().splitlines()[-3:] == expected
    assert other.read_text() == 'print("OTHER", x)\n'
    assert (f"{other}:1" in out) == (not answers.endswith("q"))


def test_folders_are_gone_through(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    taken = ["a.py", "b/c.py", "b/d.pyw"]
    skipped = [".git/a.py", "b/site-packages/a.py", "env/lib/a.py", "b/__pycache__/a.py", "a.txt"]
    for name in [*taken, *skipped]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('print("GEN", x)\n')
    (tmp_path / "env/pyvenv.cfg").touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    status, _, err = run(capfd, "--write", tmp_path, tmp_path / "a.py")
    assert status == 0
    assert "\n3 prints: 3 rewritten, 0 left\n" in err
    changed = [
        str(path.relative_to(tmp_path))
        for path in sorted(tmp_path.rglob("*"))
        if path.is_file() and "attolog" in path.read_text() and not path.is_symlink()
    ]
    assert changed == taken
    assert (tmp_path / "link.py").is_symlink()
    assert run(capfd, "--undo", tmp_path) == (0, "", "3 files put back\n")
    assert not any(name.endswith(".orig") for name in names(tmp_path))


def test_a_file_that_is_named_is_taken_wherever_it_is(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".hidden" / "script"
    path.parent.mkdir()
    path.write_text('print("GEN", x)\n')
    assert run(capfd, "--write", path)[0] == 0
    assert "log(" in path.read_text()


def test_the_entry_file_turns_the_log_on(
    tmp_path: Path, app: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    app.write_text('x = 7\nprint("GEN", x)\nprint("two words")\n')
    for mode, said in ([], "would go"), (["--write"], "go"):
        status, _, err = run(capfd, *mode, app, "--entry", app)
        assert status == 0
        show = said.replace("go", "still show")
        assert err.splitlines()[0] == (
            f"Rewritten prints {said} to the log, which {app} turns on, and {show} on the terminal."
        )
    env = {key: value for key, value in os.environ.items() if not key.startswith("ATTOLOG")}
    done = subprocess.run(
        [sys.executable, app], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    (log,) = (tmp_path / "logs").glob("debug_*.log")
    assert done.stdout == f"[INFO] Debug logging to: logs/{log.name}\nGEN 7\ntwo words\n"
    lines = log.read_text().splitlines()
    assert lines[0].endswith(" EVENT    GEN x=7")
    assert lines[1] == "two words"


def test_what_is_wrong_with_files_is_told_and_the_others_are_done(
    tmp_path: Path, app: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "python2.py").write_text('print "x"\n')
    (tmp_path / "bytes.py").write_bytes(b"print('\xff')\n")
    os.mkfifo(tmp_path / "pipe.py")
    status, _, err = run(capfd, "--write", tmp_path)
    assert status == 1
    told = [line for line in err.splitlines() if line.startswith("attolog: ")]
    assert [line.split(": ")[1] for line in told] == [
        str(tmp_path / name) for name in ("bytes.py", "pipe.py", "python2.py")
    ]
    assert all(line.endswith("; skipped") for line in told)
    assert "line 1" in told[2]
    assert app.read_text() == AFTER


@pytest.mark.parametrize("option", [[], ["--entry"]])
def test_nothing_is_done_where_a_name_is_wrong(
    app: Path, option: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    missing = app.with_name("missing.py")
    status, out, err = run(capfd, "--write", app, *option, missing)
    assert (status, out, err) == (1, "", f"attolog: {missing}: No such file or directory\n")
    assert app.read_text() == BEFORE


def test_a_folder_that_cannot_be_read_is_told(
    app: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = app.parent / "closed"
    closed.mkdir()
    real = os.scandir

    def scandir(path: Any) -> Any:  # root may read anything
        if path == str(closed):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    status, _, err = run(capfd, "--write", app.parent)
    assert status == 1
    assert f"attolog: {closed}: Permission denied; skipped\n" in err
    assert app.read_text() == AFTER


def test_a_file_that_must_not_be_written_is_left(
    app: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may write anything
    status, _, err = run(capfd, "--write", app)
    assert status == 1
    assert f"attolog: {app}: not writable; skipped" in err
    assert app.read_text() == BEFORE
    assert names(app.parent) == ["app.py"]


@pytest.mark.parametrize("failing", ["mkstemp", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_is_interrupted_leaves_the_file_as_it_was(
    app: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
    error: BaseException,
) -> None:
    import tempfile

    owner: Any = tempfile if failing == "mkstemp" else os
    real = getattr(owner, failing)
    calls = 0

    def fail(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:  # the backup is there, the file is next
            raise error
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, failing, fail)
        try:
            assert run(capfd, "--write", app)[0] in (1, 130)
        except KeyboardInterrupt:
            assert isinstance(error, KeyboardInterrupt)
    assert calls == 2
    assert app.read_text() == BEFORE
    assert names(app.parent) == ["app.py", "app.py.orig"]

    assert run(capfd, "--write", app)[0] == 0  # the backup that is there is no hindrance
    assert app.read_text() == AFTER
    assert run(capfd, "--undo", app)[0] == 0
    assert app.read_text() == BEFORE


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "PATH... is missing (see attolog rewrite --help)"),
        (["a.py", "--write", "--check"], "--write and --check do not go together"),
        (["a.py", "--undo", "--all"], "--undo goes without --all and --entry"),
        (["a.py", "--wirte"], "there is no option '--wirte'; did you mean '--write' or '"),
    ],
)
def test_wrong_usage(args: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capfd, *args)
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
