"""What newer Pythons brought is under `attolog run` as under plain Python."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import attolog

from .programs import RUN, TIMEOUT, compare, environment

WITH_315 = pytest.mark.skipif(sys.version_info < (3, 15), reason="Python 3.15 has it")
WITH_314 = pytest.mark.skipif(sys.version_info < (3, 14), reason="Python 3.14 has it")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.mkdir()
    return path


def write(folder: Path, **sources: str) -> None:
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source))


# ---- children ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver", None])
def test_children_keep_the_columns_of_the_main_script(folder: Path, method: str | None) -> None:
    write(
        folder,
        app=f"""
        import multiprocessing
        def work(n):
            half = n / 2
            print("WORKS", n, half)
            print(f"{{n}} is done")
        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            for n in range(3):
                process = context.Process(target=work, args=(n,))
                process.start()
                process.join()
        """,
    )
    compare(folder, ["app.py"])
    records = list(attolog.read(folder / "app.atto").records())
    works = [record.fields for record in records if record.event == "WORKS"]
    assert works == [{"n": n, "half": n / 2} for n in range(3)]
    assert [record.fields for record in records if record.message] == [{"n": n} for n in range(3)]


FORK = """
import os, sys, threading
print("BEFORE", 1)
gate = threading.Event()
if {with_thread}:
    thread = threading.Thread(target=gate.wait)
    thread.start()
for i in range(3):
    pid = os.fork()
    if not pid:
        print("CHILD", i)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)
gate.set()
print("AFTER", 1)
"""


@pytest.mark.parametrize("with_thread", [False, True])
def test_a_fork_warns_of_the_program_s_own_threads_alone(folder: Path, with_thread: bool) -> None:
    write(folder, app=FORK.format(with_thread=with_thread))
    # That a warning names the process is all that differs.
    flags = ("-W", "always" if with_thread else "error")
    python = [sys.executable, *flags]
    told = []
    for command in (python, [*python, "-m", "attolog", "run"]):
        done = subprocess.run(
            [*command, "app.py"], cwd=folder, env=environment(folder.parent, PYTHONUNBUFFERED="1"),
            capture_output=True, text=True, timeout=TIMEOUT, check=False,
        )  # fmt: skip
        told.append((done.returncode, done.stdout, done.stderr.count("DeprecationWarning")))
    assert told[0] == told[1]
    assert (told[0][2] > 0) == (with_thread and sys.version_info >= (3, 12))


# ---- compilation ---------------------------------------------------------------------------------

FINALLY = """
def last(n):
    try:
        return 1 / n
    finally:
        return n
print("LAST", last(0))
"""


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("-W", "always"),
        ("-W", "error"),
        ("-W", "error::SyntaxWarning:__main__"),
        ("-W", "ignore::SyntaxWarning:module"),
    ],
    ids=" ".join,
)
def test_a_return_in_finally_is_warned_of_as_by_python(
    folder: Path, flags: tuple[str, ...]
) -> None:
    write(folder, app="import module\n" + FINALLY, module=FINALLY)
    since = {"error": (3, 14), "error::SyntaxWarning:__main__": (3, 15)}.get("".join(flags[-1:]))
    says_so = since is None or sys.version_info < since  # else it is not started
    compare(folder, ["app.py"], flags=flags, says_so=says_so, PYTHONDONTWRITEBYTECODE="1")


@WITH_315
def test_lazy_imports_stay_lazy(folder: Path) -> None:
    write(
        folder,
        app="""
        import sys
        lazy import used
        lazy import unused
        lazy from others import name
        lazy import json
        names = ("used", "unused", "others", "json")
        def is_there(): return [each for each in names if each in sys.modules]
        print("START", is_there())
        used.show()
        print("USED", is_there())
        print(f"{name} is a name, {is_there()}")
        print(type(globals()["unused"]).__name__)
        """,
        used="""
        __lazy_modules__ = ["others"]
        import others
        print("used is loaded", 1)
        def show(): print("SHOWN", 2)
        """,
        unused='print("unused is loaded", 1)',
        others='print("others is loaded", 1)\nname = "Ada"',
    )  # fmt: skip
    for flags in ((), ("-X", "lazy_imports=all")):
        compare(folder, ["app.py"], flags=flags)


# ---- what looks at the process from outside ------------------------------------------------------

BUSY = """
import pathlib
def work():
    n = 0
    while not pathlib.Path("stop").exists():
        for _ in range(100_000): n += 1
    return n
print("STARTED", 1, flush=True)
work()
"""


@WITH_315
def test_the_sampling_profiler_sees_the_program(folder: Path) -> None:
    write(folder, app=BUSY)
    profiles = []
    for command in ([sys.executable], RUN):
        (folder / "stop").unlink(missing_ok=True)
        with subprocess.Popen(
            [*command, "app.py"], cwd=folder, env=environment(folder.parent), stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            attached = subprocess.run(
                [sys.executable, "-m", "profiling.sampling", "attach", "-d", "1", str(process.pid)],
                capture_output=True, text=True, timeout=TIMEOUT, check=False,
            )  # fmt: skip
            (folder / "stop").touch()
        profiles.append(attached.stdout)
        if "(work)" not in profiles[0]:
            pytest.skip(f"this process may not be attached to: {attached.stderr[-200:]}")
    assert "(work)" in profiles[1]
    assert "app.py:9(<module>)" in profiles[1]


# ---- encodings -----------------------------------------------------------------------------------

BYTES = r"""
import os, sys
name = os.fsdecode(b"a\xffb")
print(sys.stdout.errors, sys.stdout.encoding, sys.stderr.errors, sys.flags.utf8_mode)
print("NAME", name)
print(f"name is {name}")
print(name)
print("%s of %d" % (name, 3))
sys.stdout.write(name + "\n")
print(f"on stderr {name}", file=sys.stderr)
for bad in ("\ud800", "x\udfffy"):
    for show in (lambda: print("BAD", bad), lambda: print(f"{bad} there"), lambda: print(bad)):
        try: show()
        except UnicodeEncodeError as error: print("error", error)
"""


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"PYTHONUTF8": "0"},
        {"PYTHONUTF8": "1"},
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "utf-8:surrogateescape"},
    ],
    ids=str,
)
def test_bytes_that_are_no_text_are_shown_as_they_were(folder: Path, more: dict[str, Any]) -> None:
    write(folder, app=BYTES)
    compare(folder, ["app.py"], **more)


# ---- subinterpreters -----------------------------------------------------------------------------


@WITH_314
def test_prints_of_subinterpreters_are_on_the_screen_in_order(folder: Path) -> None:
    write(
        folder,
        app="""
        from concurrent import interpreters
        from concurrent.futures import InterpreterPoolExecutor
        def work(n):
            print("WORKS", n, flush=True)
            return n * n
        if __name__ == "__main__":
            one = interpreters.create()
            for i in range(20):
                print("MAIN", i, flush=True)
                one.exec(f"import sys; print('sub', {i}, flush=True)")
                one.exec("print('err', file=sys.stderr)")
            try:
                one.exec("import attolog")
            except interpreters.ExecutionFailed as error:
                print("refused", error.excinfo.type.__name__, flush=True)
            one.close()
            with InterpreterPoolExecutor(1) as pool:
                for i in range(5):
                    print("RESULT", i, pool.submit(work, i).result(), flush=True)
        """,
    )
    plain = subprocess.run(
        [sys.executable, "app.py"], cwd=folder, env=environment(folder.parent), capture_output=True
    )
    ours = subprocess.run(
        [*RUN, "app.py"], cwd=folder, env=environment(folder.parent), capture_output=True
    )
    assert ours.returncode == plain.returncode == 0, ours.stderr
    assert b"refused ImportError" in ours.stdout
    assert ours.stdout.splitlines() == plain.stdout.splitlines()
    assert ours.stderr.startswith(plain.stderr)
    assert len(attolog.read(folder / "app.atto")["MAIN"]) == 20
