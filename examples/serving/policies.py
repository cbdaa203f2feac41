"""What to serve next: pure functions of the time, the queues, the profile and what came before.

A policy is `decide(now, queues, profile, config, state) -> Decision | None`: times in seconds since
the run's start, None where nothing waits. It changes nothing; `after` gives the state that the next
decision starts from.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from profiles import Profile


@dataclass(frozen=True, slots=True)
class Task:
    task_id: int
    arrival: float  # scheduled, in seconds since the run's start


@dataclass(slots=True)
class Queue:
    """The tasks that wait for one instance of a model, the oldest first."""

    name: str  # of the instance: ResNet50, or ResNet50_0 where there are several
    model: str  # the profile's name for it
    tasks: deque[Task] = field(default_factory=deque)

    def oldest_wait_ms(self, now: float) -> float:
        return (now - self.tasks[0].arrival) * 1e3


@dataclass(frozen=True, slots=True)
class Config:
    slo_ms: float  # a request should be answered within
    max_batch: int
    exits: tuple[str, ...]  # that may be used, from shallow to deep
    target: float = 0.05  # share of the requests that may miss the SLO
    weight: float = 1.0  # of the misses against throughput and accuracy
    z_max: float = 100.0


@dataclass(frozen=True, slots=True)
class State:
    """What earlier batches left behind."""

    last: str | None = None  # the queue that was served last
    z: Mapping[str, float] = field(default_factory=dict)  # virtual queues: misses beyond the target


class Candidate(NamedTuple):
    """What a policy thought of: the fields of a CAND event."""

    model: str  # the queue's name
    batch_size: int
    exit: str
    infer_ms: float
    violations: int  # tasks of the batch that would miss the SLO
    score: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Serve the oldest `batch_size` tasks of this queue, up to this exit."""

    queue: Queue
    exit: str
    batch_size: int
    start: float = 0.0  # not before this time, unless something arrives: then decide again
    candidates: Sequence[Candidate] = ()


Policy = Callable[[float, Sequence[Queue], Profile, Config, State], Decision | None]
GivesUp = Callable[[float, Queue, Profile, Config], bool]


def after(state: State, decision: Decision, violations: int, config: Config) -> State:
    """The state once a batch is served, so many tasks of which missed the SLO."""
    name = decision.queue.name
    z = state.z.get(name, 0.0) + violations - config.target * decision.batch_size
    return State(name, {**state.z, name: min(max(z, 0.0), config.z_max)})


def early_exit(
    now: float, queues: Sequence[Queue], profile: Profile, config: Config, state: State
) -> Decision | None:
    """The longest queue, up to the deepest exit by which its oldest task is still in time."""
    queue = _longest(queues)
    if queue is None:
        return None
    batch_size = min(len(queue.tasks), config.max_batch)
    return Decision(queue, _deepest_in_time(now, queue, batch_size, profile, config), batch_size)


def early_exit_lowest_interference(
    now: float, queues: Sequence[Queue], profile: Profile, config: Config, state: State
) -> Decision | None:
    """The queue that, served as by `early_exit`, harms least all those who go on waiting.

    A task that has waited for w when the batch is done counts clip(exp(w / SLO - 1), 0, 10).
    """
    best: tuple[Candidate, Queue] | None = None
    candidates = []
    for queue in queues:
        if not queue.tasks:
            continue
        batch_size = min(len(queue.tasks), config.max_batch)
        exit = _deepest_in_time(now, queue, batch_size, profile, config)
        infer_ms = profile.ms(queue.model, exit, batch_size)
        end = now + infer_ms / 1e3
        harm = sum(
            _harm(other, batch_size if other is queue else 0, end, config.slo_ms)
            for other in queues
        )
        arrivals = [task.arrival for task in islice(queue.tasks, batch_size)]
        late = bisect_left(arrivals, end - config.slo_ms / 1e3)
        candidate = Candidate(queue.name, batch_size, exit, infer_ms, late, harm)
        candidates.append(candidate)
        if best is None or harm < best[0].score:
            best = candidate, queue
    if best is None:
        return None
    chosen, queue = best
    return Decision(queue, chosen.exit, chosen.batch_size, candidates=candidates)


def all_early(
    now: float, queues: Sequence[Queue], profile: Profile, config: Config, state: State
) -> Decision | None:
    """The longest queue, always up to the first exit."""
    return _all(_longest(queues), config.exits[0], config)


def all_final(
    now: float, queues: Sequence[Queue], profile: Profile, config: Config, state: State
) -> Decision | None:
    """The longest queue, always up to the last exit."""
    return _all(_longest(queues), config.exits[-1], config)


def all_final_round_robin(
    now: float, queues: Sequence[Queue], profile: Profile, config: Config, state: State
) -> Decision | None:
    """The queues in turn, those that are empty left out, always up to the last exit."""
    names = [queue.name for queue in queues]
    first = names.index(state.last) + 1 if state.last in names else 0
    in_turn = (*queues[first:], *queues[:first])
    return _all(next((q for q in in_turn if q.tasks), None), config.exits[-1], config)


def symphony(
    now: float, queues: Sequence[Queue], profile: Profile, config: Config, state: State
) -> Decision | None:
    """Batches that start as late as they can, so that they grow as large as they can.

    A queue's batch is the smallest that could not grow by one and still start in time for its
    oldest task, or the largest allowed; until then it waits. Of those that may start, the one that
    must start earliest goes first. Always the last exit. Tasks that are `lost` are to be dropped
    before: an oldest task that cannot be in time would hold batches at one, and so lose the others.

    Source: Symphony: Optimized DNN Model Serving using Deferred Batch Scheduling, 2023
    (https://arxiv.org/abs/2308.07470).
    """
    exit = config.exits[-1]
    best: tuple[bool, float, Decision] | None = None
    for queue in queues:
        if not queue.tasks:
            continue
        deadline = queue.tasks[0].arrival + config.slo_ms / 1e3
        most = min(len(queue.tasks), config.max_batch)
        batch_size, start = most, now  # the cap
        for size in range(1, most + 1):
            if size == config.max_batch:
                break
            too_late_to_grow = deadline - profile.ms(queue.model, exit, size + 1) / 1e3
            if now >= too_late_to_grow or size == most:
                batch_size, start = size, too_late_to_grow
                break
        latest = deadline - profile.ms(queue.model, exit, batch_size) / 1e3
        # Those that may start now, by their latest start; else what may start first.
        waits = start > now
        rank = (waits, start if waits else latest)
        if best is None or rank < best[:2]:
            best = (*rank, Decision(queue, exit, batch_size, start))
    return None if best is None else best[2]


def ours_normalized(
    now: float, queues: Sequence[Queue], profile: Profile, config: Config, state: State
) -> Decision | None:
    """The best of all queues, batch sizes and exits, by throughput, accuracy and misses.

    score = Q * B * accuracy / infer time - W * Z * violations + Z * B * target, where Q is the
    queue's length, B the batch size, and Z the queue's virtual queue (see `after`).
    """
    best: tuple[Candidate, Queue] | None = None
    candidates = []
    for queue in queues:
        most = min(len(queue.tasks), config.max_batch)
        arrivals = [task.arrival for task in islice(queue.tasks, most)]
        z = state.z.get(queue.name, 0.0)
        for exit in config.exits if most else ():
            gain = len(queue.tasks) * profile.accuracy(queue.model, exit) / 100
            for batch_size in range(1, most + 1):
                infer_ms = profile.ms(queue.model, exit, batch_size)
                # They stand in order of arrival: those that will miss the SLO are the first.
                too_early = now + (infer_ms - config.slo_ms) / 1e3
                violations = bisect_left(arrivals, too_early, 0, batch_size)
                score = (
                    gain * batch_size / infer_ms
                    - config.weight * z * violations
                    + z * batch_size * config.target
                )
                candidate = Candidate(queue.name, batch_size, exit, infer_ms, violations, score)
                candidates.append(candidate)
                if best is None or score > best[0].score:
                    best = candidate, queue
    if best is None:
        return None
    chosen, queue = best
    return Decision(queue, chosen.exit, chosen.batch_size, candidates=candidates)


POLICIES: dict[str, Policy] = {
    policy.__name__: policy
    for policy in (
        early_exit,
        early_exit_lowest_interference,
        all_early,
        all_final,
        all_final_round_robin,
        symphony,
        ours_normalized,
    )
}


def past_slo(now: float, queue: Queue, profile: Profile, config: Config) -> bool:
    """Whether the oldest task has waited for longer than the SLO."""
    return queue.oldest_wait_ms(now) > config.slo_ms


def lost(now: float, queue: Queue, profile: Profile, config: Config) -> bool:
    """Whether the oldest task would miss the SLO even if it were served now and alone."""
    infer_ms = profile.ms(queue.model, config.exits[-1], 1)
    return queue.oldest_wait_ms(now) + infer_ms > config.slo_ms


DROPS: dict[Policy, GivesUp] = {symphony: lost}
"""Policies that give up tasks, whatever the options say, and which."""


def _longest(queues: Sequence[Queue]) -> Queue | None:
    """The longest queue that is not empty; of equal ones, that whose oldest task came first."""
    waiting = [queue for queue in queues if queue.tasks]
    return max(waiting, key=lambda q: (len(q.tasks), -q.tasks[0].arrival), default=None)


def _all(queue: Queue | None, exit: str, config: Config) -> Decision | None:
    if queue is None:
        return None
    return Decision(queue, exit, min(len(queue.tasks), config.max_batch))


def _deepest_in_time(
    now: float, queue: Queue, batch_size: int, profile: Profile, config: Config
) -> str:
    """The deepest exit by which the oldest task is in time, else the shallowest."""
    left_ms = config.slo_ms - queue.oldest_wait_ms(now)
    for exit in reversed(config.exits):
        if profile.ms(queue.model, exit, batch_size) <= left_ms:
            return exit
    return config.exits[0]


def _harm(queue: Queue, served: int, end: float, slo_ms: float) -> float:
    """What waiting until `end` costs all tasks of the queue but the `served` oldest."""
    total = 0.0
    waiting = len(queue.tasks) - served
    for task in islice(reversed(queue.tasks), waiting):
        over = (end - task.arrival) * 1e3 / slo_ms - 1.0
        if over >= _LN_10:  # and so are all that came before
            return total + 10.0 * waiting
        total += math.exp(over)
        waiting -= 1
    return total


_LN_10 = math.log(10.0)
