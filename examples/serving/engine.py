"""One run in real time: a generator thread per queue, a scheduler thread that owns the GPU.

The generators only put into the inbox, the scheduler alone touches the queues; neither takes a lock
that the other could hold while it logs.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Thread
from typing import Protocol

from events import Events
from policies import Config, Decision, Policy, Queue, Task
from profiles import Profile


class Gpu(Protocol):
    def run(self, model: str, exit: str, batch_size: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Batch:
    queue: Queue
    exit: str
    tasks: Sequence[Task]
    started: float  # seconds since the run's start, as all times here
    ended: float


@dataclass(frozen=True, slots=True)
class Drop:
    queue: Queue
    task: Task
    wait_ms: float


@dataclass(slots=True)
class Run:
    """What happened. Every task that was generated is in a batch, in `drops`, or still queued."""

    queues: Sequence[Queue]
    generated: int = 0
    elapsed: float = 0.0  # until the last batch was done
    interrupted: bool = False
    batches: list[Batch] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    decision_ns: list[int] = field(default_factory=list)
    log_call_ns: list[int] = field(default_factory=list)  # of every SCHED call
    late_ms: list[float] = field(default_factory=list)  # generators, behind their schedule


class Engine:
    """Serves the arrivals, once.

    Args:
        queues: one per instance of a model, empty.
        arrivals: by a queue's name, its arrivals in order.
        policy: decides what is served next.
        profile: times for the policy.
        config: limits for the policy.
        gpu: does the work.
        events: where the debug events go.
        drop_late: give up tasks that are past the SLO before they run.
    """

    def __init__(
        self,
        queues: Sequence[Queue],
        arrivals: Mapping[str, Sequence[float]],
        policy: Policy,
        profile: Profile,
        config: Config,
        gpu: Gpu,
        events: Events,
        drop_late: bool = False,
    ) -> None:
        self._run = Run(queues)
        self._arrivals = arrivals
        self._policy = policy
        self._profile = profile
        self._config = config
        self._gpu = gpu
        self._events = events
        self._drop_late = drop_late
        self._inbox: SimpleQueue[tuple[Queue, Task] | None] = SimpleQueue()
        self._stop = Event()
        self._failures: list[Exception] = []
        self._start = 0.0

    def run(self, seconds: float) -> Run:
        """Runs for so many seconds, or until Ctrl-C, and returns what happened."""
        scheduler = Thread(target=self._guard, args=(self._schedule,), name="Scheduler")
        lateness: list[list[float]] = [[] for _ in self._run.queues]
        generators = [
            Thread(
                target=self._guard,
                args=(self._generate, queue, late),
                name=f"Generator-{queue.name}",
            )
            for queue, late in zip(self._run.queues, lateness, strict=True)
        ]
        self._start = time.perf_counter()
        for thread in (scheduler, *generators):
            thread.start()
        try:
            self._stop.wait(seconds)
        except KeyboardInterrupt:
            self._run.interrupted = True
            self._stop.set()
        # All arrivals lie before the end: a generator that is behind still delivers the rest.
        for thread in generators:
            thread.join()
        self._inbox.put(None)
        scheduler.join()
        if self._failures:
            raise self._failures[0]
        self._run.elapsed = self._now()
        self._run.late_ms = [ms for late in lateness for ms in late]
        self._run.generated = len(self._run.late_ms)
        return self._run

    def _now(self) -> float:
        return time.perf_counter() - self._start

    def _guard(self, body: Callable[..., None], *arguments: object) -> None:
        """Calls a thread's body: an error in it ends the run and is raised by `run`."""
        try:
            body(*arguments)
        except Exception as error:
            self._failures.append(error)
            self._stop.set()

    def _generate(self, queue: Queue, late_ms: list[float]) -> None:
        gen = self._events.gen
        for task_id, arrival in enumerate(self._arrivals[queue.name]):
            delay = arrival - self._now()
            if delay > 0:
                self._stop.wait(delay)
            if self._stop.is_set():
                return
            late_ms.append((self._now() - arrival) * 1e3)
            gen(queue.name, task_id, arrival)
            self._inbox.put((queue, Task(task_id, arrival)))

    def _schedule(self) -> None:
        while self._take_arrivals():
            if self._drop_late:
                self._drop_late_tasks()
            start = time.perf_counter_ns()
            decision = self._policy(self._now(), self._run.queues, self._profile, self._config)
            if decision is not None:
                self._run.decision_ns.append(time.perf_counter_ns() - start)
                self._serve(decision)

    def _take_arrivals(self) -> bool:
        """Moves what has arrived into the queues, waiting if they are empty; False at the end."""
        idle = not any(queue.tasks for queue in self._run.queues)
        over = False
        for _ in range(max(self._inbox.qsize(), int(idle))):
            arrived = self._inbox.get()
            if arrived is None:
                over = True
            else:
                queue, task = arrived
                queue.tasks.append(task)
        return not over

    def _drop_late_tasks(self) -> None:
        now = self._now()
        for queue in self._run.queues:
            while queue.tasks and (wait_ms := queue.oldest_wait_ms(now)) > self._config.slo_ms:
                task = queue.tasks.popleft()
                self._run.drops.append(Drop(queue, task, wait_ms))
                self._events.drop(queue.name, task.task_id, wait_ms)

    def _serve(self, decision: Decision) -> None:
        queue, exit, batch_size = decision.queue, decision.exit, decision.batch_size
        run, events = self._run, self._events
        batch_id = len(run.batches)
        pred_ms = self._profile.ms(queue.model, exit, batch_size)
        max_wait_ms = queue.oldest_wait_ms(self._now())
        tasks = [queue.tasks.popleft() for _ in range(batch_size)]

        before = time.perf_counter_ns()
        events.sched(queue.name, batch_id, exit, batch_size, max_wait_ms, pred_ms)
        run.log_call_ns.append(time.perf_counter_ns() - before)

        started = self._now()
        self._gpu.run(queue.model, exit, batch_size)
        ended = self._now()
        run.batches.append(Batch(queue, exit, tasks, started, ended))

        infer_ms = (ended - started) * 1e3
        events.exec(queue.name, batch_id, exit, batch_size, infer_ms, pred_ms)
        done = events.done
        for task in tasks:
            wait_ms = (started - task.arrival) * 1e3
            total_ms = wait_ms + infer_ms
            slo_ok = total_ms <= self._config.slo_ms
            done(queue.name, task.task_id, batch_id, exit, wait_ms, infer_ms, total_ms, slo_ok)
