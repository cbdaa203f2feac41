"""From print to log: what becomes of a call of print, and of the source it stands in.

`classify` decides, on syntax trees; `rewrite` applies it to a source file, byte for byte.
"""

from __future__ import annotations

from attolog._rewrite import files
from attolog._rewrite.classify import Kind, Reason, Rewrite, Skip, classify
from attolog._rewrite.insert import Start
from attolog._rewrite.rewrite import Options, Replacement, Result, SkippedPrint, rewrite
from attolog._rewrite.scopes import Place, Scopes
from attolog._rewrite.source import Source, SourceError
from attolog._rewrite.survey import Survey

__all__ = [
    "Kind",
    "Options",
    "Place",
    "Reason",
    "Replacement",
    "Result",
    "Rewrite",
    "Scopes",
    "Skip",
    "SkippedPrint",
    "Source",
    "SourceError",
    "Start",
    "Survey",
    "classify",
    "files",
    "rewrite",
]
