"""The table in README.md and the tests agree: every row has a test, every id has a row."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
OPEN = {"E2", "E7", "E8"}  # what they need does not exist yet; the table says so


def table() -> list[list[str]]:
    """The rows of the table: id, what happens, what holds, the tests."""
    text = Path(__file__).with_name("README.md").read_text("utf-8")
    lines = re.findall(r"^\| ([A-F]\d+ \|.*) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def rows() -> list[str]:
    return [row[0] for row in table()]


def ids_of_name(name: str) -> set[str]:
    """Of `test_b5_b6_a_short_write`: B5 and B6."""
    start = re.match(r"test_((?:[a-f]\d+_)+)", name)
    return set(start[1].upper().strip("_").split("_")) if start else set()


def ids_of_text(text: str) -> set[str]:
    return set(re.findall(r"\b[A-F]\d{1,2}\b", text))


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def rows_of_tests() -> dict[str, set[str]]:
    """The ids that tests have, each with the files that it is in."""
    found: dict[str, set[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        for function in functions(path):
            ids = ids_of_name(function.name) | ids_of_text(ast.get_docstring(function) or "")
            for row in ids:
                found.setdefault(row, set()).add(path.name)
    for path in (TESTS / "cpp").rglob("test_*.cpp"):
        for name in re.findall(r'Test \w+\{\s*"([A-F]\d+): ', path.read_text("utf-8")):
            found.setdefault(name, set()).add(path.name)
    return found


def test_every_row_but_the_open_ones_has_a_test() -> None:
    assert set(rows()) - OPEN - set(rows_of_tests()) == set()


def test_every_id_of_a_test_has_a_row() -> None:
    assert {row: files for row, files in rows_of_tests().items() if row not in rows()} == {}


def test_rows_have_ids_of_their_own_and_open_ones_say_so() -> None:
    assert sorted(rows()) == sorted(set(rows()))
    assert {row for row, _, promise, _ in table() if promise.startswith("open: ")} == OPEN


def test_each_row_names_the_files_of_its_tests() -> None:
    tests = rows_of_tests()
    expected = {row: ", ".join(sorted(tests.get(row, {"-"}))) for row in rows()}
    assert {row: files for row, _, _, files in table()} == expected


def test_ids_are_found_in_names() -> None:
    assert ids_of_name("test_b5_b6_a_short_write_or_an_error") == {"B5", "B6"}
    assert ids_of_name("test_d2_one_record_is_one_line") == {"D2"}
    assert ids_of_name("test_damage_is_found") == set()


def test_f9_f10_f11_each_sanitizer_has_a_target_that_runs_the_tests() -> None:
    makefile = (TESTS.parent / "Makefile").read_text("utf-8")
    recipes = dict(re.findall(r"^([a-z-]+):[^\n]*\n((?:\t[^\n]*\n)+)", makefile, re.MULTILINE))
    for sanitizers in ("address,undefined", "thread"):
        assert f"-DATTOLOG_SANITIZE={sanitizers}" in recipes["sanitize"]
    assert recipes["sanitize"].count("ctest") == 2
    scripts = {
        name: (TESTS.parent / f"scripts/{name}.sh").read_text("utf-8")
        for name in ("sanitize-module", "sanitize-threads")
    }
    assert all(f"scripts/{name}.sh" in recipes[name] for name in scripts)
    assert "ATTOLOG_SANITIZE=address,undefined" in scripts["sanitize-module"]
    assert "ATTOLOG_SANITIZE=thread" in scripts["sanitize-threads"]
    assert all("pytest" in script for script in scripts.values())
