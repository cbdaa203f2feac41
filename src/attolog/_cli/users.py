"""What root does for other users: as they would, with no more rights than they have."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any


def other_users(homes: Iterable[str], ends: Iterable[str] = ()) -> list[int]:
    """The users who have folders beside those of this one, if this one is root.

    Args:
        homes: Folders of this user, such as /dev/shm/attolog-0.
        ends: Only users with a folder there whose name ends so, one end for each of `homes`.
    """
    if os.geteuid() != 0:
        return []
    users: set[int] = set()
    for home, end in zip_longest(homes, ends, fillvalue=""):
        root, name = os.path.split(home)
        prefix = name.rpartition("-")[0]
        try:
            entries = list(os.scandir(root))
        except OSError:
            continue
        for entry in entries:
            found = re.fullmatch(f"{re.escape(prefix)}-([0-9]+)", entry.name)
            if not found or entry.stat(follow_symlinks=False).st_uid != int(found[1]):
                continue
            if not end or any(name.endswith(end) for name in os.listdir(entry.path)):
                users.add(int(found[1]))
    users.discard(0)
    return sorted(users)


def as_user(uid: int, action: Callable[[], Any]) -> Any:
    """Do something in a child process of another user.

    Args:
        uid: The user.
        action: What to do; what it returns is passed through JSON.

    Returns:
        What `action` returned.

    Raises:
        OSError: `action` raised it, or the child died.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(reading)
            os.setgroups([])
            os.setgid(_group_of(uid))
            os.setuid(uid)
            try:
                answer = {"result": action()}
            except OSError as error:
                answer = {"error": error.strerror or str(error)}
            with os.fdopen(writing, "w") as file:
                json.dump(answer, file)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(pid, 0)
    answer = json.loads(text or '{"error": "the process died"}')
    if "error" in answer:
        raise OSError(answer["error"])
    return answer["result"]


def _group_of(uid: int) -> int:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return 65534  # of the user `nobody`
