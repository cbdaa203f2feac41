"""Serves several DNNs on one simulated GPU, and is debugged with print: the program before attolog.

python multi_model_print.py --scheduler early_exit --lambda-152 40 --run-seconds 10

One file that needs the standard library alone. Its prints are of every form one finds in such
programs, old ones too, so ruff has no say in how they are written.
"""

# ruff: noqa: E501, UP031, UP032

import argparse
import math
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

DEBUG = True  # set to False before a measurement

EXITS = ["layer1", "layer2", "layer3", "final"]  # from shallow to deep
SCHEDULERS = [
    "early_exit",
    "early_exit_lowest_interference",
    "all_early",
    "all_final",
    "all_final_round_robin",
    "ours_normalized",
]

# Mean ms of a batch of 5 by exit, and the accuracy there in %.
BATCH_5_MS = {
    "ResNet50": [1.65, 2.79, 4.20, 5.06],
    "ResNet101": [1.66, 2.79, 8.32, 9.24],
    "ResNet152": [1.67, 3.69, 12.61, 13.53],
}
ACCURACY = {
    "ResNet50": [58.97, 75.49, 80.71, 80.65],
    "ResNet101": [59.90, 74.97, 81.35, 81.34],
    "ResNet152": [58.36, 77.34, 80.91, 80.73],
}

# ours_normalized: Z counts the violations of a model beyond the share that is tolerated.
TARGET = 0.05
WEIGHT = 1.0
Z_MAX = 100.0


def profile_ms(model_name: str, exit_id: str, batch_size: int) -> float:
    return BATCH_5_MS[model_name][EXITS.index(exit_id)] * (0.45 + 0.11 * batch_size)


def dbg(*args: object) -> None:
    if DEBUG:
        print("[DEBUG]", *args)


trace: Callable[..., None] = print if DEBUG else lambda *args: None


def warn(text: str) -> None:
    print("warning: " + text, file=sys.stderr)


@dataclass
class Task:
    model_name: str
    task_id: int
    arrival_time: float  # seconds since the run's start, as all times here
    start_time: float = 0.0
    finish_time: float = 0.0
    exit_id: str = ""

    def total_ms(self) -> float:
        return (self.finish_time - self.arrival_time) * 1e3


@dataclass
class Decision:
    model_name: str
    exit_id: str
    batch_size: int


class RealClock:
    def __init__(self) -> None:
        self.start = time.perf_counter()

    def now(self) -> float:
        return time.perf_counter() - self.start

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class VirtualClock:
    """Goes from event to event, so that two runs print the same."""

    def __init__(self, times: dict[str, list[float]]) -> None:
        self.time = 0.0
        self.arrivals = deque(
            sorted((t, name, i) for name in times for i, t in enumerate(times[name]))
        )

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleep_until(self.time + seconds)

    def sleep_until(self, end: float) -> None:
        while self.arrivals and self.arrivals[0][0] <= end:
            self.time, model_name, task_id = self.arrivals.popleft()
            new_task(model_name, task_id, self.time)
        self.time = end


clock: RealClock | VirtualClock = RealClock()
slo_ms = 50.0
max_batch = 10
exit_points = list(EXITS)
queues: dict[str, deque[Task]] = {}
wakeup = threading.Condition()  # guards the queues
stop = threading.Event()
done: list[Task] = []
generated: Counter[str] = Counter()
batch_diag: list[dict[str, float]] = []
Z: dict[str, float] = {}
last_served = -1  # all_final_round_robin


# Arrivals


def arrival_times(model_name: str, rate: float, seconds: float, seed: int) -> list[float]:
    rng = random.Random(f"{seed}/{model_name}")
    times = []
    t = rng.expovariate(rate) if rate > 0 else seconds
    while t < seconds:
        times.append(t)
        t += rng.expovariate(rate)
    dbg("arrivals of", model_name, times[:3], "...", len(times), "in all")
    return times


def new_task(model_name: str, task_id: int, arrival_time: float) -> None:
    task = Task(model_name, task_id, arrival_time)
    print(
        f"[Generator-{model_name}] New task {task.task_id} at "
        f"{task.arrival_time:.6f}"
    )  # fmt: skip
    late_ms = (clock.now() - arrival_time) * 1e3
    if late_ms > 5:
        print("LATE", model_name, task_id, "%.3f" % late_ms)
    generated[model_name] += 1
    with wakeup:
        queues[model_name].append(task)
        # print(f"[Queue-{model_name}] {[t.task_id for t in queues[model_name]]}")
        wakeup.notify()


def generator(model_name: str, times: list[float]) -> None:
    for task_id, arrival_time in enumerate(times):
        if stop.wait(max(0.0, arrival_time - clock.now())):
            break
        new_task(model_name, task_id, arrival_time)
    print("[Generator-%s] finished after %d tasks" % (model_name, generated[model_name]))


# What to serve next


def longest_queue() -> str:
    waiting = [name for name in queues if queues[name]]
    return max(waiting, key=lambda name: (len(queues[name]), -queues[name][0].arrival_time))


def early_exit(model_name: str, now: float) -> Decision:
    """The deepest exit by which the oldest task is in time, else the shallowest."""
    batch_size = min(len(queues[model_name]), max_batch)
    wait_ms = (now - queues[model_name][0].arrival_time) * 1e3
    for exit_id in reversed(exit_points):
        pred_ms = profile_ms(model_name, exit_id, batch_size)
        if wait_ms + pred_ms <= slo_ms:
            return Decision(model_name, exit_id, batch_size)
        dbg(f"{model_name} {exit_id} is too late: {wait_ms=:.3f} {pred_ms=:.3f}")
    return Decision(model_name, exit_points[0], batch_size)


def interference(served: Decision, now: float) -> float:
    pred_ms = profile_ms(served.model_name, served.exit_id, served.batch_size)
    total = 0.0
    for name, tasks in queues.items():
        for i, task in enumerate(tasks):
            if name == served.model_name and i < served.batch_size:
                continue
            w = (now - task.arrival_time) * 1e3 + pred_ms
            total += min(math.exp(min(w / slo_ms - 1, 10.0)), 10.0)
    return total


def lowest_interference(now: float) -> Decision:
    best = None
    for model_name in queues:
        if not queues[model_name]:
            continue
        decision = early_exit(model_name, now)
        cost = interference(decision, now)
        print("  interference of {0!s:<10} {1:>10.4f} ({0!r})".format(model_name, cost))
        if best is None or cost < best[0]:
            best = (cost, decision)
    assert best is not None
    trace("lowest:", *best)
    return best[1]


def ours_normalized(now: float) -> Decision:
    """Searches all (model, batch, exit) for the best score."""
    best = None
    for model_name, tasks in queues.items():
        z = Z[model_name]
        waits = [(now - task.arrival_time) * 1e3 for task in tasks]
        print(f"[State-{model_name}] queue_len={len(tasks)}, z={z:.4f}")
        for batch_size in range(1, min(len(tasks), max_batch) + 1):
            for exit_id in exit_points:
                infer_ms = profile_ms(model_name, exit_id, batch_size)
                accuracy = ACCURACY[model_name][EXITS.index(exit_id)]
                violations = sum(wait + infer_ms > slo_ms for wait in waits[:batch_size])
                score = len(tasks) * batch_size * accuracy / infer_ms
                score += z * batch_size * TARGET - WEIGHT * z * violations
                print(
                    f"[Candidate-{model_name}] {batch_size=}, exit={exit_id}, "
                    f"{infer_ms=:.3f}, {violations=}, "
                    f"score={score:{'+' if z else ''}.4f}"
                )
                if best is None or score > best[0]:
                    best = (score, Decision(model_name, exit_id, batch_size))
    assert best is not None
    return best[1]


def decide(scheduler: str, now: float) -> Decision:
    global last_served
    if scheduler == "early_exit":
        return early_exit(longest_queue(), now)
    if scheduler == "early_exit_lowest_interference":
        return lowest_interference(now)
    if scheduler == "ours_normalized":
        return ours_normalized(now)
    if scheduler == "all_final_round_robin":
        names = list(queues)
        for _ in names:
            last_served = (last_served + 1) % len(names)
            if queues[names[last_served]]:
                break
        model_name = names[last_served]
    else:
        model_name = longest_queue()
    exit_id = exit_points[0] if scheduler == "all_early" else exit_points[-1]
    return Decision(model_name, exit_id, min(len(queues[model_name]), max_batch))


# The GPU and the thread that owns it


class Gpu:
    def __init__(self, seed: int, on_done: Callable[[Task, bool], None]) -> None:
        self.rng = random.Random(f"{seed}/gpu")
        self.on_done = on_done
        self.busy = 0.0

    def run(self, decision: Decision, tasks: list[Task]) -> None:
        model_name, exit_id, batch_size = decision.model_name, decision.exit_id, len(tasks)
        pred_ms = profile_ms(model_name, exit_id, batch_size)
        started = clock.now()
        clock.sleep(pred_ms / 1e3 * max(0.0, self.rng.gauss(1.0, 0.02)))
        ended = clock.now()
        self.busy += ended - started
        actual_ms = (ended - started) * 1e3
        print(
            "[Executor-{}] batch of {} ran to {!r} in {:.3f} ms, predicted {pred:.3f} ({error:+.1%})".format(
                model_name, batch_size, exit_id, actual_ms,
                pred=pred_ms, error=actual_ms / pred_ms - 1,
            )
        )  # fmt: skip
        print(f"{ended:.6f}", "EXEC", model_name, exit_id, batch_size, actual_ms, sep=",")
        for task in tasks:
            task.start_time, task.finish_time, task.exit_id = started, ended, exit_id
            slo_ok = task.total_ms() <= slo_ms
            print("DONE", model_name, task.task_id, round(task.total_ms(), 3), slo_ok)
            done.append(task)
            self.on_done(task, slo_ok)


def serve(scheduler: str, gpu: Gpu) -> None:
    """Serves one batch of what is waiting."""
    with wakeup:
        now = clock.now()
        [print(f"  {name:<10}{len(q):4d} waiting") for name, q in queues.items() if q]
        decision = decide(scheduler, now)
        if DEBUG:
            print(decision)
        tasks = [queues[decision.model_name].popleft() for _ in range(decision.batch_size)]
    decision_us = (clock.now() - now) * 1e6
    model_name, exit_id, batch_size = decision.model_name, decision.exit_id, decision.batch_size
    print(f"[Scheduler-{model_name}] Batch_id={len(batch_diag)}, exit={exit_id}, batch_size={batch_size}")  # fmt: skip
    dbg("task ids " + str([task.task_id for task in tasks]) + ", decided in", decision_us, "µs")
    gpu.run(decision, tasks)
    batch_diag.append({"decision_us": decision_us, "batch_size": batch_size})
    if scheduler == "ours_normalized":
        violations = sum(task.total_ms() > slo_ms for task in tasks)
        z = Z[model_name] + violations - TARGET * len(tasks)
        Z[model_name] = min(max(z, 0.0), Z_MAX)
        print("Z =", {name: round(z, 4) for name, z in Z.items()})
    if len(batch_diag) % 100 == 0:
        print(".", end="", file=sys.stderr, flush=True)


def run_threads(scheduler: str, gpu: Gpu, times: dict[str, list[float]], seconds: float) -> None:
    def schedule() -> None:
        while not stop.is_set():
            with wakeup:
                if not wakeup.wait_for(lambda: any(queues.values()) or stop.is_set(), timeout=1.0):
                    print("[Scheduler] idle for a second", flush=True)
                if not any(queues.values()):
                    continue
            serve(scheduler, gpu)

    threads = [threading.Thread(target=schedule, name="Scheduler")]
    threads += [threading.Thread(target=generator, args=(n, times[n]), name=n) for n in times]
    for thread in threads:
        thread.start()
        print("started", thread.name)
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        print("\ninterrupted, stopping ...", end="\n\n")
    stop.set()
    with wakeup:
        wakeup.notify_all()
    for thread in threads:
        thread.join()


def run_virtual(scheduler: str, gpu: Gpu, virtual: VirtualClock, seconds: float) -> None:
    while virtual.now() < seconds:
        if any(queues.values()):
            serve(scheduler, gpu)
        else:
            virtual.sleep_until(virtual.arrivals[0][0] if virtual.arrivals else seconds)


# Summary


def percentile(values: Iterable[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)] if ordered else math.nan


def print_profile() -> None:
    width = max(len(name) for name in BATCH_5_MS) + 2
    print(f"{'batch of 5':<{width}}", *(f"{exit_id:>8}" for exit_id in EXITS))
    for name, row in BATCH_5_MS.items():
        print(f"{name:<{width}}", end="")
        for ms in row:
            print(f" {ms:{8}.{2}f}", end="")
        print()


def print_summary(seconds: float, gpu: Gpu) -> None:
    print()
    print("=" * 60)
    print("model\tdone\tunfinished\tgoodput/s\tp50 ms\tp95 ms")
    for name in queues:
        mine = [task for task in done if task.model_name == name]
        good = sum(task.total_ms() <= slo_ms for task in mine)
        p50, p95 = (percentile((task.total_ms() for task in mine), q) for q in (0.50, 0.95))
        print(name, len(mine), len(queues[name]), "%.1f" % (good / seconds), end="\t", sep="\t")
        print("%(p50).2f\t%(p95).2f" % {"p50": p50, "p95": p95})
    attained = sum(task.total_ms() <= slo_ms for task in done)
    total = sum(generated.values())
    print("SLO attainment: %.2f%% (%d of %d)" % (100 * attained / max(total, 1), attained, total))
    mix = Counter(task.exit_id for task in done)
    print(*[f"{exit_id}: {mix[exit_id] / max(len(done), 1):.1%}" for exit_id in EXITS], sep="\n")
    print(f"""{len(batch_diag)} batches, GPU busy {gpu.busy / clock.now():.1%}
decision p95 {percentile((diag["decision_us"] for diag in batch_diag), 0.95):,.1f} µs""")


# The command line


def number(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1e6:
        raise ValueError
    return value


def exits(text: str) -> list[str]:
    wanted = text.split(",")
    if not set(wanted) <= set(EXITS):
        raise ValueError
    return [exit_id for exit_id in EXITS if exit_id in wanted]


def main() -> None:
    global clock, slo_ms, max_batch, exit_points
    parser = argparse.ArgumentParser(description="Serves several DNNs on one simulated GPU.")
    parser.add_argument("--scheduler", choices=SCHEDULERS, default=SCHEDULERS[1])
    for model_name, rate in zip(BATCH_5_MS, (300.0, 200.0, 100.0), strict=True):
        parser.add_argument("--lambda-" + model_name[6:], type=number, default=rate)
    parser.add_argument("--run-seconds", type=number, default=30.0)
    parser.add_argument("--slo-ms", type=number, default=50.0)
    parser.add_argument("--max-batch", type=int, choices=range(1, 101), default=10, metavar="N")
    parser.add_argument("--exit-points", type=exits, default=",".join(EXITS), metavar="A,B,..")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clock", choices=["real", "virtual"], default="real")
    args = parser.parse_args()
    if args.run_seconds == 0 or args.slo_ms == 0:
        parser.error("--run-seconds and --slo-ms must be above 0")

    slo_ms, max_batch, exit_points = args.slo_ms, args.max_batch, args.exit_points
    print("Scheduler " + args.scheduler + ", seed " + str(args.seed) + ", clock " + args.clock)
    print("SLO", slo_ms, "ms, max batch", max_batch)
    print("exits", *exit_points, sep=" -> ")
    if DEBUG:
        print_profile()
        print({"scheduler": args.scheduler, "slo_ms": args.slo_ms, "seed": args.seed})

    times = {}
    for model_name in BATCH_5_MS:
        rate = getattr(args, "lambda_" + model_name[6:])
        queues[model_name] = deque()
        Z[model_name] = 0.0
        if rate == 0:
            warn(f"no requests for {model_name}")
        times[model_name] = arrival_times(model_name, rate, args.run_seconds, args.seed)

    gpu = Gpu(
        args.seed,
        on_done=lambda task, ok: (
            None if ok else print(f"[SLO] missed by {task.total_ms() - slo_ms:.3f} ms: {task!r}")
        ),
    )
    if args.clock == "virtual":
        clock = VirtualClock(times)
        run_virtual(args.scheduler, gpu, clock, args.run_seconds)
    else:
        clock = RealClock()
        run_threads(args.scheduler, gpu, times, args.run_seconds)
    print_summary(args.run_seconds, gpu)


if __name__ == "__main__":
    main()
