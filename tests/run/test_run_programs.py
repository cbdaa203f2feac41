"""A program behaves under `attolog run` as under plain Python: what it shows, and how it ends."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from .programs import compare

# Small programs, each by what it is about.
PROGRAMS = {
    "the names of __main__": """
        import sys
        print(sorted(vars()), __name__, __doc__, __package__, __spec__, type(__loader__).__name__)
        print(__file__, globals().get("__cached__", "none"), __builtins__, __loader__.path)
        print(__loader__.name)
        print(sys.modules["__main__"].__dict__ is globals(), sys.argv, sys.path[0], sys.orig_argv)
        print(getattr(sys.modules["__main__"], "__annotations__", None))
        x: int = 3
        print(__annotations__)
        """,
    "__file__ behind the end": """
        import atexit
        atexit.register(lambda: print("__file__" in globals(), "__cached__" in globals()))
        """,
    "pickling": """
        import pickle
        class Task:
            def __init__(self, n): self.n = n
        def double(x): return 2 * x
        back = pickle.loads(pickle.dumps((Task(3), double)))
        print("back", back[0].n, back[1](4), type(back[0]) is Task)
        """,
    "a pipe that breaks, and another place": """
        import os, sys
        reader, writer = os.pipe()
        screen = os.dup(1)
        os.dup2(writer, 1)
        os.close(writer)
        os.close(reader)
        try:
            while True:
                print("nobody reads", 1)
        except BrokenPipeError:
            os.dup2(screen, 1)
            print("shown", 1)
            sys.exit(3)
        """,
    "multiprocessing": """
        import multiprocessing, sys
        print("module", __name__)
        def work(n):
            print("child works on", n)
            print(f"on {n}", file=sys.stderr)
            return n * n
        if __name__ == "__main__":
            for how in ("fork", "spawn", "forkserver"):
                context = multiprocessing.get_context(how)
                process = context.Process(target=work, args=(3,))
                process.start()
                process.join()
                print(how, process.exitcode)
        """,
    "a pool of spawned processes": """
        import multiprocessing
        def square(n):
            return n * n
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                print("squares", pool.map(square, range(8)))
        """,
    "os.fork": """
        import os
        print("before", flush=True)
        child = os.fork()
        if not child:
            print("child", flush=True)
            os._exit(3)
        print("status", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    "os.fork, and the child goes on to the end": """
        import os, sys, atexit
        atexit.register(lambda: print("end of", "parent" if os.getpid() == first else "child"))
        first = os.getpid()
        if child := os.fork():
            os.waitpid(child, 0)
        print("in", "parent" if child else "child", flush=True)
        """,
    "sys.exit(3)": "import sys\nprint('a', 1)\nsys.exit(3)",
    "sys.exit(text)": "import sys\nprint('a', 1)\nsys.exit('that went wrong')",
    "sys.exit(None)": "import sys\nprint('a', 1)\nsys.exit()",
    "sys.exit(object)": "import sys\nsys.exit([1, 2])",
    "SystemExit in a thread": """
        import threading, sys
        thread = threading.Thread(target=lambda: sys.exit(4))
        thread.start(); thread.join()
        print("still here")
        """,
    "os._exit": "import os\nprint('before', 1, flush=True)\nos._exit(7)\n",
    "os.abort": "import os\nprint('before', 1, flush=True)\nos.abort()\n",
    "os.kill": "import os\nprint('before', 1, flush=True)\nos.kill(os.getpid(), 9)\n",
    "os.execv": """
        import os, sys
        print("before", 1, flush=True)
        os.execv(sys.executable, [sys.executable, "-c", "print('after')"])
        """,
    "subprocess": """
        import subprocess, sys
        print("before", 1, flush=True)
        subprocess.run([sys.executable, "-c", "print('in between')"])
        print("after", 2)
        """,
    "os.system": "import os\nprint('before', 1, flush=True)\nos.system('echo between')\nprint(2)\n",
    "KeyboardInterrupt": """
        import atexit, signal
        atexit.register(print, "at exit")
        def inner():
            print("raise it", 1)
            signal.raise_signal(signal.SIGINT)
        inner()
        """,
    "KeyboardInterrupt that is caught": """
        import signal
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            print("caught", 1)
        """,
    "an exception": """
        def inner(task):
            print("now", task)
            return task["missing"] + 1
        def outer():
            return [inner(t) for t in ({},)]
        outer()
        """,
    "an exception with a cause": """
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise RuntimeError("because of it") from error
        """,
    "an exception group": """
        raise ExceptionGroup("many", [ValueError(1), TypeError("two")])
        """,
    "sys.excepthook": """
        import sys
        sys.excepthook = lambda kind, error, tb: print("hook", kind.__name__, tb.tb_lineno)
        1 / 0
        """,
    "a thread's exception": """
        import threading
        def work():
            print("in thread", 1)
            {}["no"]
        thread = threading.Thread(target=work, name="worker")
        thread.start(); thread.join()
        print("after", 2)
        """,
    "a thread that outlives the main one": """
        import threading, time
        def work():
            main.join()
            print("late", 1)
        main = threading.main_thread()
        threading.Thread(target=work).start()
        print("main ends", 2)
        """,
    "warnings": r"""
        import warnings
        def old():
            warnings.warn("old is old", DeprecationWarning, stacklevel=2)
        old()
        warnings.warn("just so")
        pattern = "\d"
        print("is", 3 is 3)
        """,
    "traceback.print_stack": """
        import traceback, sys
        def inner():
            traceback.print_stack()
            traceback.print_stack(file=sys.stdout)
            frame = sys._getframe()
            depth = 0
            while frame: depth += 1; frame = frame.f_back
            print("depth", depth)
        inner()
        """,
    "sys._getframe beyond the first": """
        import sys
        try:
            sys._getframe(1)
        except ValueError as error:
            print("no more:", error)
        """,
    "atexit": """
        import atexit
        atexit.register(lambda: print("first registered", 1))
        @atexit.register
        def last():
            print(f"last registered {2}")
        print("end of main")
        """,
    "an exception in atexit": """
        import atexit
        @atexit.register
        def fails():
            print("fails", 1)
            raise ValueError("at exit")
        """,
    "__del__": """
        class Noisy:
            def __del__(self):
                print("gone", 1)
        kept = Noisy()
        Noisy()
        print("end")
        """,
    "an exception in __del__": """
        class Bad:
            def __del__(self):
                raise ValueError("in del")
        Bad()
        print("after", 1)
        """,
    "print as a value": """
        for _ in map(print, "abc"): pass
        say = print
        say("x", 1, sep="-", end="!\\n")
        sorted([3, 1], key=lambda x: print("key", x) or x)
        print(print.__name__, print.__module__, type(print).__name__, print, print.__doc__[:20])
        import inspect, pickle
        print(pickle.loads(pickle.dumps(print)) is print)
        """,
    "redirect_stdout": """
        import contextlib, io
        out = io.StringIO()
        def show():
            print("GEN", 1)
            print(f"n is {2}")
            print("a", "b", 3)
        with contextlib.redirect_stdout(out):
            show()
        print("caught", repr(out.getvalue()))
        err = io.StringIO()
        import sys
        with contextlib.redirect_stderr(err):
            print(f"bad {3}", file=sys.stderr)
        print("caught", repr(err.getvalue()))
        """,
    "sys.stdout replaced": """
        import sys
        class Upper:
            def __init__(self, to): self.to = to
            def write(self, text): return self.to.write(text.upper())
            def flush(self): self.to.flush()
        def show(n):
            print("gen", n)
            print(f"n is {n}")
        sys.stdout = Upper(sys.stdout)
        show(1)
        sys.stdout = sys.__stdout__
        show(2)
        """,
    "sys.stdout is None": """
        import sys
        keep = sys.stdout
        sys.stdout = None
        print("nowhere", 1)
        print(f"nowhere {2}")
        sys.stdout = keep
        print("here", 1)
        """,
    "sys.stdout is gone": """
        import sys
        keep = sys.stdout
        del sys.stdout
        try:
            print("GEN", 1)
        except RuntimeError as error:
            sys.stdout = keep
            print("error:", error)
        """,
    "builtins.print rebound": """
        import builtins
        old = builtins.print
        def mine(*args, **options):
            old("mine:", *args, **options)
        builtins.print = mine
        print("GEN", 1)
        print(f"n is {2}")
        builtins.print = old
        print("GEN", 3)
        """,
    "print of one's own": """
        def print(*args): import sys; sys.stdout.write(f"own {args}\\n")
        print("GEN", 1)
        """,
    "print injected into a module": """
        import sys
        def show(n): print("GEN", n)
        sys.modules[__name__].__dict__["print"] = lambda *args: sys.stdout.write(f"{args}\\n")
        show(3)
        """,
    "sys.stdout's methods": """
        import sys
        print(sys.stdout.write("text\\n"), flush=True)
        print(sys.stdout.buffer.write(b"bytes\\n"), flush=True)
        sys.stdout.writelines(["a\\n", "b\\n"])
        print("x", end="")
        sys.stdout.write("y\\n")
        print(sys.stdout.isatty(), sys.stdout.fileno(), sys.stdout.encoding, sys.stdout.errors)
        print(sys.stdout, sys.stdout.name, sys.stdout.mode, sys.stdout.closed, sys.stdout.newlines)
        print(sys.stdout.line_buffering, sys.stdout.readable(), sys.stdout.writable())
        print(sys.stderr.name, sys.stderr.errors, sys.stderr.line_buffering, sys.stderr.mode)
        print(sys.stdout is sys.__stdout__, type(sys.stdout), sys.stdout.buffer.name)
        for bad in (3, b"bytes", None):
            try:
                sys.stdout.write(bad)
            except TypeError as error:
                print("error:", error)
        try:
            sys.stdout.buffer.write("text")
        except TypeError as error:
            print("error:", error)
        try:
            sys.stdout.read()
        except OSError as error:
            print("error:", type(error).__name__, error)
        """,
    "sys.stdout.reconfigure": """
        import sys
        print("é", 1)
        sys.stdout.reconfigure(encoding="latin-1", errors="replace")
        print("é €", 2)
        print(f"é € {3}")
        print(sys.stdout.encoding)
        sys.stdout.reconfigure(encoding="utf-8")
        print("é €", 4)
        sys.stdout.reconfigure(newline="\\r\\n")
        print("GEN", 5)
        print("a\\nb")
        """,
    "sys.stdout.close": """
        import sys
        print("open", 1)
        sys.stdout.close()
        for what in (lambda: print("GEN", 2), lambda: print(f"n {3}"), lambda: print("x"),
                     lambda: sys.stdout.write("x"), sys.stdout.fileno, sys.stdout.flush):
            try:
                what()
            except ValueError as error:
                sys.stderr.write(f"{error}\\n")
        """,
    "sys.stdout.detach": """
        import sys, io
        print("before", 1)
        old = sys.stdout
        sys.stdout = io.TextIOWrapper(sys.stdout.detach(), "utf-8", newline="\\n")
        print("after", 2)
        try:
            old.write("x")
        except ValueError as error:
            print("error:", error)
        """,
    "a stream over sys.stdout.buffer": """
        import codecs, sys
        sys.stdout = codecs.getwriter("utf-8")(sys.stdout.buffer)
        print("é", 1)
        print(f"n is {2}")
        """,
    "a stream over the descriptor": """
        import os, sys
        print("before", 1)
        sys.stdout.flush()
        with os.fdopen(os.dup(sys.stdout.fileno()), "w") as file:
            print("past it", 2, file=file)
        print("after", 3)
        """,
    "os.write": """
        import os, sys
        print("a", 1, flush=True)
        os.write(1, b"b\\n")
        print("c", 3)
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), b"d\\n")
        """,
    "os.dup2": """
        import os, sys
        print("shown", 1, flush=True)
        keep = os.dup(1)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        print("not shown", 2, flush=True)
        sys.stdout.flush()
        os.dup2(keep, 1)
        print("shown", 3, flush=True)
        """,
    "input()": """
        name = input("name? ")
        print("hello", name)
        print("age", end="? ", flush=True)
        age = input()
        print(f"{name} is {age}")
        try:
            input("more? ")
        except EOFError:
            print("no more", 1)
        """,
    "an exception in an f-string": """
        def show(x, y):
            print(f"a {y} and {x:.2f} of it")
        show(1.5, [2])
        show("text", None)
        """,
    "an exception in one of two specs": """
        def show(x, y):
            print(
                f"a {x:.2f}"
            )
        show(1.5, 2)
        show(None, 2)
        """,
    "an exception in %": """
        def show(n, x):
            print("%d of %.2f" % (n, x))
        show(3.7, 2)
        show(True, 10**20)
        try:
            show("3", 1)
        except TypeError as error:
            print("error:", error)
        try:
            show(3, "1.5")
        except TypeError as error:
            print("error:", error)
        show(None, 1)
        """,
    "an exception in a value": """
        def show(task):
            print("GEN", task, task.missing)
        show(3)
        """,
    "a __str__ that raises": """
        class Bad:
            def __str__(self): raise ValueError("no text")
        def event(x): print("GEN", 1, x)
        def words(x): print("the value", 2, x, "is")
        def message(x): print(f"the {x} is", 3)
        for show in (event, words, message, print):
            try:
                show(Bad())
            except ValueError:
                import traceback
                print()
                traceback.print_exc()
        print("a", Bad())
        """,
    "a __str__ that prints": """
        class Loud:
            def __str__(self):
                print("asked")
                return "loud"
        print("GEN", Loud())
        print("it is", Loud(), "and", Loud())
        print(f"it is {Loud()}")
        print(f"and {Loud()!s}", 3)
        print(Loud(), Loud())
        """,
    "a __str__ of a str's subclass": """
        class Odd(str):
            def __str__(self): return "odd"
        print("GEN", Odd("x"))
        print(f"{Odd('x')} and {Odd('y')!s}")
        print("a", Odd("x"), 3)
        """,
    "values of all kinds": """
        import datetime, decimal, enum, fractions, pathlib
        class Color(enum.Enum):
            RED = 1
        class Level(enum.IntEnum):
            LOW = 2
        values = [None, True, 2**70, -0.0, float("nan"), 1e22, 1j, b"x", "é\\0", [1], {}, Color.RED,
                  Level.LOW, decimal.Decimal("1.10"), fractions.Fraction(1, 3), print, int,
                  datetime.date(2026, 1, 2), pathlib.Path("/x"), "a\\nb", "\\ud800"[:0]]
        for value in values:
            print("GEN", value)
            print(f"value {value}, {value!r:>12}, {value!a}")
            print("the value is", value)
            print("%s %r" % (value, value))
        """,
    "surrogates": """
        import os, sys
        print("GEN", 1)
        for show in (lambda t: print("GEN", t), lambda t: print(f"text {t}"), print,
                     sys.stdout.write):
            try:
                show("\\udce9")
            except UnicodeEncodeError as error:
                print("error:", error.reason)
        print("\\udce9", file=sys.stderr)
        print(f"bad {chr(0xdce9)}", file=sys.stderr)
        """,
    "surrogates in its own text": """
        for show in (lambda: print("lone \\ud800 text", 1), lambda: print(f"\\udc80 {1}")):
            try:
                show()
            except UnicodeEncodeError as error:
                print("error:", error.reason)
        """,
    "functions of os in a class": """
        import os
        class Sink:
            put = os.write
        Sink().put(1, b"x\\n")
        """,
    "wrong options of print": """
        for options in ({"sep": 3}, {"end": 3}, {"file": 3}, {"nonsense": 1}):
            try:
                print("GEN", 1, **options)
            except Exception as error:
                print(type(error).__name__, error)
        try:
            print("GEN", 1, sep=3)
        except TypeError as error:
            print(error)
        """,
    "logging": """
        import logging
        logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(lineno)d %(message)s")
        logging.info("value %d", 3)
        logging.getLogger("app").warning("odd")
        logging.error("bad %d", "x")
        """,
    "a generator, a class body, a lambda": """
        def numbers():
            for i in range(2):
                print("yield", i)
                yield i
        class Body:
            x = 3
            print("in body", x)
            __private = 4
            def method(self):
                print("private", self.__private)
        list(numbers())
        Body().method()
        (lambda y: print("lambda", y))(5)
        [print("item", i) for i in range(2)]
        exec("print('dynamic', 6)")
        async def main():
            print("async", await answer())
        async def answer(): return 42
        import asyncio
        asyncio.run(main())
        """,
    "order of out and err": """
        import sys
        for i in range(50):
            print("out", i)
            print(f"err {i}", file=sys.stderr)
            sys.stdout.write(f"out again {i}\\n")
            sys.stderr.write(f"err again {i}\\n")
        """,
    "many lines": "for i in range(20000):\n    print('line', i, i * 0.5)\n",
    "a long line": "print('x' * 3_000_000)\nprint(f\"{'y' * 3_000_000} {1}\")\n",
    "pathologically nested": "print('deep', " + "(" * 80 + "1" + ")" * 80 + ")\n",
    "no program at all": "",
    "the locals of a program": """
        import inspect, sys
        def show(n):
            print("GEN", n)
        print(inspect.getsource(show))
        print(show.__code__.co_varnames, show.__code__.co_filename, show.__code__.co_firstlineno)
        print("attolog" in globals(), [n for n in globals() if "attolog" in n])
        """,
    "the main thread and signals": """
        import signal, threading
        print("main", threading.current_thread() is threading.main_thread())
        signal.signal(signal.SIGALRM, lambda *a: print("alarm", 1))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        signal.pause()
        print("after", 2)
        """,
    "tracing": """
        import sys
        lines = []
        def trace(frame, event, arg):
            if frame.f_code.co_filename == __file__: lines.append((event, frame.f_lineno))
            return trace
        def work(n):
            print("GEN", n)
            for i in range(2):
                print(f"i is {i:3d}")
            return n
        sys.settrace(trace)
        work(3)
        sys.settrace(None)
        print(lines)
        """,
}  # fmt: skip

ENDED = ("os._exit", "os.abort", "os.kill", "os.execv")  # before anything can be said
UNBUFFERED = ("a pipe that breaks, and another place",)  # else Python from 3.14 on moves text there


def write(folder: Path, source: str) -> None:
    folder.mkdir()
    (folder / "app.py").write_text(textwrap.dedent(source))


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("how", ["pipe", "file", "both", "pty"])
def test_a_program_behaves_as_ever(tmp_path: Path, name: str, how: str) -> None:
    write(tmp_path / "it", PROGRAMS[name])
    stdin = b"Ada\n36\n" if name == "input()" else b""
    more = {"PYTHONUNBUFFERED": "1"} if name in UNBUFFERED else {}
    says_so = name not in ENDED
    compare(tmp_path / "it", ["app.py", "an", "--arg"], how, stdin=stdin, says_so=says_so, **more)
