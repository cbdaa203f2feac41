"""The variables ATTOLOG, ATTOLOG_CONFIG and ATTOLOG_RULES: what they say is done here."""

from __future__ import annotations

import sys

from attolog import _core
from attolog._core import log

# Words that start no path, but a strategy; all but the first two have an argument.
_STRATEGIES = frozenset(
    {"all", "off", "sample", "every", "first", "cap", "budget", "stats", "last"}
)


def apply(setting: str | None, config: str | None, rules: str | None) -> None:
    """Set the default logger up. What cannot be done is told in a line on standard error.

    Args:
        setting: The text of `ATTOLOG`; it goes before `config`.
        config: The text of `ATTOLOG_CONFIG`.
        rules: The text of `ATTOLOG_RULES`.
    """
    chosen = _read_rules(rules) if rules else {}
    if setting:
        chosen = _apply_setting(setting, chosen)
    elif config:
        _apply_config(config)
    if chosen:
        _core.set_environment(log, chosen)


def _apply_setting(setting: str, rules: dict[str, str]) -> dict[str, str]:
    """Open the file; the strategy is a rule for all that no other rule of the environment names."""
    if setting == "off":
        return rules
    try:
        strategy, path = _split(setting)
    except ValueError as error:
        _complain("ATTOLOG", setting, f"{error}; logging is off")
        return rules
    try:
        _core.open(log, path)
    except (OSError, ValueError) as error:
        allowed = "allowed are a path such as run.csv, STRATEGY:PATH and off; logging is off"
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
            raise ValueError("a path is missing behind async, such as async:run.csv")
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
        raise ValueError(f"a path is missing behind {word}, such as {word}:run.csv")
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


def _apply_config(path: str) -> None:
    from attolog._config_file import apply as apply_file

    try:
        apply_file(path)
    except (OSError, TypeError, ValueError) as error:
        _complain("ATTOLOG_CONFIG", path, f"{error}; logging is off")


def _complain(variable: str, setting: str, complaint: str) -> None:
    line = " ".join(complaint.splitlines())
    print(f"attolog: {variable}={setting!r}: {line}", file=sys.stderr)
