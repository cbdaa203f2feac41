"""What to serve next: pure functions of the time, the queues, the profile and the configuration."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Decision:
    """Serve the oldest `batch_size` tasks of this queue, up to this exit."""

    queue: Queue
    exit: str
    batch_size: int


Policy = Callable[[float, Sequence[Queue], Profile, Config], Decision | None]


def early_exit(
    now: float, queues: Sequence[Queue], profile: Profile, config: Config
) -> Decision | None:
    """The longest queue, up to the deepest exit by which its oldest task is still in time."""
    queue = _longest(queues)
    if queue is None:
        return None
    batch_size = min(len(queue.tasks), config.max_batch)
    left_ms = config.slo_ms - queue.oldest_wait_ms(now)
    for exit in reversed(config.exits):
        if profile.ms(queue.model, exit, batch_size) <= left_ms:
            return Decision(queue, exit, batch_size)
    return Decision(queue, config.exits[0], batch_size)


def all_final(
    now: float, queues: Sequence[Queue], profile: Profile, config: Config
) -> Decision | None:
    """The longest queue, always up to the last exit."""
    queue = _longest(queues)
    if queue is None:
        return None
    return Decision(queue, config.exits[-1], min(len(queue.tasks), config.max_batch))


POLICIES: dict[str, Policy] = {"early_exit": early_exit, "all_final": all_final}


def _longest(queues: Sequence[Queue]) -> Queue | None:
    """The longest queue that is not empty; of equal ones, that whose oldest task came first."""
    waiting = [queue for queue in queues if queue.tasks]
    return max(waiting, key=lambda q: (len(q.tasks), -q.tasks[0].arrival), default=None)
