"""Programs that make it hard for whoever stands between them and their screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from .programs import RUN, compare, run, write_app

# Each by what is awkward about it; all behave the same however often they are run.
PROGRAMS = {
    "values that change after they were printed": """
        queue, counts = [], {}
        for i in range(3):
            queue.append(i)
            counts[i] = len(queue)
            print("QUEUE", queue, counts)
            print(f"{queue} and {counts}")
            print("%s of %s" % (queue, counts))
        queue.clear()
        """,
    "values that change while they are printed": """
        q = [1, 2, 3]
        print(f"{q} {q.pop()} {q}")
        print("LEFT", q, q.pop(), q)
        it = iter(range(9))
        print(f"{next(it)} {next(it):>3} {next(it)!r}")
        print("a", (n := next(it)), n + 1, f"{n}")
        """,
    "specs within specs": """
        for x, w, p in ((1.5, 9, 3), (-2, 12, 0), (True, 1, 1)):
            print(f"x is {x:{w}.{p}f}|{x!r:>{w}}|{x:<{w}}|{x:^+{w}}")
            print("x is {:{}.{}f} and {x!s:*^{w}}".format(x, w, p, x=x, w=w))
            print("x is %*.*f|%-*d|%%|%r" % (w, p, x, w, x, x))
        """,
    "a spec that is wrong": """
        import traceback
        for x, spec in ((1, "q"), ("a", "d"), (None, ".2f"), ([1], ">5"), (1.5, "9" * 30)):
            try:
                print(f"before {x} now {x:{spec}} after")
            except Exception as error:
                print(type(error).__name__, error)
        print(f"{3:,} {'é':>4} {b'x'!r} {3:d}")
        """,
    "an int with too many digits": """
        x = 10 ** 5000
        for show in (lambda: print("BIG", x), lambda: print(f"big {x} it is"), lambda: print(x),
                     lambda: print("big", x, "it is"), lambda: print("big %d it is" % x)):
            try:
                show()
            except ValueError as error:
                print(error)
        print(f"big {x:x}")
        print("BIG", -2**63, 2**63, 2**64, -2**64)
        """,
    "__format__, __str__ and __repr__ of one's own": """
        class Price(float):
            def __format__(self, spec): return f"<{spec or 'plain'}>"
            def __str__(self): return "str"
            def __repr__(self): return "repr"
        class Number(int):
            def __str__(self): return "int"
        class Falsy:
            def __bool__(self): raise ValueError("no bool")
            def __eq__(self, other): raise ValueError("no ==")
            def __hash__(self): raise ValueError("no hash")
            def __str__(self): return "falsy"
        p, n, f = Price(1.5), Number(3), Falsy()
        print("PRICE", p, n, f)
        print(f"{p} {p:.2f} {p!s} {p!r} {n} {n:5} {n!r} {f}")
        print("is", p, n, f)
        print("%s %r %.1f %d %s" % (p, p, p, n, f))
        print("{} {:.1f} {!r} {}".format(p, p, n, f))
        """,
    "__str__ that returns no text": """
        class Bad:
            def __str__(self): return 3
        class Worse:
            def __format__(self, spec): return None
        for show in (lambda: print("BAD", Bad()), lambda: print(f"bad {Bad()} is"),
                     lambda: print(Bad()), lambda: print(f"worse {Worse()} is"),
                     lambda: print("is", Bad(), "so")):
            try:
                show()
            except TypeError as error:
                print(error)
        """,
    "a value that prints to another stream": """
        import sys
        class Loud:
            def __str__(self):
                print("asked for", file=sys.stderr)
                sys.stdout.write("[asked]")
                return "loud"
        print("LOUD", 1, Loud(), 2)
        print(f"so {Loud()} and {Loud()}")
        """,
    "a value that replaces sys.stdout": """
        import io, sys
        class Swap:
            def __str__(self):
                sys.stdout = io.StringIO() if sys.stdout is sys.__stdout__ else sys.__stdout__
                return "swapped"
        print("SWAP", Swap())
        print(f"it is {Swap()} now")
        sys.stdout = sys.__stdout__
        print("SWAP", 1, Swap(), 2)
        sys.stdout = sys.__stdout__
        """,
    "recursion without end": """
        import sys
        class Deep:
            def __str__(self): return f"{Deep()}"
        for show in (lambda: print("DEEP", Deep()), lambda: print(f"deep {Deep()} it is")):
            try:
                show()
            except RecursionError:
                print("too", "deep")
        nested = []
        nested.append(nested)
        print("NESTED", nested)
        """,
    "a generator that fails half-way": """
        def numbers():
            yield 1
            yield 2
            raise ValueError("no more")
        try:
            print("a", *numbers(), sep=", ")
        except ValueError as error:
            print(error)
        print(*(n for n in range(4)), sep="", end="|\\n")
        print(*[], sep="x")
        print()
        """,
    "options of print": """
        import sys
        print("a", 1, sep="", end="")
        print("b", 2, sep=None, end=None)
        print("c", 3, file=None, flush=True)
        print("d", 4, file=sys.stdout)
        print("e", 5, file=sys.__stdout__)
        print(f"f {6}", file=sys.stderr, end="")
        print("g", 7, file=sys.stderr, sep="-")
        print(f"h {8}", file=sys.stderr, flush=True)
        print("i", 9, **{"end": "!\\n"})
        print(*("j", 10), **{})
        """,
    "control characters": """
        import sys
        for i in range(3):
            print(f"\\r{i:3d} of {3}", end="", flush=True)
        print("\\r\\x1b[2K\\x1b[1mbold\\x1b[0m", 1)
        print("nul \\0 and", "tab\\t", "\\x7f", "\\x85", "\\u2028", "\\ufeff")
        print("e\\u0301", "\\U0001f600", 1)
        print("NUL", "\\0", "a\\rb", "c\\nd")
        print(f"lines\\nof {3}\\r\\nlines\\r")
        sys.stdout.write("no end of line")
        print()
        """,
    "write and print by turns": """
        import sys
        write = sys.stdout.write
        for i in range(200):
            print("EVENT", i)
            write(f"write {i}\\n")
            sys.stdout.flush()
            sys.stdout.buffer.write(b"bytes\\n")
            print(f"message {i}")
            sys.stdout.writelines(["some ", "lines\\n"])
            print(i, end=" ")
            sys.stdout.flush()
        print("end")
        """,
    "redirections within redirections": """
        import contextlib, io, sys
        def say(n):
            print("SAY", n)
            print(f"say {n} again")
            print("on stderr", n, file=sys.stderr)
        inner, outer = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(outer):
            say(1)
            with contextlib.redirect_stdout(inner), contextlib.redirect_stderr(outer):
                say(2)
            with contextlib.redirect_stdout(sys.__stdout__):
                say(3)
            with contextlib.redirect_stdout(sys.stderr):
                say(4)
        with open("said.txt", "w") as file, contextlib.redirect_stdout(file):
            say(5)
        print(repr(inner.getvalue()), repr(outer.getvalue()), open("said.txt").read())
        """,
    "streams over descriptor 1": """
        import io, os, sys
        print("before", 1)
        sys.stdout.flush()
        sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", write_through=True)
        print("over the buffer", 2)
        sys.stdout = os.fdopen(1, "w", 1, closefd=False)
        print("by the number", 3)
        sys.stdout.flush()
        sys.stdout = sys.__stdout__
        print("as before", 4)
        """,
    "a tee": """
        import sys
        class Tee:
            def __init__(self, *to): self.to = to
            def write(self, text):
                for each in self.to: each.write(text)
            def flush(self):
                for each in self.to: each.flush()
            def __getattr__(self, name): return getattr(self.to[0], name)
        with open("copy.txt", "w") as file:
            sys.stdout = Tee(sys.stdout, file)
            print("TEE", 1, sys.stdout.encoding)
            print(f"tee {2}", flush=True)
            sys.stdout = sys.__stdout__
        print(open("copy.txt").read())
        """,
    "children with the parent's streams": """
        import os, subprocess, sys
        child = [sys.executable, "-c", "import sys; print('child'); print('err', file=sys.stderr)"]
        for i, options in enumerate(({}, {"stdout": sys.stdout}, {"stderr": subprocess.STDOUT},
                        {"stdout": subprocess.PIPE}, {"stdout": sys.stderr})):
            print("before", i, flush=True)
            done = subprocess.run(child, **options)
            print("after", done.returncode, done.stdout, flush=True)
        print("popen", os.popen("echo out").read(), flush=True)
        subprocess.check_call(["sh", "-c", "echo one; echo two >&2"])
        print("end", 1)
        """,
    "children of asyncio": """
        import asyncio, sys
        async def main():
            print("before", 1, flush=True)
            code = "print('child')"
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
            print("status", await process.wait())
            async def job(n):
                await asyncio.sleep(0)
                print("JOB", n, await asyncio.sleep(0, n * n))
                print(f"job {n} is {await asyncio.sleep(0, 'done')}")
            await asyncio.gather(*map(job, range(3)))
        asyncio.run(main())
        """,
    "pools": """
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
        import multiprocessing
        def work(n):
            print("WORK", n, flush=True)
            print(f"on {n}", flush=True)
            return n * n
        if __name__ == "__main__":
            with ThreadPoolExecutor(1) as pool:
                print("threads", list(pool.map(work, range(3))), flush=True)
            for how in ("fork", "spawn"):
                context = multiprocessing.get_context(how)
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    print(how, list(pool.map(work, range(3))), flush=True)
        """,
    "signals": """
        import os, signal, sys
        def handler(number, frame):
            print("SIGNAL", number)
            print(f"signal {number}", file=sys.stderr)
        signal.signal(signal.SIGUSR1, handler)
        for i in range(5):
            print("KILL", i, flush=True)
            os.kill(os.getpid(), signal.SIGUSR1)
        """,
    "prints where nobody expects them": """
        import gc, sys, weakref
        class Noisy:
            def __init__(self): weakref.finalize(self, print, "finalized", 1)
            def __del__(self): print("DEL", 2)
            def __lt__(self, other): print("LESS", 3); return False
            def __getattr__(self, name): print("GET", name); raise AttributeError(name)
            def __set_name__(self, owner, name): print("NAMED", owner.__name__, name)
            def __class_getitem__(cls, item): print("ITEM", item)
            def __init_subclass__(cls): print("SUBCLASS", cls.__name__)
        class Owner: attribute = Noisy()
        class Sub(Noisy): pass
        sorted([Noisy(), Noisy()])
        Noisy[int]
        hasattr(Noisy(), "nothing")
        gc.collect()
        sys.addaudithook(lambda event, args: event == "my.event" and print("AUDIT", args))
        sys.audit("my.event", 1)
        """,
    "names that shadow print": """
        def one(print): print("ONE", 1)
        def two():
            def print(*args): return args
            return print("TWO", 2)
        class Three:
            print = staticmethod(lambda *args: None)
            print("THREE", 3)
            def say(self): print("FOUR", 4)
        def five():
            try:
                print("FIVE", 5)
            except UnboundLocalError as error:
                say(error)
            print = 3
        say = print
        one(lambda *args: say("got", args))
        say(two())
        Three().say()
        five()
        exec("print('SIX', 6)", {"__builtins__": {"print": lambda *args: say("its own", args)}})
        eval("print('SEVEN', 7)")
        globals()["print"] = lambda *args: say("global", args)
        print("EIGHT", 8)
        del print
        print("NINE", 9)
        """,
    "tests of its own": r'''
        """
        >>> say(3)
        SAY 3
        say 3
        >>> say(4)
        wrong
        """
        import doctest, io, sys, unittest
        def say(n):
            print("SAY", n)
            print(f"say {n}")
        print(doctest.testmod())
        class Test(unittest.TestCase):
            def test_print(self):
                print("IN TEST", 1)
                with unittest.mock.patch("sys.stdout", new_callable=io.StringIO) as out:
                    say(1)
                self.assertEqual(out.getvalue(), "SAY 1\nsay 1\n")
            def test_mock(self):
                with unittest.mock.patch("builtins.print") as mock:
                    say(2)
                mock.assert_any_call("SAY", 2)
            def test_fails(self):
                print("this is", 2, "lines\n")
                self.fail("on purpose")
        import unittest.mock
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(Test)
        result = unittest.TestResult()
        result.buffer = True
        suite.run(result)
        print(result, result.failures[0][1])
        ''',
    "prints by other modules of Python": """
        import calendar, cmd, code, dis, pprint, sys, traceback
        pprint.pprint({"a": [1] * 40, "b": "x" * 90})
        calendar.prmonth(2026, 1)
        dis.dis(lambda x: x + 1)
        help(len)
        class Shell(cmd.Cmd):
            def do_hello(self, arg): print("HELLO", arg)
            def do_quit(self, arg): return True
        Shell().cmdloop("welcome")
        code.InteractiveConsole({"print": print}).push("print('GEN', 1)")
        sys.displayhook([1, 2])
        try:
            1 / 0
        except ZeroDivisionError:
            traceback.print_exc(file=sys.stdout)
        """,
    "breakpoint()": """
        def work(n):
            print("WORK", n)
            breakpoint()
            print(f"worked {n}")
        work(3)
        print("end")
        """,
    "input() in many forms": """
        import sys
        print("LINE", input())
        print(f"line {input('prompt ')!r}")
        print("no newline", end=": ")
        print("LINE", sys.stdin.readline())
        print("on stderr", end=": ", file=sys.stderr, flush=True)
        for line in sys.stdin:
            print("REST", line, end="")
        print("end", file=sys.stderr)
        """,
    "a stream of its own kind": """
        import sys
        class Loud(type(sys.stdout)):
            def write(self, text): return super().write(text.upper())
        loud = Loud(sys.stdout.buffer, encoding="utf-8", line_buffering=True)
        print("BEFORE", isinstance(loud, type(sys.stdout)), loud.__class__.__name__, flush=True)
        print("said", 1, file=loud)
        sys.stdout = loud
        print("SAID", 2)
        print(f"and {3} more")
        loud.flush()
        """,
    "annotations that are text": """
        from __future__ import annotations
        import typing
        def f(x: typing.Annotated[int, lambda v: print("CHECK", v)]):
            y: print("never") = x
            print(f"y is {y}")
        print(f.__annotations__)
        typing.get_type_hints(f.__annotations__ and f, include_extras=True)["x"].__metadata__[0](7)
        f(1)
        """,
    "warnings as errors, and once": """
        import warnings
        def old(n):
            warnings.warn(f"old {n}", stacklevel=2)
            print("OLD", n)
        for n in range(2):
            old(n)
        warnings.simplefilter("error")
        print("next", old(3))
        """,
    "an exception in print's own arguments": """
        def fails(): raise LookupError("in here")
        def show(n):
            print(
                "SHOW",
                n,
                fails(),
            )
        def text(n):
            print(f"n is {n}, "
                  f"and {fails()}")
        for each in (show, text):
            try:
                each(1)
            except LookupError:
                import traceback
                traceback.print_exc()
        show(2)
        """,
}

STDIN = {
    "prints by other modules of Python": b"hello you\nquit\n",
    "breakpoint()": b"p n\nwhere\nlist\nn\nc\n",
    "input() in many forms": b"one\ntwo\nthree\nfour\nfive\n",
}


@pytest.mark.parametrize("how", ["file", "pipe", "pty"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_awkward_program_behaves_as_ever(folder: Path, name: str, how: str) -> None:
    write_app(folder, PROGRAMS[name])
    ran = compare(folder, ["app.py"], how, stdin=STDIN.get(name, b""))
    assert ran.out or ran.err


THREADS = """
import sys, threading
def work(name):
    for i in range(500):
        print("EVENT", name, i)
        print(f"{name} writes line {i}")
        sys.stdout.write(f"{name} wrote {i}\\n")
        print(f"{name} errs {i}", file=sys.stderr)
threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
for each in threads: each.start()
for each in threads: each.join()
"""


def test_threads_keep_their_lines_and_their_order(folder: Path) -> None:
    write_app(folder, THREADS)
    ran = run([*RUN, "app.py"], folder)
    lines = ran.out.decode().splitlines()
    for name in ("t0", "t1", "t2", "t3"):
        mine = [line for line in lines if name in line.split()]
        wanted = []
        for i in range(500):
            wanted += [f"EVENT {name} {i}", f"{name} writes line {i}", f"{name} wrote {i}"]
        assert mine == wanted
    assert len(lines) == 4 * 1500
    errors = ran.err.decode().splitlines()[:-1]  # the closing line
    assert sorted(errors) == sorted(f"t{n} errs {i}" for n in range(4) for i in range(500))
