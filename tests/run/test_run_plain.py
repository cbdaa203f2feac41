"""Whoever translates code, or sends it elsewhere, finds what Python makes of the source."""

from __future__ import annotations

import marshal
import sys
import textwrap
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from attolog._run import plain
from attolog._run.hook import compile_source
from run.programs import compare

# A function with prints of each kind, and functions within it.
TASK = """
import sys
def task(n):
    print("TASK", n)
    print(f"n is {n:>5} and {n!r} {{}} {n:{n}}")
    print("only text")
    print("a", "b", sep="")
    print("%d of %s" % (n, "x"), file=sys.stderr)
    print("%.2f ms" % n, "%04x %r" % (n, [n]), "%d" % (n / 2))
    t = "text"
    print("a " + t + "b", t + str(n))
    print(f"{n} and {n:.3f} and {[n]} of {n.bit_length()} and {n!r:>3} {n.bit_length()}")
    def inner(k):
        print(f"inner {k} of {n}", file=sys.stderr)
        return [print("LIST", i) for i in range(k)]
    return inner(2), (lambda: print("lambda", n))()
"""
ELSEWHERE = "[sys.executable, '-c', 'import sys; sys.modules[\"attolog\"] = None\\n' + text]"

PROGRAMS = {
    "marshalled, and run here": """
        import io, marshal, types
        types.FunctionType(marshal.loads(marshal.dumps(task.__code__)), globals())(4)
        file = io.BytesIO()
        marshal.dump({"all": [task.__code__, (task.__code__, 1)], "s": {task.__code__}}, file)
        print(len(file.getvalue()))
        """,
    "marshalled, and run by a process without attolog": f"""
        import marshal, subprocess
        text = "import marshal, types; code = marshal.loads(sys.stdin.buffer.read()); "
        text += "types.FunctionType(code, globals())(3)"
        subprocess.run({ELSEWHERE}, input=marshal.dumps(task.__code__), check=True)
        """,
    "what marshal does not take": """
        import marshal
        for value in (object(), [task.__code__, object()], print):
            try: marshal.dumps(value)
            except ValueError as error: print(error)
        """,
    "a module's own code": """
        import marshal
        code = compile(open(__file__).read(), __file__, "exec", dont_inherit=True)
        print(len(marshal.dumps(code)), marshal.loads(marshal.dumps(code)) == code)
        """,
    "pickled by value, and run by a process without attolog": f"""
        import cloudpickle, subprocess
        text = "import pickle; pickle.loads(sys.stdin.buffer.read())(3)"
        subprocess.run({ELSEWHERE}, input=cloudpickle.dumps(task), check=True)
        """,
    "pickled by value, and run here": """
        import cloudpickle
        cloudpickle.loads(cloudpickle.dumps(task))(3)
        """,
    "other builtins, another name, other flags": """
        import marshal, types
        builtins = {"print": print, "range": range, "str": str}
        names = {"__builtins__": builtins, "sys": sys}
        types.FunctionType(task.__code__.replace(co_name="other"), names)(1)
        def generator():
            print("yield", 1)
            yield
        code = types.coroutine(generator).__code__
        again = types.FunctionType(marshal.loads(marshal.dumps(code)), {})
        print(code.co_flags == marshal.loads(marshal.dumps(code)).co_flags)
        list(again()) if not code.co_flags & 0x100 else again().send(None)
        """,
}
NUMBA = {
    "njit in another file": ("import numba, {it}\nprint(numba.njit({it}.f)(3))", ""),
    "njit where it stands": ("import {it}\nprint({it}.f(3))", "import numba\n@numba.njit\n"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_code_is_as_ever_to_those_who_send_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "it"
    folder.mkdir()
    (folder / "app.py").write_text(TASK + textwrap.dedent(PROGRAMS[name]))
    compare(folder, ["app.py"], "pipe")


@pytest.mark.parametrize("name", NUMBA)
def test_numba_translates_functions_that_print(tmp_path: Path, name: str) -> None:
    pytest.importorskip("numba", reason="there is no numba for this Python")
    folder = tmp_path / "it"
    folder.mkdir()
    main, head = NUMBA[name]
    (folder / "app.py").write_text(main.format(it="helpers"))
    (folder / "helpers.py").write_text(f"{head}def f(n):\n    print('in f', n)\n    return n + 1\n")
    compare(folder, ["app.py"], "file")


@pytest.mark.parametrize("how", ["pipe", "pty"])
def test_dynamo_breaks_its_graph_at_a_print(tmp_path: Path, how: str) -> None:
    pytest.importorskip("torch", reason="PyTorch is missing: pip install 'attolog[torch]'")
    folder = tmp_path / "it"
    folder.mkdir()
    (folder / "app.py").write_text(
        textwrap.dedent("""
        import torch
        def inlined(x, n):
            print(f"inlined {n}")
            return x * n
        class Model(torch.nn.Module):
            def forward(self, x):
                print("FORWARD", x.shape[0])
                def closure(z):
                    print(f"closure {z.shape}")
                    return z + 1
                return closure(inlined(x, 3)).sum()
        model = torch.compile(Model(), backend="eager")
        for i in range(3):
            print("loop", i, model(torch.ones(2, 3)).item())
        """)
    )
    compare(folder, ["app.py"], how)


def constants(code: CodeType) -> set[type]:
    found = {type(each) for each in code.co_consts}
    return found.union(*(constants(each) for each in code.co_consts if isinstance(each, CodeType)))


def test_plain_code_is_what_python_compiles() -> None:
    source = textwrap.dedent(TASK)
    made = compile_source(source.encode(), "<task>")
    assert made is not None
    assert len(constants(made.code) - {CodeType, str, tuple, int, type(None)}) == 1
    assert plain.plain_code(made.code) == compile(source, "<task>", "exec", dont_inherit=True)
    names: dict[str, object] = {}
    exec(made.code, names)
    task = names["task"]
    again = compile_source(source.encode(), "<task>")  # a module that is loaded a second time
    assert again is not None
    for code in (task.__code__, task.__code__.replace(co_name="x")):  # type: ignore[attr-defined]
        assert marshal.loads(marshal.dumps(plain.plain_code(code))).co_code
        assert constants(plain.plain_code(code)) <= {CodeType, str, tuple, int, type(None)}
    own = compile("print(1)", "<own>", "exec")
    assert plain.plain_code(own) is own


def test_compilers_of_bytecode_are_given_plain_code(monkeypatch: pytest.MonkeyPatch) -> None:
    made = compile_source(textwrap.dedent(TASK).encode(), "<task>")
    assert made is not None
    compiled = made.code

    class Function:
        def get_code(self) -> CodeType:
            return compiled

    convert, functions = ModuleType("convert_frame"), ModuleType("functions")
    convert._compile = lambda code, *args, **kwargs: (code, args, kwargs)  # type: ignore[attr-defined]
    functions.Function = Function  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch._dynamo.convert_frame", convert)
    monkeypatch.setitem(sys.modules, "torch._dynamo.variables.functions", functions)
    for name in ("dumps", "dump"):
        monkeypatch.setattr(marshal, name, getattr(marshal, name))
    from attolog._run.hook import Finder

    plain.wrap(Finder())
    expected = plain.plain_code(compiled)
    assert convert._compile(compiled, 1, x=2) == (expected, (1,), {"x": 2})
    assert Function().get_code() is expected
    assert expected is not compiled
