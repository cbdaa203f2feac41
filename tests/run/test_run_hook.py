"""Which modules are compiled, how they look from outside, and what is kept of them."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

import attolog
from attolog._run import cache
from attolog._run.hook import Finder

from .programs import RUN, compare, run, write_app

APP = (
    "import sys\nimport helper\nhelper.show(3)\n"
    "spec = helper.__spec__\n"
    "print(spec.cached, str(spec).partition(' at 0x')[0], spec.origin)\n"
)
HELPER = 'def show(n):\n    print("GEN", n)\n    print(f"n is {n}")\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "it"
    folder.mkdir()
    (folder / "app.py").write_text(APP)
    (folder / "helper.py").write_text(HELPER)
    return folder


def cached(folder: Path) -> list[Path]:
    return sorted((folder.parent / "cache" / "attolog").glob("*"))


def kinds(folder: Path, output: str = "app.atto") -> set[str]:
    return {record.kind for record in attolog.read(folder / output).records()}


def run_it(folder: Path, *args: str, **more: Any) -> bytes:
    done = run([*RUN, *args], folder, **more)
    assert done.status == 0, done.err.decode()
    return done.out


def test_modules_of_the_program_are_compiled_and_kept(folder: Path) -> None:
    first = compare(folder, ["app.py"])
    kept = cached(folder)
    assert len(kept) == 2
    times = [path.stat().st_mtime_ns for path in kept]
    assert compare(folder, ["app.py"]) == first
    assert [path.stat().st_mtime_ns for path in cached(folder)] == times


def test_pycache_is_never_touched_for_what_is_compiled(folder: Path) -> None:
    (folder / "plain.py").write_text("x = 1\n")
    (folder / "app.py").write_text("import helper, plain\nhelper.show(3)\n")
    run_it(folder, "app.py")
    assert [path.name.split(".")[0] for path in (folder / "__pycache__").iterdir()] == ["plain"]


def test_a_changed_source_is_compiled_again(folder: Path) -> None:
    assert b"n is 3" in run_it(folder, "app.py")
    path = folder / "helper.py"
    before = path.stat()
    path.write_text(HELPER.replace("n is", "n ==").replace("==", "=") + "#" * 1)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert b"n = 3" in run_it(folder, "app.py")


@pytest.mark.parametrize("name", ["PYTHONDONTWRITEBYTECODE"])
def test_without_bytecode_nothing_is_kept(folder: Path, name: str) -> None:
    run_it(folder, "app.py", **{name: "1"})
    assert cached(folder) == []


def test_a_folder_that_others_may_write_to_is_not_used(folder: Path) -> None:
    run_it(folder, "app.py")
    place = folder.parent / "cache" / "attolog"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    for path in cached(folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.unlink()
    place.chmod(0o770)
    run_it(folder, "app.py")
    assert cached(folder) == []


@pytest.mark.parametrize("damage", [b"", b"\0", b"nonsense", b"(\x03\x00\x00\x00NNN"])
def test_what_is_damaged_is_made_again(folder: Path, damage: bytes) -> None:
    first = run_it(folder, "app.py")
    for path in cached(folder):
        path.write_bytes(damage)
    assert run_it(folder, "app.py") == first
    assert all(path.read_bytes() != damage for path in cached(folder))


def test_another_version_or_source_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    code = compile("x = 1", "<source>", "exec")
    cache.store(b"x = 1", "/a.py", (code, (), ()))
    assert cache.load(b"x = 1", "/a.py") == (code, (), ())
    assert cache.load(b"x = 2", "/a.py") is None
    assert cache.load(b"x = 1", "/b.py") is None
    monkeypatch.setattr(attolog, "__version__", "other")
    assert cache.load(b"x = 1", "/a.py") is None


def test_which_modules_are_the_programs_own(tmp_path: Path) -> None:
    finder = Finder(["seaborn"])
    own = str(tmp_path / "app" / "x.py")
    assert finder.is_own("app.x", own)
    assert not finder.is_own("os", os.__file__)
    assert not finder.is_own("attolog.x", str(Path(attolog.__file__).with_name("x.py")))
    assert not finder.is_own("numpy", str(tmp_path / "lib" / "site-packages" / "numpy.py"))
    assert not finder.is_own("numpy", str(tmp_path / "dist-packages" / "numpy.py"))
    assert finder.is_own("seaborn.x", str(tmp_path / "lib" / "site-packages" / "seaborn" / "x.py"))
    assert not Finder(is_on=False).is_own("app.x", own)


def test_an_error_in_an_imported_module_is_told_as_ever(folder: Path) -> None:
    for text in (
        "x = = 3\nprint('GEN', 1)\n",
        "print('GEN', 1)\n1 / 0\n",
        "import missing  # print\n",
    ):
        (folder / "helper.py").write_text(text)
        assert compare(folder, ["app.py"]).status == 1


def test_warnings_of_imported_modules_come_as_ever(folder: Path) -> None:
    (folder / "helper.py").write_text(HELPER + 'x = "\\d" is 3\n')
    compare(folder, ["app.py"], flags=["-W", "error"])
    compare(folder, ["app.py"], flags=["-B"])
    ours = run([*RUN, "app.py"], folder)
    assert b'SyntaxWarning: "is" with' in ours.err
    again = compare(folder, ["app.py"])  # Python says it once, and has kept the bytecode
    assert b"Warning" not in again.err


def test_an_import_changes_nothing_for_the_programs_warnings(folder: Path) -> None:
    write_app(
        folder,
        """
        import importlib, threading, warnings
        still_open = open("app.py")  # until Python ends
        def in_a_cycle(n): print("N", n)
        filters = list(warnings.filters)
        for n in range(3):
            warnings.warn("once a place")
            other = threading.Thread(target=warnings.warn, args=("of a thread",))
            other.start()
            importlib.import_module(f"part{n}")
            other.join()
            in_a_cycle(n)
        print(filters == warnings.filters)
        """,
    )
    for n in range(3):
        (folder / f"part{n}.py").write_text(f"def show(x): print('X', x, {n})\nshow(1)\n")
    for _ in range(2):  # with the compiled parts in the cache, too
        compare(folder, ["app.py"])


def test_included_packages(folder: Path) -> None:
    package = folder / "site-packages" / "helper"
    package.mkdir(parents=True)
    (folder / "helper.py").rename(package / "__init__.py")
    more = {"PYTHONPATH": str(folder / "site-packages")}
    run_it(folder, "app.py", **more)
    assert kinds(folder) == {"print"}
    run_it(folder, "--include", "helper", "-o", "more.atto", "app.py", **more)
    assert kinds(folder, "more.atto") == {"print", "event", "message"}


def test_without_structure_prints_are_text(folder: Path) -> None:
    run_it(folder, "--no-structure", "app.py")
    assert kinds(folder) == {"print"}
    assert cached(folder) == []


def test_no_flipped_bit_of_what_is_kept_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    code = compile("x = b'marker'", "<source>", "exec")
    site = (
        b"marker",
        "{x}",
        ("x",),
        (True,),
        (("%d", 0, "int"),),
        ((0,),),
        (("end", "\n"),),
        False,
        False,
        1,
        "main",
    )
    entry = (code, (site,), ((3, "a reason"),))
    cache.store(b"x = 1", "/a.py", entry)
    assert cache.load(b"x = 1", "/a.py") == entry
    (path,) = (tmp_path / "attolog").iterdir()
    good = path.read_bytes()
    for at in range(8 * len(good)):
        bad = bytearray(good)
        bad[at // 8] ^= 1 << at % 8
        path.write_bytes(bad)
        assert cache.load(b"x = 1", "/a.py") is None, at
    for size in range(len(good)):
        path.write_bytes(good[:size])
        assert cache.load(b"x = 1", "/a.py") is None, size
    path.write_bytes(good)
    assert cache.load(b"x = 1", "/a.py") == entry


@pytest.mark.parametrize(
    "site",
    [
        "x",
        (),
        ("marker", "{x}", ("x",), (True,), (None,), ((0,),), (), False, False, 1, "main"),
        (b"marker", b"{x}", ("x",), (True,), (None,), ((0,),), (), False, False, 1, "main"),
        (b"marker", "{x}", (b"x",), (True,), (None,), ((0,),), (), False, False, 1, "main"),
        (b"marker", "{x}", ("x",), ("True",), (None,), ((0,),), (), False, False, 1, "main"),
        (b"marker", "{x}", ("x",), (), (None,), ((0,),), (), False, False, 1, "main"),
        (b"marker", "{x}", ("x",), (True,), (), ((0,),), (), False, False, 1, "main"),
        (b"marker", "{x}", ("x",), (True,), ("%d",), ((0,),), (), False, False, 1, "main"),
        (b"marker", "{x}", ("x",), (True,), (("%d", 0),), ((0,),), (), False, False, 1, "main"),
        (
            b"marker",
            "{x}",
            ("x",),
            (True,),
            (("%d", -4, "int"),),
            ((0,),),
            (),
            False,
            False,
            1,
            "main",
        ),
        (
            b"marker",
            "{x}",
            ("x",),
            (True,),
            ((b"%d", 0, "int"),),
            ((0,),),
            (),
            False,
            False,
            1,
            "main",
        ),
        (b"marker", "{x}", ("x",), (True,), (None,), ((0,),), (1,), False, False, 1, "main"),
        (b"marker", "{x}", ("x",), (True,), (None,), ((0,),), (), 0, False, 1, "main"),
        (b"marker", "{x}", ("x",), (True,), (None,), ((0,),), (), False, None, 1, "main"),
        (b"marker", "{x}", ("x",), (True,), (None,), ((0,),), (), False, False, -1, "main"),
        (b"marker", "{x}", ("x",), (True,), (None,), ((0,),), (), False, False, 1 << 31, "main"),
        (b"marker", "{x}", ("x",), (True,), (None,), ((0,),), (), False, False, 1, None),
    ],
)
def test_a_print_of_another_form_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Any
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    cache.store(b"x = 1", "/a.py", (None, (site,), ()))
    assert cache.load(b"x = 1", "/a.py") is None
