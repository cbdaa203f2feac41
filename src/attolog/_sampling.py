"""How a share of the calls is chosen: what `SampledLogger(strategy=...)` and `rules=` take.

Each has `strategy`, its spelling in the grammar that the environment, TOML files and `attolog ctl`
use too.
"""

from __future__ import annotations

from dataclasses import dataclass

from attolog import _core
from attolog._native.constructor_arguments import share_of, window_of


@dataclass(frozen=True, slots=True)
class Every:
    """Keep every n-th call of a site, starting with a random one.

    Args:
        n: 1 or more.

    Raises:
        TypeError: n is no int.
        ValueError: n is out of range.

    Example:
        >>> Every(100).strategy
        'every:100'
    """

    n: int

    def __post_init__(self) -> None:
        _check_count(self.n, "Every: n")

    @property
    def strategy(self) -> str:
        """The spelling in the grammar of strategies."""
        return f"every:{self.n}"


@dataclass(frozen=True, slots=True)
class First:
    """Keep the first n calls of a site in each interval, and then every `then`-th.

    Args:
        n: 1 or more.
        then: 1 or more; None for no more calls in the interval.
        per: The interval, in seconds or as "500ms", "1s", "5m".

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: One is out of range.

    Example:
        >>> First(100, then=50, per="1s").strategy
        'first:100,50,1s'
    """

    n: int
    then: int | None = None
    per: float | str = "1s"

    def __post_init__(self) -> None:
        _check_count(self.n, "First: n")
        if self.then is not None:
            _check_count(self.then, "First: then")
        window_of(self.per, "First: per")
        _core.check_strategy(self.strategy)  # whose grammar has fewer spellings of a number

    @property
    def strategy(self) -> str:
        """The spelling in the grammar of strategies."""
        return f"first:{self.n},{0 if self.then is None else self.then},{self.per}"


@dataclass(frozen=True, slots=True)
class Cap:
    """Keep at most so many calls of a site in each second: the first ones.

    Args:
        per_second: 1 or more.

    Raises:
        TypeError: It is no int.
        ValueError: It is out of range.

    Example:
        >>> Cap(1000).strategy
        'cap:1000'
    """

    per_second: int

    def __post_init__(self) -> None:
        _check_count(self.per_second, "Cap: per_second")

    @property
    def strategy(self) -> str:
        """The spelling in the grammar of strategies."""
        return f"cap:{self.per_second}"


@dataclass(frozen=True, slots=True)
class Budget:
    """Keep as many calls as may be without logging taking more than a share of the wall time.

    Each site's probability follows what its calls cost in the interval before; what one site does
    not need the others get.

    Args:
        share: Above 0, up to 1.

    Raises:
        TypeError: It is no number.
        ValueError: It is out of range.

    Example:
        >>> Budget(0.01).strategy
        'budget:0.01'
    """

    share: float

    def __post_init__(self) -> None:
        share_of(self.share, "Budget: share")

    @property
    def strategy(self) -> str:
        """The spelling in the grammar of strategies."""
        return f"budget:{self.share}"


_MOST = 1_000_000_000_000  # as in cpp/strategies/policy.cpp


def _check_count(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be an int, not {type(value).__name__}")
    if not 1 <= value <= _MOST:
        raise ValueError(f"{what} must be 1 to {_MOST:,}, not {value}")
