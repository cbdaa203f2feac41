"""Why a print with values is text in the log, and no typed row: for `attolog run --explain`."""

from __future__ import annotations

import ast

from attolog._rewrite.classify import Kind, Reason, Rewrite, Skip

NOT_EXACT = "a value may fail, or change, before the next one is evaluated"
_NO_WORD = "no word stands beside its values"
_STARRED = "its values are not to be seen one by one (*)"
_NO_LINE = "it does not end its line"
_UNKNOWN_OPTION = "sep=, end= or flush= is no constant"
_STREAM = "its stream was imported by name"


def why_text(call: ast.Call, what: Rewrite | Skip) -> str | None:
    """Say why a print stays text; None where it shows no values.

    Args:
        call: The print, which is not compiled.
        what: What `classify` makes of it.

    Example:
        >>> from attolog._rewrite import Place, Scopes, classify
        >>> tree = ast.parse("print(x, y)")
        >>> call = tree.body[0].value
        >>> why_text(call, classify(call, Place(Scopes(tree, "print(x, y)", "<example>"))))
        'no word stands beside its values'
    """
    if all(isinstance(arg, ast.Constant) for arg in call.args):
        return None
    if isinstance(what, Skip):
        return str(what.reason)
    if what.kind is Kind.TEXT:
        return None
    if what.kind is not Kind.PRINT:
        return NOT_EXACT if all(map(_is_found_in_sys, call.keywords)) else _STREAM
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        return _STARRED
    for keyword in call.keywords:
        if keyword.arg == "file":
            continue
        if not isinstance(keyword.value, ast.Constant):
            return _UNKNOWN_OPTION
        end = keyword.value.value if keyword.arg == "end" else None
        if isinstance(end, str) and not end.endswith("\n"):
            return _NO_LINE
    if what.is_whole or any(isinstance(arg, ast.BinOp | ast.JoinedStr) for arg in call.args):
        return str(Reason.WHOLE) if _has_word(call) else _NO_WORD
    return _NO_WORD


def _is_found_in_sys(keyword: ast.keyword) -> bool:
    return isinstance(keyword.value, ast.Constant | ast.Attribute)


def _has_word(call: ast.Call) -> bool:
    texts = (
        node.value for arg in call.args for node in ast.walk(arg) if isinstance(node, ast.Constant)
    )
    return any(isinstance(text, str) and any(map(str.isalnum, text)) for text in texts)
