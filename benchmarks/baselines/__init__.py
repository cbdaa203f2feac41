"""The peers: other ways to log from Python, measured the same way as attolog.

`python -m benchmarks.baselines NAME FOLDER BURSTS` runs one and prints what it measured as JSON.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from benchmarks.baselines import plain, third_party
from benchmarks.baselines.peer import Peer

PEERS: dict[str, tuple[str, Callable[[Path], Peer]]] = {
    "attolog, journal": ("attolog", plain.attolog_journal),
    "attolog, CSV": ("attolog", plain.attolog_csv),
    "print to a file": ("builtins", plain.print_to_file),
    "the document's AsyncFileLogger": ("queue", plain.document),
    "logging.FileHandler": ("logging", plain.file_handler),
    "logging.QueueHandler": ("logging", plain.queue_handler),
    "bqlog, text": ("bq", third_party.bqlog_text),
    "bqlog, compressed": ("bq", third_party.bqlog_compressed),
    "bqlog, compressed, its C function": ("bq", third_party.bqlog_direct),
    "spdlog": ("spdlog", third_party.spdlog_sync),
    "spdlog, async": ("spdlog", third_party.spdlog_async),
    "loguru": ("loguru", third_party.loguru),
    "picologging": ("picologging", third_party.picologging),
}
"""By name: the module it needs, and how it is opened on a file in a folder of its own."""


def installed() -> list[str]:
    """The peers whose modules are there."""
    return [name for name, (module, _) in PEERS.items() if importlib.util.find_spec(module)]
