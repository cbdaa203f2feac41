r"""Write a C++ header with the docstrings of a stub, so that `help()` and the stub say one thing.

    python docstrings.py STUB HEADER

Each class, method, property and function of the stub that has a docstring becomes a constant:
`Logger`, `Logger_flush`, `tee`. A function's and a class's begin with its signature, in the form
from which CPython makes `__text_signature__` (`Objects/typeobject.c`, "--\n\n").
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

Function = ast.FunctionDef


def signature(function: Function) -> str:
    """The arguments of a function, without annotations; `self` and `cls` are `$self`."""
    arguments = function.args
    for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        each.annotation = None
    for each in (arguments.vararg, arguments.kwarg):
        if each is not None:
            each.annotation = None
    text = ast.unparse(arguments)
    for receiver in ("self", "cls"):
        if text == receiver or text.startswith(f"{receiver},"):
            text = f"${text.replace(receiver, 'self', 1)}"
    return f"({text})"


def is_property(function: Function) -> bool:
    """Whether it is a property's getter or setter."""
    return any(
        getattr(each, "id", getattr(each, "attr", "")) in ("property", "setter")
        for each in function.decorator_list
    )


def merge(overloads: list[Function]) -> Function:
    """One function that takes what any overload takes; names are those of the first with them."""
    first = overloads[0]
    for each in overloads[1:]:
        known, more = first.args, each.args
        n_known, n_more = len(known.posonlyargs), len(more.posonlyargs)
        known.posonlyargs += more.posonlyargs[n_known:]
        n_optional = len(known.posonlyargs) - min(n_known, n_more)
        known.defaults = [ast.Constant(...)] * max(n_optional, len(known.defaults))
        known.vararg = known.vararg or more.vararg
        known.kwarg = known.kwarg or more.kwarg
        names = {argument.arg for argument in known.kwonlyargs}
        for argument, default in zip(more.kwonlyargs, more.kw_defaults, strict=True):
            if argument.arg not in names:
                known.kwonlyargs.append(argument)
                known.kw_defaults.append(default)
    return first


def docstrings(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[str, str]]:
    """The name and docstring of all that the statements of a stub define."""
    functions: dict[str, list[Function]] = {}
    for each in body:
        if isinstance(each, Function):
            functions.setdefault(each.name, []).append(each)
        elif isinstance(each, ast.ClassDef):
            text = ast.get_docstring(each)
            if text:
                yield each.name, constructor(each) + text
            yield from docstrings(each.body, f"{each.name}_")
    for name, overloads in functions.items():
        texts = [text for each in overloads if (text := ast.get_docstring(each))]
        if not texts or name == "__new__":
            continue
        head = ""
        if not is_property(overloads[0]):
            head = f"{name}{signature(merge(overloads))}\n--\n\n"
        yield f"{owner}{name}", head + texts[0]


def constructor(owner: ast.ClassDef) -> str:
    """The head of a class's docstring: the arguments that it is made with."""
    for each in owner.body:
        if isinstance(each, Function) and each.name == "__new__":
            arguments = signature(each).replace("($self, ", "(").replace("($self)", "()")
            refuses = "NoReturn" in ast.unparse(each.returns) if each.returns else False
            return "" if refuses else f"{owner.name}{arguments}\n--\n\n"
    return ""


def main(stub: str, header: str) -> None:
    """Write the header."""
    lines = [
        "// Made from _core.pyi by cmake/docstrings.py.",
        "#pragma once",
        "",
        "namespace attolog::python::docs {",
        "",
    ]
    for name, text in docstrings(ast.parse(Path(stub).read_text("utf-8")).body):
        lines.append(f'inline constexpr char {name}[] = R"doc({text})doc";')
    lines += ["", "}  // namespace attolog::python::docs", ""]
    Path(header).write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
