"""A run by the clock: a generator thread per queue, a scheduler thread that owns the GPU.

The generators only put into the inbox, the scheduler alone touches the queues; neither takes a lock
that the other could hold while it logs.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread

from engine import Engine, Gpu, Run
from policies import Queue, Task


class Realtime:
    """Serves the arrivals, once.

    Args:
        engine: decides and keeps account; it is the scheduler thread's from now on.
        arrivals: by a queue's name, its arrivals in order, in seconds since the run's start.
        gpu: does the work.
    """

    def __init__(self, engine: Engine, arrivals: Mapping[str, Sequence[float]], gpu: Gpu) -> None:
        self._engine = engine
        self._arrivals = arrivals
        self._gpu = gpu
        self._inbox: SimpleQueue[tuple[Queue, Task] | None] = SimpleQueue()
        self._stop = Event()
        self._failures: list[Exception] = []
        self._start = 0.0

    def run(self, seconds: float) -> Run:
        """Runs for so many seconds, or until Ctrl-C, and returns what happened."""
        run = self._engine.run
        scheduler = Thread(target=self._guard, args=(self._schedule,), name="Scheduler")
        lateness: list[list[float]] = [[] for _ in run.queues]
        generators = [
            Thread(
                target=self._guard,
                args=(self._generate, queue, late),
                name=f"Generator-{queue.name}",
            )
            for queue, late in zip(run.queues, lateness, strict=True)
        ]
        self._start = time.perf_counter()
        for thread in (scheduler, *generators):
            thread.start()
        try:
            self._stop.wait(seconds)
        except KeyboardInterrupt:
            run.interrupted = True
            self._stop.set()
        # All arrivals lie before the end: a generator that is behind still delivers the rest.
        for thread in generators:
            thread.join()
        self._inbox.put(None)
        scheduler.join()
        if self._failures:
            raise self._failures[0]
        run.elapsed = self._now()
        run.late_ms = [ms for late in lateness for ms in late]
        run.generated = len(run.late_ms)
        return run

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
        gen = self._engine.events.gen
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
        engine = self._engine
        until: float | None = None
        while self._take_arrivals(until):
            now = self._now()
            decision = engine.decide(now)
            if decision is None:
                until = None
            elif decision.start > now:
                until = decision.start
            else:
                batch = engine.start(decision, now)
                started = self._now()
                self._gpu.run(decision.queue.model, decision.exit, decision.batch_size)
                engine.finish(batch, started, self._now())
                until = None if engine.is_idle() else 0.0

    def _take_arrivals(self, until: float | None) -> bool:
        """Moves what has arrived into the queues; False at the end.

        If nothing has, waits until something does, or until that time.
        """
        arrived = self._inbox.qsize()
        try:
            if arrived:
                items = [self._inbox.get() for _ in range(arrived)]
            else:
                timeout = None if until is None else max(0.0, until - self._now())
                items = [self._inbox.get(timeout=timeout)]
        except Empty:
            return True
        for item in items:
            if item is None:
                return False
            queue, task = item
            queue.tasks.append(task)
        return True
