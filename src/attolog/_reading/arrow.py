"""Arrow's C data interface by ctypes: columns as Python values, and batches for polars.

It knows the types that cpp/reader/arrow.cpp writes, and needs no package. The structs are a
published ABI (arrow.apache.org, "The Arrow C data interface").
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from ctypes import POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, Protocol

_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_MIDNIGHT = datetime.combine(date.min, time.min)
_NOTE = b"attolog.note"

# By Arrow's format: the name of the type for users.
_TYPES = {
    "n": "null",
    "b": "bool",
    "c": "int8",
    "s": "int16",
    "i": "int32",
    "l": "int64",
    "C": "uint8",
    "S": "uint16",
    "I": "uint32",
    "L": "uint64",
    "f": "float32",
    "g": "float64",
    "U": "text",
    "Z": "bytes",
    "tsn:UTC": "time",
    "tsu:UTC": "datetime with time zone",
    "tsu:": "datetime",
    "tdD": "date",
    "ttu": "time of day",
    "tDu": "duration",
    "tDn": "duration in ns",
    "+L": "list",
    "+s": "dict",
}
_NUMBERS = {
    "c": ctypes.c_int8,
    "s": ctypes.c_int16,
    "i": ctypes.c_int32,
    "l": ctypes.c_int64,
    "C": ctypes.c_uint8,
    "S": ctypes.c_uint16,
    "I": ctypes.c_uint32,
    "L": ctypes.c_uint64,
    "f": ctypes.c_float,
    "g": ctypes.c_double,
    "tsn:UTC": ctypes.c_int64,  # nanoseconds, as `Record.time` has them
    "tsu:UTC": ctypes.c_int64,
    "tsu:": ctypes.c_int64,
    "tdD": ctypes.c_int32,
    "ttu": ctypes.c_int64,
    "tDu": ctypes.c_int64,
    "tDn": ctypes.c_int64,
}
_OBJECTS: dict[str, Callable[[int], object]] = {
    "tsu:UTC": lambda us: _EPOCH_UTC + timedelta(microseconds=us),
    "tsu:": lambda us: _EPOCH + timedelta(microseconds=us),
    "tdD": lambda days: (_EPOCH + timedelta(days=days)).date(),
    "ttu": lambda us: (_MIDNIGHT + timedelta(microseconds=us)).time(),
    "tDu": lambda us: timedelta(microseconds=us),
}


class ArrowStreamable(Protocol):
    """A table as an Arrow stream."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class Field(NamedTuple):
    """A column of a stream, or a part of a nested one."""

    name: str
    format: str
    """Arrow's format string."""
    note: str
    """Why the column is text that was not written as text; "" for others."""
    inner: tuple[Field, ...]

    @property
    def type(self) -> str:
        """The type as users see it: `int64`, `text`, `list of int64`."""
        name = _TYPES[self.format]
        if self.format == "+L":
            return f"{name} of {self.inner[0].type}"
        if self.format == "+s":
            return f"{name} of {', '.join(f'{each.name}: {each.type}' for each in self.inner)}"
        return name

    @property
    def is_number(self) -> bool:
        """Whether the values are ints or floats."""
        return self.format in _NUMBERS and self.format.isalpha() and len(self.format) == 1


class _Schema(Structure):
    pass


_Schema._fields_ = [
    ("format", c_char_p),
    ("name", c_char_p),
    ("metadata", c_void_p),
    ("flags", c_int64),
    ("n_children", c_int64),
    ("children", POINTER(POINTER(_Schema))),
    ("dictionary", c_void_p),
    ("release", ctypes.CFUNCTYPE(None, POINTER(_Schema))),
    ("private_data", c_void_p),
]


class _Array(Structure):
    pass


_Array._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(POINTER(_Array))),
    ("dictionary", c_void_p),
    ("release", ctypes.CFUNCTYPE(None, POINTER(_Array))),
    ("private_data", c_void_p),
]


class _Stream(Structure):
    pass


_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(c_int, POINTER(_Stream), POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(c_int, POINTER(_Stream), POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(c_char_p, POINTER(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, POINTER(_Stream))),
    ("private_data", c_void_p),
]

_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = c_void_p
_pointer_of.argtypes = [ctypes.py_object, c_char_p]
_make_capsule = ctypes.pythonapi.PyCapsule_New
_make_capsule.restype = ctypes.py_object
_make_capsule.argtypes = [c_void_p, c_char_p, c_void_p]


class Batch:
    """Some rows of a stream. polars takes it as it is, once."""

    def __init__(self, stream: Stream, array: _Array) -> None:
        self._stream = stream
        self._array = array
        self._schema: _Schema | None = None

    def __len__(self) -> int:
        return int(self._array.length)

    def columns(self) -> list[list[Any]]:
        """The values of each column."""
        children = self._array.children
        fields = self._stream.fields
        return [_values(field, children[i].contents) for i, field in enumerate(fields)]

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """The batch as PyCapsules; who takes them moves the content out of our structs."""
        self._schema = self._stream._schema()
        return (
            _make_capsule(ctypes.addressof(self._schema), b"arrow_schema", None),
            _make_capsule(ctypes.addressof(self._array), b"arrow_array", None),
        )

    def __del__(self) -> None:
        for each in (self._array, self._schema):
            if each is not None and each.release:
                each.release(ctypes.byref(each))


class Stream:
    """A table once through, batch by batch.

    Example:
        >>> import attolog, tempfile
        >>> path = tempfile.mkdtemp() + "/run.atto"
        >>> with attolog.AsyncFileLogger(path) as log:
        ...     log("request", user="ann", ms=7)
        >>> stream = Stream(attolog.read(path)["request"].select("user", "ms"))
        >>> [field.type for field in stream.fields]
        ['text', 'int64']
        >>> [batch.columns() for batch in stream]
        [[['ann'], [7]]]
    """

    def __init__(self, table: ArrowStreamable) -> None:
        self._capsule = table.__arrow_c_stream__()  # it owns the stream
        address = _pointer_of(self._capsule, b"arrow_array_stream")
        assert address
        self._stream = _Stream.from_address(address)
        schema = self._schema()
        self.fields = _field(schema).inner
        schema.release(ctypes.byref(schema))

    def _schema(self) -> _Schema:
        schema = _Schema()
        self._check(self._stream.get_schema(ctypes.byref(self._stream), ctypes.byref(schema)))
        return schema

    def __iter__(self) -> Iterator[Batch]:
        while True:
            array = _Array()
            self._check(self._stream.get_next(ctypes.byref(self._stream), ctypes.byref(array)))
            if not array.release:
                return
            yield Batch(self, array)

    def _check(self, status: int) -> None:
        if status:
            text = self._stream.get_last_error(ctypes.byref(self._stream))
            raise OSError(status, (text or b"no memory").decode(errors="replace"))


def _field(schema: _Schema) -> Field:
    inner = [_field(schema.children[i].contents) for i in range(schema.n_children)]
    note = _note(schema.metadata) if schema.metadata else ""
    return Field((schema.name or b"").decode(), schema.format.decode(), note, tuple(inner))


def _note(address: int) -> str:
    """The note in a field's metadata: a count, then each key and value behind its length."""

    def text(at: int) -> bytes:
        return ctypes.string_at(at + 4, c_int.from_address(at).value)

    at = address + 4
    for _ in range(c_int.from_address(address).value):
        key = text(at)
        at += 4 + len(key)
        value = text(at)
        at += 4 + len(value)
        if key == _NOTE:
            return value.decode()
    return ""


def _values(field: Field, array: _Array) -> list[Any]:
    n = array.length
    found = _raw_values(field, array)
    if field.format == "n" or not array.null_count:
        return found
    valid = _bits(array.buffers[0], n)
    return [value if is_valid else None for value, is_valid in zip(found, valid, strict=True)]


def _raw_values(field: Field, array: _Array) -> list[Any]:
    """The values of a column; where it has nulls, what their places hold."""
    n, form = array.length, field.format
    if not n or form == "n":
        return [None] * n
    if form == "b":
        return _bits(array.buffers[1], n)
    if form in ("U", "Z"):
        offsets = (c_int64 * (n + 1)).from_address(array.buffers[1])[:]
        content = ctypes.string_at(array.buffers[2], offsets[n])
        parts = [content[offsets[i] : offsets[i + 1]] for i in range(n)]
        return [part.decode() for part in parts] if form == "U" else parts
    if form == "+L":
        offsets = (c_int64 * (n + 1)).from_address(array.buffers[1])[:]
        items = _values(field.inner[0], array.children[0].contents)
        return [items[offsets[i] : offsets[i + 1]] for i in range(n)]
    if form == "+s":
        names = [inner.name for inner in field.inner]
        parts_of = [_values(each, array.children[i].contents) for i, each in enumerate(field.inner)]
        return [dict(zip(names, row, strict=True)) for row in zip(*parts_of, strict=True)]
    numbers: list[Any] = (_NUMBERS[form] * n).from_address(array.buffers[1])[:]
    make = _OBJECTS.get(form)
    return list(map(make, numbers)) if make else numbers


def _bits(address: int, n: int) -> list[bool]:
    content = ctypes.string_at(address, (n + 7) // 8)
    digits = f"{int.from_bytes(content, 'little'):0{n}b}"[::-1]
    return [digit == "1" for digit in digits[:n]]
