"""What a policy host can do to harm whoever fetches from it: answers, piece by piece, after TLS is up or in its place.

raw_server.py plays them; the policy domain of each is `<name with hyphens>.hostile.test` (fixtures.py).
"""

from __future__ import annotations

import gzip
import os
import time
from typing import Callable, Iterator

Pieces = Iterator[bytes]
LIMIT = 64 * 1024
CHUNKED = "Transfer-Encoding: chunked"
LAST_CHUNK = b"0\r\n\r\n"
ALERT, HANDSHAKE = 21, 22  # TLS record types
REDIRECTS = range(300, 309)


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/plain", *lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def padded(body: bytes, size: int) -> bytes:
    """A valid policy of exactly that many bytes."""
    return body + b"x-padding: " + b"a" * (size - len(body) - 13) + b"\r\n"


def chunked_limit(body: bytes) -> Pieces:
    yield head(CHUNKED) + chunk(padded(body, LIMIT)) + LAST_CHUNK


def chunked_over(body: bytes) -> Pieces:
    yield head(CHUNKED) + chunk(padded(body, LIMIT)) + chunk(b"\n") + LAST_CHUNK


def closed_limit(body: bytes) -> Pieces:
    yield head("Connection: close") + padded(body, LIMIT)


def closed_over(body: bytes) -> Pieces:
    yield head("Connection: close") + padded(body, LIMIT + 1)


def length_over(body: bytes) -> Pieces:
    yield head(f"Content-Length: {LIMIT + 1}") + padded(body, LIMIT + 1)


def endless_headers(_: bytes) -> Pieces:
    yield head()[:-2]
    while True:
        yield b"X-More: and more\r\n" * 50


def endless_header(_: bytes) -> Pieces:
    """One line that never ends."""
    yield head()[:-2] + b"X-Long: "
    while True:
        yield b"a" * 4096


def endless_trailers(body: bytes) -> Pieces:
    yield head(CHUNKED) + chunk(body) + b"0\r\n"
    while True:
        yield b"X-More: and more\r\n" * 50


def endless_chunk_extension(body: bytes) -> Pieces:
    yield head(CHUNKED) + chunk(body) + b"5;"
    while True:
        yield b"a" * 4096


def interim_flood(_: bytes) -> Pieces:
    while True:
        yield b"HTTP/1.1 103 Early Hints\r\nLink: </more>\r\n\r\n" * 20


def interim_then_good(body: bytes) -> Pieces:
    yield b"HTTP/1.1 103 Early Hints\r\n\r\n" + head(f"Content-Length: {len(body)}") + body


def switching_protocols(body: bytes) -> Pieces:
    yield head("Upgrade: h2c", "Connection: Upgrade", status="101 Switching Protocols") + body


def _bomb(times: int) -> bytes:
    data = gzip.compress(b"\0" * (32 << 20))
    for _ in range(times - 1):
        data = gzip.compress(data)
    return data


BOMB, NESTED_BOMB = _bomb(1), _bomb(3)  # made before anybody waits for them


def content_bomb(_: bytes) -> Pieces:
    yield head("Content-Encoding: gzip", f"Content-Length: {len(BOMB)}") + BOMB


def transfer_bomb(_: bytes) -> Pieces:
    """Nobody asked for a transfer coding, but some clients undo it."""
    yield head("Transfer-Encoding: gzip, chunked") + chunk(BOMB) + LAST_CHUNK


def nested_transfer_bomb(_: bytes) -> Pieces:
    yield head("Transfer-Encoding: gzip, gzip, gzip, chunked") + chunk(NESTED_BOMB) + LAST_CHUNK


def transfer_gzip(body: bytes) -> Pieces:
    """A good policy, in a coding that was not asked for."""
    yield head("Transfer-Encoding: gzip, chunked") + chunk(gzip.compress(body)) + LAST_CHUNK


def closes_at_once(_: bytes) -> Pieces:
    yield b""


def closes_in_header(_: bytes) -> Pieces:
    yield head()[:30]


def closes_in_chunk(body: bytes) -> Pieces:
    yield head(CHUNKED) + chunk(body)[:-10]


def drips_interim(_: bytes) -> Pieces:
    while True:
        yield b"HTTP/1.1 102 Processing\r\n\r\n"
        time.sleep(0.1)


def marks_the_visitor(body: bytes) -> Pieces:
    yield head(f"Content-Length: {len(body)}", "Set-Cookie: seen=1; Path=/", 'Alt-Svc: h2=":1"; ma=86400',
               "Strict-Transport-Security: max-age=86400", "Cache-Control: max-age=86400", 'ETag: "1"') + body


def _redirect(status: int) -> Callable[[bytes], Pieces]:
    """To itself: who follows ends in circles, or is refused at the end for their number."""

    def answer(body: bytes) -> Pieces:
        yield head(f"Location: https://mta-sts.redirect-{status}.hostile.test/", f"Content-Length: {len(body)}",
                   status=f"{status} Elsewhere") + body

    answer.__name__ = f"redirect_{status}"
    return answer


ANSWERS: dict[str, Callable[[bytes], Pieces]] = {
    function.__name__: function
    for function in (chunked_limit, chunked_over, closed_limit, closed_over, length_over, endless_headers, endless_header, endless_trailers,
                     endless_chunk_extension, interim_flood, interim_then_good, switching_protocols, content_bomb, transfer_bomb,
                     nested_transfer_bomb, transfer_gzip, closes_at_once, closes_in_header, closes_in_chunk, drips_interim,
                     marks_the_visitor, *(_redirect(status) for status in REDIRECTS))
}
def _record(kind: int, data: bytes) -> bytes:
    """One of TLS, not encrypted yet."""
    return bytes([kind]) + b"\x03\x03" + len(data).to_bytes(2, "big") + data


def plain_http(body: bytes) -> Pieces:
    yield head(f"Content-Length: {len(body)}") + body


def noise(_: bytes) -> Pieces:
    while True:
        yield os.urandom(16384)


def warning_flood(_: bytes) -> Pieces:
    """The alert "user canceled", a mere warning."""
    while True:
        yield _record(ALERT, b"\x01\x5a") * 1000


def empty_record_flood(_: bytes) -> Pieces:
    while True:
        yield _record(HANDSHAKE, b"") * 1000


def hello_request_flood(_: bytes) -> Pieces:
    """A message that a client ignores while it shakes hands already."""
    while True:
        yield _record(HANDSHAKE, b"\0\0\0\0" * 4000) * 4


def giant_handshake(_: bytes) -> Pieces:
    """A ServerHello of nearly 16 MiB."""
    yield _record(HANDSHAKE, b"\x02\xff\xff\xf0")
    while True:
        yield _record(HANDSHAKE, b"a" * 16000)


# Instead of TLS.
HANDSHAKES: dict[str, Callable[[bytes], Pieces]] = {
    function.__name__: function
    for function in (plain_http, noise, warning_flood, empty_record_flood, hello_request_flood, giant_handshake)
}
ECHO = "echo"  # the answer is the request; raw_server.py does it
END_OF_TLS = {closed_limit.__name__, closed_over.__name__}  # the end of the connection is said in TLS to be the end
CLOSES_IN_HANDSHAKE = "closes_in_handshake"


def domain_of(behaviour: str) -> str:
    return f"{behaviour.replace('_', '-')}.hostile.test"
