"""What each form of print becomes, and what is left for which reason."""

import pytest

from attolog._rewrite import Kind, Reason

from .helpers import kind, reasons, statement, whole

EVENTS = [
    ('print("GEN", model, task_id)', 'log("GEN", model, task_id)'),
    ('print("GEN", task.task_id, 3, -1, len(q))', 'log("GEN", task.task_id, 3, -1, len(q))'),
    ('print("gen.task:new-1", x)', 'log("gen.task:new-1", x)'),
    ('print("GEN", loss.item())', 'log("GEN", loss.item())'),
    ('print("GEN", x, flush=True)', 'log("GEN", x)'),
    ('print("GEN", x, file=sys.stdout)', 'log("GEN", x)'),
    ('print("GEN", x, sep=" ", end="\\n", file=None)', 'log("GEN", x)'),
    ('if DEBUG: print("GEN", x)', 'if DEBUG: log("GEN", x)'),
    ('a = b or print("GEN", x)', 'a = b or log("GEN", x)'),
    ('f = lambda x: print("GEN", x)', 'f = lambda x: log("GEN", x)'),
    ('[print("GEN", x) for x in y]', '[log("GEN", x) for x in y]'),
]

MESSAGES = [
    # f-strings
    ('print(f"[{name}] took {dt:.3f}s")', 'log("[{name}] took {dt:.3f}s", name, dt)'),
    ('print(f"{task.id=} {y!r:>9}")', 'log("task.id={task_id!r} {y!r:>9}", task.id, y)'),
    ('print(f"{x = } {x=:.2f}")', 'log("x = {x!r} x={x_2:.2f}", x, x)'),
    ('print(f"{x}")', 'log("{x}", x)'),
    ('print(f"{{{x}}} {{}}")', 'log("{{{x}}} {{}}", x)'),
    ('print(f"{x:{w}.{p}f}")', 'log("{x:{w}.{p}f}", x, w, p)'),
    ('print(f"{now:%H:%M:%S}")', 'log("{now:%H:%M:%S}", now)'),
    ('print(f"{x} and {x}")', 'log("{x} and {x}", x)'),
    ('print(f"{a.x} and {a.x} of {b.x}")', 'log("{x} and {a_x} of {b_x}", a.x, a.x, b.x)'),
    ('print(f"{x} {(x := 5)} {x}")', 'log("{x} {x_2} {x_3}", x, (x := 5), x)'),
    ('print(f"{a + b} {d[\'loss\']} {v[-1]}")', 'log("{} {loss} {v}", a + b, d[\'loss\'], v[-1])'),
    ('print(f"{a, b}")', 'log("{}", (a, b))'),
    ("print(rf'\\d {x}')", "log('\\\\d {x}', x)"),
    ('print(f\'say "{x}"\')', "log('say \"{x}\"', x)"),
    ('print("a" f"b {x}" "c")', 'log("ab {x}c", x)'),
    ('print(f"{x}" f" {y}", flush=True)', 'log("{x} {y}", x, y)'),
    ('print(f"{x}", end="\\n\\n")', 'log("{x}\\n", x)'),
    ('print(f"a {f(x)}\\tb")', 'log("a {f_x}\\tb", f(x))'),
    ('print(f"{msg.time} {msg.text} {level}")',
     'log("{msg_time} {msg_text} {level_}", msg.time, msg.text, level)'),
    # several values
    ('print("Generated", n, "requests")', 'log("Generated {n!s} requests", n)'),
    ('print("Loss", s / n)', 'log("Loss {Loss!s}", s / n)'),
    ('print("Total:", x)', 'log("Total: {x!s}", x)'),
    ('print("two words", x)', 'log("two words {x!s}", x)'),
    ('print("LOG", x)', 'log("LOG {x!s}", x)'),
    ('print("ERROR", x)', 'log("ERROR {x!s}", x)'),
    ('print("GEN", x, "b")', 'log("GEN {x!s} b", x)'),
    ('print("GEN", x, sep=", ")', 'log("GEN, {x!s}", x)'),
    ('print("x", 1, None, 2.5, x, sep="")', 'log("x1None2.5{x!s}", x)'),
    ('print(x, "is bad")', 'log("{x!s} is bad", x)'),
    ('print(f"{t:.6f}", "EXEC", m, sep=",")', 'log("{t:.6f},EXEC,{m!s}", t, m)'),
    ('print("n", len(q), str(x), repr(y))', 'log("n", len(q), str(x), repr(y))'),
    ('print("n:", len(q), str(x), repr(y))', 'log("n: {q} {x!s} {y!r}", len(q), x, y)'),
    # %
    ('print("%d of %d" % (a, b))', 'log("{a} of {b}", int(a), int(b))'),
    ('print("%5.2f%% %-8s|%r" % (a, b, c))',
     'log("{a:5.2f}% {b!s:<8}|{c!r}", float(a), b, c)'),
    ('print("%x %.3d %c" % (a, b, c))',
     'log("{a} {b} {c}", "%x" % (a,), "%.3d" % (b,), "%c" % (c,))'),
    ('print("%s" % x)', 'log("{x}", "%s" % x)'),
    ('print("acc = %.2f%%" % (100 * acc))', 'log("acc = {acc:.2f}%", float(100 * acc))'),
    ('print("%.2f" % (1 * dt))', 'log.print("%.2f" % (1 * dt))'),
    ('print("%x" % (a + b,))', 'log.print("%x" % (a + b,))'),
    ('print("%.1f ms" % (dt * 1e3))', 'log("{ms:.1f} ms", float(dt * 1e3))'),
    ('print("%d {}" % len(q))', 'log("{q} {{}}", len(q))'),
    ('print("took", "%.3f" % dt, "s")', 'log("took {dt} s", "%.3f" % dt)'),
    # str.format
    ('print("{} of {x:>5}".format(a, x=b + 1))', 'log("{a} of {x:>5}", a, b + 1)'),
    ('print("{1} {0} {1!r}".format(a, b))', 'log("{1} {0} {1!r}", a, b)'),
    ('print("{t.id} {d[k]}".format(t=t, d=d))', 'log("{t.id} {d[k]}", t=t, d=d)'),
    ('print("{{}} {}".format(a))', 'log("{{}} {a}", a)'),
    # +
    ('print("a" + str(b))', 'log("a{b!s}", b)'),
    ('print("a " + str(b) + f" {c:.1f}" + "%d" % (d,))',
     'log("a {b!s} {c:.1f}{d}", b, c, int(d))'),
    ('print("=" * 3 + str(x))', 'log("{}{x!s}", "=" * 3, x)'),
    # what changes a value that was shown before it
    ('print(f"{q} {q.pop()}")', 'log("{q} {pop}", f"{q}", q.pop())'),
    ('print(f"{q!r:>9} {next(it)}")', 'log("{q} {next_it}", f"{q!r:>9}", next(it))'),
    ('print(f"{dt:.3f} {step()}")', 'log("{dt:.3f} {step}", dt, step())'),
    ('print("a:", q, q.pop())', 'log("a: {q!s} {pop!s}", q, q.pop())'),
    ('print("a " + str(q) + str(q.pop()))', 'log("a {q}{pop!s}", str(q), q.pop())'),
    ('print("%s %s" % (q, q.pop()))', 'log("{q!s} {pop!s}", q, q.pop())'),
    ('print("%d %s" % (q, q.pop()))', 'log.print("%d %s" % (q, q.pop()))'),
    ('print("%s" % (q,), q.pop())', 'log("{} {pop!s}", "%s" % (q,), q.pop())'),
    ('print("{}".format(q), q.pop())', 'log("{format_q} {pop!s}", "{}".format(q), q.pop())'),
]  # fmt: skip

TEXTS = [
    ('print("warm-up done")', 'log("warm-up done")'),
    ('print("a {brace} and {}")', 'log("a {brace} and {}")'),
    ('print(f"a {{brace}} and {{}}")', 'log("a {brace} and {}")'),
    ('print("warm-up", "done", flush=True)', 'log("warm-up done")'),
    ('print("two words", end="\\n\\n")', 'log("two words\\n")'),
]

LEVELS = [
    ('print("bad", e, file=sys.stderr)', 'log.warning("bad {e!s}", e)'),
    ('print(f"{e!r}: {n:d}", file=sys.stderr)', 'log.warning("{e!r}: {n:d}", e, n)'),
    ('print("bad", file=sys.stderr, flush=True)', 'log.warning("bad")'),
    ("print(e, file=sys.stderr)", "log.warning(e)"),
    ('print("a: " + e, file=sys.stderr)', 'log.warning("a: " + e)'),
]

PLAIN = [
    ("print(x)", "log.print(x)"),
    ("print()", "log.print()"),
    ('print(*xs, sep=", ")', 'log.print(*xs, sep=", ")'),
    ('print("a", *xs)', 'log.print("a", *xs)'),
    ('print(x, end="", flush=flush)', 'log.print(x, end="", flush=flush)'),
    ('print(f"{x}", end="\\r")', 'log.print(f"{x}", end="\\r")'),
    ("print(x, file=sys.stdout)", "log.print(x)"),
    ("print(a, b, sep=sep)", "log.print(a, b, sep=sep)"),
    ('print("a" + b)', 'log.print("a" + b)'),
    ('print("done")', 'log.print("done")'),
    ('print("-----", "[")', 'log.print("-----", "[")'),
    ('print("=" * 60)', 'log.print("=" * 60)'),
    ('print("%d" % (a, b))', 'log.print("%d" % (a, b))'),
    ('print("%(a)s" % d)', 'log.print("%(a)s" % d)'),
    ('print("%*d" % (w, a))', 'log.print("%*d" % (w, a))'),
    ('print("{} {}".format(a))', 'log.print("{} {}".format(a))'),
    ('print("{}".format(a, b))', 'log.print("{}".format(a, b))'),
    ('print("{0} {}".format(a, b))', 'log.print("{0} {}".format(a, b))'),
    ('print("{}".format(*xs))', 'log.print("{}".format(*xs))'),
    ('print(a, b, sep=": ")', 'log.print(a, b, sep=": ")'),
    ("print(cpu_usage)", "log.print(cpu_usage)"),
    ("print(x for x in y)", "log.print(x for x in y)"),
]

LEFT = [
    ('print("GEN", x)  # attolog: keep', Reason.KEPT),
    ('print(\n    "GEN",\n    x,  # attolog: keep (jq reads it)\n)', Reason.KEPT),
    ('print("usage: app.py FILE")', Reason.USAGE),
    ('print(f"Usage: {sys.argv[0]} FILE")', Reason.USAGE),
    ("print(__doc__)", Reason.USAGE),
    ("print(USAGE, file=sys.stderr)", Reason.USAGE),
    ("callback = print", Reason.VALUE),
    ("map(print, xs)", Reason.VALUE),
    ('print(f"{x}", **options)', Reason.OPTIONS),
    ('print(f"{x}", colour="red")', Reason.WRONG),
    ('print(f"{x}", file=out)', Reason.FILE),
    ('print(f"{x}", file=sys.__stderr__)', Reason.FILE),
    ('print(".", end="", file=sys.stderr)', Reason.END),
    ("print(*xs, file=sys.stderr)", Reason.STDERR),
    ("print(a, b, sep=sep, file=sys.stderr)", Reason.STDERR),
    ("print(file=sys.stderr)", Reason.STDERR),
    ('sys.stdout = out\nprint("GEN", x)', Reason.REDIRECTED),
    ('with redirect_stdout(out):\n    print("GEN", x)', Reason.REDIRECTED),
    ('with contextlib.redirect_stderr(out) as o: print("GEN", x)', Reason.REDIRECTED),
    ('print(\n    f"{x}"  # why\n    f"{y}")', Reason.COMMENT),
    ('def f():\n    """f.\n\n    >>> print("GEN", x)\n    """', Reason.DOCTEST),
    ('a = f"{print(x)}"', Reason.IN_F_STRING),
]


@pytest.mark.parametrize(("before", "after"), EVENTS)
def test_a_word_and_values_are_an_event(before: str, after: str) -> None:
    assert statement(before) == after
    assert kind(before) is Kind.EVENT


@pytest.mark.parametrize(("before", "after"), MESSAGES)
def test_formats_are_messages(before: str, after: str) -> None:
    assert statement(before) == after


@pytest.mark.parametrize(("before", "after"), TEXTS)
def test_sentences_are_texts(before: str, after: str) -> None:
    assert statement(before) == after
    assert kind(before) is Kind.TEXT


@pytest.mark.parametrize(("before", "after"), LEVELS)
def test_what_goes_to_stderr_is_a_warning(before: str, after: str) -> None:
    assert statement(before) == after
    assert kind(before) is Kind.LEVEL


@pytest.mark.parametrize(("before", "after"), PLAIN)
def test_plain_values_are_left_unless_all_is_asked_for(before: str, after: str) -> None:
    assert reasons("import sys\n" + before) == [Reason.PLAIN]
    assert statement(before, all_=True) == after
    assert kind(before, all_=True) is Kind.PRINT


@pytest.mark.parametrize(("source", "reason"), LEFT)
def test_what_is_left_and_why(source: str, reason: Reason) -> None:
    assert reasons("import sys, contextlib\n" + source, all_=True) == [reason]


def test_prints_inside_of_prints_are_left_both() -> None:
    assert reasons('print(f"{x}", print("GEN", x))', all_=True) == [Reason.NESTED] * 2


def test_what_is_no_print_is_no_print() -> None:
    assert reasons('# print(f"{x}")\nlog.print(x)\na.print("GEN", x)\nprinter = pprint(x)\n') == []


LAYOUTS = [
    (
        # Lines, their order and comments around stay; the trailing comma, too.
        """\
def f():
    print(  # first
        f"one {x} "
        'two'
        f''' three {y:>5}''',
        flush=True,
    )  # last
""",
        """\
def f():
    log(  # first
        "one {x} "
        'two'
        ' three {y:>5}',
        x,
        y,
    )  # last
""",
    ),
    (
        '''\
print(f"""{a}
  b\\t{{ {c}""")
''',
        '''\
log("""{a}
  b	{{ {c}""", a, c)
''',
    ),
    (
        """\
print("GEN",
      a, # one
      b  # two
      )
""",
        """\
log("GEN",
      a, # one
      b  # two
      )
""",
    ),
    (
        """\
print(
\tf"{a}"
\tf"{f(a,
\t     b)}"
)
""",
        None,  # before Python 3.12 no f-string
    ),
    ('print ( ( f"{x}" ) , )\n', 'log ( "{x}", x , )\n'),
    ('print\\\n  (f"{x}")\n', 'log\\\n  ("{x}", x)\n'),
    ('if 1: print(f"{x}"); print("GEN", x)\n', 'if 1: log("{x}", x); log("GEN", x)\n'),
]


@pytest.mark.parametrize(("before", "after"), LAYOUTS)
def test_the_layout_stays(before: str, after: str | None) -> None:
    try:
        compile(before, "<before>", "exec")
    except SyntaxError:
        pytest.skip("not in this version of Python")
    new = whole(before)
    compile(new, "<after>", "exec")
    if after is not None:
        assert new == "from attolog import log\n\n" + after


def test_values_over_several_lines_stay_as_they_are_written() -> None:
    before = 'print("a %s b" % (\n    f(a,  b)\n  [0],\n))\n'
    after = 'log("a {f!s} b", f(a,  b)\n  [0])\n'
    assert whole(before) == "from attolog import log\n\n" + after


def test_await_and_yield_stay_in_place() -> None:
    before = 'async def f():\n    print(f"{await a} {b}")\ndef g():\n    print("x:", (yield a))\n'
    assert whole(before).endswith(
        'async def f():\n    log("{a} {b}", await a, b)\ndef g():\n    log("x: {x!s}", (yield a))\n'
    )
