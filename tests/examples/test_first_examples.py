"""The short examples run, and print what they are there to show."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import attolog

EXAMPLES = Path(__file__).parents[2] / "examples"


def lines_of(name: str, folder: Path) -> list[str]:
    """The lines that an example prints, run as its own text says."""
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_each_example_has_a_test() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {
        "print_to_table",
        "sampled",
        "stats",
        "flight_recorder",
        "kill_demo",
        "slowest",
    }


def test_print_to_table(tmp_path: Path) -> None:
    pytest.importorskip("polars")
    first, second, *table = lines_of("print_to_table", tmp_path)
    assert (first, second) == ("request 0 of ann took 5.0 ms", "request 1 of bob took 6.0 ms")
    cells = [re.findall(r"[\w.]+", line) for line in table]
    assert ["user", "requests", "ms"] in cells
    assert ["ann", "3000", "9.5"] in cells
    assert ["eve", "3000", "49.5"] in cells


def test_sampled(tmp_path: Path) -> None:
    said, estimated = lines_of("sampled", tmp_path)
    assert re.fullmatch(r"100000 calls, \d+ kept: 5 of each user that was chosen", said)
    # The hash of a key is the same in every run, and so is the sample.
    found = re.fullmatch(r"estimated: (\d+) to (\d+) calls, 20\.0 ms in the mean", estimated)
    assert found is not None
    assert int(found[1]) <= 100_000 <= int(found[2])


def test_stats(tmp_path: Path) -> None:
    calls, *windows = lines_of("stats", tmp_path)
    assert calls == "3000 calls"
    assert sorted(line.partition(",")[0] for line in windows) == [
        *["bob: 750 requests"] * 3,
        *["eve: 250 requests"] * 3,
    ]


def test_flight_recorder(tmp_path: Path) -> None:
    calls, saved, *rows = lines_of("flight_recorder", tmp_path)
    assert calls == "200000 calls, the last 50000 held"
    assert saved == "slow-1.csv:"
    kept = [row.split(",") for row in rows]
    assert [row[3] for row in kept if row[1] == "SERVED"] == [
        str(request) for request in range(123_451, 123_459)
    ]
    assert [row[1] for row in kept if row[1] != "SERVED"] == ["TRIGGER"]


def test_slowest(tmp_path: Path) -> None:
    path = tmp_path / "serving.atto"
    serving = EXAMPLES / "serving" / "multi_model_dev.py"
    command = [sys.executable, str(serving), "--run-seconds", "1", "--log-file", str(path)]
    subprocess.run(command, capture_output=True, check=True)
    done = attolog.read(path)["DONE"].to_dicts()
    first, second, third, *batches = lines_of("slowest", path)
    assert first.endswith(f", {max(each['total_ms'] for each in done):.1f} ms")
    assert re.search(r"[\d.]+ ms waiting, [\d.]+ ms in its batch \d+$", second)
    n = re.search(r"meanwhile (\d+) other batches ran", third)
    assert n is not None and len(batches) == int(n[1])
