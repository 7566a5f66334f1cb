"""Reads the store's files by what docs/adr/0001-store-of-files.md says of them, without the code that is under test."""

from __future__ import annotations

import re
from dataclasses import dataclass


class Damaged(Exception):
    """What is wrong with the bytes."""


@dataclass(frozen=True)
class Stored:
    """A policy as the file has it."""

    id: str
    fetched: int
    body: str


HEAD = re.compile(rb"mtasts-cache 1\ndomain: (?P<domain>[^\n]+)\nrecord: [a-z]+ until=\d+ id=[A-Za-z0-9]* detail=[^\n]*\n"
                  rb"(?:policy: id=(?P<id>[A-Za-z0-9]+) fetched=(?P<fetched>\d+) bytes=(?P<bytes>\d+)\n)?"
                  rb"(?P<more>(?:[a-z]+: [^\n]*\n)*)\Z")
SUM = re.compile(rb"sum: ([0-9a-f]{16})\n\n")


def read(data: bytes, domain: str) -> Stored | None:
    """The policy in the entry, if there is one. Raises Damaged unless it is an entry of this domain, whole."""
    if not data:
        return None  # known to have no record
    found = SUM.search(data)
    if not found:
        raise Damaged(f"its {len(data)} bytes have no end: {data[:300]!r}")
    head, body = data[:found.start()], data[found.end():]
    lines = HEAD.match(head)
    if not lines:
        raise Damaged(f"its head is {head[:200]!r}")
    if lines["domain"] != domain.encode():
        raise Damaged(f"it belongs to {lines['domain']!r}")
    if fnv1a(head + b"\n" + body) != int(found[1], 16):
        raise Damaged("its sum is wrong")
    if lines["id"] is None:
        if body:
            raise Damaged("bytes follow where there is no policy")
        return None
    if len(body) != int(lines["bytes"]):
        raise Damaged(f"{len(body)} bytes of policy, not {int(lines['bytes'])}")
    return Stored(lines["id"].decode(), int(lines["fetched"]), body.decode())


def write(domain: str, stored: Stored, until: int) -> bytes:
    """An entry as a forger would write it: nothing is wrong with it but where it is."""
    head = (f"mtasts-cache 1\ndomain: {domain}\nrecord: found until={until} id={stored.id} detail=\n"
            f"policy: id={stored.id} fetched={stored.fetched} bytes={len(stored.body)}\n").encode()
    return head + b"sum: %016x\n\n" % fnv1a(head + b"\n" + stored.body.encode()) + stored.body.encode()


def fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def shard_of(domain: str) -> str:
    """The folder that a domain's file is in."""
    value = 2_166_136_261
    for byte in domain.encode():
        value = (value ^ byte) * 16_777_619 & 0xFFFFFFFF
    value ^= value >> 16
    return f"{value & 0xFF:02x}"
