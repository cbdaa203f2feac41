"""A decoder of journals written from docs/reference/journal-format.md alone, to prove that page.

Nothing here is fast or forgiving: a block that is not as the page says raises an error.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAGIC = b"\x89ATTO\r\n\x1a"
HEADER = struct.Struct("<8sHHIIIqqQIIII")
KINDS = ["event", "message", "text", "print", "dropped", "clock", "inline_event", "inline_message"]


def crc32c(data: bytes) -> int:
    """The CRC-32C of `data`."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def signed(number: int) -> int:
    """The low 64 bits of `number`, read as a signed number."""
    return (number + 2**63) % 2**64 - 2**63


INTS = {4: (-(2**63), 2**63), 25: (0, 2**64)}
INTS |= {tag: (-(2**bits), 2**bits) for tag, bits in ((19, 7), (20, 15), (21, 31))}
INTS |= {tag: (0, 2**bits) for tag, bits in ((22, 8), (23, 16), (24, 32))}


def kinds_of(tag: int, value: Any = None, json: Any = None) -> int:
    """The bits of a value in the kinds of its column."""
    if tag in INTS:
        low, high = INTS[tag]
        kinds = 1 << (tag if low <= value < high else 4)
        return kinds | int(abs(value) > 2**53) << 28 | int(value >= 2**63) << 29
    if tag == 26:
        is_exact = value != value or struct.unpack("<f", struct.pack("<f", value))[0] == value
        return 1 << (26 if is_exact else 5)
    if tag == 28:
        return 1 << (31 if json[:1] == b"{" else 27)
    ranges = {16: range(-(2**31), 2**31), 17: range(86_400 * 10**6)}
    return 1 << tag | (tag in ranges and value not in ranges[tag]) << 30


class Column:
    """What one (site, position) of a block remembers."""

    def __init__(self) -> None:
        self.integer = self.bits = self.decimal = self.scale = 0


class Site:
    """A site of a block, with its summary, shapes and columns."""

    def __init__(self, definition: dict[str, Any]) -> None:
        self.definition = definition
        self.times: list[int] = []  # of its records
        self.kinds: list[int] = []  # by position
        self.values: list[int] = []
        self.weights = 0
        self.shape = b""
        self.shapes: list[bytes] = []
        self.next_shape = 0
        self.columns: list[Column] = []

    def count(self, time: int, values: list[tuple[Any, ...]]) -> None:
        """Take in a record."""
        self.times.append(time)
        if self.definition["policy"] is not None and values and values[-1][0] == 5:
            self.weights += 1
            values = values[:-1]
        self.kinds += [0] * (len(values) - len(self.kinds))
        self.values += [0] * (len(values) - len(self.values))
        for i, value in enumerate(values):
            self.kinds[i] |= kinds_of(*value[:3])
            self.values[i] += value[0] != 1

    def counts(self) -> tuple[int, ...]:
        """What the summary has to say of it."""
        columns = [n for pair in zip(self.kinds, self.values, strict=True) for n in pair]
        return (len(self.times), min(self.times), max(self.times), self.weights, *columns)


class Block:
    """The payload of a block: first its summary is read, then its records."""

    def __init__(self, payload: bytes) -> None:
        self.data = payload
        self.at = 0
        self.sites: list[Site] = []
        self.threads: list[dict[str, Any]] = []
        self.thread: dict[str, Any] = {}
        self.texts: list[str] = []
        self.next_text = 0
        self.time = 0

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise ValueError("the payload ends within a record")
        self.at += size
        return self.data[self.at - size : self.at]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self) -> int:
        coded = self.varint()
        return coded >> 1 ^ -(coded & 1)

    def raw(self) -> bytes:
        return self.take(self.varint())

    def name(self) -> str:
        return self.raw().decode("utf-8", "surrogatepass")

    def text(self) -> str:
        number = self.varint()
        if number:
            return self.texts[number - 1]
        raw = self.raw()
        text = raw.decode("utf-8", "surrogatepass")
        if len(raw) <= 64:
            self.texts[self.next_text : self.next_text + 1] = [text]
            self.next_text = (self.next_text + 1) % 4096
        return text

    def site(self) -> Site:
        kind, level = self.take(2)
        definition: dict[str, Any] = {"kind": KINDS[(kind & 0x7F) - 1], "level": level}
        definition |= {"bound": self.varint(), "line": self.varint()}
        definition |= {"name": self.name(), "file": self.name(), "function": self.name()}
        definition["fields"] = [self.name() for _ in range(self.varint())]
        definition["policy"] = self.name() if kind & 0x80 else None
        return Site(definition)

    def summary(self, first: int) -> tuple[bool, list[tuple[int, ...]]]:
        """Define the sites; whether records are in order, and what the sites are said to have."""
        size, crc = struct.unpack("<II", self.data[-8:])
        start = len(self.data) - 8 - size
        if start < 0 or crc32c(self.data[start:-8]) != crc:
            raise ValueError("damaged summary")
        self.at = start
        is_sorted = self.varint() == 1
        counts: list[tuple[int, ...]] = []
        for _ in range(self.varint()):
            site = self.site()
            self.sites.append(site)
            records, earliest = self.varint(), signed(first + self.varint())
            latest = signed(earliest + self.varint())
            columns = [self.varint() for _ in range(2 * self.varint())]
            weights = self.varint() if site.definition["policy"] is not None else 0
            counts.append((records, earliest, latest, weights, *columns))
        if self.at != len(self.data) - 8:
            raise ValueError("the summary does not add up")
        self.data, self.at = self.data[:start], 0
        return is_sorted, counts

    def shape(self, site: Site) -> bytes:
        number = self.varint()
        if number:
            return site.shapes[number - 1]
        shape = self.raw()
        site.shapes[site.next_shape : site.next_shape + 1] = [shape]
        site.next_shape = (site.next_shape + 1) % 16
        site.columns += [Column() for _ in shape[len(site.columns) :]]
        return shape

    def real(self, column: Column) -> float:
        control = self.take(1)[0]
        if control & 0x80:
            scale = control & 0x7F
            last = column.decimal if scale == column.scale else 0
            column.scale, column.decimal = scale, signed(last + self.zigzag())
            value = column.decimal / 10**scale
            column.bits = int.from_bytes(struct.pack("<d", value), "little")
        else:
            changed = int.from_bytes(self.take(control & 15), "little")
            column.bits ^= changed << 8 * (control >> 4)
        return float(struct.unpack("<d", column.bits.to_bytes(8, "little"))[0])

    def value(self, tag: int, column: Column) -> tuple[Any, ...]:
        """(tag, value), with the offset of an aware datetime and the formatted text, if any."""
        formatted = (self.text(),) if tag & 0x80 else ()
        tag &= 0x7F
        if tag == 1:
            return (tag, None, *formatted)
        if tag == 2:
            return (tag, bool(self.take(1)[0]), *formatted)
        if tag in (5, 26):
            return (tag, self.real(column), *formatted)
        if tag == 6:
            return (tag, self.text(), *formatted)
        if tag in (12, 13):
            return (tag, self.raw(), *formatted)
        if tag == 28:
            size, both = self.varint(), self.raw()
            return (tag, both[:size], both[size:], *formatted)
        if tag not in (4, *range(14, 26)):
            raise ValueError(f"unknown tag {tag}")
        column.integer = signed(column.integer + self.zigzag())
        value = column.integer % 2**64 if tag == 25 else column.integer
        return (tag, value, self.zigzag(), *formatted) if tag == 15 else (tag, value, *formatted)

    def record(self) -> dict[str, Any]:
        head = self.varint()
        site = self.sites[head >> 2]
        if head & 1:
            number = self.varint()
            if number == len(self.threads):
                self.threads.append({"thread": self.varint(), "thread_name": self.name()})
            self.thread = self.threads[number]
        if head & 2:
            site.shape = self.shape(site)
        self.time = signed(self.time + self.zigzag())
        values = [self.value(tag, site.columns[i]) for i, tag in enumerate(site.shape)]
        site.count(self.time, values)
        return {"time": self.time, **self.thread, **site.definition, "values": values}


def decode(path: str | Path) -> Iterator[dict[str, Any]]:
    """The records of a journal in the order of the file.

    Args:
        path: a journal without damage.

    Returns:
        One dict a record: time (ns), pid, run_id, thread, thread_name, kind, level, bound, line,
        name, file, function, fields, policy (None if not sampled), and values as (tag, value, ...).

    Raises:
        ValueError: the file is not as docs/reference/journal-format.md says.

    Example:
        for record in decode("run.atto"):
            print(record["time"], record["name"], record["values"])
    """
    data = Path(path).read_bytes()
    at = 0
    while at < len(data):
        header = data[at : at + HEADER.size]
        magic, version, flags, size, records, pid, first, last, run_id, mask, _, crc, header_crc = (
            HEADER.unpack(header)
        )
        if magic != MAGIC or crc32c(header[:60]) != header_crc:
            raise ValueError(f"no block at byte {at}")
        if version != 1 or flags & ~1:
            raise ValueError(f"unknown format at byte {at}")
        stored = data[at + HEADER.size : at + HEADER.size + size]
        if len(stored) != size or crc32c(stored) != crc or MAGIC in stored:
            raise ValueError(f"damaged block at byte {at}")
        key = mask.to_bytes(4, "little")
        block = Block(bytes(byte ^ key[i % 4] for i, byte in enumerate(stored)))
        is_sorted, counts = block.summary(first) if records else (True, [])
        times = []
        for _ in range(records):
            record = block.record()
            times.append(record["time"])
            yield {"pid": pid, "run_id": run_id, **record}
        if (
            block.at != len(block.data)
            or (times and (min(times), max(times)) != (first, last))
            or is_sorted != (times == sorted(times))
            or counts != [site.counts() for site in block.sites]
        ):
            raise ValueError(f"the block at byte {at} does not add up")
        at += HEADER.size + size
