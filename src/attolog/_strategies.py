"""What the strategies are constructed with, taken apart for the native side."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # ATTOLOG_RULES has this imported: typing takes longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    Described = tuple[Any, str, Any, int, int, dict[str, Any]]
    """Target, the strategy's spelling, rules, seeds of chance and of keys, options of the file."""

    Circular = tuple[
        int, int, str, tuple[Any, ...], Any, float, float, str, tuple[int, ...], Any, dict[str, Any]
    ]
    """Records and bytes at most, when (text and its steps, or a callable), before and after in
    seconds, path, signals, rules, options of the rings."""


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


def stats(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Described:
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
    ) -> Described:
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


_RING_OPTIONS = frozenset(
    {
        "buffer_size",
        "buffer_bytes",
        "on_full",
        "block_timeout",
        "exit_timeout",
        "max_record",
        "ring_dir",
    }
)


def circular(args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Circular:
    """Read the arguments of `CircularLogger`.

    Raises:
        TypeError: One is unknown or of the wrong type.
        ValueError: One is out of range, or `when` is no expression.
    """

    def read(
        max_size: int = 100_000,
        *,
        max_bytes: int | None = None,
        when: Any = None,
        before: float | str | None = None,
        after: float | str | None = None,
        path: Any = "circular-{pid}-{n}.atto",
        signals: Any = (),
        rules: Any = None,
        **options: Any,
    ) -> Circular:
        for name in options:
            if name not in _RING_OPTIONS:
                raise TypeError(f"CircularLogger() takes no option {name!r}")
        call = when if callable(when) else None
        if call is None and when is not None and not isinstance(when, str):
            raise TypeError(f"when must be an expression or a callable, not {type(when).__name__}")
        text, steps = "", ()
        if isinstance(when, str):
            from attolog._imports import load

            text, steps = when, load("attolog._expression").parse(when)
        return (
            _count(max_size, "max_size"),
            0 if max_bytes is None else _count(max_bytes, "max_bytes"),
            text,
            steps,
            call,
            -1.0 if before is None else _seconds(before, "before"),
            0.0 if after is None else _seconds(after, "after"),
            _log_path(path),
            _signals(signals),
            rules,
            options,
        )

    read.__name__ = read.__qualname__ = "CircularLogger"
    return read(*args, **(kwargs or {}))


def _count(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be an int, not {type(value).__name__}")
    if not 1 <= value <= 1 << 30:
        raise ValueError(f"{what} must be 1 to {1 << 30}, not {value}")
    return value


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


def _log_path(path: Any) -> str:
    spelled = os.fsdecode(path)
    if not spelled.endswith((".csv", ".jsonl", ".log", ".txt", ".atto")):
        raise ValueError(
            "path must end in .csv, .jsonl, .log, .txt or .atto, which gives the format; "
            f"{spelled!r} does not"
        )
    return spelled


def _signals(signals: Any) -> tuple[int, ...]:
    if not isinstance(signals, list | tuple | set | frozenset):
        signals = (signals,)
    if not signals:
        return ()
    import signal

    numbers = []
    for each in signals:
        try:
            numbers.append(int(signal.Signals[each] if isinstance(each, str) else each))
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"signals must be names such as 'SIGUSR1', not {each!r}") from None
    return tuple(numbers)


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
