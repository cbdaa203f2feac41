"""`log.print`: print's own signature and text."""

import io
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog import AsyncFileLogger

from .helpers import TIME, cells, log_to

CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    (("a",), {}),
    (("a", 1, None, 2.5, [3]), {}),
    (("a", "b"), {"sep": ""}),
    (("a", "b"), {"sep": None, "end": None}),
    (("a", "b"), {"sep": ", ", "end": ""}),
    (("a",), {"end": "\n\n"}),
    (("a\nb", "\x1b[31m"), {"sep": "\r"}),
    (("é漢", "\x00"), {}),
    (("{}", "{x}"), {}),
    (("GEN",), {}),
    (("done",), {"flush": True}),
    (("done",), {"file": None}),
]


def test_a_text_file_has_the_bytes_of_print(tmp_path: Path) -> None:
    printed = io.StringIO(newline="")
    for args, kwargs in CALLS:
        print(*args, **kwargs | {"file": printed})

    def use(log: AsyncFileLogger) -> None:
        for args, kwargs in CALLS:
            log.print(*args, **kwargs)

    for name in ("run.log", "run.txt"):
        path = log_to(tmp_path / name, use)
        assert path.read_bytes().decode() == printed.getvalue()


@pytest.mark.parametrize(("args", "kwargs"), CALLS)
def test_a_journal_has_the_text(
    tmp_path: Path, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    printed = io.StringIO(newline="")
    print(*args, **kwargs | {"file": printed})
    path = log_to(tmp_path / "run.atto", lambda log: log.print(*args, **kwargs))
    (record,) = attolog.read(path).records()
    assert (record.kind, record.event, record.message) == ("print", None, printed.getvalue())


def test_rows(tmp_path: Path) -> None:
    def use(log: AsyncFileLogger) -> None:
        log.print("a", 1, sep=",")
        log.print("two\nlines", end="")
        log.print()

    assert log_to(tmp_path / "run.csv", use).read_text() == (
        '1700000000.123456,PRINT,"a,1"\n'
        '1700000000.123456,PRINT,"two\nlines"\n'
        "1700000000.123456,PRINT,\n"
    )
    assert log_to(tmp_path / "run.jsonl", use).read_text() == (
        '{"time":1700000000.123456,"text":"a,1\\n"}\n'
        '{"time":1700000000.123456,"text":"two\\nlines"}\n'
        '{"time":1700000000.123456,"text":"\\n"}\n'
    )


def test_file_sends_it_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = io.StringIO()
    path = log_to(tmp_path / "run.csv", lambda log: log.print("a", "b", sep="-", file=other))
    assert other.getvalue() == "a-b\n"
    assert cells(path) == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": 1}, "sep must be None or a string, not int"),
        ({"end": b""}, "end must be None or a string, not bytes"),
        ({"colour": 1}, "'colour' is an invalid keyword argument for print()"),
    ],
)
def test_complaints_are_those_of_print(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log, pytest.raises(TypeError) as raised:
        log.print("a", **options)
    assert str(raised.value) == message
    with pytest.raises(TypeError):
        print("a", **options)
    assert log.counts.calls == 0


def test_a_str_that_raises(tmp_path: Path) -> None:
    class Bad:
        def __str__(self) -> str:
            raise ValueError("no")

    path = log_to(tmp_path / "run.csv", lambda log: log.print("a", Bad(), "b"))
    assert cells(path) == [["PRINT", "a <str() of Bad raised ValueError: no> b"]]


def test_print_is_in_order_with_the_rest(tmp_path: Path) -> None:
    with AsyncFileLogger(tmp_path / "run.csv") as log:
        for i in range(3):
            log.set_time(TIME + i)
            log("E", i)
            log.print(i)
    expected = [row for i in range(3) for row in (["E", str(i)], ["PRINT", str(i)])]
    assert cells(tmp_path / "run.csv") == expected


def test_a_logger_that_is_off_does_not_look_at_the_values() -> None:
    class Fails:
        def __str__(self) -> str:
            raise AssertionError

    assert not attolog.log
    attolog.log.print(Fails(), sep=1)  # type: ignore[arg-type]
