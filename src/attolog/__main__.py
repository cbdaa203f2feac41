"""`attolog`, and `python -m attolog`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line.

    Returns:
        The exit status.
    """
    if sys.argv[1:2] == ["run"]:
        # The program's folder may have modules that are called as some of those used here.
        if not sys.flags.safe_path:
            del sys.path[0]
        from attolog._run.main import main as run

        return run(sys.argv[2:])
    from attolog._cli import main as look

    return look()


if __name__ == "__main__":
    status = main()
    if status != 0:  # with python -i the end by SystemExit would be shown
        raise SystemExit(status)
