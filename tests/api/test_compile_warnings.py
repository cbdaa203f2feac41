"""What Python warns of in a source is not the program's."""

import threading
import warnings

import pytest

from attolog._compile_warnings import collect_warnings

WRONG = "1 is 1"  # which Python warns of


def compile_wrong() -> None:
    compile(WRONG, "wrong", "eval")


def test_warnings_are_taken_and_no_filter_stays() -> None:
    before = list(warnings.filters)
    with collect_warnings() as texts:
        compile_wrong()
    assert [text.partition(" with")[0] for text in texts] == ['"is"']
    assert warnings.filters == before
    with pytest.warns(SyntaxWarning):
        compile_wrong()


def test_warnings_of_other_threads_are_theirs() -> None:
    with pytest.warns(SyntaxWarning) as given, collect_warnings() as texts:
        other = threading.Thread(target=compile_wrong)
        other.start()
        other.join()
    assert (len(given), texts) == (1, [])


def test_filters_that_were_copied_meanwhile_take_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with collect_warnings():
        copied = warnings.filters[:]
    with pytest.warns(SyntaxWarning):
        monkeypatch.setattr(warnings, "filters", [*copied[:1], *warnings.filters])
        compile_wrong()
