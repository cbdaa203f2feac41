"""`attolog bench`: the ways to log from Python beside each other, measured on this machine.

`methods` knows how each is set up, `child` runs one once in a process of its own, `driver` runs
them by turns; `table`, `report` and `plot` show what came of it. `benchmarks/` uses
these methods too.
"""
