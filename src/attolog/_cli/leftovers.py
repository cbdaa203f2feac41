"""Records that no log file can get: those of removed files, and circular logs of killed processes.

`attolog doctor` and `attolog recover --all` report both in these words.
"""

from __future__ import annotations

from collections.abc import Iterator

from attolog import _core
from attolog._words import count


def of_removed_files(found: _core._PlaceRecovery) -> str:
    """The processes whose log files were removed."""
    gone = count(found["gone"], "killed process", "killed processes")
    return f"the log files of {gone} are gone"


def of_circular_logs(
    found: _core._PlaceRecovery, ring_dir: str | None, uid: int | None = None
) -> Iterator[str]:
    """A sentence for each killed process with circular logs; it ends with the command to save them.

    Args:
        found: What `_core.recover_place` returned.
        ring_dir: The folder of the rings, if it was given.
        uid: The user who has to give the command, if that is another one.
    """
    end = f" --ring-dir {ring_dir}" if ring_dir else ""
    by = f" (as user {uid})" if uid is not None else ""
    for pid, records in found["circular"]:
        left = f"killed process {pid} left a circular log of {count(records, 'record')}"
        yield f"{left}: attolog recover {pid} -o FILE{end}{by}"
