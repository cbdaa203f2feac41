"""The scheduler's part of a run: the queues, what is decided of them, and what came of it.

How time passes is not known here: `realtime` serves with threads and the clock, `virtual` without.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from events import Events
from policies import (
    DROPS,
    Config,
    Decision,
    GivesUp,
    Policy,
    Queue,
    State,
    Task,
    after,
    past_slo,
)
from profiles import Profile


class Gpu(Protocol):
    def run(self, model: str, exit: str, batch_size: int) -> None:
        """Runs a batch up to this exit; returns when it is done."""


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
    decision_ns: list[int] = field(default_factory=list)  # logging what was thought of included
    states: int = 0  # STATE events
    candidates: int = 0  # CAND events
    log_call_ns: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)  # generators, behind their schedule


@dataclass(frozen=True, slots=True)
class Started:
    """A batch on the GPU."""

    decision: Decision
    batch_id: int
    tasks: Sequence[Task]
    pred_ms: float


class Engine:
    """Serves what arrives. One thread uses it.

    Args:
        queues: one per instance of a model, empty.
        policy: decides what is served next.
        profile: times for the policy.
        config: limits for the policy.
        events: where the debug events go.
        drop_late: give up tasks that are past the SLO before they run.
    """

    def __init__(
        self,
        queues: Sequence[Queue],
        policy: Policy,
        profile: Profile,
        config: Config,
        events: Events,
        drop_late: bool = False,
    ) -> None:
        self.run = Run(queues)
        self.events = events
        self._policy = policy
        self._profile = profile
        self._config = config
        self._gives_up = DROPS.get(policy, past_slo if drop_late else None)
        self._state = State()

    def is_idle(self) -> bool:
        return not any(queue.tasks for queue in self.run.queues)

    def decide(self, now: float) -> Decision | None:
        """What to serve now, or at a later time if nothing arrives before; None: nothing waits."""
        if self._gives_up is not None:
            self._drop(now, self._gives_up)
        start = time.perf_counter_ns()
        decision = self._policy(now, self.run.queues, self._profile, self._config, self._state)
        if decision is not None and decision.start <= now:
            self._log_decision(decision)
            self.run.decision_ns.append(time.perf_counter_ns() - start)
        return decision

    def start(self, decision: Decision, now: float) -> Started:
        """Takes the batch's tasks off their queue."""
        queue, exit, batch_size = decision.queue, decision.exit, decision.batch_size
        batch_id = len(self.run.batches)
        pred_ms = self._profile.ms(queue.model, exit, batch_size)
        max_wait_ms = queue.oldest_wait_ms(now)
        tasks = [queue.tasks.popleft() for _ in range(batch_size)]
        before = time.perf_counter_ns()
        self.events.sched(queue.name, batch_id, exit, batch_size, max_wait_ms, pred_ms)
        if self.events.cand is None:
            self.run.log_call_ns.append(time.perf_counter_ns() - before)
        return Started(decision, batch_id, tasks, pred_ms)

    def finish(self, batch: Started, started: float, ended: float) -> None:
        """The batch is done."""
        queue, exit = batch.decision.queue, batch.decision.exit
        self.run.batches.append(Batch(queue, exit, batch.tasks, started, ended))
        infer_ms = (ended - started) * 1e3
        self.events.exec(
            queue.name, batch.batch_id, exit, len(batch.tasks), infer_ms, batch.pred_ms
        )
        done = self.events.done
        violations = 0
        for task in batch.tasks:
            wait_ms = (started - task.arrival) * 1e3
            total_ms = wait_ms + infer_ms
            slo_ok = total_ms <= self._config.slo_ms
            violations += not slo_ok
            done(
                queue.name, task.task_id, batch.batch_id, exit, wait_ms, infer_ms, total_ms, slo_ok
            )
        self._state = after(self._state, batch.decision, violations, self._config)

    def _drop(self, now: float, gives_up: GivesUp) -> None:
        for queue in self.run.queues:
            while queue.tasks and gives_up(now, queue, self._profile, self._config):
                wait_ms = queue.oldest_wait_ms(now)
                task = queue.tasks.popleft()
                self.run.drops.append(Drop(queue, task, wait_ms))
                self.events.drop(queue.name, task.task_id, wait_ms)

    def _log_decision(self, decision: Decision) -> None:
        run, state, cand = self.run, self.events.state, self.events.cand
        if state is not None:
            for queue in run.queues:
                state(queue.name, len(queue.tasks), self._state.z.get(queue.name, 0.0))
            run.states += len(run.queues)
        if cand is not None and decision.candidates:
            before = time.perf_counter_ns()
            for candidate in decision.candidates:
                cand(*candidate)
            took = time.perf_counter_ns() - before
            run.log_call_ns.append(took / len(decision.candidates))
            run.candidates += len(decision.candidates)
