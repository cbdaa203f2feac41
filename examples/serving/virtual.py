"""A run without threads and without waiting: its time goes from one event to the next.

The same seed gives the same run, whatever the machine does meanwhile, and so the same log.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Protocol

from engine import Engine, Run
from policies import Queue, Task


class TimedGpu(Protocol):
    def draw_seconds(self, model: str, exit: str, batch_size: int) -> float:
        """How long the next batch takes."""


class Virtual:
    """Serves the arrivals, once.

    Args:
        engine: decides and keeps account.
        arrivals: by a queue's name, its arrivals in order, in seconds since the run's start.
        gpu: says how long a batch takes.
        set_time: is told the time in seconds before anything happens in it.
    """

    def __init__(
        self,
        engine: Engine,
        arrivals: Mapping[str, Sequence[float]],
        gpu: TimedGpu,
        set_time: Callable[[float], object],
    ) -> None:
        self._engine = engine
        self._arrivals = arrivals
        self._gpu = gpu
        self._set_time = set_time
        # The number keeps what comes at one time in the order in which it was planned.
        self._planned: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = count()
        self._is_busy = False
        self._end = 0.0

    def run(self, seconds: float) -> Run:
        """Runs for so many seconds of its own time; a batch that runs at the end is finished."""
        run = self._engine.run
        self._end = run.elapsed = seconds
        for queue in run.queues:
            self._plan_arrival(queue, enumerate(self._arrivals[queue.name]))
        try:
            self._go_on()
        except KeyboardInterrupt:
            run.interrupted = True
        run.generated = len(run.late_ms)
        return run

    def _go_on(self) -> None:
        run = self._engine.run
        while self._planned:
            now, _, happens = heapq.heappop(self._planned)
            run.elapsed = max(run.elapsed, now)
            self._set_time(now)
            happens(now)
            if not self._is_busy and now < self._end:
                self._decide(now)

    def _plan(self, time: float, happens: Callable[[float], None]) -> None:
        heapq.heappush(self._planned, (time, next(self._numbers), happens))

    def _plan_arrival(self, queue: Queue, rest: Iterator[tuple[int, float]]) -> None:
        task_id, arrival = next(rest, (0, self._end))
        if arrival >= self._end:
            return

        def arrive(now: float) -> None:
            self._engine.run.late_ms.append(0.0)
            self._engine.events.gen(queue.name, task_id, arrival)
            queue.tasks.append(Task(task_id, arrival))
            self._plan_arrival(queue, rest)

        self._plan(arrival, arrive)

    def _decide(self, now: float) -> None:
        decision = self._engine.decide(now)
        if decision is None:
            return
        if decision.start > now:
            if decision.start < self._end:
                self._plan(decision.start, lambda now: None)
            return
        batch = self._engine.start(decision, now)
        took = self._gpu.draw_seconds(decision.queue.model, decision.exit, decision.batch_size)

        def finish(ended: float) -> None:
            self._is_busy = False
            self._engine.finish(batch, now, ended)

        self._is_busy = True
        self._plan(now + took, finish)
