"""Names of values, from the call as it is written to the column in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

CALLS = """
import sys
import attolog
log = attolog.AsyncFileLogger(sys.argv[1])
class Task: task_id = 7
task, model, q = Task(), "r50", [1, 2]
log("A", model, task.task_id, len(q), 3, model, rate=0.5)
log(
    "B",
    model,
    # a comment, (
    task.task_id, len(
        q
    ),
)
def inner(value):
    log("INNER", value)
    return value
log("C", inner(model), inner(len(q)), model); log("D", model); log("D", q[0], task.task_id)
[log("E", x, model) for x in q]
log.info("{} took {seconds:.1f}", model, 1.5)
log("F", time, event) if (time := 1) and (event := 2) else None
assert log.close()
"""

NAMED = {
    "A": ["model", "task_id", "len_q", "v4", "model_2", "rate"],
    "B": ["model", "task_id", "len_q"],
    "INNER": ["value"],
    "C": ["inner_model", "v2", "model"],
    "E": ["x", "model"],
    None: ["model", "seconds"],
    "F": ["time_", "event_"],
}


def run(path: Path, *command: str | Path) -> dict[str | None, list[list[str]]]:
    """Run a program that logs into `path`; the names of each record's fields, by event."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, *command, path], env=env, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str | None, list[list[str]]] = {}
    for line in path.read_text().splitlines():
        record = json.loads(line)
        names = [n for n in record if n not in ("time", "event", "level", "message")]
        found.setdefault(record.get("event"), []).append(names)
    return found


def check_named(found: dict[str | None, list[list[str]]]) -> None:
    assert {event: found[event][0] for event in NAMED} == NAMED
    assert found["D"] == [["model"], ["v1", "task_id"]]
    assert found["E"] == [["x", "model"]] * 2 and found["INNER"] == [["value"]] * 2


def test_from_a_file(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(CALLS)
    check_named(run(tmp_path / "run.jsonl", script))


def test_from_a_zip(tmp_path: Path) -> None:
    archive = tmp_path / "program.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("inside.py", CALLS)
        file.writestr("__main__.py", "import inside\n")
    check_named(run(tmp_path / "run.jsonl", archive))


def test_from_the_command_line(tmp_path: Path) -> None:
    found = run(tmp_path / "run.jsonl", "-c", CALLS)
    if sys.version_info >= (3, 13):  # from there on, Python keeps the source of -c
        check_named(found)
    else:
        assert found["A"] == [["v1", "v2", "v3", "v4", "v5", "rate"]]
        assert found[None] == [["v1", "seconds"]]


def test_a_source_that_was_changed_gives_no_wrong_names(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            import attolog
            log = attolog.AsyncFileLogger(sys.argv[1])
            model, task = 1, 2
            source = open(__file__).read()
            open(__file__, "w").write(source.replace("model" + ", task)", "other" + ", thing)"))
            log("A", model, task)
            assert log.close()
            """
        )
    )
    assert run(tmp_path / "run.jsonl", script)["A"] == [["v1", "v2"]]
