"""An entry of the store as core/cache_entry.cc writes it: a policy in force that needs no network."""

from __future__ import annotations

import time

DAY = 86_400


def fnv1a(data: bytes, bits: int) -> int:
    basis, prime = {32: (0x811C9DC5, 0x01000193), 64: (0xCBF29CE484222325, 0x100000001B3)}[bits]
    for octet in data:
        basis = (basis ^ octet) * prime % (1 << bits)
    return basis


def shard(domain: str) -> str:
    value = fnv1a(domain.encode(), 32)
    return f"{(value ^ (value >> 16)) & 255:02x}"


def entry(domain: str, mx: str) -> str:
    body = f"version: STSv1\nmode: enforce\nmx: {mx}\nmax_age: {365 * DAY}\n"
    then = int(time.time())
    later = then + DAY
    head = (f"mtasts-cache 1\ndomain: {domain}\nrecord: found until={later} id=1 detail=\n"
            f"policy: id=1 fetched={then} bytes={len(body)}\ndane: none until={later} detail=\n")
    tail = f"\n{body}"
    return f"{head}sum: {fnv1a((head + tail).encode(), 64):016x}\n{tail}"
