"""How a share of the calls is chosen: what `SampledLogger(strategy=...)` and `rules=` take.

Each has `strategy`, its spelling in the grammar that the environment, TOML files and `attolog ctl`
use too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Every:
    """Keep every n-th call of a site, starting with a random one.

    Args:
        n: 1 or more.

    Example:
        >>> Every(100).strategy
        'every:100'
    """

    n: int

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

    Example:
        >>> First(100, then=50, per="1s").strategy
        'first:100,50,1s'
    """

    n: int
    then: int | None = None
    per: float | str = "1s"

    @property
    def strategy(self) -> str:
        """The spelling in the grammar of strategies."""
        return f"first:{self.n},{0 if self.then is None else self.then},{self.per}"


@dataclass(frozen=True, slots=True)
class Cap:
    """Keep at most so many calls of a site in each second: the first ones.

    Args:
        per_second: 1 or more.

    Example:
        >>> Cap(1000).strategy
        'cap:1000'
    """

    per_second: int

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

    Example:
        >>> Budget(0.01).strategy
        'budget:0.01'
    """

    share: float

    @property
    def strategy(self) -> str:
        """The spelling in the grammar of strategies."""
        return f"budget:{self.share}"
