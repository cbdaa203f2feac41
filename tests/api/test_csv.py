"""attolog.read_csv, on files as the CSV sink writes them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import attolog._reading.csv
from attolog._reading.csv import read_csv
from attolog._reading.csv import rows as rows_of

pandas: Any = pytest.importorskip("pandas")

GEN = "1707234567.123456,GEN,ResNet50,12345,1707234567.123456\n"
SCHED = "1707234567.234567,SCHED,ResNet50,42,layer1,8\n"
NAMES = ["timestamp", "event", "model", "id", "value"]

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "run.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows(frame: Any) -> list[list[object]]:
    """The cells, NaN as None."""
    return [[None if pandas.isna(cell) else cell for cell in row] for row in frame.values.tolist()]


@pytest.mark.parametrize("order", [GEN + SCHED, SCHED + GEN])
def test_ragged_rows_whichever_comes_first(write: Write, order: str) -> None:
    frame = read_csv(write(order))
    assert list(frame.columns) == ["timestamp", "event", "v1", "v2", "v3", "v4"]
    sched = frame[frame["event"] == "SCHED"].iloc[0]
    assert list(sched) == [1707234567.234567, "SCHED", "ResNet50", 42, "layer1", 8]
    gen = frame[frame["event"] == "GEN"].iloc[0]
    assert gen["timestamp"] == 1707234567.123456
    assert gen["v3"] == "1707234567.123456" and pandas.isna(gen["v4"])


def test_given_names_and_those_missing(write: Write) -> None:
    frame = read_csv(write(GEN + SCHED), names=NAMES)
    assert list(frame.columns) == [*NAMES, "v4"]
    assert list(frame["v4"].dropna()) == [8]
    longer = read_csv(write(GEN), names=[*NAMES, "more"])
    assert list(longer.columns) == [*NAMES, "more"] and longer["more"].isna().all()


def test_types_are_those_of_the_column(write: Write) -> None:
    frame = read_csv(write("1.5,A,1,2.5,x,True,\n2.5,A,2,nan,NA,False,\n"))
    assert [frame[c].dtype.kind for c in ["timestamp", "v1", "v2", "v4", "v5"]] == list("fifbf")
    assert rows(frame) == [
        [1.5, "A", 1, 2.5, "x", True, None],
        [2.5, "A", 2, None, "NA", False, None],
    ]


def test_floats_are_exact(write: Write) -> None:
    values = [0.1 + 0.2, 1707234567.1234562, 5e-324, 1.7976931348623157e308, -0.0]
    frame = read_csv(write("".join(f"1.0,A,{value!r}\n" for value in values)))
    assert [repr(value) for value in frame["v1"].tolist()] == [repr(value) for value in values]


def test_an_event_called_like_a_missing_value(write: Write) -> None:
    assert list(read_csv(write("1.0,NA,1\n1.0,null,2\n"))["event"]) == ["NA", "null"]


def test_rows_that_are_no_events(write: Write) -> None:
    text = '1.0,LOG,"a, b"\n2.0,PRINT,x\n3.0,WARNING,"say ""hi"""\n4.0,DROPPED,7,3.5\n'
    assert rows(read_csv(write(text))) == [
        [1.0, "LOG", "a, b", None],
        [2.0, "PRINT", "x", None],
        [3.0, "WARNING", 'say "hi"', None],
        [4.0, "DROPPED", "7", 3.5],
    ]


def test_newlines_and_commas_inside_quotes(write: Write) -> None:
    text = '1.0,A,"one,\n""two"",\n\nthree",2\n2.0,A,5" disk,3\n3.0,B\n'
    assert rows(read_csv(write(text))) == [
        [1.0, "A", 'one,\n"two",\n\nthree', 2],
        [2.0, "A", '5" disk', 3],
        [3.0, "B", None, None],
    ]


@pytest.mark.parametrize("chunk", [1, 7, 20, 50])
def test_rows_across_chunks(write: Write, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(attolog._reading.csv, "_CHUNK", chunk)
    text = '1.0,A,"a\n\n""b",1\n2.0,A,5" disk,2\n3.0,"A","",3,4\n4.0,A,x\n'
    assert rows(read_csv(write(text))) == [
        [1.0, "A", 'a\n\n"b', 1, None],
        [2.0, "A", '5" disk', 2, None],
        [3.0, "A", None, 3, 4],
        [4.0, "A", "x", None, None],
    ]
    with pytest.raises(ValueError, match="line 7 is no row"):
        read_csv(write(text + "no row\n"))
    with pytest.warns(UserWarning, match="incomplete"):
        assert len(read_csv(write(text + '5.0,A,"x\n'))) == 4


def test_carriage_returns_and_separators_are_text(write: Write) -> None:
    frame = read_csv(write('1.0,A,"a\r\nb\rc","\u2028\x1b"\n2.0,A,\x0c\r,\x1c\n'))
    assert rows(frame) == [[1.0, "A", "a\r\nb\rc", "\u2028\x1b"], [2.0, "A", "\x0c\r", "\x1c"]]


@pytest.mark.parametrize("torn", ["3.0,GE", '3.0,LOG,"a\n', '3.0,LOG,"a\nb', "3.0,A,\udcc3", "3"])
def test_a_torn_last_row_is_left_out_and_said(write: Write, torn: str) -> None:
    path = write(("1.0,A,1\n2.0,A,2\n" + torn).encode(errors="surrogateescape"))
    with pytest.warns(UserWarning, match=r"run\.csv: the last row is incomplete and left out: '3"):
        frame = read_csv(path)
    assert rows(frame) == [[1.0, "A", 1], [2.0, "A", 2]]


def test_nothing_yet(write: Write) -> None:
    assert list(read_csv(write("")).columns) == ["timestamp", "event"]
    assert list(read_csv(write(""), names=NAMES).columns) == NAMES


def test_packed_cells(write: Write) -> None:
    packed = SCHED.replace("layer1,8", '"layer1,8"')
    path = write(GEN + packed + '3.0,LOG,"a,b",,\n4.0,DROPPED,7,3.5,\n')
    assert list(read_csv(path).columns) == ["timestamp", "event", "v1", "v2", "v3"]
    frame = read_csv(path, names=NAMES, columns=5)
    assert list(frame.columns) == [*NAMES, "v4"]
    assert rows(frame) == [
        [1707234567.123456, "GEN", "ResNet50", 12345, "1707234567.123456", None],
        [1707234567.234567, "SCHED", "ResNet50", 42, "layer1", 8],
        [3.0, "LOG", "a,b", None, None, None],
        [4.0, "DROPPED", "7", 3.5, None, None],
    ]


def test_packed_cells_have_types_and_quotes_of_their_own(write: Write) -> None:
    text = '1.0,A,x,"1,2.5"\n2.0,A,"x,y","3,,""p,q\n"""\n3.0,B,z,\n4.0,B,z,"""a,b"""\n'
    frame = read_csv(write(text), columns=4)
    assert rows(frame) == [
        [1.0, "A", "x", "1", 2.5, None],
        [2.0, "A", "x,y", "3", None, "p,q\n"],
        [3.0, "B", "z", None, None, None],
        [4.0, "B", "z", "a,b", None, None],
    ]
    assert frame["v3"].dtype.kind == "f"


def test_packed_texts_and_events(write: Write) -> None:
    frame = read_csv(write('1.0,LOG,"""a,b"""\n2.0,A,"1,2"\n'), columns=3)
    assert rows(frame) == [[1.0, "LOG", "a,b", None], [2.0, "A", "1", 2]]
    frame = read_csv(write('1.0,"LOG,""a,b"""\n2.0,"NA,1,2"\n'), columns=2)
    assert rows(frame) == [[1.0, "LOG", "a,b", None], [2.0, "NA", "1", 2]]


def test_packed_names_and_their_limits(write: Write) -> None:
    path = write('1.0,A,x,"1,2"\n')
    names = ["timestamp", "event", "model", "one", "two", "three"]
    frame = read_csv(path, names=names, columns=4)
    assert list(frame.columns) == names
    assert rows(frame) == [[1.0, "A", "x", 1, 2, None]]
    assert rows(read_csv(path, columns=9)) == [[1.0, "A", "x", "1,2"]]
    with pytest.raises(ValueError, match="a row of 4 cells, but columns=3"):
        read_csv(path, columns=3)
    with pytest.raises(ValueError, match="at least 2"):
        read_csv(path, columns=1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no-such\.csv"):
        read_csv(tmp_path / "no-such.csv")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("timestamp,event,model\n1.0,A,x\n", 1),
        ('{"time": 1.0, "event": "A"}\n', 1),
        (b"ATTO\x00\x01\n\xff\n", 1),
        ('1.0,A,"x\ny"\n\n2.0,A,x\n', 3),
        ("1.0,A,x\nwarm-up, done\n", 2),
        ("1.0\n", 1),
    ],
)
def test_what_is_not_our_csv_is_said_with_its_line(
    write: Write, content: str | bytes, line: int
) -> None:
    with pytest.raises(ValueError, match=f"line {line} is no row of attolog's CSV"):
        read_csv(write(content))


def test_without_pandas_the_command_that_installs_it(write: Write) -> None:
    program = (
        "import sys; sys.modules['pandas'] = None\n"
        "from attolog._reading.csv import read_csv\n"
        "try: read_csv('run.csv')\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "read_csv needs pandas: pip install attolog[pandas]\n"


def test_rows() -> None:
    lines = [b'1.0,A,"x\n', b'y"\n', b"2.0,A\n", b'3.0,A,"x\n', b"y\n"]
    assert list(rows_of(lines, "run.csv")) == [
        (3, b'1.0,A,"x\ny"\n'),
        (2, b"2.0,A\n"),
        (3, b'3.0,A,"x\ny'),
    ]
