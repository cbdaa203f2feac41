"""`attolog run`: the program's start and its end, as plain Python has them.

What Python itself has to say of a program that cannot be started, it says itself: then this process
becomes a plain `python FILE`.
"""

from __future__ import annotations

import atexit
import errno
import functools
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import CodeType
from typing import Any, NoReturn

from attolog import _core
from attolog._run.hook import compile_source
from attolog._run.options import HELP, Options, UsageError, parse
from attolog._run.start import (
    COMMAND,
    STANDARD_INPUT,
    absolute,
    as_module,
    as_plain,
    folder_of,
    forget_shadowed,
    has_shadows,
    is_importable,
    make_main,
)

# From 3.15 on filters for warnings know the module by its name.
_compile_main: Callable[..., Any] = compile
if sys.version_info >= (3, 15):
    _compile_main = functools.partial(compile, module="__main__")

# What another place for the log does not help against.
_LACKS = (errno.ENOMEM, errno.EMFILE, errno.ENFILE)

_launcher = sys.modules["__main__"]  # whose code goes on when the program has ended


def main(args: Sequence[str]) -> int:
    """Run a program.

    Args:
        args: What stands behind `attolog run`.

    Returns:
        The exit status, where the program has not ended the process by itself.

    Raises:
        KeyboardInterrupt: The program was ended by Ctrl-C, and has said so.
    """
    try:
        options = parse(args)
        if options is None:
            sys.stdout.write(HELP)
            return 0
        options = options._replace(output=options.output or _output_of(options))
    except UsageError as error:
        return _fail(f"{error} (see attolog run --help)")
    plain = as_plain(args, options)
    by_module = as_module(args) if sys.flags.inspect else None
    if by_module is not None:  # the script `attolog` ends by SystemExit, which would be shown
        _exec_plain_python(by_module)
    code, path = None, options.target
    if options.is_text:
        return _run_text(options, plain)
    if path.endswith(".pyc") and not options.is_module:
        return _fail(f"{path} is bytecode; its source is wanted")
    if not options.is_module and not is_importable(path):
        path = absolute(path)
        try:
            with open(path, "rb") as file:
                code = _compile(file.read(), path, options)
        except Exception:
            _exec_plain_python(plain)
    elif has_shadows(folder_of(options)):
        from attolog._run import transform  # noqa: F401 (as long as Python's modules are found)
    return _run(options, plain, code, path)


def _run_text(options: Options, plain: list[str]) -> int:
    """Run a program from the command line or from standard input."""
    if options.code is None and (sys.stdin is None or sys.stdin.isatty()):
        _exec_plain_python(plain)  # which asks for it line by line
    if options.code is None:
        raw, path = sys.stdin.buffer.read(), STANDARD_INPUT
    else:
        raw, path = os.fsencode(_given_lines(options.code)), COMMAND
    code = None
    with suppress(Exception):
        code = _compile(raw, path, options)
    if code is not None:
        return _run(options, plain, code, path)
    if options.code is not None:
        _exec_plain_python(plain)
    return _core.call_as_main(_compile_main, raw, path, "exec", 0, True)  # which says what is wrong


def _given_lines(code: str) -> str:
    """Lines of `-c` as this Python takes them; what it shows of them in tracebacks it keeps."""
    if sys.version_info >= (3, 14):
        import textwrap

        code = textwrap.dedent(code)
    if sys.version_info >= (3, 13):
        import linecache

        lines = [f"{line}\n" for line in code.splitlines()]
        linecache.cache[COMMAND] = (len(code), None, lines, COMMAND)
    return code


def _compile(raw: bytes, path: str, options: Options) -> CodeType:
    """The main script's code; Python gives its warnings itself."""
    made = compile_source(raw, path) if options.structure else None
    if made is not None and not made.is_warned:
        return made.code
    code: CodeType = _compile_main(raw, path, "exec", dont_inherit=True)
    return code if made is None else made.code


def _run(options: Options, plain: list[str], code: CodeType | None, path: str) -> int:
    from attolog._run.session import Session

    try:
        session = Session(options)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in _LACKS:
            _fail(f"{_described(error)}; the program runs without attolog")
            _exec_plain_python(plain)
        return _fail(f"{_described(error)}; -o FILE puts the log elsewhere")
    atexit.register(session.finish, os.getpid(), options.output)

    folder = folder_of(options)
    is_first = code is None and not options.is_module  # Python puts it there in any case
    if is_first or not sys.flags.safe_path:
        sys.path.insert(0, folder)
        forget_shadowed(folder)
    sys.orig_argv = plain
    sys.argv = ["-m" if options.is_module else options.target, *options.args]
    names = make_main(None if code is None else path)
    if code is not None:
        status = _core.call_as_main(code, names)
        for name in ("__file__", "__cached__"):
            names.pop(name, None)
    else:
        import runpy

        run: Any = vars(runpy)["_run_module_as_main"]
        session.watch_start(names)
        module = (options.target,) if options.is_module else ("__main__", False)
        status = _core.call_as_main(run, *module)
    if status == 130:
        # Python ends by the signal itself, once all is cleared away.
        _hide_next_error()
        raise KeyboardInterrupt
    if sys.flags.inspect:
        session.screen.drain()  # the prompt is C's
        if status != 0:
            _hide_next_error()  # SystemExit is shown, and its traceback is not the program's
    return status


def _hide_next_error() -> None:
    """Leave everything to do with the next uncaught exception as it is."""
    of_sys: dict[str, Any] = sys.__dict__
    names = ("last_type", "last_value", "last_traceback", "last_exc")
    hook, last = sys.excepthook, {name: of_sys[name] for name in names if name in of_sys}

    def restore(*error: object) -> None:
        sys.excepthook = hook
        for name in names:
            of_sys.pop(name, None)
        of_sys.update(last)

    sys.excepthook = restore


def _output_of(options: Options) -> str:
    """The file beside which nothing has to be said: the program's name, in this folder."""
    if options.is_module:
        parts = options.target.split(".")
        name = parts[-2] if parts[-1] == "__main__" and len(parts) > 1 else parts[-1]
    elif options.is_text:
        name = "stdin" if options.code is None else "command"
    else:
        name = os.path.splitext(os.path.basename(os.path.abspath(options.target)))[0]
    if not name:
        raise UsageError(f"no name for the output in {options.target!r}: -o FILE")
    return f"{name}.atto"


def _exec_plain_python(argv: list[str]) -> NoReturn:
    """Let plain Python do it."""
    os.execv(sys.executable, argv)


def _described(error: OSError | ValueError) -> str:
    if not isinstance(error, OSError):
        return str(error)
    at = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
    return f"{at}{error.strerror or error}"


def _fail(message: str) -> int:
    line = " ".join(message.splitlines())
    if sys.stderr is not None:
        sys.stderr.write(f"attolog: {line}\n")
    return 2
