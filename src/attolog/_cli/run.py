"""`attolog run` among the verbs, for help alone: it starts before click is loaded."""

from __future__ import annotations

import click


@click.command(
    "run",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(args: tuple[str, ...]) -> int:
    """Run a program whose prints cost next to nothing."""
    from attolog._run.main import main

    return main(args)
