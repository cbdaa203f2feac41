"""The reference pages name all that there is, and the program is asked what that is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import attolog

from .pages import ROOT


def reference(name: str) -> str:
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text("utf-8")


def allowed(complaint: str) -> list[str]:
    """What a message names as allowed."""
    _, found, names = complaint.partition("allowed are ")
    assert found
    return names.split(", ")


def shown(*args: str) -> str:
    """What a command of attolog's shows."""
    command = [sys.executable, "-m", "attolog", *args]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


VERBS = re.findall(r"^  (\w+) ", shown("--help").partition("Commands:")[2], re.MULTILINE)


@pytest.mark.parametrize("page", ["options", "toml"])
def test_all_options_of_a_file_are_there(tmp_path: Path, page: str) -> None:
    (tmp_path / "attolog.toml").write_text("unknown = 1\n")
    with pytest.raises(ValueError, match="there is no key") as raised:
        attolog.configure(tmp_path / "attolog.toml")
    names = {*allowed(str(raised.value))} - {"strategy", "level"}
    assert len(names) > 10
    assert [
        each for each in names if f"`{each}`" not in reference(page).replace("[rules]", "rules")
    ] == []


def test_all_strategies_are_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no strategy") as raised:
        attolog.AsyncFileLogger(tmp_path / "run.csv", rules={"A": "nonsense"})
    forms = allowed(str(raised.value))
    assert len(forms) > 5
    assert [each for each in forms if f"`{each}" not in reference("strategies")] == []


def test_all_variables_of_the_environment_are_there() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "cpp").rglob("*.[ch]pp")]
    names = {
        name
        for source in sources
        for name in re.findall(r'"(ATTOLOG(?:_[A-Z_]+)?)"', source.read_text("utf-8"))
    }
    assert len(names) > 3
    assert [each for each in names if f"`{each}`" not in reference("environment")] == []


def test_all_verbs_are_there() -> None:
    assert len(VERBS) > 5
    assert [
        each for each in VERBS if f"\n## attolog {each}\n" not in reference("command-line")
    ] == []


@pytest.mark.parametrize("verb", VERBS)
def test_all_options_of_a_verb_are_there(verb: str) -> None:
    _, _, section = reference("command-line").partition(f"\n## attolog {verb}\n")
    section = section.partition("\n## ")[0]
    options = re.findall(r"^  .*?(--[\w-]+)", shown(verb, "--help").partition("Options:")[2], re.M)
    assert [each for each in options if each != "--help" and f"{each}" not in section] == []


def test_all_names_of_the_package_are_there() -> None:
    page = reference("python-api")
    elsewhere = {"CircularBufferLogger", "Logger", "log"}
    names = {*attolog.__all__} - elsewhere
    assert [each for each in names if f"::: attolog.{each}\n" not in page] == []
    assert "::: attolog._core.Logger" in page
    assert "`attolog.log`" in page


def test_all_columns_of_statistics_are_there(tmp_path: Path) -> None:
    path = tmp_path / "rates.atto"
    with attolog.StatsLogger(path) as log:
        log("request", ms=1)
    fields = {name for record in attolog.read(path).records() for name in record.fields}
    page = reference("files-and-rows")
    assert len(fields) > 10
    assert [each for each in fields if f"`{each}`" not in page] == []


def test_all_fields_of_a_record_are_there(tmp_path: Path) -> None:
    with attolog.AsyncFileLogger(tmp_path / "run.atto") as log:
        log("request", ms=1)
    record = next(attolog.read(tmp_path / "run.atto").records())
    page = (ROOT / "docs" / "guides" / "read-and-analyse.md").read_text("utf-8")
    assert [each for each in record._fields if f"`{each}`" not in page] == []
