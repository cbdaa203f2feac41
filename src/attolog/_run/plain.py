"""The code of the program as Python itself compiles it, for others that read it.

Who translates code, or sends it elsewhere, knows the constants that Python makes. Compiled prints
are none of them.
"""

from __future__ import annotations

import functools
import marshal
import operator
from collections.abc import Callable, Iterator
from types import BuiltinMethodType, CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from attolog import _core
from attolog._compile_warnings import collect_warnings

if TYPE_CHECKING:
    from attolog._run.hook import Finder

# Functions that are given code to translate, and the modules that have them.
_TRANSLATORS = {
    "numba.core.bytecode": ("get_code_obj", "get_code_object"),
    "torch._dynamo.convert_frame": ("_compile",),
}
_DYNAMO_FUNCTIONS = "torch._dynamo.variables.functions"

_sources: dict[str, list[tuple[bytes, CodeType]]] = {}
_twins: dict[object, CodeType] = {}


def keep(path: str, raw: bytes, code: CodeType) -> None:
    """Have `plain_code` know a module.

    Args:
        path: The file, as its code names it.
        raw: Its source.
        code: Its code, with compiled prints.
    """
    _sources.setdefault(path, []).append((raw, code))


def plain_code(code: CodeType) -> CodeType:
    """Code as Python compiles its source; what has no compiled print is returned as it is.

    Args:
        code: Of a module or function; that of `code.replace(...)` as well.
    """
    if not any(map(_is_ours, code.co_consts)):
        return code
    for raw, compiled in _sources.get(code.co_filename, ()):
        if _key(compiled) not in _twins:
            _twins.update(_pairs(compiled, _compile(raw, code.co_filename)))
    plain = _twins.get(_key(code))
    if plain is None:  # put together by the program itself
        return code.replace(co_consts=tuple(map(_plain_value, code.co_consts)))
    if (plain.co_flags, plain.co_name) == (code.co_flags, code.co_name):
        return plain
    return plain.replace(co_flags=code.co_flags, co_name=code.co_name)


def wrap(finder: Finder) -> None:
    """Give plain code to `marshal`, and to numba and torch.compile as they are imported.

    Args:
        finder: Tells of what is imported.
    """
    marshal.dumps, marshal.dump = _marshalling(marshal.dumps), _marshalling(marshal.dump)
    for name, functions in _TRANSLATORS.items():
        finder.after_import(name, functools.partial(_wrap_functions, functions))
    finder.after_import(_DYNAMO_FUNCTIONS, _wrap_dynamo)


def reduce_print(*arguments: Any) -> tuple[Any, ...]:
    """What a compiled print is pickled as, where its function is sent by value.

    It goes as a function of `__main__`, whole, so that the other process needs no attolog.

    Args:
        arguments: Those of `_core.compile_print`.
    """
    function = FunctionType(_print_sent.__code__, {"__builtins__": __builtins__}, "print")
    function.__module__ = "__main__"
    made: list[Any] = []
    names = ("print", "print_flushed", "show", "are_texts")
    parts = {name: functools.partial(function, made, arguments, name) for name in names}
    return SimpleNamespace, (), parts


def _print_sent(
    made: list[Any],
    arguments: tuple[Any, ...],
    name: str,
    print: Any,  # noqa: A002
    *values: Any,
) -> Any:
    """A method of a compiled print; the first argument of `show` is the index of the value."""
    # This code is run with no other names than Python's.
    import sys

    core: Any = sys.modules.get("attolog._core")
    if core is not None:
        if not made:
            made.append(core.compile_print(*arguments))
        if name.startswith("print"):
            return made[0](print, *values)
        return getattr(made[0].__self__, name)(print, *values)
    if name == "are_texts":
        return all(type(value) is str for value in (print, *values))
    _, _, _, conversions, written, given, *_ = arguments
    # A text that is shown as it is, whatever the hole asks for.
    methods = {"__format__": lambda text, _: str(text), "__repr__": str.__str__, "_attolog": True}
    texts = type("Text", (str,), methods)

    def show(conversion: Any, value: Any) -> Any:
        text, n_before, _ = conversion
        if n_before <= -2:
            return texts(text.format(value) if n_before == -2 else text + value)
        return texts(text % (value if n_before < 0 else (*[""] * n_before, value)))

    if name == "show":
        return show(conversions[print], *values)
    values = tuple(
        value
        if conversion is None or conversion[1] == -2 or hasattr(type(value), "_attolog")
        else show(conversion, value)
        for conversion, value in zip(conversions, values, strict=True)
    )
    options = dict(given)
    if options.get("file"):
        options["file"] = getattr(sys, options["file"])
    shown: list[Any] = []
    for first, *rest in written:
        if not rest:
            shown.append(values[first])
        elif first is None:
            shown.append(rest[0])
        else:
            shown.append(first.format(*(values[i] for i in rest[0])))
    return print(*shown, **options)


def _marshalling(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(value: object, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(value, *args, **kwargs)
        except ValueError:
            plain = _plain_value(value)
            if plain is value:
                raise
        return function(plain, *args, **kwargs)

    return _Function(wrapped)


class _Function:
    """What is called as a function of C is: of a class's attribute it makes no method."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


def _wrap_functions(names: tuple[str, ...], module: ModuleType) -> None:
    """The first argument of these functions, or what they return, is plain code."""
    for name in names:
        function = getattr(module, name, None)
        if function is not None:
            setattr(module, name, _translating(function))


def _wrap_dynamo(module: ModuleType) -> None:
    """Each class there tells the code of a kind of functions."""
    classes: list[Any] = [each for each in vars(module).values() if isinstance(each, type)]
    for each in classes:
        if "get_code" in vars(each):
            each.get_code = _translating(each.get_code)


def _translating(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return _plain_value(function(*map(_plain_value, args), **kwargs))

    return wrapped


def _plain_value(value: Any) -> Any:
    """A value with plain code in it; the value itself, where it has no compiled print."""
    kind = type(value)
    if kind is CodeType:
        return plain_code(value)
    if kind is dict:
        made: Any = {key: _plain_value(each) for key, each in value.items()}
        return value if all(map(operator.is_, made.values(), value.values())) else made
    if kind in (tuple, list, set, frozenset):
        parts = [_plain_value(each) for each in value]
        return value if all(map(operator.is_, parts, value)) else kind(parts)
    return value


def _is_ours(constant: object) -> bool:
    """Whether it is a compiled print, or code that has one."""
    if isinstance(constant, CodeType):
        return any(map(_is_ours, constant.co_consts))
    return type(constant) is BuiltinMethodType and type(constant.__self__) is _core.CompiledPrint


def _key(code: CodeType) -> object:
    """What tells code from other code, its flags and name aside: decorators change them."""
    return code.co_filename, code.co_firstlineno, code.co_linetable, code.co_code, code.co_consts


def _pairs(compiled: CodeType, plain: CodeType) -> Iterator[tuple[object, CodeType]]:
    yield _key(compiled), plain
    inner = (
        [each for each in code.co_consts if isinstance(each, CodeType)]
        for code in (compiled, plain)
    )
    for one, other in zip(*inner, strict=True):
        yield from _pairs(one, other)


def _compile(raw: bytes, path: str) -> CodeType:
    with collect_warnings():  # they have been given
        return compile(raw, path, "exec", dont_inherit=True)
