"""The examples of the four strategies run, and print what they are there to show."""

import re
import subprocess
import sys
from pathlib import Path

STRATEGIES = Path(__file__).parents[2] / "examples" / "strategies"


def printed(name: str, folder: Path) -> list[str]:
    """What an example prints, run as its own text says."""
    command = [sys.executable, str(STRATEGIES / f"{name}.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_each_strategy_has_an_example() -> None:
    assert {path.stem for path in STRATEGIES.glob("*.py")} == {
        "keep_everything",
        "sample",
        "stats",
        "flight_recorder",
    }


def test_keep_everything(tmp_path: Path) -> None:
    assert printed("keep_everything", tmp_path) == [
        "10000 calls, 10000 rows; the last:",
        "GEN,ResNet50,9999",
    ]


def test_sample(tmp_path: Path) -> None:
    said, estimated = printed("sample", tmp_path)
    assert said.startswith("100000 calls")
    # The hash of a key is the same in every run, and so is the sample.
    found = re.fullmatch(r"estimated: (\d+) to (\d+) calls, mean score 2\.00", estimated)
    assert found is not None
    assert int(found[1]) <= 100_000 <= int(found[2])


def test_stats(tmp_path: Path) -> None:
    calls, *windows = printed("stats", tmp_path)
    assert calls == "3000 calls"
    assert [line.split()[:3] for line in windows] == [
        ["ResNet152", "250", "requests,"],
        ["ResNet50", "750", "requests,"],
    ] * 3


def test_flight_recorder(tmp_path: Path) -> None:
    calls, saved, *rows = printed("flight_recorder", tmp_path)
    assert calls == "200000 calls, the last 50000 held"
    assert saved == "slow-1.csv:"
    kept = [row.split(",") for row in rows]
    assert [row[3] for row in kept if row[1] == "DONE"] == [
        str(task_id) for task_id in range(123_451, 123_459)
    ]
    assert [row[1] for row in kept if row[1] != "DONE"] == ["TRIGGER"]
