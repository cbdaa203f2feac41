"""When requests arrive: drawn before the run, so that nothing that happens in it can move them."""

import random


def poisson(rate: float, seconds: float, seed: int, name: str) -> list[float]:
    """The arrivals of a Poisson process, as seconds since the run's start, in order.

    Each name has a stream of its own: to add a model leaves the others' arrivals as they were.

    Args:
        rate: arrivals per second on average; 0 gives none.
        seconds: length of the run; every arrival lies before it.
        seed: the run's seed.
        name: whose arrivals they are.
    """
    arrivals: list[float] = []
    if rate == 0:
        return arrivals
    stream = random.Random(f"arrivals/{seed}/{name}")
    now = stream.expovariate(rate)
    while now < seconds:
        arrivals.append(now)
        now += stream.expovariate(rate)
    return arrivals
