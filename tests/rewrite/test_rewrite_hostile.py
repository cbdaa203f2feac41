"""Row E9: source that is rewritten is only read."""

import subprocess
import sys
from pathlib import Path

import pytest

# Each line would make a file if anything of it ran.
HOSTILE = """\
# -*- coding: utf-8 -*-
import helper
from attolog_plugin import anything
open({0!r}, "w")
@open({0!r}, "w")
def f(a=open({0!r}, "w"), *, b: open({0!r}, "w") = 1) -> open({0!r}, "w"):
    print(f"{{open({0!r}, 'w')}} of {{a}}")
class C(metaclass=lambda *a: open({0!r}, "w")):
    x: open({0!r}, "w") = [open({0!r}, "w") for _ in range(3)]
    print("class", __import__("os").system("touch " + {0!r}))
print("%s" % open({0!r}, "w"), f"{{(lambda: open({0!r}, 'w'))()!r:>{{len(str(1))}}}}")
exec("open({0!r}, 'w')")
if __name__ == "__main__":
    print("{{}}".format(open({0!r}, "w")))
"""


@pytest.mark.parametrize("mode", [[], ["--write"], ["--all", "--write"]])
def test_e9_hostile_source_is_rewritten_and_never_run(tmp_path: Path, mode: list[str]) -> None:
    folder, trace = tmp_path / "program", tmp_path / "it-ran"
    folder.mkdir()
    source = HOSTILE.format(str(trace))
    for name in ("app.py", "helper.py", "attolog_plugin.py", "conftest.py", "sitecustomize.py"):
        (folder / name).write_text(source)
    command = [sys.executable, "-m", "attolog", "rewrite", *mode, "--entry", "app.py", "app.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr and done.returncode in (0, 1), done.stderr
    assert not trace.exists()


def test_e9_the_hostile_source_would_leave_a_trace(tmp_path: Path) -> None:
    trace = tmp_path / "it-ran"
    (tmp_path / "helper.py").write_text("")
    (tmp_path / "attolog_plugin.py").write_text("anything = 1")
    (tmp_path / "app.py").write_text(HOSTILE.format(str(trace)))
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, check=False)
    assert trace.exists()
