"""What the strategies are constructed with, taken apart for the native side."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # ATTOLOG_RULES has this imported: typing takes longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    Described = tuple[Any, str, Any, int, int, dict[str, Any]]
    """Target, the strategy's spelling, rules, seeds of chance and of keys, options of the file."""


def strategy_of(value: Any, what: str) -> str:
    """The spelling of a strategy: a text, or an `Every`, `First`, `Cap` or `Budget`.

    Raises:
        TypeError: It is neither.

    Example:
        >>> strategy_of("sample:0.01", "how")
        'sample:0.01'
    """
    spelled = value if isinstance(value, str) else getattr(value, "strategy", None)
    if not isinstance(spelled, str):
        raise TypeError(
            f"{what} must be a strategy such as 'sample:0.01' or Every(100), "
            f"not {type(value).__name__}"
        )
    return spelled


def rules_of(rules: Any) -> tuple[tuple[str, str], ...]:
    """Rules as pairs of a name or pattern and a strategy's spelling.

    Raises:
        TypeError: They are no dict from names to strategies.

    Example:
        >>> rules_of({"CAND": "sample:0.01", "*": "all"})
        (('CAND', 'sample:0.01'), ('*', 'all'))
    """
    if not hasattr(rules, "items"):
        raise TypeError(f"rules must be a dict of strategies by name, not {type(rules).__name__}")
    for name in rules:
        if not isinstance(name, str):
            raise TypeError(f"rules: a name must be a str, not {type(name).__name__}")
    return tuple((name, strategy_of(how, f"rules: {name}")) for name, how in rules.items())


def sampled(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Described:
    """Read the arguments of `SampledLogger`.

    Raises:
        TypeError: One is missing, unknown or of the wrong type.
        ValueError: One is out of range.
    """

    def read(
        target: Any,
        rate: float | None = None,
        *,
        key: str | None = None,
        how: Any = None,
        seed: int | None = None,
        rules: Any = None,
        **options: Any,
    ) -> Described:
        if how is not None:
            if rate is not None or key is not None:
                raise TypeError("SampledLogger takes how=, or a rate and perhaps key=, not both")
            spelled = strategy_of(how, "how")
        else:
            spelled = f"sample:{_rate(0.01 if rate is None else rate)}"
            if key is not None:
                spelled += f"@{_key(key)}"
        return target, spelled, rules, *_seeds(seed), options

    read.__name__ = read.__qualname__ = "SampledLogger"
    return read(*args, **(kwargs or {}))


def _rate(rate: Any) -> float:
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        raise TypeError(f"rate must be a number, not {type(rate).__name__}")
    if not 0 < rate <= 1:
        raise ValueError(f"rate must be above 0 and at most 1, not {rate}")
    return float(rate)


def _key(key: Any) -> str:
    if not isinstance(key, str) or not key:
        raise TypeError("key must be the name of a field")
    return key


def _seeds(seed: Any) -> tuple[int, int]:
    # By itself chance differs from run to run; keys must be hashed alike in all processes.
    if seed is None:
        return int.from_bytes(os.urandom(8), "little"), 0
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed must be an int, not {type(seed).__name__}")
    seed %= 1 << 64
    return seed, seed
