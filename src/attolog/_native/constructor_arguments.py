"""Arguments of `SampledLogger` and `StatsLogger`, as the native side takes them."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # ATTOLOG_RULES has this imported, and typing takes longer than all of it
if TYPE_CHECKING:
    from typing import Any

    Arguments = tuple[Any, str, Any, int, int, dict[str, Any]]
    """Target, the strategy's spelling, rules, seeds of chance and of keys, options of the file."""


def strategy_of(value: Any, what: str) -> str:
    """The spelling of a strategy: a text, or an `Every`, `First`, `Cap` or `Budget`.

    Raises:
        TypeError: It is neither.

    Example:
        >>> strategy_of("sample:0.01", "strategy")
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
        >>> rules_of({"request": "sample:0.01", "*": "all"})
        (('request', 'sample:0.01'), ('*', 'all'))
    """
    if not hasattr(rules, "items"):
        raise TypeError(f"rules must be a dict of strategies by name, not {type(rules).__name__}")
    for name in rules:
        if not isinstance(name, str):
            raise TypeError(f"rules: a name must be a str, not {type(name).__name__}")
    return tuple((name, strategy_of(its, f"rules: {name}")) for name, its in rules.items())


def sampled(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Arguments:
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
        strategy: Any = None,
        seed: int | None = None,
        rules: Any = None,
        **options: Any,
    ) -> Arguments:
        if "how" in options:
            raise TypeError("SampledLogger() takes no option 'how'; it is called strategy=")
        if strategy is not None:
            if rate is not None or key is not None:
                raise TypeError(
                    "SampledLogger takes strategy=, or a rate and perhaps key=, not both"
                )
            spelled = strategy_of(strategy, "strategy")
        else:
            spelled = f"sample:{_rate(0.01 if rate is None else rate)}"
            if key is not None:
                spelled += f"@{_key(key)}"
        return target, spelled, rules, *_seeds(seed), options

    read.__name__ = read.__qualname__ = "SampledLogger"
    return read(*args, **(kwargs or {}))


def stats(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Arguments:
    """Read the arguments of `StatsLogger`.

    Raises:
        TypeError: One is unknown or of the wrong type.
        ValueError: One is out of range.
    """

    def read(
        target: Any = None,
        window: float | str = 1.0,
        by: Any = (),
        *,
        rules: Any = None,
        **options: Any,
    ) -> Arguments:
        names = (by,) if isinstance(by, str) else by
        if not isinstance(names, list | tuple):
            raise TypeError(f"by must be names of fields, not {type(by).__name__}")
        for name in names:
            if not isinstance(name, str) or not name or "," in name:
                raise TypeError(f"by must be names of fields, not {name!r}")
        spelled = f"stats:{window_of(window, 'window')}"
        if names:
            spelled += "@" + ",".join(names)
        return target, spelled, rules, 0, 0, options

    read.__name__ = read.__qualname__ = "StatsLogger"
    return read(*args, **(kwargs or {}))


def window_of(value: Any, what: str) -> str:
    """The spelling of a window's length.

    Raises:
        TypeError: It is neither a number of seconds nor a text.
        ValueError: It is no length of time.

    Example:
        >>> window_of(0.5, "window"), window_of("5m", "window")
        ('0.5s', '300.0s')
    """
    return f"{_seconds(value, what, least=1e-6)}s"


_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0}


def _seconds(value: Any, what: str, least: float = 0.0) -> float:
    wanted = 'seconds as a number, or "500ms", "1s", "5m"'
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{what} must be {wanted}, not {type(value).__name__}")
    seconds = value
    if isinstance(value, str):
        unit = value.lstrip("+-.0123456789e")
        try:
            seconds = float(value.removesuffix(unit)) * _UNITS[unit or "s"]
        except (KeyError, ValueError):
            raise ValueError(f"{what} must be {wanted}, not {value!r}") from None
    assert not isinstance(seconds, str)
    if not least <= seconds <= 1e9:
        raise ValueError(f"{what} must be {least:g} to 1e+09 seconds, not {value!r}")
    return float(seconds)


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
