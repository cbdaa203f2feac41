"""The Python blocks of the user's document, and the program that they make together."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Collection
from pathlib import Path

DOCUMENT = Path(__file__).with_name("user-document.md").read_text(encoding="utf-8")

DEFINED = {"AsyncFileLogger", "init_logger", "debug_log", "_debug_logger"}
IMPORT = "from attolog import AsyncFileLogger, debug_log, init_logger, log as _debug_logger"


def block(start: str) -> str:
    """The first Python block behind the line that starts with `start`."""
    _, _, rest = DOCUMENT.partition(f"\n{start}")
    found = re.search(r"^```python\n(.*?)^```$", rest, re.MULTILINE | re.DOTALL)
    assert found is not None, start
    return found[1]


DEFINITIONS = block("#### 步骤1")
GENERATOR = block("**Generator的print")
SCHEDULER = block("**Scheduler的print")
MAIN = block("#### 步骤3")
ANALYSIS = block("### 解析日志")
SAMPLED = block("## 方案 2")
STATISTICS = block("## 方案 3")
CIRCULAR = block("## 方案 4")


def imported(source: str, defined: Collection[str] = DEFINED, instead: str = IMPORT) -> str:
    """`source` with what it defines (classes, functions, their global) imported instead."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        names = {getattr(node, "name", None)}
        if isinstance(node, ast.Assign):
            names = {getattr(target, "id", None) for target in node.targets}
        if names & set(defined):
            for i in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[i] = ""
    return "\n".join([*lines, instead, ""])


# What the document's program has and its blocks use: values of its own example lines.
SETTING = """
import sys
import time
from types import SimpleNamespace

logs_dir = sys.argv[1]
model_name = "ResNet50"
task = SimpleNamespace(task_id=12345, arrival_time=1707234567.123456)
batch_diag, exit_id, batch_size = [None] * 42, "layer1", 8
"""


def program(definitions: str, rounds: int = 3) -> str:
    """The document's program: its blocks, verbatim, in the places that it names for them."""
    placeholder = "    # ... 运行simulation ..."
    assert placeholder in MAIN
    simulation = textwrap.indent(GENERATOR + SCHEDULER, "        ")
    return "".join(
        [
            definitions,
            SETTING,
            f"\ndef simulation():\n    for _ in range({rounds}):\n{simulation}",
            "\n" + MAIN.replace(placeholder, "    simulation()"),
            "\nmain()\n",
        ]
    )
