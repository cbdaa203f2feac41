"""`attolog bench`: methods log and are counted, whatever becomes of them is shown."""

import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from attolog._bench import cold, driver, plot, report
from attolog._bench.child import Run
from attolog._bench.driver import Result, measure
from attolog._bench.method import Keeps, Method, count, values
from attolog._bench.methods import METHODS, REFERENCE, is_installed, plain_python_classes
from attolog._bench.table import figures, not_best
from attolog._cli import bench, main

from . import bench_fakes

ROOT = Path(__file__).parents[2]
FAKE_CHILD = [sys.executable, str(Path(__file__).with_name("bench_fakes.py"))]
FAKES = {fake.name: fake for fake in bench_fakes.FAKES}
A_RUN = Run(
    seconds=1.0,
    until_done=2.0,
    cpu=0.5,
    memory=1 << 20,
    records=1000,
    calls=1010,
    kept=1010,
    left_out=0,
    bytes=10_100,
    cold=[3000, 5000, 4000],
    cold_loop=[1500, 1000, 1000],
)

QUIET = {"processor": "a processor", "cores": "2", "kernel": "Linux 6", "load": "1.9 9.0 9.0"}


def run_of(**changes: object) -> Run:
    return Run(**{**asdict(A_RUN), **changes})


@pytest.mark.parametrize("name", METHODS)
def test_a_method_logs_and_is_counted(name: str) -> None:
    method = METHODS[name]
    if not is_installed(method):
        pytest.skip(f"{method.maker} is not installed")
    (result,) = measure([method], records=300, repeats=1, timeout=60)
    assert result.failure is None
    (run,) = result.runs
    assert (run.records, run.calls) == (300, 601)  # as many to warm up, and a cold one
    if method.keeps is Keeps.NOTHING:
        assert (run.kept, run.bytes) == (None, None)
    elif name == "python-sampled":
        assert run.left_out is None
        assert run.kept is not None
    elif name == "python-stats":
        assert (run.kept, run.left_out, run.lost) == (0, 0, 601)
    else:
        assert run.lost == 0
        # A sample of one in a hundred keeps none of 601 in one run of 400.
        assert run.bytes or (method.keeps is Keeps.SHARE and run.kept == 0)
    if method.keeps in (Keeps.ALL, Keeps.LAST):
        assert (run.kept, run.left_out) == (601, 0)
    if method.keeps is Keeps.SUMS and method.maker == "attolog":
        assert (run.kept, run.left_out) == (0, 601)


def test_the_extra_peers_has_all_that_is_compared_with() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    peers = {re.split("[>=;]", line)[0] for line in project["optional-dependencies"]["peers"]}
    makers = {method.maker for method in METHODS.values()}
    assert peers - {"orjson"} == makers - {"python", "plain Python", "attolog"}


def test_a_template_without_its_values_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_text("1.0,GEN,ResNet50,7,1.5\n1.0,GEN,%s,%s,%s\nGEN,ResNet50,\n")
    assert count(path) == 1
    assert count(tmp_path / "never made") == 0


def test_values_are_the_same_each_time() -> None:
    assert values(100) == values(200)[:100]
    assert len({task_id for task_id, _ in values(100)}) == 100


def test_the_classes_in_plain_python_are_a_program_s_to_the_letter() -> None:
    program = (ROOT / "tests" / "document" / "user-document.md").read_text()
    source = Path(plain_python_classes.__file__).read_text()
    classes = ["class " + text.rstrip() for text in source.split("\nclass ")[1:]]
    assert len(classes) == 3
    assert all(text in program for text in classes)


def test_runs_take_turns() -> None:
    methods = [FAKES["keeps"], FAKES["nothing"]]
    told: list[str] = []
    results = measure(
        methods, records=10, repeats=4, timeout=60, child=FAKE_CHILD, advance=told.append
    )
    assert [len(result.runs) for result in results] == [4, 4]
    assert told.pop() == ""
    turns = [told[i : i + 2] for i in range(0, 8, 2)]
    assert all(sorted(turn) == ["keeps", "nothing"] for turn in turns)
    assert ["keeps", "nothing"] in turns
    assert ["nothing", "keeps"] in turns


def test_the_environment_does_not_change_what_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATTOLOG", str(tmp_path / "run.csv"))
    monkeypatch.setenv("ATTOLOG_RULES", "*=off")
    (result,) = measure([METHODS["attolog-csv"]], records=10, repeats=1, timeout=60)
    assert result.runs[0].kept == 21
    assert not list(tmp_path.iterdir())


def test_what_goes_wrong_is_said_and_the_others_go_on() -> None:
    results = {
        name: measure([FAKES[name]], 10, 2, timeout, child=FAKE_CHILD)[0]
        for name, timeout in (("hangs", 0.5), ("crashes", 60), ("fails", 60), ("keeps", 60))
    }
    assert {name: result.failure for name, result in results.items()} == {
        "hangs": "timed out after 0.5 s",
        "crashes": "crashed: SIGKILL",
        "fails": "failed: ValueError: no such luck",
        "keeps": None,
    }
    text = report.Report(QUIET, 10, 2, list(results.values()), []).text()
    assert "hangs    (timed out after 0.5 s)\n" in text
    assert len(results["keeps"].runs) == 2


def test_losses_are_counted_and_shown() -> None:
    results = measure([FAKES["loses"], FAKES["keeps"]], 490, 1, 60, child=FAKE_CHILD)
    losing, keeping = (result.runs[0] for result in results)
    assert (losing.calls, losing.kept, losing.lost) == (981, 10, 971)
    assert keeping.lost == 0
    rows = report.Report(QUIET, 490, 1, results, []).text().splitlines()
    assert [row.split()[-2:] for row in rows[2:4]] == [["99.0", "%"], ["0", "%"]]


def test_medians_and_spread() -> None:
    runs = [run_of(seconds=s, kept=k) for s, k in ((3.0, 1010), (1.0, 909), (2.0, 1010))]
    method, other = FAKES["loses"], FAKES["keeps"]
    of, reference = figures([Result(method, runs), Result(other, [run_of(seconds=4.0)])], "keeps")
    assert (of.seconds, of.speedup) == (2.0, 2.0)
    assert (of.least, of.overhead, of.most) == (1000.0, 2000.0, 3000.0)
    assert of.cpu == 500.0
    assert of.lost == 0
    assert of.most_lost == pytest.approx(0.1)
    assert of.bytes == 10.0
    assert reference.speedup == 1.0


def test_cold_calls_are_those_of_all_runs_without_the_loop() -> None:
    runs = [
        run_of(cold=[9000], cold_loop=[7000]),
        run_of(cold=[2000 + i for i in range(19)]),
        A_RUN,
    ]
    results = [Result(FAKES["keeps"], runs)]
    (of,) = figures(results, "keeps")
    assert [of.cold, of.cold_p90] == pytest.approx([1.011, 3.0])
    assert "  1.0 .. 3.0 µs  " in report.Report(QUIET, 10, 3, results, []).text()


def test_other_work_reads_all_of_its_objects() -> None:
    work = cold.OtherWork()
    assert work.do() == sum(range(100_000, 105_000)) + 5_000 * 6 - 1
    numbers: list[int] = []

    def call(task_id: int, arrival: float) -> int:
        numbers.append(task_id)
        return len(numbers)

    assert cold.measure({"a": call, "b": call}, 2, work) == {"a": [1, 3], "b": [2, 4]}
    assert numbers == [100_000, 100_000, 100_001, 100_001]


def test_quantiles() -> None:
    times = list(range(10, 0, -1))
    assert [cold.quantile(times, share) for share in (0, 0.5, 0.9, 1)] == [1, 6, 10, 10]
    assert cold.quantile([7], 0.9) == 7


def test_where_attolog_is_not_the_best_is_said() -> None:
    def result(maker: str, **changes: object) -> Result:
        method = Method(maker, f"of {maker}", "log()", METHODS["print-file"].open, maker)
        return Result(method, [run_of(**changes)])

    ours = result("attolog", memory=5 << 20)
    fast = result("fast", seconds=0.0001)
    lossy = result("lossy", seconds=0.00001, kept=1000, memory=0)
    lines = not_best(figures([ours, fast, lossy], "fast"))
    assert lines == [
        "all kept, overhead: of fast 0.100 us, of attolog 1000.000 us",
        "all kept, memory: of fast 1.0 MiB, of attolog 5.0 MiB",
    ]


def test_a_busy_machine_is_said() -> None:
    busy = {**QUIET, "load": "2.0 0.1 0.1"}
    said = "Other programs kept the cores busy: they are in these times too."
    assert said in report.Report(busy, 10, 1, [], []).notes()
    assert said not in report.Report(QUIET, 10, 1, [], []).notes()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "numbers.json"
    names = ["python-async", "attolog-csv", "print-null"]
    args = [part for name in names for part in ("--method", name)]
    args += ["--records", "1000", "--repeats", "2", "--json", str(made)]
    assert main(["bench", *args, "--plot", str(tmp_path / "plots")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert "CPython" in lines[0]
    assert lines[2].split()[:4] == ["Method", "Time", "(s)", "Speedup"]
    titles = [METHODS[name].title for name in (REFERENCE, "print-null", *names[:2])]
    assert [line.split("  ")[0] for line in lines[4:8]] == titles
    assert lines[5].endswith(" -")
    assert lines[7].endswith(" 0 %")

    document = json.loads(made.read_text())
    assert (document["records"], document["repeats"]) == (1000, 2)
    assert document["reference"] == REFERENCE
    assert set(document["machine"]) == {"processor", "cores", "kernel", "load"}
    methods = {method["name"]: method for method in document["methods"]}
    assert set(methods) == {REFERENCE, *names}
    assert methods["attolog-csv"]["call"] == 'log("GEN", model, task_id, arrival)'
    assert methods["attolog-csv"]["failure"] is None
    assert [run["kept"] for run in methods["attolog-csv"]["runs"]] == [2001, 2001]
    assert set(methods["print-null"]["runs"][0]) == {*asdict(A_RUN), "lost"}

    page = (tmp_path / "plots" / "bench.html").read_text()
    assert all(title in page for title in titles)
    assert "<svg" in page
    assert "<script" not in page
    assert (tmp_path / "plots" / "bench.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("suffix", [".html", ".png"])
def test_one_plot_only(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    args = ["--method", REFERENCE, "--records", "10", "--repeats", "1", "--plot", str(path)]
    assert main(["bench", *args]) == 0
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_stands_on_the_page(tmp_path: Path) -> None:
    results = [Result(FAKES["keeps"], [A_RUN]), Result(FAKES["fails"], failure="failed: a < b")]
    page = tmp_path / "x.html"
    plot.write(report.Report(QUIET, 1000, 1, results, []), "a machine", page, None)
    assert "<td>fails</td><td>failed: a &lt; b</td>" in page.read_text()


def test_what_is_not_installed_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {name: METHODS[name] for name in (REFERENCE, "loguru", "bqlog-text", "bqlog-compressed")}
    monkeypatch.setattr(bench, "METHODS", few)
    monkeypatch.setattr(bench, "is_installed", lambda method: method.maker == "python")
    assert main(["bench", "--records", "10", "--repeats", "1"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "Not installed: loguru, bqlog (pip install 'attolog[peers]')"
    assert main(["bench", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(few)
    assert [line.endswith("(not installed: pip install 'attolog[peers]')") for line in lines] == [
        *(False, True, True, True)
    ]
    assert main(["bench", "--method", "loguru"]) == 2
    assert "loguru is not installed: pip install" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--method", "prnit"], "'prnit' is no method; --list shows them"),
        (["--records", "0"], "Invalid value for '--records'"),
        (["--repeats", "few"], "Invalid value for '--repeats'"),
        (["--json", "{tmp}"], "--json {tmp}: is a folder"),
        (["--json", "{tmp}/no/x.json"], "--json {tmp}/no/x.json: there is no folder {tmp}/no"),
        (["--plot", "{tmp}/no/x.png"], "--plot {tmp}/no/x.png: there is no folder {tmp}/no"),
        (["--plot", "{tmp}/there"], "--plot {tmp}/there: neither a folder nor .html or .png"),
        (["--plot", "{tmp}/there/x"], "--plot {tmp}/there/x: Not a directory"),
    ],
)
def test_wrong_usage_is_one_line(
    args: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(driver, "measure", None)  # nothing is measured before
    (tmp_path / "there").touch()
    assert main(["bench", *(arg.format(tmp=tmp_path) for arg in args)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said.format(tmp=tmp_path) in err
    assert err.count("\n") == 1


def test_without_matplotlib(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plot, "is_possible", lambda: False)
    assert main(["bench", "--plot", "x"]) == 2
    assert "--plot needs matplotlib: pip install 'attolog[plot]'" in capsys.readouterr().err


def test_the_example_s_command_runs_in_any_folder(tmp_path: Path) -> None:
    script = ROOT / "examples" / "serving" / "high_performance_logging.py"
    (tmp_path / "queue.py").write_text("raise SystemExit('not this one')")
    done = subprocess.run(
        [sys.executable, script, "--method", REFERENCE, "--records", "10", "--repeats", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "print() to a file" in done.stdout
    assert done.stderr == ""


def test_a_bar_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    args = ["--method", REFERENCE, "--records", "10", "--repeats", "1"]
    subprocess.run(
        [sys.executable, "-m", "attolog", "bench", *args],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        check=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the end, of a terminal
        pass
    os.close(ours)
    assert b"1/1" in shown
