"""Journals written from docs/reference/journal-format.md, of sites that no logger here declares."""

import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))
from format_decoder import HEADER, KINDS, MAGIC, crc32c, decode
from format_decoder import Site as Counts

__all__ = ["Row", "Site", "Tagged", "block", "decode"]


class Site(NamedTuple):
    """A site; `policy` makes it weighted, and the last of its fields the weight."""

    name: str
    fields: tuple[str, ...]
    policy: str | None = None
    kind: str = "event"
    level: int | None = None


class Tagged(NamedTuple):
    """A value of any tag whose form is an integer."""

    tag: int
    number: int


Row = tuple[Site, tuple[str | int | float | Tagged, ...]]


def varint(number: int) -> bytes:
    low = b""
    while number > 0x7F:
        low += bytes([number & 0x7F | 0x80])
        number >>= 7
    return low + bytes([number])


def zigzag(number: int) -> bytes:
    return varint(number << 1 if number >= 0 else ~(number << 1))


def raw(text: str) -> bytes:
    """Surrogates 0xdc80 to 0xdcff stand for bytes that are no UTF-8."""
    data = text.encode(errors="surrogateescape")
    return varint(len(data)) + data


def definition(site: Site) -> bytes:
    weighted = 0 if site.policy is None else 0x80
    level = site.level or (10 if "message" in site.kind else 0)
    start = bytes([KINDS.index(site.kind) + 1 | weighted, level, 0, 0]) + raw(site.name) + b"\0\0"
    names = varint(len(site.fields)) + b"".join(map(raw, site.fields))
    return start + names + (b"" if site.policy is None else raw(site.policy))


def summary(sites: Iterable[Site], counts: list[Counts]) -> bytes:
    """The summary of a block whose times begin with 0."""
    data = b"\1" + varint(len(counts))
    for site, each in zip(sites, counts, strict=True):
        records, first, last, weights, *columns = each.counts()
        data += definition(site) + varint(records) + varint(first) + varint(last - first)
        data += varint(len(columns) // 2) + b"".join(map(varint, columns))
        data += b"" if site.policy is None else varint(weights)
    return data + struct.pack("<II", len(data), crc32c(data))


def block(rows: Iterable[Row], pid: int) -> bytes:
    """A block with a record for each row; the times are 0, 1, 2, ..."""
    payload = b""
    sites: dict[Site, int] = {}
    counts: list[Counts] = []
    last: dict[tuple[Site, int], int] = {}  # by column, floats as their bits
    time = -1
    for time, (site, values) in enumerate(rows):
        if site not in sites:
            counts.append(Counts({"policy": site.policy}))
        number = sites.setdefault(site, len(sites))
        payload += varint(number << 2 | 2 | (time == 0))
        payload += b"\0\1\0" if time == 0 else b""  # thread 0, whose id is 1 and which has no name
        tags = bytes(
            value.tag if isinstance(value, Tagged) else {int: 4, float: 5, str: 6}[type(value)]
            for value in values
        )
        payload += b"\0" + varint(len(tags)) + tags + zigzag(0 if time == 0 else 1)
        shown = [value.number if isinstance(value, Tagged) else value for value in values]
        counts[number].count(time, list(zip(tags, shown, strict=True)))
        for i, value in enumerate(values):
            before = last.get((site, i), 0)
            if isinstance(value, str):
                payload += b"\0" + raw(value)
            elif isinstance(value, Tagged):
                payload += zigzag(value.number - before)
                last[site, i] = value.number
            elif isinstance(value, int):
                payload += zigzag(value - before)
                last[site, i] = value
            else:
                bits = int.from_bytes(struct.pack("<d", value), "little")
                payload += b"\x08" + (bits ^ before).to_bytes(8, "little")
                last[site, i] = bits
    payload += summary(sites, counts)
    assert MAGIC not in payload
    fields = (MAGIC, 1, 0, len(payload), time + 1, pid, 0, time, 7, 0, pid, crc32c(payload))
    header = HEADER.pack(*fields, 0)[:60]
    return header + crc32c(header).to_bytes(4, "little") + payload
