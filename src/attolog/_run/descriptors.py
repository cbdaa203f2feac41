"""Functions that have to find the screen up to date: what they do, others can see.

Python audits some, which wait in any program with an echo; these here it does not audit. They keep
their function objects, so that a program finds nothing changed.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from attolog import _core

if TYPE_CHECKING:
    from types import ModuleType

    from attolog._run.hook import Finder


class _Rule(NamedTuple):
    """When functions wait for the screen.

    Attributes:
        owner: Their module, or a type in it: "module" or "module:type".
        rule: always; related, where other processes were started from this one or it was started
            so; descriptor, if that argument is one that others see; file, if the object is a file
            that others see; second, for that long; last, as the process ends there. Where
            numbers get another meaning, those of attolog's files stay: closing and redirecting
            are as descriptor, closing_all as always, closing_file as file.
        names: Of the functions.
        argument: The place of the descriptor, or of the signal.
        keyword: Its name, where it can be given by that.
        is_done_anyway: They are called even if Ctrl-C comes while they wait: they give something
            back.
    """

    owner: str
    rule: str
    names: str
    argument: int = 0
    keyword: str = ""
    is_done_anyway: bool = False


_RULES = (
    _Rule("posix", "descriptor", "write writev pwrite pwritev sendfile eventfd_write"),
    _Rule("posix", "descriptor", "splice copy_file_range", 1),
    _Rule("posix", "descriptor", "lseek posix_fallocate", is_done_anyway=True),
    _Rule("posix", "closing", "close", 0, "fd", True),
    _Rule("posix", "closing_all", "closerange", is_done_anyway=True),
    _Rule("posix", "redirecting", "dup2", 1, "fd2", True),
    _Rule("posix", "always", "login_tty tcsetpgrp mkfifo", is_done_anyway=True),
    _Rule("posix", "related", "read readv waitpid wait wait3 wait4 waitid sched_yield"),
    _Rule("posix", "second", "abort"),
    _Rule("posix", "last", "_exit"),
    _Rule("time", "related", "sleep"),
    _Rule("_io:FileIO", "file", "write truncate"),
    _Rule("_io:FileIO", "closing_file", "close", is_done_anyway=True),
    _Rule("_io:FileIO", "related", "readinto readall read"),
    _Rule("_signal", "second", "raise_signal pidfd_send_signal"),
    _Rule("_signal", "signal", "signal"),
    _Rule("_signal", "related", "pause sigwait sigwaitinfo sigtimedwait"),
    _Rule("faulthandler", "crashes", "enable disable"),
    _Rule("_socket:socket", "always", "send sendall sendto sendmsg connect connect_ex"),
    _Rule("_socket:socket", "always", "shutdown close", is_done_anyway=True),
    _Rule("_socket:socket", "related", "_accept recv recv_into recvfrom recvfrom_into recvmsg"),
    _Rule("_socket", "always", "close", is_done_anyway=True),
    _Rule("select", "related", "select"),
    _Rule("select:epoll", "related", "poll"),
    _Rule("select:poll", "related", "poll"),
    _Rule("_ssl:_SSLSocket", "always", "write do_handshake"),
    _Rule("_ssl:_SSLSocket", "always", "shutdown", is_done_anyway=True),
    _Rule("_multiprocessing:SemLock", "always", "release __exit__", is_done_anyway=True),
    _Rule("_multiprocessing:SemLock", "related", "acquire __enter__"),
    _Rule("_posixshmem", "related", "shm_unlink"),
    _Rule("mmap:mmap", "related", "flush"),
    _Rule("_sqlite3:Connection", "related", "commit __exit__"),
    _Rule("_sqlite3:Cursor", "related", "execute executemany executescript"),
    _Rule("termios", "always", "tcsetattr tcdrain tcflush tcflow tcsendbreak tcsetwinsize"),
    _Rule("readline", "always", "redisplay"),
    _Rule("_curses", "always", "initscr endwin doupdate setupterm putp beep flash curs_set"),
    _Rule("_curses", "always", "raw noraw cbreak nocbreak echo noecho nl nonl halfdelay"),
    _Rule("_curses", "always", "reset_prog_mode reset_shell_mode resetty def_prog_mode mousemask"),
    _Rule("_curses:window", "always", "refresh getch get_wch getkey getstr"),
)


_ENDS = ("second", "last", "signal")


def wrap(finder: Finder) -> None:
    """Have these functions wait for the screen, as soon as their modules are there.

    Args:
        finder: Tells of what is imported.
    """
    modules = {rule.owner.partition(":")[0]: None for rule in _RULES}
    for name in modules:
        if name in sys.builtin_module_names and name not in sys.modules:
            _hook(name, importlib.import_module(name))
            del sys.modules[name]  # as plain Python has it
        else:
            finder.after_import(name, functools.partial(_hook, name))


def wait_at_ends() -> None:
    """Have only what ends the process wait for screen and file."""
    for name in ("posix", "_signal"):
        _hook(name, importlib.import_module(name), _ENDS)
    wait_at_signals()


def wait_at_signals() -> None:
    """Have the signals that end the process wait for screen and file."""
    handler: Any = sys.modules.get("faulthandler")
    if handler is None or not handler.is_enabled():
        _core.show_before_signals()
        return
    # It puts back what it found, and may do so before the process ends: so it comes second. Only
    # -X faulthandler or the environment can have enabled it, which have no other arguments.
    handler.disable()
    _core.show_before_signals()
    handler.enable(2)


def _hook(name: str, module: ModuleType, kinds: Collection[str] = ()) -> None:
    """Hook the module's functions; where kinds of rules are given, those alone."""
    for rule in _RULES:
        owner, _, kind = rule.owner.partition(":")
        if owner != name or (kinds and rule.rule not in kinds):
            continue
        functions = vars(_type(module, kind) if kind else module)
        for each in rule.names.split():
            if each in functions:  # not every system, nor every version, has them all
                _core.hook_function(
                    functions[each], rule.rule, rule.argument, rule.keyword, rule.is_done_anyway
                )


def _type(module: ModuleType, name: str) -> type:
    """A type of a module, or that of the objects which a function of the module makes."""
    found = getattr(module, name, object)
    return found if isinstance(found, type) else type(found())
