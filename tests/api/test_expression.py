"""The language of `when=`: what it takes, what that means, and how a mistake is shown."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attolog import CircularLogger
from attolog._expression import parse

from .helpers import saved

FIELDS: dict[str, Any] = {
    "model": "ResNet50",
    "total_ms": 51.5,
    "n": 7,
    "a.b": 1,
    "layers.0": 2,
    "größe": 3,
    "µs": 4,
    "°C": 5,
    "from": 6,
    "is": 8,
    "flag": True,
    "nothing": None,
    "lone": "\ud800",
    "big": 18446744073709551616,
}


def is_true(when: str, folder: Path) -> bool:
    """Whether the expression is true of a record with FIELDS."""
    with CircularLogger(10, when=when, path=folder / "self-{n}.jsonl") as box:
        box("GEN", **FIELDS)
    paths = saved(folder)
    for path in paths:
        path.unlink()
    return paths != []


def complaint(when: str) -> str:
    """What is said of a text that is no expression, without the text itself."""
    with pytest.raises(ValueError) as caught:
        CircularLogger(10, when=when)
    quoted, said = repr(when) + ": ", str(caught.value)
    assert said.startswith(quoted)
    assert "\n" not in said
    return said.removeprefix(quoted)


@pytest.mark.parametrize(
    "when",
    [
        "total_ms > 50 and model == 'ResNet50'",
        "True or False and False",
        "(True or False) and True",
        "not False and True",
        "not False == True",
        "not not n",
        "not n == 1 or False",
        "1 < n <= 7",
        "1 < n < 10 > n",
        "n == 7 == 7.0",
        "((n)) == (7)",
        "n==7 and(model!='x')",
        " n\t==\r\n7 ",
        "'R' in model in ('ResNet50', 'VGG')",
        "'R'in model and'R'in(model)",
        "not'R'not in model",
        "False or (False or (True and n))",
    ],
)
def test_it_binds_as_in_python(tmp_path: Path, when: str) -> None:
    assert is_true(when, tmp_path)
    assert not is_true(f"not ({when})", tmp_path)


@pytest.mark.parametrize(
    "when",
    [
        "True and False or False",
        "not (n == 7)",
        "not n == 7",
        "7 < n < 9",
        "1 < n < 5 > n",
        "not True or False",
        "'R' in model in ('VGG',)",
    ],
)
def test_it_binds_so_that_this_is_false(tmp_path: Path, when: str) -> None:
    assert not is_true(when, tmp_path)


@pytest.mark.parametrize(
    "when",
    [
        "n in (1, 7)",
        "n in [1, 7,]",
        "n in (7,)",
        "n not in ()",
        "n not in []",
        "n not in (1, '7', None, True)",
        "nothing in (0, None)",
        "'Net' in model",
        "'net' not in model",
        "model in 'a ResNet50 b'",
        "model in ('ResNet50')",
        "'x' not in missing or True",
    ],
)
def test_in_looks_into_lists_and_texts(tmp_path: Path, when: str) -> None:
    assert is_true(when, tmp_path)


@pytest.mark.parametrize(
    "when",
    [
        "a.b == 1",
        "layers.0 == 2",
        "größe == 3",
        "µs == 4",
        "°C == 5",
        "from == 6",
        "is == 8",
        "event == 'GEN'",
        "time > 1e9",
        "thread != None",
        "not missing.from",
    ],
)
def test_a_name_is_any_word_that_is_no_keyword_of_its_own(tmp_path: Path, when: str) -> None:
    assert is_true(when, tmp_path)


@pytest.mark.parametrize(
    "when",
    [
        "n == +7",
        "n > - 7",
        "-7 < n",
        "n == 0_7.0",
        "n == 7e0",
        "total_ms == 5_1.5",
        "n < 70_0",
        ".5 < n > 5.",
        "total_ms > 5e-1",
        "total_ms < 5E+3",
        "0 == 00 == -0.0",
        "big == 18446744073709551616",
        "big > 18446744073709551615",
        "big > -18446744073709551617",
        f"big < {'9' * 4300}",
        "flag == True == 1 != None",
        "nothing == None",
    ],
)
def test_numbers_are_written_as_in_python(tmp_path: Path, when: str) -> None:
    assert is_true(when, tmp_path)


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        (r"'it\'s \"x\"\n\t\\ \xe4\u00e4\U0001f600'", 'it\'s "x"\n\t\\ ää😀'),
        (r'''"it's \"x\" \a\b\f\r\v"''', 'it\'s "x" \a\b\f\r\v'),
        ("'ä😀 and not # ( in'", "ä😀 and not # ( in"),
        (r"'\ud800'", "\ud800"),
        ("'a\tb\r'", "a\tb\r"),
        ("''", ""),
    ],
)
def test_strings_are_written_as_in_python(tmp_path: Path, spelled: str, text: str) -> None:
    with CircularLogger(10, when=f"word == {spelled}", path=tmp_path / "self-{n}.jsonl") as box:
        box("E", word=text)
    assert len(saved(tmp_path)) == 1


NO_CALL = (
    "a call is no part of an expression, which has names, literals, comparisons, in, and, or, not "
    "and brackets; when= takes a callable, too"
)
OPERAND = "expected a name, a literal or '('"
LEVELS = "a level is 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'"


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("", f"at column 1: {OPERAND}, found the end"),
        ("  ", f"at column 3: {OPERAND}, found the end"),
        ("n >", f"at column 4: {OPERAND}, found the end"),
        ("n = 1", "at column 3: a single = compares nothing; it is written =="),
        ("n is None", "at column 3: expected an operator, found is"),
        ("(n is None)", "at column 4: expected an operator, found is"),
        ("ä = 'ö' b", "at column 3: a single = compares nothing; it is written =="),
        ("  ä == 'ö' b", "at column 12: expected an operator, found b"),
        (" \r\n\tä == 'ö'\n b", "at column 15: expected an operator, found b"),
        ("n # comment", "at column 3: '#' has no meaning here"),
        ("n := 1", "at column 3: ':' has no meaning here"),
        ("n == {1}", "at column 6: '{' has no meaning here"),
        ("n\0", "at column 2: '\\x00' has no meaning here"),
        ("n <> 1", "at column 3: expected an operator, found <"),
        ("n === 1", f"at column 5: {OPERAND}, found ="),
        ("n ! 1", "at column 3: ! is written not"),
        ("n == 'a' 'b'", "at column 10: expected an operator, found 'b'"),
        ("n == 'a''b' and m", "at column 9: expected an operator, found 'b'"),
        ("n == '''a'''", "at column 8: expected an operator, found 'a'''"),
        ("n == r'a'", "at column 7: expected an operator, found 'a'"),
        ("n == 'a'b", "at column 9: expected an operator, found b"),
        ("n == 5'a'", "at column 7: expected an operator, found 'a'"),
        ("'a' not 'b'", "at column 9: expected 'in' after 'not', found 'b'"),
        ("f(x)", f"at column 1: {NO_CALL}"),
        ("f(\nx)", f"at column 1: {NO_CALL}"),
        ("n > 1 and user.startswith('a') or m", f"at column 11: {NO_CALL}"),
        ("n in (len(x),)", f"at column 7: {NO_CALL}"),
        ("n > 1 && m", "at column 7: && is written and"),
        ("n > 1|| m > 2", "at column 6: || is written or"),
        ("!n", "at column 1: ! is written not"),
        ("n and ! (m == 1)", "at column 7: ! is written not"),
        ("n & m", "at column 3: '&' has no meaning here"),
        ("n | m", "at column 3: '|' has no meaning here"),
        ("n + 1 > 2", "at column 1: expected a name or a literal, found n + 1"),
        ("n[0]", "at column 1: expected a name or a literal, found n[0]"),
        ("n == 1, 2", "at column 1: expected a name or a literal, found n == 1, 2"),
        ("n if m else 1", "at column 3: expected an operator, found if"),
        ("(n", "at column 1: '(' was never closed"),
        ("n)", "at column 2: unmatched ')'"),
        ("n) or (n", "at column 2: unmatched ')'"),
        ("and", f"at column 1: {OPERAND}, found and"),
        ("n == not 1", f"at column 6: {OPERAND}, found not"),
        ("n not 1", "at column 7: expected 'in' after 'not', found 1"),
        ("n in 1", "at column 6: expected a text, a name, or a list such as (1,), found 1"),
        ("n in (1)", "at column 7: expected a text, a name, or a list such as (1,), found 1"),
        ("n in (1 2)", "at column 9: expected an operator, found 2"),
        ("n in [m]", "at column 7: expected a literal in this list, found m"),
        ("n in (1, (2,))", "at column 10: expected a name or a literal, found (2,)"),
        ("n in (1, 2", "at column 6: '(' was never closed"),
        ("n in (1, 2) == 3", "at column 6: expected a name or a literal, found (1, 2)"),
        ("n == (1, 2)", "at column 6: expected a name or a literal, found (1, 2)"),
        ("(n > 1) == True", "at column 2: expected a name or a literal, found n > 1"),
        ("1 < (not n)", "at column 6: expected a name or a literal, found not n"),
        ("-n > 1", "at column 2: expected a number behind the sign, found n"),
        ("-'1' > n", "at column 2: expected a number behind the sign, found '1'"),
        ("-True", "at column 2: expected a number behind the sign, found True"),
        ("--1", "at column 2: expected a number behind the sign, found -1"),
        ("5x", "at column 1: 5x is no number"),
        ("0x10 < n", "at column 1: 0x10 is no number"),
        ("1or 2", "at column 5: expected an operator, found 2"),
        ("n == 1.2.3", "at column 6: 1.2.3 is no number"),
        ("007", "at column 1: 007 is no number"),
        ("1__0", "at column 1: 1__0 is no number"),
        ("1_", "at column 1: 1_ is no number"),
        ("1e", "at column 1: 1e is no number"),
        ("1\u0662", "at column 1: 1\u0662 is no number"),
        ("n > 1e999", "at column 5: this number is too large"),
        (f"n > {'9' * 4301}", "at column 5: this number is too long"),
        ("n == 'abc", "at column 6: this string has no end"),
        (r"n == 'abc\'", "at column 6: this string has no end"),
        ("n == 'a\nb'", "at column 6: this string has no end"),
        (
            r"n == '\d'",
            "at column 7: unknown escape; a backslash that stands for itself is written twice",
        ),
        (r"'a' == '\xg0'", "at column 9: this escape is no character"),
        (r"'\U00110000'", "at column 2: this escape is no character"),
        (r"'\u12'", "at column 2: this escape is no character"),
        (r"'\xé\''", "at column 2: this escape is no character"),
        ("level == 'warn'", f"at column 10: {LEVELS}"),
        ("level >= 30", f"at column 10: {LEVELS}"),
        ("30 < level", f"at column 1: {LEVELS}"),
        ("level in ('INFO', 'x')", f"at column 19: {LEVELS}"),
        ("n" * 50 + " + 1", f"at column 1: expected a name or a literal, found {'n' * 40}..."),
    ],
)
def test_a_mistake_is_shown_with_its_place(when: str, said: str) -> None:
    assert complaint(when) == said


@pytest.mark.parametrize(
    "when",
    [
        "level == None",
        "level in ('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL')",
        "'WARN' in level",
        "level == level",
        "level == model",
    ],
)
def test_a_level_compares_with_levels(when: str) -> None:
    CircularLogger(10, when=when).close()


def test_nesting_and_length_have_limits(tmp_path: Path) -> None:
    assert is_true("(" * 100 + "n" + ")" * 100, tmp_path)
    assert is_true("not " * 100 + "n", tmp_path)
    assert is_true("not " * 100 + "1 < n < 9", tmp_path)
    assert is_true("(0 or 1 and " * 100 + "n" + ")" * 100, tmp_path)
    assert is_true("(not 0) and " * 500 + "n", tmp_path)
    assert is_true("n not in (-1, -2) and " * 400 + "n", tmp_path)
    assert complaint("(" * 101 + "n" + ")" * 101) == (
        "at column 101: more than 100 levels of nesting"
    )
    assert complaint("not " * 101 + "n") == "at column 401: more than 100 levels of nesting"
    assert is_true("0 or " * 1999 + "n", tmp_path)
    assert not is_true("0<" * 4999 + "n", tmp_path)
    assert is_true("n in (" + "1," * 4990 + "7)", tmp_path)
    assert complaint(" " * 10_000 + "n") == (
        "at column 10001: an expression has 10000 characters at most"
    )


@pytest.mark.parametrize(
    "when",
    ["(" * 9999, "not (" * 1999, "not " * 2499, "-" * 9999 + "1", "[-" * 4999, "0-" * 4999 + "1"],
)
def test_nesting_that_takes_a_large_stack_is_refused_before_it_is_parsed(when: str) -> None:
    assert complaint(when).endswith(": more than 100 levels of nesting")


def test_an_expression_deep_in_the_stack_is_one_line_too() -> None:
    def deeper() -> None:
        try:
            deeper()
        except RecursionError:
            parse("n or " * 50 + "not " * 90 + "n")

    with pytest.raises(ValueError, match="it is nested too deeply"):
        deeper()


def test_it_is_taken_apart_into_steps() -> None:
    assert parse("not a.b or 1 < n <= -2.5 and x not in ('y', None, True)") == (
        *("or", 2, "not", "name", "a.b"),
        *("and", 2),
        *("and", 2, "<", "value", 1, "name", "n", "<=", "name", "n", "value", -2.5),
        *("not in", "name", "x", "list", 3, "y", None, True),
    )


def test_a_surrogate_may_stand_for_itself() -> None:
    assert parse("n == '\udc80'") == ("==", "name", "n", "value", "\udc80")


WORDS = ["n", "x.y", "is", "(", ")", "[", "]", ",", "not", "in", "and", "or", "1.5", "-", "<", "=="]
ODD = [
    "'a'",
    '"',
    "'",
    "\\",
    "=",
    "!",
    "#",
    ".",
    "_",
    "\n",
    "é",
    "\udc80",
    "\0",
    "None",
    "level",
    "e",
]


@given(st.lists(st.sampled_from(WORDS + ODD), max_size=12), st.sampled_from(["", " "]))
def test_any_text_is_an_expression_or_refused_in_one_line(words: list[str], space: str) -> None:
    text = space.join(words)
    try:
        assert parse(text)
    except ValueError as error:
        assert re.fullmatch(r"at column \d+: .+", str(error).removeprefix(f"{text!r}: "))


NUMBERS = st.sampled_from(["n", "m", "7", "-1", "2.5", "True"])
COMPARISONS = st.lists(
    st.tuples(NUMBERS, st.sampled_from(["==", "!=", "<", "<=", ">", ">="])), min_size=1, max_size=3
).flatmap(
    lambda pairs: NUMBERS.map(lambda last: " ".join([f"{a} {op}" for a, op in pairs] + [last]))
)
CONDITIONS = st.recursive(
    NUMBERS | COMPARISONS | st.sampled_from(["n in (7, 8)", "m not in [2.5]"]),
    lambda inner: (
        st.builds("{} and {}".format, inner, inner)
        | st.builds("{} or {}".format, inner, inner)
        | st.builds("not {}".format, inner)
        | st.builds("({})".format, inner)
    ),
    max_leaves=8,
)


@given(text=CONDITIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_true_where_python_says_so(tmp_path: Path, text: str) -> None:
    values = {"n": 7, "m": 2.5}
    with CircularLogger(10, when=text, path=tmp_path / "self-{n}.jsonl") as box:
        box("E", **values)
    paths = saved(tmp_path)
    for path in paths:
        path.unlink()
    assert bool(paths) == bool(eval(text, values))
