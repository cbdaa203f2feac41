"""Helpers of this folder: they rewrite a source."""

from attolog._rewrite import Kind, Options, Reason, rewrite

PREAMBLE = "import sys\n"


def statement(before: str, *, all_: bool = False, preamble: str = PREAMBLE) -> str:
    """What a statement becomes, below `preamble`; it must be rewritten."""
    result = rewrite((preamble + before).encode(), options=Options(all=all_))
    assert [kept.reason for kept in result.left] == []
    assert len(result.done) == 1
    added = "from attolog import log\n"
    new = result.new.decode()
    assert added in new
    return new.replace(added, "").removeprefix(preamble).strip("\n")


def kind(before: str, *, all_: bool = False) -> Kind:
    """What a print is in the log."""
    (done,) = rewrite((PREAMBLE + before).encode(), options=Options(all=all_)).done
    return done.kind


def reasons(source: str | bytes, *, all_: bool = False) -> list[Reason]:
    """Why the prints of a source are left; all must be, and the source as it was."""
    raw = source if isinstance(source, bytes) else source.encode()
    result = rewrite(raw, options=Options(all=all_))
    assert result.done == ()
    assert result.new == raw
    return [kept.reason for kept in result.left]


def whole(source: str, *, all_: bool = False) -> str:
    """A source, rewritten."""
    return rewrite(source.encode(), options=Options(all=all_)).new.decode()
