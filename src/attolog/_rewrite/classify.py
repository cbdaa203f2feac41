"""What a call of print becomes: one rule for `attolog rewrite` and for `attolog run`."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from attolog._native.argument_names import parts_of
from attolog._record_names import is_event_name
from attolog._rewrite.effects import is_text
from attolog._rewrite.find import Print, is_kept
from attolog._rewrite.parts import Part, Splitter, Value, format_fields
from attolog._rewrite.scopes import Place, Scopes
from attolog._rewrite.source import Source
from attolog._rewrite.template import Template, make_template


class Kind(StrEnum):
    """What a print becomes."""

    EVENT = "event"
    MESSAGE = "message"
    TEXT = "text"
    PRINT = "print"
    LEVEL = "level"


class Reason(StrEnum):
    """Why a print is left as it is."""

    PLAIN = "plain values, which may be the program's output (--all takes them)"
    WHOLE = "its text cannot be taken apart, and is logged as it is (log.print)"
    KEPT = "kept by a comment"
    USAGE = "usage text"
    VALUE = "print is passed on, not called"
    SHADOWED = "print is a name of the program's own here"
    UNSURE = "print may be a name of the program's own here"
    OPTIONS = "its options are not to be seen (**)"
    WRONG = "print() has no such option"
    FILE = "file= is not sys.stderr"
    END = "end= does not end the line on sys.stderr"
    STDERR = "values on sys.stderr that are not to be seen one by one"
    REDIRECTED = "redirect_stdout, or a sys.stdout of the program's own, takes what it writes"
    DOCTEST = "in a doctest"
    IN_F_STRING = "inside an f-string"
    NESTED = "a print inside of a print"
    COMMENT = "a comment stands between its values"
    DEEP = "its values are too deeply nested"
    DECLINED = "declined"
    INTERNAL = "attolog could not prove its own change, please report this"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a print becomes.

    Attributes:
        kind: What it is in the log.
        call: The call that takes its place, with values that are nodes of the original.
        template: The template or text, if it has one.
        is_plain: It only shows values, and so may be the program's output.
        is_whole: Its text is made in one piece, so that the log has no values of it.
    """

    kind: Kind
    call: ast.Call
    template: Template | None = None
    is_plain: bool = False
    is_whole: bool = False

    @property
    def may_raise(self) -> bool:
        """Whether print raised for some values: those that a spec of the template does not take."""
        return self.template is not None and self.template.may_raise


@dataclass(frozen=True, slots=True)
class Skip:
    """A print that stays."""

    reason: Reason


@dataclass(slots=True)
class _Options:
    """The keyword arguments of a print, as far as they can be told."""

    sep: str | None = " "  # None: only print knows
    end: str | None = "\n"
    is_error: bool = False
    is_elsewhere: bool = False
    is_known: bool = True  # no other option has an effect of its own


def decide(
    found: Print, source: Source, scopes: Scopes, log: str = "log", *, is_compiled: bool = False
) -> Rewrite | Skip:
    """Decide what becomes of a print where it was found: `classify`, and what stands around it.

    Args:
        found: The print.
        source: The file.
        scopes: The names of the file.
        log: What the logger is called there.
        is_compiled: As for `classify`.
    """
    node, around = found.node, found.around
    if not isinstance(node, ast.Call):
        return Skip(Reason.VALUE)
    if is_kept(source, node):
        return Skip(Reason.KEPT)
    if around.in_f_string:
        return Skip(Reason.IN_F_STRING)
    if found.has_inner or around.in_print:
        return Skip(Reason.NESTED)
    if around.is_redirected or scopes.replaces_streams:
        return Skip(Reason.REDIRECTED)
    return classify(node, Place(scopes, around.scopes), log, is_compiled=is_compiled)


def classify(
    call: ast.Call, place: Place, log: str = "log", *, is_compiled: bool = False
) -> Rewrite | Skip:
    """Decide what becomes of a print.

    Args:
        call: A call of the name `print`.
        place: Where it stands.
        log: What the logger is called there.
        is_compiled: The print is compiled, and not rewritten: it can take values with formats that
            no log call has.

    Returns:
        The call that takes its place, or the reason to leave it.

    Example:
        >>> from attolog._rewrite import Scopes
        >>> source = 'print("GEN", x)'
        >>> tree = ast.parse(source)
        >>> place = Place(Scopes(tree, source, "<example>"))
        >>> ast.unparse(classify(tree.body[0].value, place).call)
        "log('GEN', x)"
    """
    is_builtin = place.is_builtin("print")
    if not is_builtin:
        return Skip(Reason.SHADOWED if is_builtin is False else Reason.UNSURE)
    options = _read_options(call.keywords, place)
    if isinstance(options, Skip):
        return options
    if len(call.args) == 1 and _is_usage(call.args[0]):
        return Skip(Reason.USAGE)
    is_starred = any(isinstance(arg, ast.Starred) for arg in call.args)
    ends_line = options.end is not None and options.end.endswith("\n")
    if options.is_error and not ends_line:
        return Skip(Reason.END)
    if options.is_error and not call.args:
        return Skip(Reason.STDERR)
    if is_starred or not ends_line or options.sep is None or not options.is_known:
        return Skip(Reason.STDERR) if options.is_error else _as_print(call, log)
    assert options.end is not None
    tail = options.end[:-1]
    return _Call(call, place, log, options.sep, tail, options.is_error, is_compiled).decide()


@dataclass(frozen=True, slots=True)
class _Call:
    """A print that is a line of text: `sep` joins its values, `tail` stands before the newline."""

    call: ast.Call
    place: Place
    log: str
    sep: str
    tail: str
    is_error: bool
    is_compiled: bool

    def decide(self) -> Rewrite | Skip:
        if self.sep == " " and not self.tail and not self.is_error and self._is_event():
            call = ast.Call(ast.Name(self.log, ast.Load()), self.call.args, [])
            return Rewrite(Kind.EVENT, call)
        splitter = Splitter(self.place, self.is_compiled)
        arguments = [splitter.argument(arg) for arg in reversed(self.call.args)][::-1]
        parts: list[Part] = []
        for i, argument in enumerate(arguments):
            parts += [self.sep, *argument] if i else argument
        parts.append(self.tail)
        if _is_usage_text(parts):
            return Skip(Reason.USAGE)
        if self.is_error:
            return self._as_warning(parts)
        if not splitter.has_format and not _says_something(parts):
            return self._as_whole_format() or _as_print(self.call, self.log)
        template = make_template(parts, self.place)
        if template is None:
            return _as_print(self.call, self.log)
        if not template.values:
            return self._as_text(template)
        if self._is_whole(parts, template):
            # A template without a word and without a name says nothing.
            return replace(_as_print(self.call, self.log), is_plain=False, is_whole=True)
        return self._with(template, Kind.MESSAGE, ast.Name(self.log, ast.Load()))

    def _is_event(self) -> bool:
        """A name alone, then values none of which is text of the program's own."""
        if len(self.call.args) < 2:
            return False
        first, *values = self.call.args
        if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
            return False
        # "Total:" reads as part of a sentence.
        if not is_event_name(first.value) or not first.value[-1].isalnum():
            return False
        if len(values) == 1 and not isinstance(values[0], ast.Constant) and not parts_of(values[0]):
            return False  # its column would have no name, where a message has the word
        splitter = Splitter(self.place)
        parts = [part for value in values for part in splitter.argument(value)]
        numbers = [value for value in values if isinstance(value, ast.Constant)]
        has_text = any(isinstance(number.value, str | bytes) for number in numbers)
        n_texts = sum(isinstance(part, str) for part in parts)
        return not splitter.has_format and not has_text and n_texts == len(numbers)

    def _is_whole(self, parts: list[Part], template: Template) -> bool:
        values = [part for part in parts if isinstance(part, Value)]
        pieces = zip(template.pieces, template.is_hole, strict=True)
        holes = [piece for piece, is_hole in pieces if is_hole]
        return not _says_something(parts) and all(
            is_text(each.expression, self.place)
            and (each.expression is each.named or hole[1] in "}!:")
            for each, hole in zip(values, holes, strict=True)
        )

    def _as_text(self, template: Template) -> Rewrite:
        if not _is_sentence(template.text):
            return _as_print(self.call, self.log)
        return self._with(template, Kind.TEXT, ast.Name(self.log, ast.Load()))

    def _as_warning(self, parts: list[Part]) -> Rewrite | Skip:
        function = ast.Attribute(ast.Name(self.log, ast.Load()), "warning", ast.Load())
        if len(self.call.args) == 1 and not self.tail and _is_one_value(parts):
            # Alone, anything is text.
            return Rewrite(Kind.LEVEL, ast.Call(function, self.call.args, []))
        template = make_template(parts, self.place)
        if template is None:
            return Skip(Reason.STDERR)
        return self._with(template, Kind.LEVEL, function)

    def _as_whole_format(self) -> Rewrite | None:
        """`"{0} {0} {a.b}".format(x, a=y)`: attolog knows the language."""
        if len(self.call.args) != 1 or self.tail:
            return None
        (call,) = self.call.args
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            return None
        if call.func.attr != "format":
            return None
        text = call.func.value
        fields = format_fields(call, text)
        if fields is None or not _fills(fields, call):
            return None
        assert isinstance(text, ast.Constant)
        function = ast.Name(self.log, ast.Load())
        new = ast.Call(function, [text, *call.args], call.keywords)
        template = Template((str(text.value),), (False,), (), (), True)
        return Rewrite(Kind.MESSAGE, new, template)

    def _with(self, template: Template, kind: Kind, function: ast.expr) -> Rewrite:
        text = ast.Constant(template.text)
        return Rewrite(kind, ast.Call(function, [text, *template.values], []), template)


def _as_print(call: ast.Call, log: str) -> Rewrite:
    """The logger's own print, which takes what print takes; `file=` is sys.stdout here, if any."""
    keywords = [keyword for keyword in call.keywords if keyword.arg != "file"]
    function = ast.Attribute(ast.Name(log, ast.Load()), "print", ast.Load())
    return Rewrite(Kind.PRINT, ast.Call(function, call.args, keywords), is_plain=True)


def _read_options(keywords: list[ast.keyword], place: Place) -> _Options | Skip:
    options = _Options()
    for keyword in keywords:
        value = keyword.value
        if keyword.arg in ("sep", "end"):
            text = value.value if isinstance(value, ast.Constant) else 0
            if text is None:
                continue
            setattr(options, keyword.arg, text if isinstance(text, str) else None)
        elif keyword.arg == "flush":
            options.is_known = options.is_known and isinstance(value, ast.Constant)
        elif keyword.arg == "file":
            if place.is_from(value, "sys", "stderr"):
                options.is_error = True
            elif not _is_none(value) and not place.is_from(value, "sys", "stdout"):
                return Skip(Reason.FILE)
        else:
            return Skip(Reason.OPTIONS if keyword.arg is None else Reason.WRONG)
    return options


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_usage(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and (
        node.id in ("__doc__", "usage") or "USAGE" in node.id.split("_")
    )


def _is_usage_text(parts: list[Part]) -> bool:
    first = next((part for part in parts if part), None)
    return isinstance(first, str) and first.lstrip().lower().startswith("usage:")


def _is_sentence(text: str) -> bool:
    """Two words or more: not `[`, `----` or `yes`, of which a program's output is made."""
    return len(re.findall(r"[^\W\d_]{2,}", text)) > 1 and not is_event_name(text)


def _says_something(parts: list[Part]) -> bool:
    return any(isinstance(part, str) and any(map(str.isalnum, part)) for part in parts)


def _is_one_value(parts: list[Part]) -> bool:
    shown = [part for part in parts if part]
    return len(shown) == 1 and isinstance(shown[0], Value) and not shown[0].spec


def _fills(fields: list[str | tuple[str, str, str]], call: ast.Call) -> bool:
    """Whether the holes show all arguments of a call of str.format: others would stand behind."""
    roots: set[str] = set()
    for each in fields:
        if isinstance(each, str):
            continue
        name, _, spec = each
        if "{" in spec or "}" in spec:
            return False
        roots.add(re.split(r"[.\[]", name, maxsplit=1)[0])
    given = {str(i) for i in range(len(call.args))} | {str(k.arg) for k in call.keywords}
    return bool(roots) and roots == given
