"""The serving program as it was with prints: each form of them is there, and it tells no lies."""

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TypeGuard

import pytest

PROGRAM = Path(__file__).parents[2] / "examples" / "serving" / "multi_model_print.py"
SCHEDULERS = (
    "early_exit",
    "early_exit_lowest_interference",
    "all_early",
    "all_final",
    "all_final_round_robin",
    "ours_normalized",
)


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs a copy of it, alone in a folder; `-I` and `-S` leave it the standard library only.

    `-u`, since CPython loses text of threads that print at once into a buffer (gh-119506).
    """
    program = folder / "multi_model_dev.py"
    shutil.copy(PROGRAM, program)
    command = [sys.executable, "-u", "-I", "-S", "-X", "utf8", str(program), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf8", check=False)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_request_is_done_or_unfinished_and_runs_are_alike(
    scheduler: str, tmp_path: Path
) -> None:
    options = ["--scheduler", scheduler, "--clock", "virtual", "--run-seconds", "0.5"]
    first, second = run(tmp_path, *options), run(tmp_path, *options)
    assert first.returncode == 0
    assert (first.stdout, first.stderr) == (second.stdout, second.stderr)
    other = run(tmp_path, *options, "--seed", "1")
    assert other.returncode == 0 and other.stdout != first.stdout

    generated = re.findall(
        r"^\[Generator-(\w+)\] New task (\d+) at \d+\.\d{6}$", first.stdout, re.M
    )
    done = re.findall(r"^DONE (\w+) (\d+) [\d.]+ (?:True|False)$", first.stdout, re.M)
    assert len(set(generated)) == len(generated) > 0 and len(set(done)) == len(done) > 0
    assert set(done) <= set(generated)
    unfinished = Counter(model for model, _ in set(generated) - set(done))
    summary = re.findall(r"^(ResNet\d+)\t(\d+)\t(\d+)\t", first.stdout, re.M)
    assert len(summary) == 3
    for model, n_done, n_unfinished in summary:
        assert int(n_done) == Counter(name for name, _ in done)[model]
        assert int(n_unfinished) == unfinished[model]


def test_batches_are_numbered_and_hold_what_was_done(tmp_path: Path) -> None:
    text = run(tmp_path, "--clock", "virtual", "--run-seconds", "0.5", "--max-batch", "4").stdout
    form = r"^\[Scheduler-(ResNet\d+)\] Batch_id=(\d+), exit=(\w+), batch_size=(\d+)$"
    batches = re.findall(form, text, re.M)
    assert [int(batch_id) for _, batch_id, _, _ in batches] == list(range(len(batches)))
    sizes = [int(size) for *_, size in batches]
    assert sum(sizes) == len(re.findall("^DONE ", text, re.M)) and max(sizes) == 4


def test_ours_normalized_prints_every_candidate(tmp_path: Path) -> None:
    options = ["--scheduler", "ours_normalized", "--exit-points", "layer2,final"]
    text = run(tmp_path, *options, "--clock", "virtual", "--run-seconds", "0.2").stdout
    states = re.findall(r"^\[State-\w+\] queue_len=(\d+), z=", text, re.M)
    candidates = re.findall(r"^\[Candidate-\w+\] batch_size=\d+, exit=(\w+), ", text, re.M)
    assert len(candidates) == 2 * sum(min(int(n), 10) for n in states) > 0
    assert set(candidates) == {"layer2", "final"}


def test_each_generated_task_is_done_or_unfinished(tmp_path: Path) -> None:
    command = "--scheduler early_exit --lambda-152 40 --run-seconds 0.3"
    ended = run(tmp_path, *command.split())
    assert ended.returncode == 0
    assert "[Generator-ResNet152] New task 0 at " in ended.stdout
    generated = len(re.findall(r"\] New task ", ended.stdout))
    rows = re.findall(r"^ResNet\d+\t(\d+)\t(\d+)\t", ended.stdout, re.M)
    assert generated == sum(int(done) + int(unfinished) for done, unfinished in rows)


def test_a_wrong_option_is_refused(tmp_path: Path) -> None:
    for options in (["--exit-points", "layer9"], ["--run-seconds", "0"], ["--lambda-50", "-1"]):
        ended = run(tmp_path, *options)
        assert ended.returncode == 2 and options[0] in ended.stderr
        assert "Traceback" not in ended.stderr


def test_it_has_prints_of_every_form() -> None:
    """A rewriter of prints is tried on it: nothing of this may be tidied away."""
    source = PROGRAM.read_text(encoding="utf8")
    calls = [node for node in ast.walk(ast.parse(source)) if is_print(node)]
    first = [type(call.args[0]) for call in calls if call.args]
    assert {ast.Constant, ast.Name, ast.JoinedStr, ast.BinOp, ast.Call, ast.Starred} <= set(first)
    keywords = {keyword.arg for call in calls for keyword in call.keywords}
    assert keywords == {"sep", "end", "file", "flush"}
    holes = [hole for node in ast.walk(ast.parse(source)) for hole in holes_of(node)]
    assert {hole.conversion for hole in holes} >= {-1, ord("r")}
    assert any(is_nested(hole) for hole in holes)
    for form in (
        "{batch_size=}",
        "{infer_ms=:.3f}",
        '".format(',
        "%(p50)",
        "# print(",
        "lambda task",
    ):
        assert form in source
    # tests/document/user-document.md has these prints, to the letter.
    assert 'f"[Generator-{model_name}] New task {task.task_id} at "\n' in source
    assert 'f"{task.arrival_time:.6f}"\n' in source
    line = "Batch_id={len(batch_diag)}, exit={exit_id}, batch_size={batch_size}"
    assert f'print(f"[Scheduler-{{model_name}}] {line}")' in source


def is_print(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "print"


def holes_of(node: ast.AST) -> list[ast.FormattedValue]:
    if not isinstance(node, ast.JoinedStr):
        return []
    return [part for part in node.values if isinstance(part, ast.FormattedValue)]


def is_nested(hole: ast.FormattedValue) -> bool:
    return hole.format_spec is not None and bool(holes_of(hole.format_spec))
