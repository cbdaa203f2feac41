"""Streams of a program's own, or changed by it: what print does with each, and what is recorded."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

import pytest

import attolog

from .programs import RUN, compare, run

# Each by what the program does with its streams.
PROGRAMS = {
    "a write of its own": """
        import sys
        x, y = 1, 2.5
        def number(stream):
            old, n = stream.write, 0
            def write(text):
                nonlocal n
                n += 1
                return old(f"<{n}:{text!r}>")
            stream.write = write
            return old
        old, old_error = number(sys.stdout), number(sys.stderr)
        def show():
            print("GEN", x, y)
            print(f"value {x} of {y:.2f}")
            print("plain", x, sep="-", end="!\\n")
            print()
            sys.stdout.write("direct\\n")
            sys.stdout.writelines(["one\\n", "two\\n"])
            print("to stderr", x, file=sys.stderr)
            print("ERROR", y, file=sys.stderr)
            print(f"error {y}", file=sys.stderr, flush=True)
        show()
        sys.stdout.write = old
        sys.stderr.write = old_error
        show()
        number(sys.stdout), number(sys.stderr)
        show()
        del sys.stdout.write, sys.stderr.write
        show()
        """,
    "a flush of its own": """
        import sys
        def flush():
            sys.stderr.write("flushed\\n")
        for name in ("stdout", "__stdout__"):
            getattr(sys, name).flush = flush
            print("GEN", 1)
            print("GEN", 2, flush=True)
            print(f"value {3} of", 4, flush=True)
            print(flush=True)
            del sys.stdout.flush
            print("GEN", 3, flush=True)
        """,
    "mocked methods": """
        import sys
        from unittest import mock
        print("GEN", 0)
        for name in ("write", "flush"):
            with mock.patch.object(sys.stdout, name) as method:
                print("GEN", 1, flush=True)
                print(f"value {2} of", 3)
            print(method.mock_calls)
            print("GEN", 1)
            with mock.patch.object(sys.stdout, name, wraps=getattr(sys.stdout, name)) as method:
                print("GEN", 1, flush=True)
                print(f"value {2} of", 3)
            print(method.mock_calls)
            with mock.patch(f"sys.stdout.{name}", lambda *args: 0):
                print("nobody", "sees", 1)
            print("seen", vars(sys.stdout))
        """,
    "methods that are deleted or are none": """
        import sys
        for name in ("write", "flush", "nothing"):
            try:
                delattr(sys.stdout, name)
            except AttributeError as error:
                print(error)
        print("GEN", 1, flush=True)
        sys.stdout.write = None
        try:
            print("GEN", 2)
        except TypeError as error:
            sys.stderr.write(f"{error}\\n")
        del sys.stdout.write
        def fail(text):
            raise OSError(28, "No space left on device")
        sys.stdout.write = fail
        for show in (lambda: print("GEN", 2), lambda: print(f"value {3} of", 4)):
            try:
                show()
            except OSError as error:
                sys.stderr.write(f"{error}\\n")
        del sys.stdout.write
        print("GEN", 3)
        """,
    "what a stream says it is": """
        import io, sys
        for stream in (sys.stdout, sys.stderr):
            print(isinstance(stream, io.TextIOWrapper), stream.__class__ is io.TextIOWrapper)
            print(type(stream).__name__, type(stream).__module__, stream, vars(stream))
            print(stream.write.__self__ is stream, stream.write_through, stream.encoding)
            print(isinstance(stream.buffer, io.BufferedWriter), stream.buffer.__class__)
            for change in (lambda: setattr(type(stream), "write", print),
                           lambda: setattr(stream, "__class__", io.StringIO),
                           lambda: setattr(stream, "encoding", "ascii")):
                try:
                    change()
                except (TypeError, AttributeError) as error:
                    print(type(error).__name__)
        sys.stdout.reconfigure(write_through=True)
        print(sys.stdout.write_through)
        sys.stdout.reconfigure(write_through=False)
        print(sys.stdout.write_through)
        sys.stdout.prefix = "a name of its own"
        print(vars(sys.stdout))
        """,
    "a stream of its own gets print's pieces": """
        import sys
        class Tee:
            def __init__(self, real):
                self.real, self.calls = real, []
            def write(self, text):
                self.calls.append(text)
                return self.real.write(text)
            def flush(self):
                self.calls.append("flushed")
        class Loud:
            def __init__(self, name): self.name = name
            def __str__(self):
                sys.stdout.calls.append(f"str of {self.name}")
                return self.name
            def __format__(self, spec):
                sys.stdout.calls.append(f"format of {self.name} by {spec!r}")
                return self.name
        x, y, text = 1, 2.5, "{braces}"
        real = sys.stdout
        sys.stdout = Tee(real)
        print("GEN", x, y, text)
        print(f"value {x} of {y:.2f}")
        print("mean", f"{y:>{x}}", x, sep=", ", end=".\\n")
        print("a %s and %5.1f" % (x, y), "of", x, flush=True)
        print("a {} and {y!r:>9}".format(x, y=text), text, "{", 3, None, 1.5)
        print("LOUD", Loud("a"), Loud("b"))
        print("loud is", Loud("a"), f"{Loud('b')} {Loud('c'):d}", Loud("d"))
        print("shared", x, f"{x} and {x} {y:.1f} {x}", x)
        print("str " + str(x) + " {}", repr(text), x, file=sys.stdout)
        print("int is %d" % y, "float is %f" % x, "text is %s" % text)
        print(f"{x=} {text!r}", *"ab", x)
        print("only text in here")
        print(f"{{}} {x}", "}{", x)
        print()
        calls = sys.stdout.calls
        sys.stdout = real
        for call in calls:
            print(call)
        """,
    "a stream of its own, and a value that raises": """
        import io, sys
        class Bad:
            def __str__(self): raise ValueError("no text")
        bad, x = Bad(), 1
        for show in (lambda: print("bad is", x, bad, x), lambda: print("BAD", x, bad),
                     lambda: print("bad is", x, f"{bad}", x), lambda: print(f"{x:d}", bad),
                     lambda: print("x is %d" % x, bad, end=""), lambda: print(f"{x:q}", x)):
            real, sys.stdout = sys.stdout, io.StringIO()
            try:
                show()
            except ValueError as error:
                sys.stdout.write(f"[{error}]\\n")
            got, sys.stdout = sys.stdout.getvalue(), real
            print(repr(got))
        """,
    "a print of its own gets the arguments as written": """
        import builtins, sys
        calls = []
        x, y = 1, 2.5
        class Number(int): pass
        def spy(*args, **options):
            names = {id(sys.stdout): "stdout", id(sys.stderr): "stderr"}
            file = names.get(id(options.pop("file", None)))
            calls.append((args, [type(arg).__name__ for arg in args], options, file))
        builtins.print, real = spy, print
        def show():
            print("GEN", x, Number(2))
            print("value is", x, 3, True, None, y, sep="|", end="?\\n", flush=True)
            print(f"value {x} of {y:.2f}", Number(4))
            print("to stderr", x, file=sys.stderr)
            print("to stdout", x, file=sys.stdout, flush=False)
        show()
        builtins.print = real
        show()
        for call in calls:
            print(call)
        """,
    "a file that gives sys.stdout another value": """
        import io, sys
        print("GEN", 1)
        sys.stdout, real = io.StringIO(), sys.stdout
        print("GEN", 2)
        print(f"value {3} of", 4)
        text = sys.stdout.getvalue()
        sys.stdout = real
        print("GEN", 3)
        print(f"captured {text!r} so far")
        sys.stderr = sys.stdout
        print("to stderr", 5, file=sys.stderr)
        sys.stdout = None
        print("nobody", "sees", 6)
        sys.stdout = real
        del sys.stdout
        try:
            print("GEN", 7)
        except RuntimeError as error:
            real.write(f"{error}\\n")
        """,
    "a partial of print": """
        import functools, io, sys
        from functools import partial
        print = functools.partial(print, flush=True)
        for i in range(3):
            print("GEN", i)
            print(f"value {i} of {i:.2f}", flush=False)
            print("joined", i, sep="-")
            print("to stderr", i, file=sys.stderr)
        real, sys.stdout = sys.stdout, io.StringIO()
        print("GEN", 3)
        got, sys.stdout = sys.stdout.getvalue(), real
        print("captured", repr(got))
        def local(print):
            print("LOCAL", 1)
        local(lambda *args: sys.stdout.write(f"{args}\\n"))
        class Bad:
            def __str__(self): raise ValueError("no")
        try:
            print("bad is", Bad())
        except ValueError as error:
            print(error)
        """,
    "a partial of print that goes elsewhere": """
        import sys
        from functools import partial
        if sys.argv:
            print = partial(print, flush=True)
            print = partial(print, flush=False)
        print("GEN", 1)
        print = partial(print, flush="")
        print("GEN", 2)
        print.keywords["file"] = sys.stderr
        print("GEN", 3)
        print(f"value {4} of", 5)
        """,
}


@pytest.mark.parametrize("how", ["pipe", "file", "pty"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_stream_of_the_programs_own_gets_what_print_writes(
    tmp_path: Path, name: str, how: str
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(textwrap.dedent(PROGRAMS[name]), encoding="utf-8")
    compare(folder, ["app.py"], how)
    compare(folder, ["app.py"], how, options=["--no-structure"])


ENCODED = """
import sys
print("GEN", 1)
print(f"café {2} zurück")
print("plain", "é", 3.5)
print("é")
sys.stdout.write("ü\\n")
print("to stderr", "ß", file=sys.stderr)
for text in ("\\u20ac", "\\udc80", "\\U0001f600"):
    for show in (lambda: print("a", text, "b"), lambda: print(f"value {1} of {text}"),
                 lambda: print("GEN", text), lambda: sys.stdout.write(f"{text}\\n")):
        try:
            show()
        except UnicodeEncodeError as error:
            sys.stdout.write(f"[{error}]\\n".encode("ascii", "backslashreplace").decode())
class Text(str): pass
sys.stdout.write(Text("of a kind of its own\\n"))
"""


@pytest.mark.parametrize("how", ["pipe", "file", "pty"])
@pytest.mark.parametrize(
    "encoding",
    [
        *("latin-1", "utf-8:strict", "utf-8:surrogateescape", "cp1252:replace", "utf-16"),
        *("ascii:backslashreplace", "iso-2022-jp:xmlcharrefreplace", "latin-1:namereplace"),
    ],
)
def test_the_screen_gets_the_streams_own_bytes(tmp_path: Path, encoding: str, how: str) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(ENCODED, encoding="utf-8")
    compare(folder, ["app.py"], how, PYTHONIOENCODING=encoding)


RECONFIGURED = """
import sys
print("GEN", 1)
stream = sys.stdout
for options in ({"encoding": "latin-1", "errors": "replace"}, {"newline": "\\r\\n"},
                {"errors": "backslashreplace"}, {"encoding": "utf-8", "errors": "surrogateescape"},
                {"newline": "\\n"}, {"line_buffering": True}, {"write_through": False},
                {"newline": "\\r"}, {"newline": None}, {"newline": ""}, {"encoding": "utf-16-le"},
                {"encoding": "utf-8"}):
    stream.reconfigure(**options)
    print("GEN", 2)
    print(f"é {options!r} \\u20ac")
    print("one\\ntwo", "é", sep="\\n")
    stream.write("ü\\n")
    if stream.errors == "surrogateescape":
        print("GEN", "\\udce9")
for wrong in ({"encoding": "nonsense"}, {"errors": 3}, {"newline": "x"}, {"more": 1}):
    try:
        stream.reconfigure(**wrong)
    except (LookupError, TypeError, ValueError) as error:
        print(type(error), error)
print("GEN", 3)
"""


@pytest.mark.parametrize("how", ["pipe", "file", "pty"])
def test_a_stream_may_change_its_encoding_at_any_time(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(RECONFIGURED, encoding="utf-8")
    compare(folder, ["app.py"], how, PYTHONIOENCODING="utf-8")


def recorded(
    folder: Path, program: str, encoding: str = "utf-8"
) -> tuple[list[attolog.Record], str]:
    """The records that a program leaves, and attolog's last line."""
    folder.mkdir()
    (folder / "app.py").write_text(textwrap.dedent(program), encoding="utf-8")
    done = run([*RUN, "app.py"], folder, PYTHONIOENCODING=encoding)
    assert done.status == 0, done.err
    return list(attolog.read(folder / "app.atto").records()), done.err.decode("utf-8", "replace")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252", "utf-8:surrogateescape"])
def test_prints_to_another_encoding_are_typed_and_counted(tmp_path: Path, encoding: str) -> None:
    program = """
        import sys
        e, u = "é", "ü"
        for i in range(2):
            print("GEN", i, e)
            print(f"café {i} zurück")
        print("é")
        sys.stdout.reconfigure(newline="\\r\\n")
        print("GEN", 2, u)
        """
    found, said = recorded(tmp_path / "app", program, encoding)
    assert "6 prints, 0 lost" in said
    assert [(each.event, each.message, [*each.fields.values()]) for each in found] == [
        ("GEN", None, [0, "é"]),
        (None, "café 0 zurück", [0]),
        ("GEN", None, [1, "é"]),
        (None, "café 1 zurück", [1]),
        (None, "é\n", ["é\n"]),
        ("GEN", None, [2, "ü"]),
    ]


def test_surrogates_that_become_bytes_are_typed(tmp_path: Path) -> None:
    program = """
        name = "caf\\udce9"
        print("NAME", name, 1)
        print(f"name {name} of {2}")
        """
    found, said = recorded(tmp_path / "app", program, "utf-8:surrogateescape")
    assert "2 prints, 0 lost" in said
    assert [each.kind for each in found] == ["event", "message"]


def test_files_that_replace_streams_and_partials_keep_their_structure(tmp_path: Path) -> None:
    program = """
        import io, sys
        from functools import partial
        print = partial(print, flush=True)
        print("GEN", 1)
        sys.stdout, real = io.StringIO(), sys.stdout
        print("GEN", 2)
        sys.stdout = real
        x = 4
        print(f"value {3} of", x)
        """
    found, said = recorded(tmp_path / "app", program)
    assert "2 prints, 0 lost" in said
    assert [(each.kind, [*each.fields.values()]) for each in found] == [
        ("event", [1]),
        ("message", [3, 4]),
    ]


def test_a_write_of_the_programs_own_is_what_is_recorded(tmp_path: Path) -> None:
    program = """
        import sys
        old = sys.stdout.write
        print("GEN", 1)
        sys.stdout.write = lambda text: old(text.upper())
        print("gen", 2)
        sys.stdout.write = old
        print("GEN", 3)
        """
    found, _ = recorded(tmp_path / "app", program)
    assert [each.kind for each in found if each.kind == "event"] == ["event"] * 2
    assert [each.message for each in found if each.message] == ["GEN", " ", "2", "\n"]


LONG = """
import sys
long, wide = "x" * 5000, "\\u20ac" * 3000
class Shown:
    def __repr__(self): return long
print("GEN", 1)
print("LONG", long, 2, wide)
print(f"value {long!r} of {3}")
print("shown", Shown(), [Shown()], f"{Shown()!r:>6000}")
print(long, wide, sep="-" * 3000)
print(long, wide, end="=" * 3000)
sys.stdout.write(wide)
sys.stdout.writelines([long, wide])
print(b"y" * 5000, 10 ** 3000)
sys.stdout.reconfigure(encoding="latin-1", errors="backslashreplace")
print("LONG", long, 2, wide)
print(wide)
print("GEN", 4)
"""
DRIVER = """
import sys
from attolog import _core
from attolog._run.hook import compile_source
from attolog._run.screen import Screen
from attolog._run.streams import install_streams
log = _core.AsyncFileLogger("run.atto", echo=True, max_record=int(sys.argv[1]))
screen = Screen(log)
install_streams(log, screen)
with open("app.py", "rb") as file:
    exec(compile_source(file.read(), "app.py").code, {"__name__": "app"})
screen.drain()
"""


@pytest.mark.parametrize("most", [1024, 4096, 1 << 20])
def test_a_record_has_a_limit_and_the_screen_has_none(tmp_path: Path, most: int) -> None:
    (tmp_path / "app.py").write_text(LONG, encoding="utf-8")
    (tmp_path / "driver.py").write_text(DRIVER)
    shown = [
        run([sys.executable, *args], tmp_path, PYTHONIOENCODING="utf-8")
        for args in (["app.py"], ["driver.py", str(most)])
    ]
    assert shown[0].status == shown[1].status == 0
    assert shown[0].out == shown[1].out, "the screen"
    assert attolog.read(tmp_path / "run.atto").events == {"GEN": 2, "LONG": 2}
    longest = max(len(each.message or "") for each in attolog.read(tmp_path / "run.atto").records())
    assert longest < 9000 + (most if most < 5000 else 12000)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_quiet_shows_standard_error_in_its_own_bytes(tmp_path: Path, encoding: str) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(
        "import sys\n"
        "e = 'é'\n"
        "print('GEN', e)\n"
        "print('BAD', e, 1, file=sys.stderr)\n"
        "print(f'bad {2} é', file=sys.stderr)\n"
        "sys.stderr.write('ü')\n"
        "sys.stderr.buffer.write(b'bytes')\n"
        "sys.stderr.flush()\n",
        encoding="utf-8",
    )
    done = run([*RUN, "--quiet", "app.py"], folder, PYTHONIOENCODING=encoding)
    shown = "BAD é 1\nbad 2 é\nü".encode(encoding) + b"bytes"
    assert (done.out, done.err[: len(shown)]) == (b"", shown)
    found = list(attolog.read(folder / "app.atto").records())
    assert [each.kind for each in found] == ["event", "message", "message", "print", "print"]


CLOSING = """
import sys, time
class Slow:
    def __str__(self):
        end = time.perf_counter() + 0.001
        while time.perf_counter() < end: pass
        return "slow"
slow = [int(place) for place in sys.argv[2:]]
for i in range(300):
    for place in range(int(sys.argv[1])):
        print("LINE", i, Slow() if place in slow else place)
"""


@pytest.mark.parametrize("args", ["2 0", "2 1", "4 3", "8 2 5", "64 7"])
def test_a_slow_print_is_counted_wherever_it_stands_in_a_loop(tmp_path: Path, args: str) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(CLOSING)
    done = run([*RUN, "app.py", *args.split()], folder)
    said = re.search(rb"lost, ([\d.]+) s", done.err)
    assert said is not None
    n_slow = 300 * (len(args.split()) - 1)  # of a millisecond at least
    assert float(said[1]) >= round(n_slow / 1000, 2)


LINES = """
import sys
x = 3
print("GEN", x)
print(f"value {x} of", sys.argv, sys.path[0], sorted(globals()), __name__, __spec__)
def fail():
    print("in", 1 / 0)
fail()
"""


@pytest.mark.parametrize("source", [LINES, "print('GEN', 1", "import sys; sys.exit(3)"])
def test_a_program_on_standard_input_or_the_command_line(tmp_path: Path, source: str) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    begins = source != "print('GEN', 1"
    compare(folder, ["-", "a", "-b"], stdin=source.encode(), says_so=begins)
    compare(folder, ["-c", source, "a", "-b"], says_so=begins)
    if source is LINES:
        for name in ("stdin.atto", "command.atto"):
            found = list(attolog.read(folder / name).records())
            assert [each.kind for each in found][:2] == ["event", "message"]


@pytest.mark.parametrize(
    "source", ["x = 1\nprint('GEN', x)\n", "1 / 0\n", "import sys\nsys.exit(4)\n"]
)
def test_the_prompt_of_an_interactive_run_finds_the_program_as_ever(
    tmp_path: Path, source: str
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(source)
    asked = (
        b"import sys; print(sorted(globals())); print(getattr(sys, 'last_type', None))\n"
        b"print(sys.excepthook is sys.__excepthook__)\n"
        b"import traceback; traceback.print_tb(getattr(sys, 'last_traceback', None))\n"
    )
    compare(folder, ["app.py"], flags=["-i"], stdin=asked)
    compare(folder, ["app.py"], stdin=asked, PYTHONINSPECT="1")
    by_script = run(
        [str(Path(sys.executable).with_name("attolog")), "run", "app.py"],
        folder, PYTHONINSPECT="1",
    )  # fmt: skip
    plain = run([sys.executable, "app.py"], folder, PYTHONINSPECT="1")
    assert (by_script.out, by_script.status) == (plain.out, plain.status)


def test_a_file_that_was_not_kept_is_not_named(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text("x = 1\n")
    said = run([*RUN, "app.py"], folder).err
    assert re.fullmatch(rb"0 prints, 0 lost, [\d.]+ s of the program's time\n", said)
    assert [each.name for each in folder.iterdir()] == ["app.py"]


POSITIONS = """
import sys, traceback
class Bad:
    def __str__(self): raise ValueError("no text")
    __repr__ = __str__
bad, x = Bad(), 1
for show in (lambda: print("%s and %s" % (1, bad)),
             lambda: print("%s of %r" % (bad, "x"), "there"),
             lambda: print(f"{1} of {bad}", "there"),
             lambda: print("x", f"{2!r} {bad!r} {'s'}", 3),
             lambda: print("is %s" % (bad,), 1)):
    try:
        show()
    except ValueError:
        traceback.print_exc()
sys.stdout.close()
try:
    sys.stdout.flush()
except ValueError:
    traceback.print_exc()
"""


def test_errors_are_shown_where_they_are_and_without_attolog(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(POSITIONS)
    compare(folder, ["app.py"])
    (folder / "full.py").write_text("import sys\nsys.stdout.write('x')\nsys.stdout.flush()\n")
    for run_it in ([sys.executable], RUN):
        full = run(["sh", "-c", 'exec "$@" > /dev/full', "-", *run_it, "full.py"], folder)
        assert full.err.count(b"  File ") == 1, full.err
        assert b'full.py", line 3' in full.err


BIG = """
import sys
text, tail = "x" * (257 << 20), "y" * (200 << 20)
print("GEN", 1)
{0}
print("GEN", 2)
"""


@pytest.mark.torture
@pytest.mark.parametrize(
    "line",
    [
        "print(text)",
        "print(f'value {text} of {1}')",
        "print('LONG', text, tail)",
        "print(tail, tail, sep='|')",
        "sys.stdout.write(text)",
        "print('\\u20ac', tail, file=sys.stderr)",
    ],
)
def test_the_longest_print_is_whole_on_the_screen(tmp_path: Path, line: str) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(BIG.format(line))
    compare(folder, ["app.py"], PYTHONIOENCODING="utf-8")
