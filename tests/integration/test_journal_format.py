"""docs/reference/journal-format.md describes what is written: its decoder and the reader agree."""

import datetime
import random
import sys
from pathlib import Path
from typing import Any

import attolog

sys.path.insert(0, str(Path(__file__).parents[1]))
from format_decoder import decode


def random_value(random_: random.Random) -> Any:
    return random_.choice(
        [
            random_.randint(-(2**63), 2**63 - 1),
            random_.randint(-5, 5),
            random_.random(),
            round(random_.random() * 1000, 3),
            random_.choice(["ResNet50", "ResNet101", "", "naïve ☃ \U0001f600", "x" * 300]),
            random_.randbytes(5),
            None,
            True,
            2**80,
            datetime.datetime(2026, 11, 23, 5, 48, 1, 250_000, tzinfo=datetime.UTC),
            datetime.date(2026, 11, 23),
            datetime.timedelta(days=1, microseconds=3),
        ]
    )


def test_the_page_suffices_to_read_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    random_ = random.Random(20261123)
    with attolog.AsyncFileLogger(path) as log:
        for i in range(3000):
            log("GEN", i, random_value(random_))
            log("SCHED", random_value(random_), exit=random_value(random_))
            log.info("{i} took {ms:.3f} ms", i, random_.random())
            log(f"sentence number {i}")
    by_page = [
        (record["time"], record["kind"], record["name"], len(record["values"]))
        for record in decode(path)
    ]
    names = {"text": "LOG", "message": "{i} took {ms:.3f} ms"}
    by_reader = [
        (
            record.time,
            record.kind,
            record.event or names[record.kind],
            len(record.fields),
        )
        for record in attolog.read(path).records()
    ]
    assert len(by_page) == 12_000
    assert by_page == by_reader


def test_values_are_the_same_bit_by_bit(tmp_path: Path) -> None:
    path = tmp_path / "run.atto"
    values = [0.1, -0.0, float("inf"), 5e-324, 123456.789, 2**62, -(2**63), "snow ☃", b"\0\xff"]
    with attolog.AsyncFileLogger(path) as log:
        for value in values:
            log("VALUE", value)
    by_page = [record["values"][0][1] for record in decode(path)]
    assert [repr(value) for value in by_page] == [repr(value) for value in values]
    by_reader = [record.fields["value"] for record in attolog.read(path).records()]
    assert [repr(value) for value in by_reader] == [repr(value) for value in values]
