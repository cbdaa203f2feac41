"""What a program of the table is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """A text of the program that is replaced, everywhere it stands.

    Attributes:
        file: The file, seen from the program's folder.
        old: What stands there.
        new: What stands there then.
    """

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Program:
    """A program, and how it is run.

    Attributes:
        name: What it is called in the table.
        command: What follows `python`; `{stdlib}` is the standard library's folder.
        package: The requirement whose source distribution has it; None: Python itself.
        folder: Where in there it is: a copy of that folder is what it runs in.
        needs: Other requirements.
        changes: What makes it larger, or deterministic: as little as possible.
        stdin: What it reads.
        environment: Variables that it is given.
        options: Options of `attolog run`.
        status: What it ends with under plain Python; anything else, and it is not the program.
        any_order: Why the order of its lines is nobody's: they are compared sorted.
        varies: A pattern of what is another in each run (a time, an address): left out on both
            sides.
        not_for_head: Why it cannot be run with `| head`.
        not_provable: Why `attolog rewrite --prove` cannot hold for it.
        not_in_journal: Why the journal cannot have all its text, so that it is not compared.
    """

    name: str
    command: tuple[str, ...]
    package: str | None = None
    folder: str = ""
    needs: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    stdin: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    status: int = 0
    any_order: str = ""
    varies: str = ""
    not_for_head: str = ""
    not_provable: str = ""
    not_in_journal: str = ""

    def change(self, folder: Path) -> None:
        """Make the changes in a copy of the program's folder.

        Raises:
            ValueError: A text does not stand there: it is another version of the program.
        """
        for each in self.changes:
            path = folder / each.file
            text = path.read_text(encoding="utf-8")
            if each.old not in text:
                raise ValueError(f"{self.name}: {each.file} has no {each.old!r}")
            path.write_text(text.replace(each.old, each.new), encoding="utf-8")

    @property
    def rewritable(self) -> str | None:
        """The file that `attolog rewrite` can prove itself on: its text must be the same twice."""
        first = self.command[0]
        never = self.any_order or self.varies or self.not_provable
        return first if first.endswith(".py") and not never else None
