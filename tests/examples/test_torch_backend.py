"""The serving program's networks of PyTorch, and the profile that is measured with them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from threading import Thread, current_thread
from typing import Any

import measure
import profiles
import pytest
from profiles import EXITS
from torch_gpu import TorchError, TorchGpu

SERVING = Path(measure.__file__).parent
TINY = 8  # pixels


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="PyTorch is missing: pip install 'attolog[torch]'")


@pytest.fixture(scope="module")
def build(torch: Any) -> Callable[..., Any]:
    from networks import build

    return build


# Networks


@pytest.mark.parametrize("image_size", [TINY, 64])
def test_every_exit_scores_every_class_for_every_image(
    torch: Any, build: Callable[..., Any], image_size: int
) -> None:
    network = build("ResNet50", image_size, seed=0)
    images = torch.randn(2, 3, image_size, image_size)
    with torch.inference_mode():
        scores = [network(images, exit) for exit in EXITS]
    assert [tuple(of_exit.shape) for of_exit in scores] == [(2, 100)] * 4
    for of_exit in scores:
        assert torch.isfinite(of_exit).all()
        assert not torch.equal(of_exit[0], of_exit[1])  # it does depend on the image


def test_each_later_exit_runs_what_the_earlier_ones_run_and_more(
    torch: Any, build: Callable[..., Any]
) -> None:
    network = build("ResNet101", TINY, seed=0)
    ran: set[str] = set()
    for name, module in network.named_modules():
        if not name.startswith("heads"):
            module.register_forward_hook(lambda *_, name=name: ran.add(name))
    convolutions = []
    earlier: set[str] = set()
    for exit in EXITS:
        ran.clear()
        with torch.inference_mode():
            network(torch.randn(1, 3, TINY, TINY), exit)
        assert earlier < ran
        earlier = set(ran)
        convolutions.append(
            sum(isinstance(network.get_submodule(name), torch.nn.Conv2d) for name in ran)
        )
    # The stem's, three per block, and one in the shortcut of each stage's first block.
    assert convolutions == [1 + 10, 11 + 13, 24 + 70, 94 + 10]


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("ResNet50", 23_508_032), ("ResNet101", 42_500_160), ("ResNet152", 58_143_808)],
)
def test_the_trunks_are_the_published_ones(
    build: Callable[..., Any], model: str, parameters: int
) -> None:
    # The published counts (25,557,032, 44,549,160 and 60,192,808) less their 1000-class head.
    def trunk(image_size: int) -> int:
        named = build(model, image_size, seed=0).named_parameters()
        return sum(weights.numel() for name, weights in named if not name.startswith("heads"))

    assert trunk(64) == parameters
    assert trunk(32) == parameters - 64 * 3 * (7 * 7 - 3 * 3)


def test_the_seed_decides_the_weights_and_disturbs_no_one(
    torch: Any, build: Callable[..., Any]
) -> None:
    state = torch.random.get_rng_state()
    one, same, other = (build("ResNet50", TINY, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["heads.final.2.weight"], other["heads.final.2.weight"])


# The back end


def test_a_batch_larger_than_announced_is_refused(torch: Any) -> None:
    gpu = TorchGpu(max_batch=2, image_size=TINY, device="cpu")
    gpu.run("ResNet50", "layer1", 2)
    with pytest.raises(ValueError, match="batch of 3: at most 2"):
        gpu.run("ResNet50", "layer1", 3)


def test_a_batch_runs_as_many_images_as_asked_up_to_the_exit_asked(torch: Any) -> None:
    gpu = TorchGpu(max_batch=5, image_size=TINY, device="cpu")
    gpu.run("ResNet50", "layer1", 1)
    seen: list[tuple[str, int]] = []
    for exit, head in gpu._networks["ResNet50"].heads.items():
        head.register_forward_hook(
            lambda module, inputs, scores, exit=exit: seen.append((exit, len(scores)))
        )
    for exit, batch_size in (("layer2", 4), ("final", 5), ("layer1", 1)):
        gpu.run("ResNet50", exit, batch_size)
    assert seen == [("layer2", 4), ("final", 5), ("layer1", 1)]


def test_warm_up_runs_every_batch_once_in_a_thread_that_ends(
    torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = TorchGpu(max_batch=2, image_size=TINY, device="cpu")
    ran: list[tuple[str, str, int]] = []
    threads: set[Thread] = set()

    def run(*batch: Any) -> None:
        ran.append(batch)
        threads.add(current_thread())

    monkeypatch.setattr(gpu, "run", run)
    gpu.warm_up(["ResNet50", "ResNet152"], iter(("layer1", "final")))
    assert sorted(ran) == sorted(product(("ResNet50", "ResNet152"), ("layer1", "final"), (1, 2)))
    assert [thread.is_alive() for thread in threads] == [False]


def test_a_missing_cuda_device_is_named(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TorchError, match="finds no CUDA device"):
        TorchGpu(max_batch=1, device="cuda")


def test_without_torch_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None; import measure\n"
        "sys.exit(measure.main(['p.json']))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SERVING), *sys.path])}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    message = "multi_model_dev.py profile: PyTorch is missing: pip install 'attolog[torch]'\n"
    assert (ended.returncode, ended.stderr) == (2, message)
    assert list(tmp_path.iterdir()) == []


# Measuring, with a clock that only the GPU moves


class TimedGpu:
    """An image takes 1 ms in the first round after the warm-up, 2 in the next; a warm-up 1 s."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cells_per_round: int) -> None:
        self.ran: list[tuple[str, str, int]] = []
        self._now = 0.0
        self._cells_per_round = cells_per_round
        monkeypatch.setattr(measure, "perf_counter", lambda: self._now)

    def run(self, model: str, exit: str, batch_size: int) -> None:
        round, _ = divmod(len(self.ran), self._cells_per_round)
        self._now += 1.0 if round == 0 else round * batch_size / 1e3
        self.ran.append((model, exit, batch_size))


def test_figures_are_of_the_repeats_alone_each_round_running_every_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = TimedGpu(monkeypatch, cells_per_round=8)
    rounds: list[tuple[int, int]] = []
    measured = measure.measure_profile(
        gpu,
        models=["A", "B"],
        exits=["layer1", "final"],
        max_batch=2,
        repeats=5,
        warmup=1,
        progress=lambda *done: rounds.append(done),
    )
    assert rounds == [(done, 6) for done in range(1, 7)]
    every_cell = sorted(product("AB", ("final", "layer1"), (1, 2)))
    orders = [gpu.ran[start : start + 8] for start in range(0, 48, 8)]
    assert [sorted(order) for order in orders] == [every_cell] * 6
    assert orders[0] != orders[1]
    for model, exit in product("AB", ("layer1", "final")):
        cells = measured[model][exit]
        assert set(cells) == {"1", "2"}
        # 1 to 5 ms for one image, twice that for two.
        figures = {"mean_ms": 3.0, "p50_ms": 3.0, "p95_ms": 4.8, "p99_ms": 4.96}
        assert cells["1"] == {**figures, "source": "measured"}
        assert cells["2"] == {
            **{name: 2 * ms for name, ms in figures.items()},
            "source": "measured",
        }


# The command


def test_a_measured_profile_is_complete_and_loads(torch: Any, tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    path.write_text("an old one")
    command = [str(path), "--image-size", str(TINY), "--max-batch", "2", "--repeats", "2"]
    command += ["--warmup", "0", "--exit-points", "layer3,layer1", "--device", "cpu"]
    assert measure.main(command) == 0

    loaded = profiles.load(path)
    exits = ("layer1", "layer3")
    loaded.require(measure.MODELS, exits, 2)
    assert set(loaded.cells) == set(product(measure.MODELS, exits, (1, 2)))
    assert {cell.source for cell in loaded.cells.values()} == {"measured"}
    published = profiles.load(SERVING / "profile.json")
    for model, exit in product(measure.MODELS, exits):
        assert loaded.accuracy(model, exit) == published.accuracy(model, exit)

    document = json.loads(path.read_text())
    assert f"torch {torch.__version__} on CPU" in document["about"]
    assert "images 8 x 8" in document["about"] and "random" in document["about"]
    cell = document["models"]["ResNet152"]["exits"]["layer3"]["2"]
    assert 0 < cell["p50_ms"] <= cell["p95_ms"] <= cell["p99_ms"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("old", [None, "the old profile"])
def test_an_interrupted_measurement_leaves_what_was_there(
    old: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class InterruptedGpu:
        def __init__(self, *_: object, **__: object) -> None: ...

        def run(self, *_: object) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(measure, "TorchGpu", InterruptedGpu)
    path = tmp_path / "profile.json"
    if old is not None:
        path.write_text(old)
    assert measure.main([str(path)]) == 130
    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == (
        [] if old is None else [(path, old)]
    )


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([], "required: FILE"),
        (["p.json", "--image-size", "7"], "--image-size: '7' is no whole number from 8 to 1024"),
        (["p.json", "--max-batch", "0"], "--max-batch: '0' is no whole number from 1 to 4096"),
        (["p.json", "--exit-points", "layer4"], "'layer4' is no list of layer1,"),
        (["p.json", "--repeat", "3"], "unrecognized arguments: --repeat 3"),
        (["missing/p.json"], "missing/p.json: No such file or directory"),
        (["."], ".: is no file that could be replaced"),
        (["/dev/null"], "/dev/null: is no file that could be replaced"),
    ],
)
def test_mistakes_are_told_in_one_line(
    command: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        measure.main(command)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert message in told and told.startswith("multi_model_dev.py profile: ")
    assert told.count("\n") == 1 and told.endswith("\n")
    assert list(tmp_path.iterdir()) == []
