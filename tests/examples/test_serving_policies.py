"""Each policy on queues made by hand."""

from collections import deque
from copy import deepcopy
from pathlib import Path

import policies
import profiles
import pytest
from policies import POLICIES, Config, Decision, Policy, Queue, State, Task
from profiles import EXITS, Cell, Profile

PROFILE = profiles.load(Path(profiles.__file__).parent / "profile.json")
CONFIG = Config(slo_ms=50.0, max_batch=10, exits=EXITS)
LONGEST_FIRST = ("early_exit", "all_early", "all_final")


def queue(name: str, *arrivals: float) -> Queue:
    return Queue(name, name, deque(Task(i, arrival) for i, arrival in enumerate(arrivals)))


def made_up(**times: tuple[float, ...]) -> Profile:
    """A profile of the model M: by exit the ms of batch sizes 1, 2, ...; accuracies 60, 70, .."""
    cells = {
        ("M", exit, batch_size): Cell({"mean_ms": ms}, "measured")
        for exit, row in times.items()
        for batch_size, ms in enumerate(row, 1)
    }
    return Profile(cells, {("M", exit): 60.0 + 10 * i for i, exit in enumerate(times)})


def decide(
    name: str,
    now: float,
    *queues: Queue,
    profile: Profile = PROFILE,
    config: Config = CONFIG,
    state: State | None = None,
) -> Decision:
    decision = POLICIES[name](now, queues, profile, config, state or State())
    assert decision is not None
    return decision


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_nothing_to_serve(policy: Policy) -> None:
    empty = [queue("ResNet50"), queue("ResNet152")]
    assert policy(1.0, empty, PROFILE, CONFIG, State()) is None
    assert policy(1.0, [], PROFILE, CONFIG, State()) is None


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_policy_changes_nothing_and_keeps_to_the_largest_batch(policy: Policy) -> None:
    queues = [queue("ResNet50", *([0.0] * 25)), queue("ResNet101"), queue("ResNet152", 0.01)]
    state = State("ResNet101", {"ResNet50": 3.0})
    before = deepcopy((queues, state))
    decision = policy(0.02, queues, PROFILE, CONFIG, state)
    assert (queues, state) == before
    assert decision is not None and decision.queue in queues
    assert 1 <= decision.batch_size <= min(len(decision.queue.tasks), 10)
    assert decision.exit in EXITS
    assert policy(0.02, queues, PROFILE, CONFIG, state) == decision


@pytest.mark.parametrize("name", LONGEST_FIRST)
def test_longest_queue_first_and_of_equal_ones_the_oldest(name: str) -> None:
    short, long = queue("ResNet50", 0.0), queue("ResNet101", 0.5, 0.6)
    decision = decide(name, 0.6, short, long)
    assert decision.queue is long and decision.batch_size == 2
    older = queue("ResNet152", 0.4, 0.6)
    assert decide(name, 0.6, short, long, older).queue is older


@pytest.mark.parametrize(
    ("waited_ms", "exit"),
    [(0, "final"), (40, "final"), (41, "layer3"), (42, "layer2"), (43, "layer1"), (999, "layer1")],
)
def test_early_exit_goes_as_deep_as_the_oldest_task_allows(waited_ms: float, exit: str) -> None:
    # The arrival is 0, and the time in seconds times 1e3 gives the whole milliseconds back: those
    # that are just in time are exactly so.
    profile = made_up(layer1=(7.0,), layer2=(8.0,), layer3=(9.0,), final=(10.0,))
    decision = decide("early_exit", waited_ms / 1e3, queue("M", 0.0), profile=profile)
    assert decision.exit == exit


def test_only_the_configured_exits_are_used() -> None:
    config = Config(slo_ms=50.0, max_batch=10, exits=("layer2", "layer3"))
    waiting = queue("ResNet50", 0.0)
    chosen = [
        decide(name, now, waiting, config=config).exit
        for name in ("early_exit", "all_early", "all_final")
        for now in (0.0, 9.0)
    ]
    assert chosen == ["layer3", "layer2", "layer2", "layer2", "layer3", "layer3"]


def test_lowest_interference_serves_whom_the_others_can_spare() -> None:
    # Both queues have one task of the same age. The short batch makes the other wait for less.
    profile = Profile(
        {
            (model, "final", size): Cell({"mean_ms": ms}, "measured")
            for model, ms in (("quick", 5.0), ("slow", 30.0))
            for size in (1, 2)
        },
        {},
    )
    config = Config(slo_ms=50.0, max_batch=2, exits=("final",))
    slow, quick = queue("slow", 0.0), queue("quick", 0.0)
    name = "early_exit_lowest_interference"
    decision = decide(name, 0.01, slow, quick, profile=profile, config=config)
    assert decision.queue is quick
    # What it costs the slow one: exp(15 ms / 50 ms - 1), and the other way round exp(40 / 50 - 1).
    scores = {candidate.model: candidate.score for candidate in decision.candidates}
    assert scores == pytest.approx({"quick": 0.4965853, "slow": 0.8187308})


def test_interference_counts_no_task_more_than_ten_times() -> None:
    # Old ones are at the limit of 10, however old; the two served are not counted.
    config = Config(slo_ms=50.0, max_batch=2, exits=("final",))
    profile = made_up(final=(10.0, 10.0))
    arrivals = (-1e6, -1e3, -1e3, -1e3, 0.040)
    decision = decide(
        "early_exit_lowest_interference",
        0.04,
        queue("M", *arrivals),
        profile=profile,
        config=config,
    )
    (candidate,) = decision.candidates
    assert candidate.score == pytest.approx(10 + 10 + 0.449329)  # exp(10 / 50 - 1)
    assert candidate.violations == 2


def test_round_robin_serves_in_turn_and_leaves_out_who_has_nothing() -> None:
    queues = queue("ResNet50", 0.0), queue("ResNet101"), queue("ResNet152", 0.0, 0.0)
    state, served = State(), []
    for _ in range(4):
        decision = decide("all_final_round_robin", 0.0, *queues, state=state)
        assert decision.exit == "final"
        served.append(decision.queue.name)
        state = policies.after(state, decision, 0, CONFIG)
    assert served == ["ResNet50", "ResNet152", "ResNet50", "ResNet152"]


SYMPHONY = made_up(final=(10.0, 14.0, 18.0, 22.0))
OF_FOUR = Config(slo_ms=50.0, max_batch=4, exits=("final",))


def test_symphony_waits_as_long_as_the_batch_can_grow() -> None:
    # Of two, a third could still join until 50 - 18 = 32 ms after the first came.
    waiting = queue("M", 0.0, 0.01)
    decision = decide("symphony", 0.02, waiting, profile=SYMPHONY, config=OF_FOUR)
    assert decision.start == pytest.approx(0.032) and decision.batch_size == 2
    now = decision.start
    decision = decide("symphony", now, waiting, profile=SYMPHONY, config=OF_FOUR)
    assert decision.start == now and decision.batch_size == 2


def test_symphony_starts_a_full_batch_at_once() -> None:
    waiting = queue("M", 0.0, 0.0, 0.0, 0.0, 0.0)
    decision = decide("symphony", 0.001, waiting, profile=SYMPHONY, config=OF_FOUR)
    assert decision.start == 0.001 and decision.batch_size == 4


def test_symphony_takes_the_smallest_batch_that_could_not_grow_in_time() -> None:
    # At 34 ms, 16 are left: two of the three are in time, three would take 18.
    waiting = queue("M", 0.0, 0.01, 0.02)
    decision = decide("symphony", 0.034, waiting, profile=SYMPHONY, config=OF_FOUR)
    assert decision.start <= 0.034 and decision.batch_size == 2


def test_symphony_serves_first_who_must_start_first() -> None:
    cells = {
        (model, "final", size): Cell({"mean_ms": ms}, "measured")
        for model, row in (("short", (10.0, 12.0)), ("long", (30.0, 32.0)))
        for size, ms in enumerate(row, 1)
    }
    config = Config(slo_ms=50.0, max_batch=2, exits=("final",))
    profile = Profile(cells, {})
    short, long = queue("short", 0.0, 0.0), queue("long", 0.001, 0.001)
    # Both are full. Latest starts: 38 ms and 1 + 18 = 19 ms.
    assert decide("symphony", 0.002, short, long, profile=profile, config=config).queue is long
    # Of those that wait, the one that will start first says until when: 38 and 1 + 18 = 19 ms.
    short.tasks.pop()
    long.tasks.pop()
    decision = decide("symphony", 0.002, short, long, profile=profile, config=config)
    assert decision.queue is long and decision.start == pytest.approx(0.019)


def test_symphony_gives_up_what_cannot_be_in_time() -> None:
    gives_up = policies.DROPS[policies.symphony]
    waiting = queue("M", 0.0)
    assert not gives_up(0.0399, waiting, SYMPHONY, OF_FOUR)
    assert gives_up(0.0401, waiting, SYMPHONY, OF_FOUR)
    assert not policies.past_slo(0.0401, waiting, SYMPHONY, OF_FOUR)
    assert policies.past_slo(0.0501, waiting, SYMPHONY, OF_FOUR)


def test_ours_weighs_throughput_and_accuracy() -> None:
    # Q * B * accuracy / time, of two tasks: layer1 0.6 / 2 and 0.6 / 2.5, final 0.7 / 4 and ...
    profile = made_up(layer1=(2.0, 2.5), final=(4.0, 4.2))
    config = Config(slo_ms=50.0, max_batch=2, exits=("layer1", "final"))
    waiting = queue("M", 0.0, 0.0)
    decision = decide("ours_normalized", 0.01, waiting, profile=profile, config=config)
    assert [tuple(candidate) for candidate in decision.candidates] == [
        ("M", 1, "layer1", 2.0, 0, pytest.approx(2 * 1 * 0.6 / 2.0)),
        ("M", 2, "layer1", 2.5, 0, pytest.approx(2 * 2 * 0.6 / 2.5)),
        ("M", 1, "final", 4.0, 0, pytest.approx(2 * 1 * 0.7 / 4.0)),
        ("M", 2, "final", 4.2, 0, pytest.approx(2 * 2 * 0.7 / 4.2)),
    ]
    assert (decision.exit, decision.batch_size) == ("layer1", 2)


def test_ours_counts_misses_by_the_virtual_queue() -> None:
    profile = made_up(layer1=(2.0, 2.5, 2.7), final=(4.0, 4.2, 4.4))
    config = Config(slo_ms=50.0, max_batch=3, exits=("layer1", "final"), target=0.1, weight=2.0)
    # At 50 ms the oldest waits for 50, the next for 47.6, the third for 1.
    waiting = queue("M", 0.0, 0.0024, 0.049)
    decision = decide(
        "ours_normalized", 0.05, waiting, profile=profile, config=config, state=State(z={"M": 4.0})
    )
    by_cell = {(c.exit, c.batch_size): c for c in decision.candidates}
    missed = {cell: candidate.violations for cell, candidate in by_cell.items()}
    assert missed == {
        ("layer1", 1): 1,
        ("layer1", 2): 2,
        ("layer1", 3): 2,
        ("final", 1): 1,
        ("final", 2): 2,
        ("final", 3): 2,
    }
    score = 3 * 3 * 0.6 / 2.7 - 2.0 * 4.0 * 2 + 4.0 * 3 * 0.1
    assert by_cell["layer1", 3].score == pytest.approx(score)


def test_ours_has_a_candidate_for_each_model_exit_and_batch_size() -> None:
    queues = [queue(name, *([0.0] * 10)) for name in ("ResNet50", "ResNet101", "ResNet152")]
    decision = decide("ours_normalized", 0.01, *queues)
    cells = {candidate[:3] for candidate in decision.candidates}
    assert len(decision.candidates) == len(cells) == 3 * 10 * 4


def test_the_virtual_queue_grows_by_misses_and_stays_within_its_bounds() -> None:
    config = Config(slo_ms=50.0, max_batch=10, exits=EXITS, target=0.1, z_max=5.0)
    ten = Decision(queue("M", *([0.0] * 10)), "final", 10)
    state = policies.after(State(), ten, 3, config)
    assert state == State("M", {"M": 2.0})
    other = Decision(queue("N", 0.0), "final", 1)
    state = policies.after(state, other, 1, config)
    assert state == State("N", {"M": 2.0, "N": 0.9})
    assert policies.after(state, ten, 10, config).z["M"] == 5.0
    assert policies.after(state, ten, 0, config).z["M"] == 1.0
    assert policies.after(State(), ten, 0, config).z["M"] == 0.0
