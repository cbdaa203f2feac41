"""The table: what is run, and how."""

from __future__ import annotations

from programs.program import Change, Program

_SIMPY = "simpy==4.1.2"
_SALABIM = "salabim==26.0.9"
_DEAP = "deap==1.4.4"
_PYPARSING = "pyparsing==3.3.3"
_SYMPY = "sympy==1.12"
_TQDM = "tqdm==4.70.1"
_PYTEST = "pytest==9.0.2"
_GREENLET = "greenlet==3.2.4"
_NUMPY = "numpy==2.3.5"

_BARS = {"TQDM_BAR_FORMAT": "{n}/{total}", "TQDM_MININTERVAL": "0", "TQDM_MINITERS": "1"}
"""Progress bars without times, shown at every step."""

_AS_THEY_LIKE = "its processes or threads write when they come to it"


def _simpy(name: str, *changes: tuple[str, str]) -> Program:
    file = f"{name}.py"
    return Program(
        f"simpy-{name}",
        (file,),
        _SIMPY,
        "docs/examples/code",
        changes=tuple(Change(file, old, new) for old, new in changes),
    )


def _salabim(name: str, *options: str) -> Program:
    """A test of salabim's with all traced; pytest does without its line of times."""
    file = f"test_{name}.py"
    traced = Change(file, "sim.Environment(", "sim.Environment(trace=True, ")
    return Program(
        f"salabim-{name}" + ("-included" if options else ""),
        ("-m", "pytest", "-qq", "-s", "-p", "no:cacheprovider", file),
        _SALABIM,
        "tests",
        needs=(_PYTEST, _GREENLET),
        changes=(traced,),
        options=options,
        varies=r"0x[0-9a-f]+",
    )


def _deap(
    folder: str, name: str, *, any_order: str = "", not_provable: str = "", spawn: bool = False
) -> Program:
    file = f"{name}.py"
    start = 'if __name__ == "__main__":\n'
    how = start + '    __import__("multiprocessing").set_start_method("spawn")\n'
    return Program(
        f"deap-{name}" + ("-spawn" if spawn else ""),
        (file,),
        _DEAP,
        f"examples/{folder}",
        needs=(_NUMPY,),
        changes=(Change(file, start, how),) if spawn else (),
        any_order=any_order,
        not_provable=not_provable,
        not_for_head="a process that ends early leaves the others waiting" if any_order else "",
    )


def _pyparsing(
    name: str, *, stdin: str | None = None, seed: bool = False, status: int = 0
) -> Program:
    file = f"{name}.py"
    start = "import random\n"
    return Program(
        f"pyparsing-{name}",
        (file,),
        _PYPARSING,
        "examples",
        changes=(Change(file, start, start + "random.seed(1)\n"),) if seed else (),
        stdin=stdin,
        status=status,
    )


def _sympy(level: str, name: str, *, status: int = 0) -> Program:
    return Program(f"sympy-{name}", (f"{name}.py",), _SYMPY, f"examples/{level}", status=status)


def _library(
    name: str, *command: str, stdin: str | None = None, varies: str = "", status: int = 0
) -> Program:
    return Program(f"python-{name}", command, stdin=stdin, varies=varies, status=status)


PROGRAMS = (
    _simpy("bank_renege", ("NEW_CUSTOMERS = 5 ", "NEW_CUSTOMERS = 80_000 ")),
    _simpy("carwash", ("SIM_TIME = 20 ", "SIM_TIME = 100_000 ")),
    _simpy("gas_station_refuel", ("SIM_TIME = 1000 ", "SIM_TIME = 3_000_000 ")),
    _simpy("latency", ("SIM_DURATION = 100", "SIM_DURATION = 200_000")),
    _simpy("machine_shop", ("NUM_MACHINES = 10 ", "NUM_MACHINES = 100 ")),
    _simpy("movie_renege", ("SIM_TIME = 120 ", "SIM_TIME = 12_000 ")),
    _simpy("process_communication", ("SIM_TIME = 100", "SIM_TIME = 100_000")),
    _salabim("store"),
    _salabim("componentgenerator"),
    _salabim("distributions"),
    _salabim("distributions", "--include", "salabim"),
    _deap("ga", "onemax"),
    _deap("ga", "onemax_short"),
    _deap("ga", "onemax_mp", not_provable="its one print of its own is for an old Python"),
    _deap("ga", "onemax_island", any_order=_AS_THEY_LIKE),
    _deap("ga", "onemax_island", any_order=_AS_THEY_LIKE, spawn=True),
    _deap("gp", "symbreg"),
    Program(
        "deap-hillis",
        ("coev/hillis.py",),
        _DEAP,
        "examples",
        needs=(_NUMPY,),
        environment={"PYTHONPATH": "ga"},  # a module of its neighbours
    ),
    _pyparsing("adventureEngine", stdin="take shovel\nn\nuse shovel\nlook\nx\ni\nq\n", seed=True),
    _pyparsing("antlr_grammar"),
    _pyparsing("LAparser"),
    _pyparsing("lucene_grammar"),
    _pyparsing("select_parser"),
    _pyparsing("stackish", status=1),  # a traceback
    _pyparsing("greetingInKorean"),
    _sympy("beginner", "print_pretty"),
    _sympy("beginner", "plot_examples", status=1),  # a traceback
    _sympy("advanced", "qft"),
    Program("ply-basic", ("basic.py", "maxsin.bas"), "ply==3.11", "example/BASIC"),
    Program(
        "ply-basic-typed",
        ("basic.py",),
        "ply==3.11",
        "example/BASIC",
        stdin="10 FOR I = 1 TO 500\n20 PRINT I, I*I\n30 NEXT I\n40 END\nLIST\nRUN\nOOPS\n",
    ),
    Program("automat", ("typical_example_happy.py",), "automat==25.4.16"),
    Program("einstein", ("einstein.py",), "python-constraint==1.4.0", "examples/einstein"),
    Program("curio-prodcons", ("prodcons.py",), "curio==1.6", "examples"),
    Program(
        "trio-tasks-with-trace",
        ("tasks-with-trace.py",),
        "trio==0.35.0",
        "docs/source/tutorial",
        changes=(Change("tasks-with-trace.py", "trio.sleep(1)", "trio.sleep(0.1)"),),
        any_order="its scheduler takes the tasks of a round in any order",
        varies=r"[\d.e-]+ seconds",
    ),
    Program(
        "pykka-worker_pool",
        ("worker_pool.py",),
        "pykka==4.5.0",
        "examples",
        changes=(
            Change("worker_pool.py", "socket.gethostbyaddr(str(ip))", "[str(ip)]"),  # no network
            Change("worker_pool.py", "range(1, 20)", "range(1, 250)"),
        ),
        any_order=_AS_THEY_LIKE,
        not_for_head="an exception in its main thread leaves its other threads running for ever",
    ),
    Program(
        "multiprocess-ex_newtype",
        ("ex_newtype.py",),
        "multiprocess==0.70.19",
        "py3.11/examples",
        any_order="the object prints in the manager's process",
    ),
    Program(
        "tqdm-redirect_print",
        ("redirect_print.py",),
        _TQDM,
        "examples",
        environment=_BARS,
        not_provable="it prints to a sys.stdout of its own, which no rewriter can see",
    ),
    Program(
        "tqdm-async_coroutines",
        ("async_coroutines.py",),
        _TQDM,
        "examples",
        changes=(Change("async_coroutines.py", "N = int(1e6)", "N = int(1e5)"),),
        environment=_BARS,
    ),
    Program("doit-tasks", ("-m", "doit", "-f", "parameters.py"), "doit==0.37.0", "doc/samples"),
    Program(
        "prompt-toolkit-named-colors",
        ("named-colors.py",),
        "prompt_toolkit==3.0.53",
        "examples/print-text",
    ),
    _library("dis", "-m", "dis", "{stdlib}/tkinter/__init__.py", varies=r"0x[0-9a-f]+"),
    _library("tokenize", "-m", "tokenize", "{stdlib}/typing.py"),
    _library("ast", "-m", "ast", "{stdlib}/typing.py"),
    _library("this", "-m", "this"),
    _library("trace", "-m", "trace", "--trace", "{stdlib}/this.py"),
    _library("doctest", "-m", "doctest", "-v", "{stdlib}/heapq.py"),
    _library("unittest", "-m", "unittest", "-v", "test.test_textwrap", varies=r"in [\d.]+s"),
    _library("argparse", "-m", "json.tool", "--nope", status=2),
    _library("timeit", "-m", "timeit", "-n", "1", "print('x' * 70)", varies=r"[\d.]+ [mun]?sec"),
    _library("pdb", "-m", "pdb", "{stdlib}/this.py", stdin="n\nn\nlist\nb 28\nc\np c\nbt\nq\n"),
    _library(
        "code", "-m", "code", stdin="print('x', 1)\n1 / 0\nfor i in range(3): print(i)\n\nexit()\n"
    ),
)
