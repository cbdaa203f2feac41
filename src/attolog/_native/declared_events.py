"""Declared events: what `log.event` is given, taken apart for the native side."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any

from attolog._native.constructor_arguments import strategy_of
from attolog._record_names import check_event_name

Description = tuple[str, tuple[str, ...], tuple[Any, ...], str, str, int, str]


def describe(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Description:
    """Read a declaration: a decorated function, or a name and the names of its fields.

    Returns:
        Name, fields, the defaults of the last fields, docstring with signature, file, line, and the
        spelling of its strategy, "" where the logger's holds.

    Raises:
        TypeError: It is neither, or a field is no name.
        ValueError: The name is no event name.

    Example:
        >>> describe(("request", "user", "ms"), None)[:2]
        ('request', ('user', 'ms'))
    """
    options = dict(kwargs or {})
    given = options.pop("strategy", None)
    if options:
        raise TypeError(f"event() takes no option {next(iter(options))!r}")
    strategy = "" if given is None else _spelling(given)
    if len(args) == 1 and isinstance(args[0], FunctionType):
        return *_describe_function(args[0]), strategy
    if not args or not all(isinstance(arg, str) for arg in args):
        raise TypeError(
            'event() takes a function, or names: @log.event, or log.event("login", "user", "id")'
        )
    name, *fields = args
    for field in fields:
        if not field.isidentifier():
            raise ValueError(f"{field!r} is no field name: use letters, digits and _")
    if len(set(fields)) != len(fields):
        raise ValueError(f"event {name}: a field is named twice")
    check_event_name(name)
    frame = sys._getframe(1)
    doc = f"{name}({', '.join(fields)})\n--\n\n"
    code = frame.f_code
    return name, tuple(fields), (), doc, code.co_filename, frame.f_lineno, strategy


def _spelling(given: Any) -> str:
    return strategy_of(given, "strategy")


def _describe_function(
    function: FunctionType,
) -> tuple[str, tuple[str, ...], tuple[Any, ...], str, str, int]:
    code = function.__code__
    if code.co_flags & 0x0C or code.co_kwonlyargcount:  # *args, **kwargs
        raise TypeError(f"event {function.__name__}: fields are plain parameters, without * and **")
    fields = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    required = len(fields) - len(defaults)
    shown = [
        field if i < required else f"{field}={defaults[i - required]!r}"
        for i, field in enumerate(fields)
    ]
    doc = f"{function.__name__}({', '.join(shown)})\n--\n\n{function.__doc__ or ''}"
    name = check_event_name(function.__name__)
    return name, fields, defaults, doc, code.co_filename, code.co_firstlineno
