"""attolog.configure and ATTOLOG_CONFIG: the default logger by a TOML file."""

from pathlib import Path

import pytest

import attolog

from .helpers import cells, run_python

LOGS = """
import sys
import attolog
from attolog import log
if len(sys.argv) > 1:
    attolog.configure(sys.argv[1])
for n in range(100):
    log("GEN", n=n, a="a", b="b", c="c")
    log("CAND", n=n)
    log.info("at {n}", n)
    log.error("at {n}", n)
log.flush()
print("on" if log else "off", log.level)
"""

FULL = """
path = "{path}"
strategy = "every:2"
level = "ERROR"
columns = 5
digits = 9
append = false
exit_timeout = "1s"
[rules]
CAND = "first:3,10,1000s"
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "attolog.toml"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.csv"


def names(path: Path) -> dict[str, int]:
    rows = [row[0] for row in cells(path) if row[0] != "SKIPPED"]
    return {name: rows.count(name) for name in rows}


def test_configure(toml: Path, path: Path) -> None:
    toml.write_text(FULL.format(path=path))
    done = run_python(LOGS, toml)
    assert (done.stdout, done.stderr) == ("on ERROR\n", "")
    assert names(path) == {"GEN": 50, "CAND": 12, "ERROR": 100}
    assert all(len(row) == 4 for row in cells(path))
    assert len(path.read_text().partition(",")[0].partition(".")[2]) == 9


def test_the_environment_names_the_file(toml: Path, path: Path) -> None:
    toml.write_text(FULL.format(path=path))
    for argument in ([], [toml.with_name("never.toml")]):
        done = run_python(LOGS, *argument, ATTOLOG_CONFIG=str(toml))
        assert (done.stdout, done.stderr) == ("on ERROR\n", "")
        assert names(path) == {"GEN": 50, "CAND": 12, "ERROR": 100}


def test_attolog_decides_before_the_file(toml: Path, path: Path) -> None:
    toml.write_text(FULL.format(path=path))
    done = run_python(LOGS, toml, ATTOLOG="off", ATTOLOG_CONFIG=str(toml))
    assert (done.stdout, done.stderr) == ("off DEBUG\n", "")
    other = path.with_name("other.csv")
    run_python(LOGS, toml, ATTOLOG=f"first:1:{other}", ATTOLOG_RULES="CAND=off")
    assert names(other)["GEN"] == 1
    assert "CAND" not in names(other)
    assert not path.exists()


def test_rules_of_the_environment_go_before_those_of_the_file(toml: Path, path: Path) -> None:
    toml.write_text(FULL.format(path=path))
    run_python(LOGS, ATTOLOG_CONFIG=str(toml), ATTOLOG_RULES="CAND=all")
    assert names(path) == {"GEN": 50, "CAND": 100, "ERROR": 100}


def test_a_file_can_turn_it_off(toml: Path, path: Path) -> None:
    toml.write_text('strategy = "off"')
    program = LOGS.replace("for n", f"attolog.init_logger({str(path)!r}, quiet=True)\nfor n")
    assert run_python(program, ATTOLOG_CONFIG=str(toml)).stdout == "off DEBUG\n"
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", ValueError, "path is missing"),
        ('strategy = "all"', ValueError, "path is missing"),
        ('path = "{path}"\ncolour = 5', ValueError, "there is no key 'colour'; allowed are path, "),
        ('path = "{path}"\n[rule]\nA = "off"', ValueError, "there is no key 'rule'; allowed are "),
        ('path = "{path}"\ndigit = 6', ValueError, "; did you mean 'digits'?"),
        ('path = "{path}"\n[Rules]\nA = "off"', ValueError, "; did you mean 'rules'?"),
        ('path = "{path}"\npath = "x.csv"', ValueError, "overwrite"),
        ("path = ", ValueError, "Invalid value"),
        ("path = 5", TypeError, "path must be a str, bytes or os.PathLike, not int"),
        ('path = "{path}x"', ValueError, "path must end in .csv"),
        ('path = "{path}"\nstrategy = 5', TypeError, "strategy must be a strategy such as"),
        ('path = "{path}"\nstrategy = "x"', ValueError, "strategy: 'x': is no strategy; allowed"),
        ('path = "{path}"\nlevel = "info"', ValueError, "level must be DEBUG, INFO, "),
        ('path = "{path}"\nlevel = 10', ValueError, "level must be DEBUG, INFO, "),
        ('path = "{path}"\nrules = "x"', TypeError, "rules must be a dict of strategies by name"),
        ('path = "{path}"\n[rules]\nA = 5', TypeError, "rules: A must be a strategy such as"),
        ('path = "{path}"\n[rules]\nA = "x"', ValueError, "rules: A: 'x': is no strategy; allowed"),
        ('path = "{path}"\ncolumns = "5"', TypeError, "columns must be an int, not str"),
        ('path = "{path}"\ndigits = 7', ValueError, "digits must be 6 or 9, not 7"),
        ('path = "{path}/x/run.csv"', OSError, "run.csv"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_that_names_the_file(
    toml: Path, path: Path, text: str, error: type[Exception], says: str
) -> None:
    path.touch()
    toml.write_text('level = "ERROR"\n' * ("level" not in text) + text.format(path=path))
    with pytest.raises(error) as raised:
        attolog.configure(toml)
    assert "\n" not in str(raised.value)
    assert str(toml) in str(raised.value)
    assert says in str(raised.value)
    assert not attolog.log
    assert attolog.log.level == "DEBUG"
    done = run_python(LOGS, ATTOLOG_CONFIG=str(toml))
    assert done.stdout == "off DEBUG\n"
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"attolog: ATTOLOG_CONFIG={str(toml)!r}: ")
    assert says in done.stderr


@pytest.mark.parametrize("data", [None, b"\xff"])
def test_a_file_that_cannot_be_read(toml: Path, data: bytes | None) -> None:
    if data is not None:
        toml.write_bytes(data)
    with pytest.raises(OSError if data is None else ValueError, match=r"attolog\.toml"):
        attolog.configure(toml)
    done = run_python(LOGS, ATTOLOG_CONFIG=str(toml))
    assert (done.stdout, done.stderr.count("\n")) == ("off DEBUG\n", 1)
    assert done.stderr.startswith(f"attolog: ATTOLOG_CONFIG={str(toml)!r}: ")
