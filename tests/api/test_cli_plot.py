"""`attolog plot`: drawings of characters, pictures and pages."""

import math
import re
from pathlib import Path

import pytest

import attolog
from attolog._cli import main
from attolog._cli.canvas import Canvas, bar, shade
from attolog._cli.plot_data import MOST_SERIES, Binned, Source, over_both, over_time, over_values

from .helpers import TIME
from .terminal import on_a_terminal

Capture = pytest.CaptureFixture[str]
EVERY = {"where": None, "since": None, "until": None}


def drawn(capsys: Capture, *args: str) -> list[str]:
    assert main(["plot", *args]) == 0
    return capsys.readouterr().out.splitlines()


def steps(path: Path, *values: tuple[str, object]) -> Path:
    """One record a second with a `key` and a `value`."""
    with attolog.AsyncFileLogger(path) as log:
        for n, (key, value) in enumerate(values):
            log.set_time(TIME + n * 1_000_000_000)
            log("step", key=key, value=value)
    return path


def source(path: Path, by: str | None = None) -> Source:
    return Source([attolog.read(path)["step"]], "value", by, EVERY)


def test_a_bin_has_the_mean_of_its_values(tmp_path: Path) -> None:
    path = steps(tmp_path / "run.atto", *(("a", v) for v in (1, 3, 10, 20)))
    (series,) = over_time(source(path), 2).series
    assert (series.counts, series.means()) == ([2, 2], [2.0, 15.0])


def test_values_that_are_no_number_are_no_points(tmp_path: Path) -> None:
    path = steps(tmp_path / "run.atto", *(("a", v) for v in (1.0, None, math.nan, math.inf, 3.0)))
    (series,) = over_time(source(path), 5).series
    assert series.counts == [1, 0, 0, 0, 1]
    assert math.isnan(series.means()[2])


def test_lines_are_those_with_the_most_records(tmp_path: Path) -> None:
    keys = [str(n) for n in range(MOST_SERIES + 3) for _ in range(n + 1)]
    path = steps(tmp_path / "run.atto", *((key, 1) for key in keys))
    binned = over_time(source(path, by="key"), 1)
    assert [series.name for series in binned.series] == [
        str(n) for n in reversed(range(3, MOST_SERIES + 3))
    ]
    assert binned.left_out == 3


def test_a_histogram_counts_each_value_once(tmp_path: Path) -> None:
    path = steps(tmp_path / "run.atto", *(("a", v) for v in (0, 0, 1, 2, 4)))
    binned = over_values(source(path), 4)
    assert (binned.start, binned.end) == (0, 4)
    assert binned.series[0].counts == [2, 1, 1, 1]


def test_equal_values_have_a_histogram(tmp_path: Path) -> None:
    path = steps(tmp_path / "run.atto", ("a", 3), ("a", 3))
    assert sum(over_values(source(path), 4).series[0].counts) == 2


def test_a_heat_map_counts_by_time_and_value(tmp_path: Path) -> None:
    path = steps(tmp_path / "run.atto", *(("a", v) for v in (0, 0, 1, 4)))
    binned = over_both(source(path), 2, 2)
    assert binned == Binned(TIME, TIME + 3_000_000_000, [], 0, [[2, 0], [1, 1]], 0, 4)


def test_dots_are_where_the_values_are() -> None:
    canvas = Canvas(2, 1)
    canvas.line([0, 1, 2, 3], 0, 3)
    assert canvas.lines() == ["⡠⠊"]
    canvas = Canvas(2, 1)
    canvas.line([3, math.nan, math.nan, 3], 0, 3)
    assert canvas.lines() == ["⠉⠉"]


def test_bars_and_shades_show_the_least_there_is() -> None:
    assert [bar(share, 2) for share in (0, 1 / 16, 0.5, 1, 7)] == ["", "▏", "█", "██", "██"]
    assert [shade(n, 1000) for n in (0, 1, 1000)] == [" ", "░", "█"]


def test_a_line_in_the_terminal(requests: Path, capsys: Capture) -> None:
    lines = drawn(capsys, str(requests), "ms")
    assert lines[0] == f"ms, mean over time  (request of {requests})"
    assert lines[1].split()[0] == "59" and lines[-2].split()[0] == "0"
    assert lines[-1].split() == ["2023-11-14T22:13:20.123456Z", "22:15:18.123456Z"]


def test_lines_without_colours_have_drawings_of_their_own(requests: Path, capsys: Capture) -> None:
    lines = drawn(capsys, str(requests), "ms", "--by", "user")
    assert [line.strip() for line in lines if line.strip() in ("ann", "bob")] == ["bob", "ann"]


def test_lines_with_colours_share_a_drawing(
    requests: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    lines = drawn(capsys, str(requests), "ms", "--by", "user")
    assert lines[1].strip() == "\x1b[36mbob\x1b[0m   \x1b[33mann\x1b[0m"
    assert "\x1b[33m" in "".join(lines[2:])


def test_local_times_stand_below(requests: Path) -> None:
    shown = on_a_terminal("plot", str(requests), "ms", "--local", TZ="Asia/Tokyo").decode()
    assert "2023-11-15T07:13:20.123456+09:00" in shown


def test_a_histogram_in_the_terminal(requests: Path, capsys: Capture) -> None:
    lines = drawn(capsys, str(requests), "ms", "--kind", "hist")
    assert sum(int(line.split()[-1]) for line in lines[1:]) == 100


def test_a_rate_needs_no_column(requests: Path, capsys: Capture) -> None:
    assert "records per second" in drawn(capsys, str(requests), "--kind", "rate")[0]


def test_a_heat_map_in_the_terminal(requests: Path, capsys: Capture) -> None:
    lines = drawn(capsys, str(requests), "ms", "--kind", "heat", "--where", "user == 'ann'")
    assert any("░" in line or "█" in line for line in lines)


@pytest.mark.parametrize("kind", ["line", "hist", "rate", "heat"])
@pytest.mark.parametrize("suffix", ["png", "svg", "html"])
def test_pictures_and_pages(
    requests: Path, tmp_path: Path, capsys: Capture, kind: str, suffix: str
) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / f"plot.{suffix}"
    lines = drawn(capsys, str(requests), "ms", "--by", "user", "--kind", kind, "-o", str(out))
    assert lines[0].startswith(f"{out}: ")
    content = out.read_bytes()
    if suffix == "png":
        assert content.startswith(b"\x89PNG")
    else:
        assert b"<svg" in content and content.rstrip().endswith((b"</svg>", b"</html>"))
        assert not re.search(rb"""(?:src|href)=["']https?:""", content)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name a column"),
        (["mss"], "COLUMN: no column is called 'mss'; did you mean 'ms'?"),
        (["ms", "--by", "usr"], "--by: no column is called 'usr'; did you mean 'user'?"),
        (["user"], "user is of type text, no number; --by user groups by it"),
        (["ms", "-o", "x.gif"], "-o x.gif: the suffix is none of .png, .svg, .html"),
        (["ms", "--kind", "pie"], "'pie' is not one of"),
    ],
)
def test_mistakes_are_one_line(
    requests: Path, capsys: Capture, options: list[str], said: str
) -> None:
    assert main(["plot", str(requests), *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and said in captured.err and captured.err.count("\n") == 1


def test_missing_matplotlib_is_one_line(
    requests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["plot", str(requests), "ms", "-o", str(tmp_path / "x.png")]) == 1
    assert "pip install 'attolog[plot]'" in capsys.readouterr().err
