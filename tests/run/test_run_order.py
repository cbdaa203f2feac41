"""Who writes beside a program writes behind what the program has printed before."""

from __future__ import annotations

from pathlib import Path

import pytest

from .programs import RUN, compare, run, without_closing, write_app

# A process that answers each line: it prints, then says so.
ANSWERS = """
import subprocess, sys
CODE = "import sys\\nfor line in sys.stdin:\\n print('child', line, end='', flush=True)" + (
    "\\n sys.stderr.write('x'); sys.stderr.flush()"
)
def start(**options):
    return subprocess.Popen([sys.executable, "-c", CODE], stdin=subprocess.PIPE,
                            stderr=subprocess.PIPE, bufsize=0, **options)
"""

# Programs whose order `flush=True` settles, whatever their standard output is.
FLUSHED = {
    "a child that is written to": ANSWERS
    + """
child = start()
for i in range(5):
    print("parent", i, flush=True)
    child.stdin.write(b"%d\\n" % i)
    child.stderr.read(1)
    print(f"parent after {i}", flush=True)
child.stdin.close(); child.stderr.close(); child.wait()
""",
    "a child that is written to through a buffer": ANSWERS
    + """
child = start(text=False)
with open(child.stdin.fileno(), "w", closefd=False) as there:
    for i in range(5):
        print("parent", i, flush=True)
        print(i, file=there, flush=True)
        child.stderr.read(1)
        print("parent after", i, flush=True)
child.stdin.close(); child.stderr.close(); child.wait()
""",
    "queues, locks and events of multiprocessing": """
import multiprocessing
def work(questions, answers, lock, event):
    for i in iter(questions.get, None):
        print("child has", i, flush=True)
        answers.put(i)
    event.wait()
    print("child saw the event", flush=True)
    answers.put("seen")
    with lock:
        print("child has the lock", flush=True)
if __name__ == "__main__":
    for how in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(how)
        questions, answers = context.Queue(), context.SimpleQueue()
        lock, event = context.Lock(), context.Event()
        lock.acquire()
        child = context.Process(target=work, args=(questions, answers, lock, event))
        child.start()
        for i in range(3):
            print(f"ask {i}", flush=True)
            questions.put(i)
            print(f"answer {answers.get()}", flush=True)
        questions.put(None)
        print("set the event", how, flush=True)
        event.set()
        answers.get()
        print("release the lock", flush=True)
        lock.release()
        child.join()
        print("end", child.exitcode, flush=True)
""",
    "a pool that hands results back": """
from concurrent.futures import ProcessPoolExecutor
def work(i):
    print("work on", i, flush=True)
    return i
if __name__ == "__main__":
    with ProcessPoolExecutor(1) as pool:
        for i in range(5):
            print("submit", i, flush=True)
            print("result", pool.submit(work, i).result(), flush=True)
""",
    "a socket, and its end": """
import os, socket
ours, theirs = socket.socketpair()
if not os.fork():
    ours.close()
    while data := theirs.recv(10):
        print("child has", data, flush=True)
        theirs.sendall(data)
    print("child is at the end", flush=True)
    os._exit(0)
theirs.close()
for i in range(5):
    print("ask", i, flush=True)
    ours.send(b"%d" % i)
    print(f"answer {ours.recv(10)}", flush=True)
print("close it", 1, flush=True)
ours.close()
os.wait()
print("end", flush=True)
""",
    "transports of asyncio": """
import asyncio, sys
CODE = "import sys\\nfor line in sys.stdin:\\n print('child', line, end='', flush=True)" + (
    "\\n sys.stderr.write('x'); sys.stderr.flush()"
)
async def main():
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CODE, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    for i in range(5):
        print("parent", i, flush=True)
        child.stdin.write(b"%d\\n" % i)
        await child.stderr.read(1)
        print(f"parent after {i}", flush=True)
    child.stdin.close()
    await child.wait()
asyncio.run(main())
""",
    "a lock in a file": """
import fcntl, os
file = open("lock", "w")
fcntl.flock(file, fcntl.LOCK_EX)
if not os.fork():
    mine = open("lock")
    fcntl.flock(mine, fcntl.LOCK_EX)
    print("child has the lock", flush=True)
    os._exit(0)
print("release it", 1, flush=True)
fcntl.flock(file, fcntl.LOCK_UN)
os.wait()
print("end", 2, flush=True)
""",
    "code of C": """
import ctypes
libc = ctypes.CDLL(None)
for i in range(5):
    print("python", i, flush=True)
    libc.puts(b"c %d" % i)
    libc.fflush(None)
    print(f"python after {i}", flush=True)
    libc.write(1, b"c again\\n", 8)
""",
    "calls that write to a descriptor": """
import os
for i in range(5):
    print("first", i, flush=True)
    os.writev(1, [b"second ", b"%d\\n" % i])
    print(f"third {i}", flush=True)
    os.write(os.dup(1), b"fourth\\n")
""",
    "other streams over the descriptor": """
import os
second = open(1, "w", closefd=False)
third = os.fdopen(os.dup(1), "w")
for i in range(5):
    print("first", i, flush=True)
    print("second", i, file=second, flush=True)
    print(f"again {i}", flush=True)
    third.write(f"third {i}\\n")
    third.flush()
""",
}

# On a terminal each line settles it.
ON_TERMINAL = {
    "a child that is written to": FLUSHED["a child that is written to"].replace(", flush=True", ""),
    "queues, locks and events of multiprocessing": FLUSHED[
        "queues, locks and events of multiprocessing"
    ].replace(", flush=True", ""),
    "a socket, and its end": FLUSHED["a socket, and its end"].replace(", flush=True", ""),
    "other streams": """
import io, os
second = open(1, "w", closefd=False)
raw = io.FileIO(os.dup(1), "w")
for i in range(3):
    print("first", i)
    print("second", i, file=second)
    print(f"again {i}")
    raw.write(b"third\\n")
    print("and again", i)
    with open("/dev/tty", "w") as terminal:
        terminal.write(f"fourth {i}\\n")
    print("once more", i)
    os.pwrite(os.open("/dev/null", os.O_WRONLY), b"x", 0) if i else os.writev(2, [b"fifth\\n"])
""",
    "a password": """
import getpass
print("Please log in", 1)
print("Server: example")
print(len(getpass.getpass("Password: ")), "characters")
""",
    "raw mode": """
import sys, termios, tty
for i in range(3):
    before = termios.tcgetattr(1)
    print("MENU", i)
    print(f"press a key, please ({i})")
    tty.setraw(1)
    print("raw", i)
    termios.tcsetattr(1, termios.TCSADRAIN, before)
    print("cooked", i)
""",
    "a screen of curses": """
import curses, os
os.environ["TERM"] = "xterm"
def main(screen):
    screen.addstr(2, 2, "hello")
    screen.refresh()
    curses.endwin()
    print("suspended", 2)
    screen.refresh()
    curses.endwin()
    print(f"suspended {3}")
    screen.addstr(3, 3, "again")
    screen.refresh()
print("before", 1)
curses.wrapper(main)
print("behind", 2)
""",
}


@pytest.mark.parametrize("how", ["pipe", "file", "terminal"])
@pytest.mark.parametrize("name", FLUSHED)
def test_what_is_flushed_is_there_before_others_write(folder: Path, name: str, how: str) -> None:
    write_app(folder, FLUSHED[name])
    assert compare(folder, ["app.py"], how).status == 0


@pytest.mark.parametrize("name", ON_TERMINAL)
def test_each_line_is_on_the_terminal_before_others_write(folder: Path, name: str) -> None:
    write_app(folder, ON_TERMINAL[name])
    assert compare(folder, ["app.py"], "terminal", stdin=b"secret\n").status == 0


def test_functions_that_wait_look_as_ever(folder: Path) -> None:
    source = """
    import io, os, signal, socket, sys, termios, time
    for each in (os.write, os.close, os.dup2, os._exit, os.abort, time.sleep, termios.tcsetattr,
                 io.FileIO.write, io.FileIO.close, socket.socket.send, signal.raise_signal):
        print(each, type(each), each.__name__, getattr(each, "__module__", None))
        print(each.__doc__, each.__text_signature__)
    print([name in sys.modules for name in ("faulthandler", "_curses", "_multiprocessing")])
    for bad in (lambda: os.write(), lambda: os.write("x", b""), lambda: os.write(99, b""),
                lambda: os.close(fd=99), lambda: os.dup2(99, fd2=98), lambda: time.sleep("x"),
                lambda: io.FileIO.write(3, b""), lambda: signal.raise_signal(1000)):
        try:
            bad()
        except Exception as error:
            print(type(error).__name__, error, error.__traceback__.tb_next.tb_next)
    """
    write_app(folder, source)
    compare(folder, ["app.py"])


def test_an_interrupt_while_the_screen_is_waited_for_is_not_lost(folder: Path) -> None:
    """Nobody reads what is printed: a lock is released all the same."""
    source = """
    import multiprocessing, os, signal, sys, threading
    reading, writing = os.pipe()
    shown = os.dup(1)
    os.dup2(writing, 1)
    lock = multiprocessing.Lock()
    lock.acquire()
    main = threading.main_thread().ident
    print("line " * 100_000)
    threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
    try:
        lock.release()
    except KeyboardInterrupt:
        pass
    is_free = lock.acquire(block=False)
    def read_on():
        while os.read(reading, 100_000): pass
    threading.Thread(target=read_on, daemon=True).start()
    os.dup2(shown, 1)
    print("free", is_free)
    """
    write_app(folder, source)
    ran = run([*RUN, "app.py"], folder)
    assert ran.out.endswith(b"free True\n")
    assert (without_closing(ran.err), ran.status) == (b"", 0)


def test_a_thread_that_prints_nothing_goes_on_while_the_screen_is_stuck(folder: Path) -> None:
    source = """
    import os, sys, threading
    reading, writing = os.pipe()
    os.dup2(writing, 1)
    beats, beat = os.pipe()
    def print_much():
        for i in range(100_000):
            print("line", i)
    printing = threading.Thread(target=print_much)
    printing.start()
    printing.join()
    def beat_on():
        for i in range(200):
            os.write(beat, b"x")
    beating = threading.Thread(target=beat_on)
    beating.start()
    beating.join()
    os.closerange(reading, writing + 1)
    sys.stderr.write(f"{len(os.read(beats, 1000))} beats\\n")
    """
    write_app(folder, source)
    ran = run([*RUN, "app.py"], folder)
    assert b"200 beats\n" in ran.err


def test_a_flush_raises_what_the_stream_refuses(folder: Path) -> None:
    source = """
    import os
    for options in ({"flush": True}, {}):
        reading, writing = os.pipe()
        os.dup2(writing, 1)
        os.close(reading)
        try:
            print("nobody reads", 1, **options)
            print("nobody reads", 2, flush=True)
        except BrokenPipeError as error:
            os.write(2, f"{error}\\n".encode())
    """
    write_app(folder, source)
    ran = run([*RUN, "app.py"], folder)
    assert ran.err.startswith(b"[Errno 32] Broken pipe\n" * 2)


def test_a_stream_of_its_own_is_flushed_as_print_would(folder: Path) -> None:
    source = """
    import sys
    class Own:
        def write(self, text): sys.__stdout__.write(f"<{text}>")
        def flush(self): sys.__stdout__.write("[flush]")
    sys.stdout = Own()
    print("EVENT", 1, flush=True)
    print(f"message {1}", flush=True)
    print("EVENT", 2, flush=False)
    sys.stdout = sys.__stdout__
    def print(*args, **options): sys.stdout.write(f"{args} {options}")
    print("EVENT", 3, flush=True)
    """
    write_app(folder, source)
    ran = run([*RUN, "app.py"], folder)
    assert ran.out.count(b"[flush]") == 2
    assert b"{'flush': True}" in ran.out
