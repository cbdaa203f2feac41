"""Bytes that are not rewritten stay as they are: encodings, line ends, odd space."""

import pytest

from attolog._rewrite import Options, Reason, SourceError, rewrite

IMPORT = b"from attolog import log"


def replaced(raw: bytes) -> bytes:
    result = rewrite(raw)
    assert len(result.done) == 1
    assert result.old == raw
    return result.new


@pytest.mark.parametrize("eol", [b"\n", b"\r\n", b"\r"])
def test_lines_end_as_the_file_has_it(eol: bytes) -> None:
    before = eol.join([b"import os", b"", b"print(f'''{x}", b" {y}''')", b"z = '''a", b"b'''", b""])
    after = [b"import os", IMPORT, b"", b"log('''{x}", b" {y}''', x, y)", b"z = '''a", b"b'''", b""]
    assert replaced(before) == eol.join(after)


def test_mixed_line_ends_stay_mixed() -> None:
    before = b"import os\r\nx = 1\ny = 2\r\nprint('GEN', x)\n"
    assert replaced(before) == before.replace(b"os\r\n", b"os\r\n" + IMPORT + b"\r\n").replace(
        b"print", b"log"
    )


@pytest.mark.parametrize(
    ("raw", "call"),
    [
        (b"# coding: latin-1\nx = '\xe9'\nprint(f'\xe9 {x}')\n", b"log('\xe9 {x}', x)"),
        (b"# coding: latin-1\nprint('\\u20ac %s' % (x,))\n", b"log('\\u20ac {x!s}', x)"),
        ("# coding: utf-8\nprint(f'é漢 {x}', 'é')\n".encode(), "log('é漢 {x} é', x)".encode()),
        ("\ufeffprint(f'é {x}')\n".encode(), "log('é {x}', x)".encode()),
        ("é = 'é'; print(f'é {é}') # é\n".encode(), "log('é {é}', é) # é".encode()),
        ("x = 'é'; print('GEN', 'é' if x else x, n)\n".encode(), "log('GEN', 'é' if".encode()),
        (
            "# coding: gb18030\nprint(f'漢 {x}')\n".encode("gb18030"),
            "'漢 {x}', x".encode("gb18030"),
        ),
    ],
)
def test_encodings_stay(raw: bytes, call: bytes) -> None:
    new = replaced(raw)
    assert call in new
    marks = b"\xef\xbb\xbf"
    assert new.startswith(marks) == raw.startswith(marks)
    assert replaced_back(new) == raw.replace(b"\r\n", b"\n").split(b"print")[0].removeprefix(marks)


def replaced_back(new: bytes) -> bytes:
    """What stands before the log call, without the import."""
    before = new.removeprefix(b"\xef\xbb\xbf").partition(b"log(")[0]
    return before.replace(IMPORT + b"\n\n", b"").replace(IMPORT + b"\n", b"")


@pytest.mark.parametrize(
    "before",
    [
        b"x = 1\n\x0cprint('GEN', x)\n",
        b"\x0c\nprint('GEN', x)\n",
        b"if x:\n\tif y:\n\t\tprint('GEN',\tx)\n",
        b"if x:\n    print('GEN', x)",
        b"print('GEN', x)  \n\n\n",
        b"print('GEN', x) \\\n ; y = 1\n",
        b"try: print('GEN', x)\nfinally: pass\n",
    ],
)
def test_space_stays(before: bytes) -> None:
    assert replaced(before).replace(IMPORT + b"\n\n", b"") == before.replace(b"print", b"log")


def test_tabs_stay_where_arguments_are_laid_out_anew() -> None:
    before = b"if x:\n\tprint(\n\t\tf'{a}'\n\t\t'b',\n\t)\n"
    after = b"if x:\n\tlog(\n\t\t'{a}'\n\t\t'b',\n\t\ta,\n\t)\n"
    assert replaced(before).endswith(after)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"print 'x'\n", "line 1: "),
        (b"x = 1\nprint(\n", "line 2: "),
        (b"print(f'{x')\n", "line 1: "),
        (b"x = '\xe9'; print(x)\n", "encoding"),
        (b"# coding: nonsense\nprint(x)\n", "unknown encoding: nonsense"),
        (b"\xef\xbb\xbf# coding: latin-1\nprint(x)\n", "encoding"),
        (b"print(x)\x00\n", "null bytes"),
        (b"def f():\n    x = 1; print(x)\n    nonlocal x\n", "line 3: "),
        (b"print(" + b"(" * 1000 + b")" * 1000 + b")\n", ""),
        (b"print(x" + b"+x" * 100_000 + b")\n", ""),
    ],
)
def test_what_is_no_source_is_told(raw: bytes, said: str) -> None:
    with pytest.raises(SourceError) as error:
        rewrite(raw)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_one_print_that_is_too_deep_is_left_alone() -> None:
    result = rewrite(b"print('GEN', x)\nprint('a'" + b"+str(x)" * 900 + b")\n")
    assert [done.line for done in result.done] == [1]
    assert [(kept.line, kept.reason) for kept in result.left] == [(2, Reason.DEEP)]


def test_a_chain_of_branches_may_be_as_long_as_python_takes() -> None:
    chain = "".join(f"elif x == {i}:\n    print('CASE', x)\n" for i in range(900))
    result = rewrite(f"if not x:\n    pass\n{chain}".encode())
    assert (len(result.done), result.left) == (900, ())


def test_a_file_without_the_word_is_not_even_parsed() -> None:
    raw = b"this is no Python\n"
    assert rewrite(raw).new == raw


def test_escapes_that_python_does_not_know_cause_no_warning() -> None:
    assert b"log(" in replaced(b"print(f'\\d {x}')\n")  # pytest makes warnings errors


def test_a_second_run_changes_nothing() -> None:
    new = replaced(b"print(f'{x}')\n")
    again = rewrite(new, options=Options(all=True))
    assert again.new == new
    assert (again.done, again.left) == ((), ())
