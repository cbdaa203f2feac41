"""The help of the verbs: each example in it runs."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from attolog._cli import VERBS, main

from .terminal import environment

WITHOUT_FILE = ("bench", "ctl", "doctor", "recover", "rewrite", "run")


def examples(verb: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main([verb, "--help"]) == 0
    _, _, text = capsys.readouterr().out.partition("Example:\n")
    return [line.strip() for line in text.splitlines() if line.strip().startswith("attolog ")]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in WITHOUT_FILE])
def test_the_examples_of_a_verb_run(
    verb: str,
    requests: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in "run.atto", "before.atto":
        shutil.copy(requests, name)
    found = examples(verb, capsys)
    assert found
    for line in found:
        assert re.match(rf"attolog {verb}\b", line)
        command = [sys.executable, "-m", *shlex.split(line)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout or len(list(tmp_path.iterdir())) > 2
