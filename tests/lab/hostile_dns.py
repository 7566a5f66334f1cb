#!/usr/bin/python3
"""A resolver that misbehaves by the name that it is asked for: hostile_dns.py ADDRESS PORT. Started by loopback.py.

The first label of the name chooses from BEHAVIOURS; `good`, and any other, is answered as it should be. A policy host
(`mta-sts`) is at 127.0.0.1, or where the next label says: `at-127-7-1-1`. Below `silentzone` nothing is answered. `seen.LABEL.…` TXT tells how
many questions with this second label came, "seen.datagrams-LABEL.…" how many by datagram: it listens on UDP as well, and
whatever asks there gets a forged answer at once.
"""

from __future__ import annotations

import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Callable, Iterator

A, CNAME, SOA, MX, TXT, AAAA, TLSA = 1, 5, 6, 15, 16, 28, 52
SELF = b"\xc0\x0c"  # a pointer to the name in the question
GOOD = b"v=STSv1; id=1;"
LARGEST = 65535
Bytes = Iterator[bytes]


def name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def record(owner: bytes, kind: int, ttl: int, data: bytes, *, length: int | None = None) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data) if length is None else length) + data


def strings(data: bytes) -> bytes:
    return b"".join(bytes([len(part)]) + part for part in (data[i:i + 255] for i in range(0, len(data), 255)))


@dataclass
class Question:
    ident: int
    labels: list[str]
    kind: int
    held: list[Question] = field(default_factory=list)  # of this connection: what `reversed` answers later

    @property
    def wire(self) -> bytes:
        return name(".".join(self.labels)) + struct.pack("!HH", self.kind, 1)

    def data(self) -> bytes:
        """Something right for the type asked for."""
        return {A: b"\xc0\0\2\1", AAAA: bytes(15) + b"\1", MX: b"\0\x0a" + name("mx.test"), CNAME: name("a.test"),
                TLSA: b"\3\1\1" + bytes(32)}.get(self.kind, strings(GOOD))

    def good(self, ttl: int = 300) -> bytes:
        return record(SELF, self.kind, ttl, self.data())


def message(question: Question, *records: bytes, ident: int | None = None, flags: int = 0x8180, wire: bytes | None = None,
            count: int | None = None) -> bytes:
    body = struct.pack("!HHHHHH", question.ident if ident is None else ident, flags, 1,
                       len(records) if count is None else count, 0, 0) + (wire or question.wire) + b"".join(records)
    return struct.pack("!H", len(body)) + body


def filled(question: Question, make: Callable[[int], bytes]) -> bytes:
    """As many records as a message holds."""
    records: list[bytes] = []
    size = 12 + len(question.wire)
    while (size := size + len(one := make(len(records)))) <= LARGEST:
        records.append(one)
    return message(question, *records)


def good(question: Question) -> Bytes:
    yield message(question, question.good())


def silent(question: Question) -> Bytes:
    """Takes the question."""
    yield b""


def wrongid(question: Question) -> Bytes:
    """Only an answer with another id comes."""
    yield message(question, question.good(), ident=question.ident ^ 1)


def wrongidfirst(question: Question) -> Bytes:
    """Forged answers with every id but the right one, then the right answer."""
    forged = record(SELF, TXT, 300, strings(b"forged"))
    for bit in range(16):
        yield message(question, forged, ident=question.ident ^ 1 << bit)
    yield message(question, question.good())


def foreign(question: Question) -> Bytes:
    """The right id, another question."""
    yield message(question, question.good(), wire=name("foreign.test") + struct.pack("!HH", question.kind, 1))


def pipelined(question: Question) -> Bytes:
    """The answer to a question that nobody put comes with the right one in one piece."""
    unasked = Question(question.ident ^ 0x5555, ["unasked", "test"], TXT)
    yield message(unasked, unasked.good()) + message(question, question.good())


def swapped(question: Question) -> Bytes:
    """Two questions get each other's answers."""
    question.held.append(question)
    if len(question.held) == 2:
        first, second = question.held
        yield message(first, first.good(), ident=second.ident) + message(second, second.good(), ident=first.ident)
        question.held.clear()


def backwards(question: Question) -> Bytes:
    """Ten questions are answered in the opposite order."""
    question.held.append(question)
    if len(question.held) == 10:
        for earlier in reversed(question.held):
            yield message(earlier, record(SELF, TXT, 300, strings(earlier.labels[1].encode())))
        question.held.clear()


def duplicate(question: Question) -> Bytes:
    """The right answer, then a hundred times another one with the same id."""
    forged = record(SELF, question.kind, 300, strings(b"forged"))
    yield message(question, question.good()) + message(question, forged) * 100


def truncated(question: Question) -> Bytes:
    yield message(question, question.good(), flags=0x8380)


def gianttxt(question: Question) -> Bytes:
    """One record of nearly 64 KiB."""
    yield message(question, record(SELF, TXT, 300, strings(b"a" * 65000)))


def manytxt(question: Question) -> Bytes:
    """Thousands of records: the whole message."""
    yield filled(question, lambda number: record(SELF, TXT, 300, strings(b"%d" % number)))


def manysame(question: Question) -> Bytes:
    """Thousands of records of the type asked for."""
    yield filled(question, lambda _: question.good())


def longnames(question: Question) -> Bytes:
    """Thousands of records whose names are 255 octets long when unpacked."""
    long = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3d" + b"a" * 61 + b"\0"
    at = struct.pack("!H", 0xC000 | (12 + len(question.wire)))
    yield filled(question, lambda number: record(at if number else long, TXT, 300, strings(b"x")))


def cnameloop(question: Question) -> Bytes:
    there = name("there.test")
    yield message(question, record(SELF, CNAME, 300, there), record(there, CNAME, 300, SELF))


def cnamechain(question: Question) -> Bytes:
    """A message full of CNAMEs, each pointing to the next."""
    yield filled(question, lambda number: record(name(f"n{number}.test") if number else SELF, CNAME, 300,
                                                 name(f"n{number + 1}.test")))


def ttl(question: Question) -> Bytes:
    """ttl.NUMBER.…: the right answer with that TTL."""
    yield message(question, question.good(int(question.labels[1])))


def pointerself(question: Question) -> Bytes:
    """The owner is a compression pointer to itself."""
    at = struct.pack("!H", 0xC000 | (12 + len(question.wire)))
    yield message(question, record(at, TXT, 300, strings(GOOD)))


def pointerpair(question: Question) -> Bytes:
    """Two compression pointers to each other."""
    first, second = (struct.pack("!H", 0xC000 | (12 + len(question.wire) + offset)) for offset in (2, 0))
    yield message(question, first + second + record(b"", TXT, 300, strings(GOOD)))


def pointerahead(question: Question) -> Bytes:
    """A compression pointer behind the message's end."""
    yield message(question, record(b"\xff\xff", TXT, 300, strings(GOOD)))


def pointerdata(question: Question) -> Bytes:
    """A loop of compression pointers inside a CNAME's and an MX's data."""
    at = 12 + len(question.wire) + 12
    pointer = struct.pack("!H", 0xC000 | at)
    yield message(question, record(SELF, CNAME, 300, pointer), record(SELF, MX, 300, b"\0\1" + pointer))


def emptydata(question: Question) -> Bytes:
    yield message(question, record(SELF, question.kind, 300, b""))


def shortdata(question: Question) -> Bytes:
    yield message(question, record(SELF, question.kind, 300, question.data()[:2]))


def overlong(question: Question) -> Bytes:
    """A record that claims to go on behind the message's end."""
    yield message(question, record(SELF, question.kind, 300, question.data(), length=60000))


def manyclaimed(question: Question) -> Bytes:
    """A message that claims 65535 records and holds one."""
    yield message(question, question.good(), count=LARGEST)


def lengthonly(question: Question) -> Bytes:
    """The length of a message that never comes."""
    yield struct.pack("!H", LARGEST)


def lengthzero(question: Question) -> Bytes:
    """Messages of no octets at all, then the right answer."""
    yield b"\0\0" * 1000 + message(question, question.good())


def headerless(question: Question) -> Bytes:
    """Messages too short for a header."""
    for length in range(1, 12):
        yield struct.pack("!H", length) + struct.pack("!H", question.ident)[:length].ljust(length, b"\x81")


def drip(question: Question) -> Bytes:
    """The right answer, one octet each tenth of a second."""
    for octet in message(question, question.good()):
        yield bytes([octet])
        time.sleep(0.1)


def closes(question: Question) -> Bytes:
    """Closes in the middle of the answer."""
    whole = message(question, question.good())
    yield whole[:len(whole) // 2]
    raise ConnectionAbortedError


def flood(question: Question) -> Bytes:
    """Answers to questions that nobody put, as fast as they are taken, without an end."""
    unasked = filled(Question(question.ident ^ 1, ["unasked", "test"], TXT), lambda _: record(SELF, TXT, 300, strings(b"x" * 200)))
    while True:
        yield unasked


def noise(question: Question) -> Bytes:
    """Octets without sense: the generator always starts the same."""
    yield random.Random(question.kind).randbytes(200000)


def manymx(question: Question) -> Bytes:
    """Signed MX records: twenty hosts that nobody answers for."""
    if question.kind == MX:
        zone = name(".".join(question.labels))
        hosts = (b"\x06silent" + bytes([len(host)]) + host + zone for host in (b"h%d" % number for number in range(20)))
        yield message(question, *(record(SELF, MX, 300, b"\0\x0a" + host) for host in hosts), flags=0x81a0)
    else:
        yield message(question, question.good())


def policy_host(question: Question) -> Bytes:
    label = question.labels[1]
    address = label.removeprefix("at-").replace("-", ".") if label.startswith("at-") else "127.0.0.1"
    yield message(question, *([record(SELF, A, 300, socket.inet_aton(address))] if question.kind == A else []))


BEHAVIOURS: dict[str, Callable[[Question], Bytes]] = {
    function.__name__: function
    for function in (good, silent, wrongid, wrongidfirst, foreign, pipelined, swapped, backwards, duplicate, truncated, gianttxt, manytxt,
                     manysame, longnames, cnameloop, cnamechain, ttl, pointerself, pointerpair, pointerahead, pointerdata,
                     emptydata, shortdata, overlong, manyclaimed, lengthonly, lengthzero, headerless, drip, closes, flood,
                     noise, manymx)
} | {"mta-sts": policy_host}


class Server:
    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def serve(self, connection: socket.socket) -> None:
        held: dict[str, list[Question]] = {}
        stream = connection.makefile("rb")
        try:
            while length := stream.read(2):
                question = parse(stream.read(struct.unpack("!H", length)[0]))
                question.held = held.setdefault(question.labels[0], [])
                for piece in self.answer(question):
                    connection.sendall(piece)
        except (OSError, ValueError):  # a client that gives up, and the behaviour that does
            pass
        finally:
            connection.close()
            stream.close()

    def answer(self, question: Question) -> Bytes:
        if question.labels[0] == "seen":
            return iter([message(question, record(SELF, TXT, 0, strings(b"%d" % self.seen[question.labels[1]])))])
        self.seen[question.labels[1]] += 1
        if "silentzone" in question.labels:
            return silent(question)
        return BEHAVIOURS.get(question.labels[0], good)(question)

    def forge(self, datagrams: socket.socket) -> None:
        while True:
            packet, sender = datagrams.recvfrom(4096)
            question = parse(packet)
            self.seen[f"datagrams-{question.labels[1]}"] += 1
            datagrams.sendto(message(question, question.good())[2:], sender)


def parse(packet: bytes) -> Question:
    labels, offset = [], 12
    while packet[offset]:
        labels.append(packet[offset + 1:offset + 1 + packet[offset]].decode())
        offset += packet[offset] + 1
    return Question(struct.unpack("!H", packet[:2])[0], labels, struct.unpack("!H", packet[offset + 1:offset + 3])[0])


def main() -> None:
    address, port = sys.argv[1], int(sys.argv[2])
    server = Server()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((address, port))
    threading.Thread(target=server.forge, args=(datagrams,), daemon=True).start()
    listener = socket.create_server((address, port), backlog=512)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=server.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
