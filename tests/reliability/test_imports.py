"""Log calls import nothing: a child forked meanwhile would wait for the import's lock (row C2)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .harness import PATIENCE
from .programs import run as run_counted

# From `closed` on each import that Python has not done before is refused, and told of at the end.
PRELUDE = """
import os, sys, threading
import attolog

class Closed:
    found = []
    def find_spec(self, name, path=None, target=None):
        self.found.append(name)
        raise ImportError(f"{name} is imported within a call")

def close_imports():
    sys.meta_path[:] = [Closed()]

def check():
    assert not Closed.found, Closed.found
"""

CALLS = {
    "an event": 'log("GEN", x, len(text), rate=x)',
    "a message": 'log.info("{x} of {} {y:.2f}", x, text, y=1.0)',
    "a text": 'log("a text, " + text)',
    "a print": 'log.print(x, text, sep=";", end="")',
    "calls over lines": 'log\\\n    .info(\n    "{} {}",\n    x,\n    len(text))',
    "a declared event": 'log.event("E", "a", "b", strategy="every:1")(x, text)',
    "an event of a function": "log.event(declared)(x, text)",
    "a bound logger": 'log.bind(request=x)("GEN", x, text)',
    "values that Python formats": 'log.info("{!r:>10} {:_^9} {x.real}", text, text, x=x)',
    "values of other types": (
        'log("GEN", datetime.datetime(2024, 1, 1), decimal.Decimal("1.5"), [x], {x: text}, text)'
    ),
    "an exception": (
        "try: (x +\n  x / 0)\nexcept ZeroDivisionError: log.exception('{x} failed', x=x)"
    ),
    "an exception in a wide line": (
        "try: ('ä漢字', x / 0)\nexcept ZeroDivisionError: log.exception('failed')"
    ),
    "an exception of a name": "try: xx\nexcept NameError: log.exception('failed')",
    "an exception of an attribute": (
        "try: text.uper\nexcept AttributeError: log.exception('failed')"
    ),
    "a value that raises": "log('GEN', bad)",
    "statistics": "stats('GEN', ms=x); stats.log_event()",
    "samples": "samples('GEN', x); capped('GEN', x)",
    "a circular log": "circular('GEN', x); len(circular)",
    "a tee": "both('GEN', x)",
    "a time of its own": "log.set_time(x); log('GEN', x); log.set_time(None)",
}
LOGGERS = """
import datetime, decimal
folder = sys.argv[1]
log = attolog.AsyncFileLogger(folder + "/run.csv")
stats = attolog.StatsLogger(log)
samples, capped = attolog.SampledLogger(log, 0.5), attolog.SampledLogger(log, strategy="cap:10")
circular = attolog.CircularLogger(path=folder + "/c-{pid}-{n}.atto")
both = attolog.tee(log, circular)
class Bad:
    def __str__(self): raise ValueError("no text")
    __repr__ = __format__ = __str__
def declared(a, b=1): "What a declared event is."
bad = Bad()
def use():
    x, text = 17, "word"
"""


def program(folder: Path, body: str, *options: str) -> subprocess.CompletedProcess[str]:
    path = folder / "program.py"
    path.write_text(PRELUDE + body)
    return subprocess.run(
        [sys.executable, *options, path, folder],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("-X", "no_debug_ranges")], ids=["", "no_debug_ranges"])
@pytest.mark.parametrize("call", CALLS)
def test_c2_a_call_imports_nothing(tmp_path: Path, call: str, options: tuple[str, ...]) -> None:
    lines = "\n".join(f"    {line}" for line in CALLS[call].split("\n"))
    done = program(tmp_path, f"{LOGGERS}{lines}\nclose_imports()\nuse()\ncheck()\n", *options)
    assert (done.returncode, done.stderr) == (0, "")


def test_c2_names_and_tracebacks_are_whole_without_an_import(tmp_path: Path) -> None:
    body = """
log = attolog.AsyncFileLogger(sys.argv[1] + "/run.log")
close_imports()
value = 3
log("GEN", value)
try: [1, 2][value + value]
except IndexError: log.exception("failed")
assert log.close()
"""
    done = program(tmp_path, body)
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "run.log").read_text()
    assert "value=3" in text
    assert "~~~~~~^" in text and "IndexError" in text


def test_c2_loggers_after_the_first_import_nothing(tmp_path: Path) -> None:
    body = """
first = attolog.AsyncFileLogger(sys.argv[1] + "/first.csv")
close_imports()
log = attolog.AsyncFileLogger(sys.argv[1] + "/run.csv")
if (pid := os.fork()) == 0:
    log("CHILD", pid)
    assert log.close()
    check()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""
    done = program(tmp_path, body)
    assert (done.returncode, done.stderr) == (0, "")


# A thread is at the import of a module of Python's. It goes on once the main thread is at its fork,
# be it before or behind it.
FORK_WITHIN = """
import multiprocessing.popen_fork, multiprocessing.resource_tracker, subprocess
MODULE, fork = sys.argv[3], sys.argv[4]
is_importing, is_forked = threading.Event(), threading.Event()
main = threading.get_ident()
for name in [name for name in sys.modules if name == MODULE or name.startswith("attolog._native.")]:
    del sys.modules[name]

def is_waiting():
    frame = sys._current_frames()[main]
    return frame is not None and frame.f_code.co_name == "_before_fork"

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == MODULE and threading.get_ident() != main:
            is_importing.set()
            while not is_forked.is_set() and not is_waiting(): os.sched_yield()

sys.meta_path.insert(0, Slow())
os.register_at_fork(after_in_parent=is_forked.set)

def start():
    log = attolog.AsyncFileLogger(path)
    value = 1
    log.event("R", "pid", "worker", "seq", "pad")
    log("STARTED", value)
    log.close()

thread = threading.Thread(target=start)
thread.start()
is_importing.wait()

def child():
    signal.alarm(60)  # a child that hangs dies
    log = attolog.AsyncFileLogger(path)
    work(log, 0, 10)
    assert log.close()

if fork == "os.fork":
    if (pid := os.fork()) == 0:
        child()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
elif fork == "subprocess":
    subprocess.run(["true"], preexec_fn=child, check=True)
else:
    worker = multiprocessing.get_context("fork").Process(target=child)
    worker.start(); worker.join()
    assert worker.exitcode == 0
thread.join()
"""


@pytest.mark.parametrize(
    "module", ["linecache", "opcode", "traceback", "attolog._native.argument_names"]
)
@pytest.mark.parametrize("fork", ["os.fork", "subprocess", "multiprocessing"])
def test_c2_a_child_logs_whose_parent_was_opening_a_logger(
    log_path: Path, fork: str, module: str
) -> None:
    acknowledged = run_counted(FORK_WITHIN, log_path.with_suffix(".csv"), module, fork)
    assert acknowledged[0] == 10
