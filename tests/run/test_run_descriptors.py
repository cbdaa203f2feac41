"""Programs that close descriptors which they did not open, or have none left, behave as ever."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from reliability.harness import wait_until

import attolog

from .programs import TIMEOUT, compare, environment, run

# What each program begins with: a file of its own under each number that is free, and under those
# that are not where it is told so; each written to at the end, and locked by it alone until then.
PRELUDE = """
import fcntl, os, resource, subprocess, sys, threading

def numbers():
    return [int(each) for each in os.listdir("/proc/self/fd") if int(each) > 2]

def close_all():
    for number in numbers():
        try: os.close(number)
        except OSError: pass  # that of the listing

def take(own, number):
    try: os.dup2(own, fd2=number)
    except OSError: take(own, number)  # another thread is just opening a file under the number

def take_over():
    own = os.open("own", os.O_RDWR | os.O_CREAT, 0o600)
    taken = [number for number in range(3, 300) if number != own]
    for number in taken: take(own, number)
    fcntl.flock(own, fcntl.LOCK_EX)
    return [own, *taken]

def check(taken):
    for number in taken: os.fstat(number)
    locked = "import fcntl, sys; fcntl.flock(open('own'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    other = subprocess.run([sys.executable, "-c", locked], stderr=subprocess.DEVNULL)
    print("LOCKED", other.returncode != 0, os.path.getsize("own"))

def say(who):
    print("SAYS", who)
    print(f"formatted {who}")
    print("plain", None, who, sep="-")
    print("error", who, file=sys.stderr)
    sys.stdout.write(f"written {who}\\n")

def use_up():
    held = []
    try:
        while True: held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError: return held

def in_thread(who):
    thread = threading.Thread(target=say, args=(who,))
    thread.start()
    thread.join()

def in_child(action):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        action()
        sys.stdout.flush()
        os._exit(3)
    print("STATUS", os.waitpid(pid, 0)[1] >> 8)
"""

PROGRAMS = {
    "closed": """
        say(1)
        os.closerange(3, 256)
        files = [open(f"own{i}", "w") for i in range(300)]
        say(2)
        for file in files: file.write("x")
        for file in files: file.close()
        print("SIZES", {os.path.getsize(f"own{i}") for i in range(300)})
        in_thread(3)
        """,
    "closed_to_the_end": """
        say(1)
        os.closerange(3, 2**31 - 1)
        say(2)
        for range_ in [(9, 3), (2**31 - 1, -5), (3, 2**31), ("3", 4), (3,)]:
            try: os.closerange(*range_)
            except Exception as error: print(type(error).__name__, error)
        in_thread(3)
        """,
    "closed_one_by_one": """
        say(1)
        sys.stdout.flush()
        close_all()
        say(2)
        in_thread(3)
        """,
    "closed_by_name": """
        say(1)
        sys.stdout.flush()
        for number in numbers():
            try: os.close(fd=number)
            except OSError: pass  # that of the listing
        say(2)
        in_thread(3)
        """,
    "taken_over": """
        say(1)
        sys.stdout.flush()
        taken = take_over()
        for i in range(1000): say(i)
        in_thread("thread")
        check(taken)
        """,
    "daemon": """
        def end():
            os.closerange(3, 4096)
            taken = take_over()
            say("daemon")
            check(taken)
        def daemon():
            os.setsid()
            say("between")
            in_child(end)
        say(1)
        in_child(daemon)
        say(2)
        """,
    "children": """
        def child():
            close_all()
            say("child")
        say(1)
        sys.stdout.flush()
        subprocess.run([sys.executable, "-c", "print('other')"], close_fds=True)
        subprocess.run([sys.executable, "-c", "print('closing')"],
                       preexec_fn=lambda: os.closerange(3, 4096))
        in_child(child)
        say(2)
        """,
    "streams_too": """
        say(1)
        os.closerange(0, 4096)
        os.open("nothing", os.O_RDWR | os.O_CREAT)
        os.open("out", os.O_RDWR | os.O_CREAT)
        os.dup2(1, 2)
        say(2)
        """,
    "streams_one_by_one": """
        say(1)
        sys.stdin.close()
        print("STDIN", os.open("in", os.O_RDWR | os.O_CREAT))
        os.close(1)
        print("STDOUT", os.open("out", os.O_RDWR | os.O_CREAT), file=sys.stderr)
        os.closerange(-7, 1)
        print("STDIN", os.open("in", os.O_RDWR | os.O_CREAT), file=sys.stderr)
        say(2)
        """,
}

EXHAUSTED = {
    "threads": """
        held = use_up()
        in_thread(1)
        say(2)
        for number in held: os.close(number)
        in_thread(3)
        """,
    "children": """
        held = use_up()
        def inner():
            use_up()
            in_thread("grandchild's")
            say("grandchild")
        def child():
            use_up()
            say("child")
            in_child(inner)
            for number in held: os.close(number)
            in_thread("child's")
        in_child(child)
        in_child(child)
        say("parent")
        """,
}


def write(folder: Path, source: str) -> None:
    (folder / "app.py").write_text(PRELUDE + dedent(source), "utf-8")


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """Programs that the test starts may have few."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("how", ["pipe", "file"])
def test_b18_a_program_has_its_descriptors_to_itself(folder: Path, name: str, how: str) -> None:
    write(folder, PROGRAMS[name])
    compare(folder, ["app.py"], how, says_so=name != "streams_too", PYTHONUNBUFFERED="1")


@pytest.mark.parametrize("name", EXHAUSTED)
@pytest.mark.parametrize("how", ["pipe", "file"])
@pytest.mark.usefixtures("few_descriptors")
def test_b16_what_a_program_says_without_descriptors_is_shown(
    folder: Path, name: str, how: str
) -> None:
    write(folder, EXHAUSTED[name])
    compare(folder, ["app.py"], how, PYTHONUNBUFFERED="1")
    assert len(attolog.read(folder / "app.atto")["SAYS"]) == {"threads": 3, "children": 9}[name]


def test_b16_what_is_wrong_is_said_once_for_all_children(folder: Path) -> None:
    write(
        folder,
        """
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(numbers()) + 3, 24))
        held = use_up()
        for n in range(3): in_child(lambda: say(n))
        """,
    )
    ran = run([sys.executable, "-m", "attolog", "run", "app.py"], folder)
    told = re.findall(rb"^attolog: .*?; (.*)$", ran.err, re.MULTILINE)
    assert told, ran.err
    assert len(told) == len(set(told))


def test_b18_the_program_closes_no_file_of_attologs(folder: Path) -> None:
    write(folder, CLOSING_OURS)
    ran = run([sys.executable, "-m", "attolog", "run", "app.py"], folder)
    assert (ran.status, (folder / "ours").read_text("utf-8")) == (0, "True True\n")


def test_b18_what_is_printed_behind_it_is_in_the_journal(folder: Path) -> None:
    write(folder, PROGRAMS["taken_over"])
    compare(folder, ["app.py"], PYTHONUNBUFFERED="1")
    run = attolog.read(folder / "app.atto")
    assert len(run["SAYS"]) == 1002
    assert list(run.problems) == []


# The journal's own number, by its name; other numbers of attolog come and go.
CLOSING_OURS = """
def of_journal():
    found = []
    for number in numbers():
        try:
            if os.readlink(f"/proc/self/fd/{number}").endswith("app.atto"): found.append(number)
        except OSError: pass  # that of the listing
    return found
say(1)
before = of_journal()
os.closerange(3, 2**31 - 1)
for number in before: (os.close(number), os.close(fd=number))
with open("ours", "w") as file: print(len(before) > 0, of_journal() == before, file=file)
"""


# The reader takes nothing before the program has its own files under all numbers.
WAITING = """
line = "x" * 1000
for i in range(12_000): print(i, line)
taken = (close_all(), take_over())[1]
for i in range(12_000): print(i, line)
with open("ready", "w"): pass  # a file of its own, which does not wait for the screen
check(taken)
"""


def test_b18_what_waits_for_a_slow_reader_is_shown_and_in_no_file_of_the_program(
    folder: Path,
) -> None:
    write(folder, WAITING)
    with subprocess.Popen(
        [sys.executable, "-m", "attolog", "run", "app.py"],
        cwd=folder, env=environment(folder.parent), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        wait_until((folder / "ready").exists)
        out, err = process.communicate(timeout=TIMEOUT)
    lines = out.splitlines()
    expected = [f"{i} {'x' * 1000}".encode() for i in range(12_000)]
    assert lines == [*expected, *expected, b"LOCKED True 0"], err
    assert b"24,001 prints, 0 lost" in err
    assert process.returncode == 0


NO_MEMORY = """
ready = [threading.Event() for _ in range(3)]
def work(i):
    ready[i].wait()
    say(i)
threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
for thread in threads: thread.start()
say("first")
sys.stdout.flush()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
say("before")
for i in range(2):
    ready[i].set()
    threads[i].join()
say("between")
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
ready[2].set()
threads[2].join()
say("end")
"""


def test_b19_without_memory_for_a_ring_prints_are_shown_in_order_and_counted(
    folder: Path,
) -> None:
    write(folder, NO_MEMORY)
    command = [sys.executable, "-u", "app.py"]
    plain = subprocess.run(
        command, cwd=folder, env=environment(folder.parent), capture_output=True, timeout=TIMEOUT
    )
    command[1:2] = ["-m", "attolog", "run"]
    ours = subprocess.run(
        command, cwd=folder, env=environment(folder.parent), capture_output=True, timeout=TIMEOUT
    )
    assert (ours.stdout, ours.returncode) == (plain.stdout, 0)
    *said, closing = ours.stderr.decode().splitlines()
    assert [line for line in said if not line.startswith("attolog: ")] == (
        plain.stderr.decode().splitlines()
    )
    assert ", 10 lost, " in closing  # five of each of two threads: on the screen, in no file
    run = attolog.read(folder / "app.atto")
    assert len(run["SAYS"]) == 5  # among them those of the last thread, which got a ring
