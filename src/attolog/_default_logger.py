"""The default logger: turned on by the program or by the environment, which has the last word."""

from __future__ import annotations

import os
import sys

from attolog import _core
from attolog._core import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Unpack

    from attolog._core import Logger
    from attolog._types import FileOptions

# Words that start no path, but a strategy; all but the first two have an argument.
_STRATEGIES = frozenset(
    {"all", "off", "sample", "every", "first", "cap", "budget", "stats", "last"}
)

_is_off = False  # says ATTOLOG
_from_environment = False  # ATTOLOG* decides: what the program says is not listened to


def init_logger(
    path: str | os.PathLike[str], *, quiet: bool = False, **options: Unpack[FileOptions]
) -> Logger:
    """Turn the default logger on: its records go to `path` from now on.

    Processes that `multiprocessing` starts later log there, too, however they are started.

    Where `ATTOLOG` or `ATTOLOG_CONFIG` is set in the environment, that decides and this call
    changes nothing.

    Args:
        path: The log file. Its suffix gives the format: .csv, .jsonl, .log or .txt, .atto.
        quiet: Do not print where the log goes.
        options: Those of `AsyncFileLogger`.

    Returns:
        The default logger, `attolog.log`.

    Raises:
        OSError: The file cannot be opened.
        TypeError: An option is unknown or of the wrong type.
        ValueError: An option is out of range, or the suffix is none of those above.

    Example:
        >>> import attolog, tempfile
        >>> log = attolog.init_logger(tempfile.mkdtemp() + "/run.csv", quiet=True)
        >>> attolog.debug_log("warm-up done")
        >>> log.close()
        True
    """
    if not _from_environment:
        _core.open(log, path, **options)
        _hand_on(path, options)
        if not quiet:
            print(f"[INFO] Debug logging to: {path}")
        if options.get("echo"):
            _load("attolog._run.descriptors").wait_at_ends()
            if sys.stdout is not None:
                sys.stdout.flush()  # what was printed comes before what is logged
    return log


def _hand_on(path: str | os.PathLike[str], options: Mapping[str, Any]) -> None:
    _load("attolog._children").hand_on(path, options)


def _load(name: str) -> Any:
    from attolog._imports import load

    return load(name)


debug_log = log.log
"""Log a text to the default logger as it stands; does nothing while that is off."""


def is_decided() -> bool:
    """Whether the environment decides what becomes of the default logger."""
    return _from_environment


def is_off() -> bool:
    """Whether the environment says that nothing is to be logged."""
    return _is_off


def obey_environment() -> None:
    """Set the default logger up as `ATTOLOG`, else `ATTOLOG_CONFIG`, and `ATTOLOG_RULES` say."""
    global _from_environment
    setting = os.environ.get("ATTOLOG")
    config = os.environ.get("ATTOLOG_CONFIG")
    rules = os.environ.get("ATTOLOG_RULES")
    if not (setting or config or rules) or _is_privileged():
        return
    chosen = _read_rules(rules) if rules else {}
    if setting:
        _from_environment = True
        chosen = _obey_setting(setting, chosen)
    elif config:
        _from_environment = True
        _obey_config(config)
    if chosen:
        _core.set_environment(log, chosen)


def _obey_setting(setting: str, rules: dict[str, str]) -> dict[str, str]:
    """Open the file; the strategy is a rule for all that no other rule of the environment names."""
    if setting == "off":
        global _is_off
        _is_off = True
        return rules
    try:
        strategy, path = _split(setting)
        _core.open(log, path)
    except (OSError, ValueError) as error:
        allowed = "allowed are a path, STRATEGY:PATH and off; logging is off"
        _complain("ATTOLOG", setting, f"{error}; {allowed}")
        return rules
    return {"*": strategy, **rules} if strategy else rules


def _split(setting: str) -> tuple[str, str]:
    """The strategy ("" for none) and the path; both may contain colons, a strategy one.

    `async`, the file logger that AsyncFileLogger is, is the one that needs no word.

    Raises:
        ValueError: There is only one of them, or the strategy is none.
    """
    word, _, rest = setting.partition(":")
    if word == "async":
        if not rest:
            raise ValueError("a path is missing behind async")
        return "", rest
    if word not in _STRATEGIES:
        if rest and _is_misspelt(word):
            _core.check_strategy(word)
        return "", setting
    if word not in ("all", "off"):
        argument, _, rest = rest.partition(":")
        word += f":{argument}"
    _core.check_strategy(word)
    if not rest:
        raise ValueError(f"a path is missing behind {word}")
    if rest.partition(":")[0] in _STRATEGIES:
        raise ValueError(f"one strategy at a time, not {rest!r} behind {word}")
    return word, rest


def _is_misspelt(word: str) -> bool:
    """Whether what stands in front of a colon is meant for a strategy.

    That is a word, or what begins nearly as one. A file that is called so is `./word:...`.
    """
    if word.isalpha():
        return True
    if not word.replace(" ", "").isalnum():
        return False
    import difflib

    near = difflib.get_close_matches(word.lower().split(" ")[0], _STRATEGIES, 1, 0.7)
    return bool(near)


def _read_rules(setting: str) -> dict[str, str]:
    rules: list[str] = []
    for part in setting.replace(";", ",").split(","):
        if "=" not in part and rules:
            rules[-1] += f",{part}"
        elif part.strip():
            rules.append(part)
    good: dict[str, str] = {}
    bad: list[str] = []
    for rule in rules:
        name, _, strategy = (part.strip() for part in rule.rpartition("="))
        try:
            if not name:
                raise ValueError("NAME=STRATEGY is wanted")
            _core.check_strategy(strategy)
            good[name] = strategy
        except ValueError as error:
            bad.append(f"{rule.strip()!r} is ignored: {error}")
    if bad:
        _complain("ATTOLOG_RULES", setting, "; ".join(bad))
    return good


def _obey_config(path: str) -> None:
    from attolog._config_file import apply

    try:
        apply(path)
    except (OSError, TypeError, ValueError) as error:
        _complain("ATTOLOG_CONFIG", path, f"{error}; logging is off")


def _complain(variable: str, setting: str, complaint: str) -> None:
    line = " ".join(complaint.splitlines())
    print(f"attolog: {variable}={setting!r}: {line}", file=sys.stderr)


def _is_privileged() -> bool:
    """Whether the program runs with more rights than its user has (AT_SECURE)."""
    return os.getuid() != os.geteuid() or os.getgid() != os.getegid()
