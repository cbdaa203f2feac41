"""How a program starts, and how it is ended."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import attolog
from attolog._run.options import Options, UsageError, parse

from .programs import RUN, TIMEOUT, compare, environment, run, without_closing

SHOW = """
import sys
print("GEN", __name__, __file__, __package__, getattr(__spec__, "name", None))
print(sys.argv, sys.path[0], sys.orig_argv, __loader__.name, sorted(vars()))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "it"
    (folder / "pkg").mkdir(parents=True)
    (folder / "app.py").write_text(SHOW)
    (folder / "__main__.py").write_text(SHOW)
    (folder / "pkg" / "__init__.py").write_text("")
    (folder / "pkg" / "__main__.py").write_text(SHOW)
    (folder / "pkg" / "part.py").write_text(SHOW + "raise ValueError('x')\n")
    (folder / "link.py").symlink_to("pkg/part.py")
    with zipfile.ZipFile(folder / "app.zip", "w") as file:
        file.writestr("__main__.py", SHOW)
    return folder


@pytest.mark.parametrize(
    "args",
    [
        ["./app.py"],
        ["pkg/../app.py", "-x", "--", "-m"],
        ["link.py"],
        ["-m", "app", "-o", "x"],
        ["-m", "pkg"],
        ["-m", "pkg.part"],
        ["-m", "pkg.__main__"],
        ["pkg"],
        ["."],
        ["app.zip"],
        ["-m", "missing"],
        ["-m", "pkg.missing"],
        ["-m", "missing.part"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("flags", [[], ["-P"], ["-O", "-X", "dev"]], ids=" ".join)
def test_a_program_starts_as_ever(folder: Path, args: list[str], flags: list[str]) -> None:
    is_lost = "-P" in flags and args[0] == "-m"  # the folder is not in sys.path
    is_found = not is_lost and not any("missing" in each for each in args)
    compare(folder, args, flags=flags, says_so=is_found)


@pytest.mark.parametrize(
    ("source", "args"),
    [
        (None, ["missing.py"]),
        (None, ["empty"]),
        (b"x = = 3\n", ["app.py"]),
        (b"def f():\n    nonlocal x\nprint('GEN', 1)\n", ["app.py"]),
        (b"print('GEN', 1)\n\0\n", ["app.py"]),
        (b"print('\xe9', 1)\n", ["app.py"]),
        (b"# coding: nonsense\nprint('GEN', 1)\n", ["app.py"]),
        (b"  print('GEN', 1)\n", ["app.py", "an", "arg"]),
    ],
)
def test_a_program_that_does_not_start(folder: Path, source: bytes | None, args: list[str]) -> None:
    (folder / "empty").mkdir()
    if source is not None:
        (folder / "app.py").write_bytes(source)
    ran = compare(folder, args, says_so=False)
    # Python 3.11.2 ends a source at a NUL; later ones refuse it.
    assert ran.status != 0 or (source is not None and b"\0" in source)


@pytest.mark.parametrize("args", [["-m", "missing"], ["-m", "pkg.missing"], ["empty"]])
def test_a_program_that_is_not_found_leaves_no_log(folder: Path, args: list[str]) -> None:
    (folder / "empty").mkdir()
    ran = run([*RUN, *args], folder)
    assert (ran.out, ran.err.count(b"\n"), ran.status) == (b"", 1, 1)
    assert list(folder.glob("*.atto")) == []


def test_prints_of_the_package_of_a_missing_program_are_logged(folder: Path) -> None:
    (folder / "pkg" / "__init__.py").write_text("print('imported')\n")
    ran = run([*RUN, "-m", "pkg.missing"], folder)
    assert without_closing(ran.err).endswith(b"No module named pkg.missing\n")
    records = attolog.read(folder / "missing.atto").records()
    assert next(records).message == "imported\n"


def test_a_program_that_is_not_found_leaves_the_log_of_an_earlier_run(folder: Path) -> None:
    run([*RUN, "-o", "run.atto", "app.py"], folder)
    before = len(list(attolog.read(folder / "run.atto").records()))
    assert run([*RUN, "-o", "run.atto", "-m", "missing"], folder).status == 1
    assert len(list(attolog.read(folder / "run.atto").records())) >= before > 0


def test_an_encoding_of_the_source(folder: Path) -> None:
    (folder / "app.py").write_bytes("# coding: latin-1\nprint(f'é {1}')\n".encode("latin-1"))
    assert compare(folder, ["app.py"]).out == "é 1\n".encode()
    (folder / "app.py").write_bytes("print(f'é {1}')\r\nprint('GEN', 2)\r\n".encode("utf-8-sig"))
    compare(folder, ["app.py"])


@pytest.mark.parametrize(
    "encoding", ["latin-1", "ascii:replace", "utf-16", "utf-8:surrogateescape"]
)
@pytest.mark.parametrize("how", ["pipe", "pty"])
def test_the_encoding_of_the_streams(folder: Path, encoding: str, how: str) -> None:
    (folder / "app.py").write_text(
        "import sys\nprint('é', 1)\nprint(f'é {2}')\nsys.stdout.write('é\\n')\n"
        "sys.stdout.buffer.write(b'\\xff\\n')\nsys.stdout.flush()\n"
        "print('é', file=sys.stderr)\nprint(sys.stdout.encoding, sys.stdout.errors)\n"
    )
    compare(folder, ["app.py"], how, PYTHONIOENCODING=encoding, PYTHONUNBUFFERED="1")


def test_streams_that_are_closed(folder: Path) -> None:
    (folder / "app.py").write_text("import sys\nprint('GEN', 1)\nsys.exit(sys.stdout is None)\n")
    for closed in (">&-", "2>&-", "<&-"):
        shell = f'exec "$@" {closed}'
        plain = run(["sh", "-c", shell, "-", sys.executable, "app.py"], folder)
        ours = run(["sh", "-c", shell, "-", *RUN, "app.py"], folder)
        assert (ours.out, ours.status) == (plain.out, plain.status), closed


def test_the_programs_folder_hides_modules_of_python(folder: Path) -> None:
    for name in ("ast", "symtable", "tokenize", "dataclasses", "string", "click", "marshal"):
        (folder / f"{name}.py").write_text(f"print('own', {name!r})\n")
    (folder / "app.py").write_text(
        "import ast, symtable, tokenize, dataclasses, string, click, later\nprint('GEN', 1)\n"
    )
    (folder / "later.py").write_text("print('later', 1)\n")
    compare(folder, ["app.py"])
    (folder / "later.py").write_text("print('later', 2)\n")  # the others are known by now
    compare(folder, ["app.py"])


def test_coverage_is_the_same(folder: Path) -> None:
    pytest.importorskip("coverage")
    (folder / "app.py").write_text(
        "import helper\nfor i in range(2):\n    helper.show(\n        i\n    )\n"
        "if i > 5:\n    print('never', i)\n"
    )
    (folder / "helper.py").write_text(
        "def show(n):\n    print(\n        'GEN',\n        n,\n    )\n    if n:\n"
        "        print(f'n is {n}')\n    else:\n        print('none', n)\n"
    )
    compare(folder, ["-m", "coverage", "run", "--branch", "app.py"])
    report = [sys.executable, "-m", "coverage", "report", "-m"]
    ours = run(report, folder)
    assert run([sys.executable, "-m", "coverage", "run", "--branch", "app.py"], folder).status == 0
    assert run(report, folder) == ours
    assert b"app.py" in ours.out


def test_pdb(folder: Path) -> None:
    (folder / "app.py").write_text(
        "def show(n):\n    m = n\n    print('GEN', m)\n    print(f'n is {n}')\n\nshow(3)\n"
    )
    commands = b"b app.py:4\nc\np n\nw\ns\nn\nq\n"
    compare(folder, ["-m", "pdb", "app.py"], stdin=commands)
    (folder / "main.py").write_text("import pdb, app\npdb.run('app.show(4)')\n")
    compare(folder, ["main.py"], stdin=b"s\nn\nn\np m\nn\nw\nc\n")


PIPED = {
    "not caught": "for i in range(200000):\n    print('line', i)\n",
    "at the end": "print('GEN', 1)\n",
    "caught, as Python's manual has it": (
        "import os, sys\ntry:\n    for i in range(200000):\n        print('line', i)\n"
        "    sys.stdout.flush()\nexcept BrokenPipeError:\n"
        "    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())\n    sys.exit(3)\n"
    ),
}


@pytest.mark.parametrize("name", PIPED)
def test_a_pipe_that_nobody_reads(folder: Path, name: str) -> None:
    """The reading end is closed before the program writes."""
    (folder / "app.py").write_text(PIPED[name])
    seen = []
    for command in ([sys.executable], RUN):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*command, "app.py"], cwd=folder, env=environment(folder.parent), stdout=writing,
            stderr=subprocess.PIPE, timeout=TIMEOUT, check=False,
        )  # fmt: skip
        os.close(writing)
        err = done.stderr if command != RUN else without_closing(done.stderr)
        seen.append((done.returncode, err.splitlines()[-1:], err.count(b"BrokenPipeError")))
    assert seen[0] == seen[1]


def start(folder: Path, *args: str, fd: int | None = None) -> tuple[subprocess.Popen[bytes], int]:
    """Start a program whose standard output is a pipe; its reading end. It may inherit `fd`."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [*RUN, *args], cwd=folder, env=environment(folder.parent), stdout=writing,
        stderr=subprocess.PIPE, pass_fds=() if fd is None else (fd,),
    )  # fmt: skip
    os.close(writing)
    return process, reading


READY = "fcntl.flock(int(sys.argv[1]), fcntl.LOCK_UN)"
"""How a program says that it has printed all. A lock of a regular file waits for no screen in a
program without children."""


def start_until_ready(folder: Path, source: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a program, and come back when it says `READY`; its output is not read meanwhile."""
    (folder / "app.py").write_text(f"import fcntl, os, signal, sys\n{source}")
    with (folder / "lock").open("w") as theirs, (folder / "lock").open() as ours:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        started = start(folder, "app.py", str(theirs.fileno()), fd=theirs.fileno())
        fcntl.flock(ours, fcntl.LOCK_SH)
    return started


def read_line(reading: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(reading, 1)
    return line


def test_ctrl_c_ends_by_the_signal(folder: Path) -> None:
    (folder / "app.py").write_text("import signal\nprint('GEN', 1)\nsignal.pause()\n")
    process, reading = start(folder, "app.py")
    assert read_line(reading) == b"GEN 1\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT)
    os.close(reading)
    assert process.returncode == -signal.SIGINT
    assert without_closing(err).endswith(b"\nKeyboardInterrupt\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_do_not_wait_for_a_screen_that_is_stuck(
    folder: Path, number: signal.Signals
) -> None:
    process, reading = start_until_ready(
        folder,
        f"for i in range(100000):\n    print('line', i)\n{READY}\nsignal.pause()\n",
    )
    process.send_signal(number)
    _, err = process.communicate(timeout=TIMEOUT)
    os.close(reading)
    assert process.returncode == -number
    log = b"app.atto" if number == signal.SIGINT else os.fsencode(folder / "app.atto")
    assert b"attolog: the screen has not taken all texts; " + log + b" has them\n" in err
    assert attolog.read(folder / "app.atto").events["line"] == 100000


def test_quiet_shows_only_errors(folder: Path) -> None:
    (folder / "app.py").write_text(
        "import sys\nprint('GEN', 1)\nprint('x')\nsys.stdout.write('y\\n')\n"
        "print(f'bad {1}', file=sys.stderr)\n1 / 0\n"
    )
    ours = run([*RUN, "--quiet", "app.py"], folder)
    plain = run([sys.executable, "app.py"], folder)
    assert ours.out == b""
    assert without_closing(ours.err) == plain.err
    records = list(attolog.read(folder / "app.atto").records())
    assert records[0].event == "GEN"
    text = "".join(record.message or "" for record in records[1:])
    assert text.startswith("x\ny\nbad 1Traceback (most recent call last):\n")
    assert text.endswith("\nZeroDivisionError: division by zero\n")


def test_logging_is_taken_too(folder: Path) -> None:
    (folder / "app.py").write_text(
        "import logging\nlogging.basicConfig()\nlogging.getLogger('app').warning('n is %d', 3)\n"
        "logging.getLogger('app').error('bad %d', 'x')\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('oops')\n"
    )
    compare(folder, ["app.py"], options=["--logging"])
    rows = [
        record.fields
        for record in attolog.read(folder / "app.atto").records()
        if record.event == "LOGGING"
    ]
    assert [(row["logger"], row["level_"], row["message_"]) for row in rows] == [
        ("app", "WARNING", "n is 3"),
        ("app", "ERROR", "bad %d"),
        ("root", "ERROR", "oops"),
    ]
    assert rows[0]["line_no"] == 3
    assert "ZeroDivisionError" in str(rows[2]["exception"])


def test_the_closing_line(folder: Path) -> None:
    (folder / "app.py").write_text("for i in range(1234):\n    print('GEN', i)\n")
    done = run([*RUN, "app.py"], folder)
    assert done.err.startswith(b"1,234 prints, 0 lost, 0.0")
    assert done.err.endswith(b" s of the program's time -> app.atto\n")
    (folder / "app.py").write_text("print('GEN', 1)\n")
    done = run([*RUN, "-o", "logs/other.atto", "app.py"], folder)
    assert done.err.startswith(b"1 print, 0 lost, ")
    assert attolog.read(folder / "logs" / "other.atto").events == {"GEN": 1}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "a program is missing: FILE, -m MODULE or -c CODE (see attolog run --help)"),
        (["-m"], "-m needs a value (see attolog run --help)"),
        (["-o"], "--output needs a value (see attolog run --help)"),
        (["--nonsense", "app.py"], "no such option: --nonsense (see attolog run --help)"),
        (["-o", "app.docx", "app.py"], None),
        (["-o", "/proc/none/app.atto", "app.py"], None),
        (["app.pyc"], "app.pyc is bytecode; its source is wanted"),
    ],
)
def test_what_is_wrong_is_one_line(folder: Path, args: list[str], message: str | None) -> None:
    done = run([*RUN, *args], folder)
    assert (done.status, done.out) == (2, b"")
    (line,) = done.err.decode().splitlines()
    assert line == f"attolog: {message}" if message else line.startswith("attolog: ")


def test_help(folder: Path) -> None:
    for args in (["--help"], ["-h"], ["-o", "x.atto", "--help", "app.py"]):
        done = run([*RUN, *args], folder)
        assert done.status == 0
        assert done.out.startswith(b"Usage: attolog run [OPTIONS] FILE [ARGS]...\n")
    listed = run([sys.executable, "-m", "attolog", "--help"], folder)
    assert b"  run " in listed.out


def test_options_are_read_up_to_the_program() -> None:
    assert parse(["a.py", "-o", "x"]) == Options("a.py", ("-o", "x"))
    assert parse(["-ox.atto", "-mpkg", "--help"]) == Options("pkg", ("--help",), True, "x.atto")
    assert parse(
        ["--output=x.atto", "--include", "a", "--include=b", "--quiet", "--", "-x.py"]
    ) == (Options("-x.py", (), output="x.atto", include=("a", "b"), quiet=True))
    assert parse(["-h"]) is None
    with pytest.raises(UsageError):
        parse(["--"])


def test_the_records_are_those_of_the_rewritten_program(folder: Path) -> None:
    source = (
        "import sys\nclass Task:\n    id = 7\n    name = 'r50'\n"
        "task, n, dt, q = Task(), 3, 0.25, [1]\n"
        "print('GEN', task.id, len(q), n + 1, 2.5, None)\n"
        "print(f'[{task.name}] {task.id} took {dt:.3f}s, {n + 1} {n!r:>4}')\n"
        "print('Generated', n, 'requests', task)\n"
        "print('%d of %.1f and %s' % (n, dt, task.id))\n"
        "print('a' + str(n) + 'b' + repr(q))\n"
        "print('{} of {:>5}'.format(n, task.name))\n"
        "print(f'{q} {q.pop()}')\n"
        "print('bad', n, file=sys.stderr)\n"
    ).replace("    name", "    __str__ = lambda self: 'task'\n    name")
    (folder / "app.py").write_text(source)
    compare(folder, ["app.py"])
    (folder / "new.py").write_text(source)
    command = [sys.executable, "-m", "attolog"]
    assert run([*command, "rewrite", "--write", "new.py"], folder).status == 0
    assert run([sys.executable, "new.py"], folder, ATTOLOG="new.atto").status == 0
    ours, theirs = attolog.read(folder / "app.atto"), attolog.read(folder / "new.atto")
    assert ours.events == theirs.events
    for one, other in zip(ours.records(), theirs.records(), strict=True):
        assert (one.event, one.level, one.message, one.fields) == (
            other.event,
            other.level,
            other.message,
            other.fields,
        )


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_that_are_terminated_have_shown_what_they_printed(
    folder: Path, method: str
) -> None:
    (folder / "app.py").write_text(
        "import multiprocessing\n"
        "def work(n):\n    print(f'worker did {n}', flush=True)\n    return n\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context({method!r}).Pool(1) as pool:\n"
        "        pool.map(work, range(3))\n"  # the pool ends them by SIGTERM
    )
    ours = run([*RUN, "app.py"], folder)
    assert ours.out == b"worker did 0\nworker did 1\nworker did 2\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_that_nobody_handles_end_it_with_all_shown(
    folder: Path, number: signal.Signals
) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("ignored here, as under nohup, and so in the program")
    (folder / "app.py").write_text("import signal\nprint('GEN', 1)\nsignal.pause()\n")
    process, reading = start(folder, "app.py")
    assert read_line(reading) == b"GEN 1\n"
    process.send_signal(number)
    process.communicate(timeout=TIMEOUT)
    os.close(reading)
    assert process.returncode == -number


def test_a_handler_of_the_programs_own_gets_the_signal(folder: Path) -> None:
    (folder / "app.py").write_text(
        "import os, signal\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
        "signal.signal(signal.SIGTERM, lambda *args: print('handled', 1))\n"
        "os.kill(os.getpid(), signal.SIGTERM)\nprint('after', 2)\n"
    )
    compare(folder, ["app.py"])


def test_os_exit_waits_for_a_slow_reader(folder: Path) -> None:
    # All is printed, and little of it shown.
    process, reading = start_until_ready(
        folder, f"for i in range(60000):\n    print('line', i)\n{READY}\nos._exit(3)\n"
    )
    with open(reading, "rb") as shown:
        assert shown.read().splitlines()[-1] == b"line 59999"
    process.communicate(timeout=TIMEOUT)
    assert process.returncode == 3


def test_what_is_no_journal_is_not_written_to(folder: Path) -> None:
    (folder / "app.py").write_text("print('GEN', 1)\n")
    (folder / "app.atto").write_text("dear diary\n")
    ours = run([*RUN, "app.py"], folder)
    assert (ours.out, ours.status) == (b"", 2)
    assert ours.err == b"attolog: app.atto is no journal; -o FILE puts the log elsewhere\n"
    assert (folder / "app.atto").read_text() == "dear diary\n"


def test_a_program_that_prints_nothing_leaves_no_file(folder: Path) -> None:
    (folder / "app.py").write_text("x = 1\n")
    assert run([*RUN, "app.py"], folder).status == 0
    assert not (folder / "app.atto").exists()


def test_children_alone_may_have_printed(folder: Path) -> None:
    (folder / "app.py").write_text(
        "import os\nif os.fork() == 0:\n    print('GEN', 1)\nelse:\n    os.wait()\n"
    )
    assert run([*RUN, "app.py"], folder).out == b"GEN 1\n"
    assert attolog.read(folder / "app.atto").events == {"GEN": 1}


def test_waiting_is_counted_as_it_was(folder: Path) -> None:
    """And not as many times as the print that waited stands for."""
    (folder / "app.py").write_text(
        "import time\nstart = time.perf_counter()\n"
        "for i in range(300000):\n    print(f'line {i} of many that do not fit into the ring')\n"
        "open('took', 'w').write(str(time.perf_counter() - start))\n"
    )
    err = run([*RUN, "app.py"], folder).err.decode()
    said = re.search(r"300,000 prints, 0 lost, ([\d.]+) s", err)
    assert said is not None, err
    assert float(said[1]) <= float((folder / "took").read_text()) + 0.01


def test_a_full_disk_does_not_stop_the_screen(folder: Path) -> None:
    (folder / "app.py").write_text(
        "for i in range(60000):\n    print(f'line {i} of {str(i) * 40}')\n"
    )
    limited = ["sh", "-c", 'ulimit -f 4000; exec "$@"', "-", *RUN, "app.py"]
    ours = run(limited, folder)
    assert ours.out == run([sys.executable, "app.py"], folder).out
    said = re.search(rb"60,000 prints, ([\d,]+) lost", ours.err)
    assert said is not None and said[1] != b"0", ours.err


def test_a_journal_without_records_is_removed_also_beside_others(folder: Path) -> None:
    (folder / "app.2026-10.atto").write_bytes(b"another journal")
    (folder / "app.py").write_text("x = 1\n")
    compare(folder, ["app.py"])
    assert [each.name for each in folder.glob("*.atto")] == ["app.2026-10.atto"]


def test_a_journal_without_records_stays_where_a_child_has_some(folder: Path) -> None:
    (folder / "app.py").write_text(
        "import os\nif os.fork() == 0:\n    print('CHILD', 1)\n    raise SystemExit\nos.wait()\n"
    )
    compare(folder, ["app.py"])
    assert list(folder.glob("*.atto")) == [folder / "app.atto"]
    assert attolog.read(folder / "app.atto").events == {"CHILD": 1}
