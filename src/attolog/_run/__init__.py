"""`attolog run`: an unmodified program whose prints are fast, and typed records.

`transform` compiles the prints of a source, `cache` keeps what came of it, `hook` brings it to the
program's modules, `streams` stands in for sys.stdout and sys.stderr, `main` is the program's start
and end, `children` has its child processes join, which `child_start` does in them.
"""
