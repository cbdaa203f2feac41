"""Names and types of a table's columns, from its Arrow stream alone: no Arrow library is needed.

The structs are those of the Arrow C data interface (arrow.apache.org/docs/format/CDataInterface).
"""

from __future__ import annotations

import ctypes
from typing import Any, Protocol

_KINDS = {
    "number": ("c", "C", "s", "S", "i", "I", "l", "L", "e", "f", "g"),
    "bool": ("b",),
    "text": ("u", "U", "vu"),
}


class _Schema(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ("private_data", ctypes.c_void_p),
]


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)),
        ("get_next", ctypes.c_void_p),
        ("get_last_error", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class Streams(Protocol):
    """An object with an Arrow stream."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The stream, as a PyCapsule."""
        ...


def kinds(table: Streams) -> dict[str, str]:
    """The kind of each column by its name: number, bool, text or other.

    Example:
        >>> import attolog, tempfile
        >>> path = tempfile.mkdtemp() + "/run.atto"
        >>> with attolog.AsyncFileLogger(path) as log:
        ...     log("request", user="ann", ms=7, ok=True)
        >>> kinds(attolog.read(path)["request"])
        {'time': 'other', 'user': 'text', 'ms': 'number', 'ok': 'bool'}
    """
    capsule = table.__arrow_c_stream__()
    stream = _Stream.from_address(_pointer(capsule, b"arrow_array_stream"))
    schema = _Schema()
    if stream.get_schema(ctypes.byref(stream), ctypes.byref(schema)) != 0:
        raise ValueError("the table has no schema")
    try:
        columns = [schema.children[i].contents for i in range(schema.n_children)]
        return {column.name.decode(): _kind(column.format.decode()) for column in columns}
    finally:
        schema.release(ctypes.byref(schema))


def _kind(code: str) -> str:
    return next((kind for kind, codes in _KINDS.items() if code in codes), "other")


def _pointer(capsule: object, name: bytes) -> Any:
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    return get(capsule, name)
