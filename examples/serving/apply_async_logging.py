"""Sends the prints of a program to a log file, and adds a switch --debug-log to its options.

What it prints still shows on the terminal, from the log's own thread.

    python apply_async_logging.py [FILE]           FILE is multi_model_dev.py, here, if not given
    python apply_async_logging.py [FILE] --undo    the original, from FILE.orig, is put back

The program is not run, and but for its prints stays as it is; `attolog rewrite` is what does it.
"""

import argparse
import sys
from collections.abc import Sequence

from attolog._rewrite import Options, Reason, Result, SourceError, Start, files, rewrite


def main(arguments: Sequence[str] | None = None) -> int:
    """Patch a file; returns the exit status."""
    parser = argparse.ArgumentParser(description="Send a program's prints to a log file.")
    parser.add_argument("file", nargs="?", default="multi_model_dev.py", metavar="FILE")
    parser.add_argument("--undo", action="store_true", help="put the original back")
    options = parser.parse_args(arguments)
    try:
        if options.undo:
            files.undo(options.file)
            print(f"{options.file}: the original is back")
            return 0
        return apply(options.file)
    except OSError as error:
        print(f"{error.filename or options.file}: {error.strerror}", file=sys.stderr)
    except SourceError as error:
        print(f"{options.file}: {error}", file=sys.stderr)
    return 1


def apply(path: str) -> int:
    """Rewrite the prints of a file, if it has any."""
    raw = files.read(path)
    result = rewrite(raw, path, Options(all=True, start=Start.SWITCH))
    if not result.done:
        _tell_left(path, result)
        return 0
    files.write(path, result.old, result.new)
    n = len(result.done)
    prints = "1 print goes" if n == 1 else f"{n} prints go"
    print(f"{path}: {prints} to logs/debug_<unix time>.log, too")
    _tell_left(path, result)
    print(f"The original is {path}{files.BACKUP}; --no-debug-log turns the log off.")
    return 0


def _tell_left(path: str, result: Result) -> None:
    left = [kept for kept in result.left if kept.reason is not Reason.KEPT]
    if left:
        print(f"{len(left)} prints left:")
    elif not result.done:
        print("0 prints left, already on attolog")
    for kept in left:
        print(f"  {path}:{kept.line}: {kept.reason}")


if __name__ == "__main__":
    sys.exit(main())
