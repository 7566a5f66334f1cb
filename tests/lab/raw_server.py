#!/usr/bin/python3
"""Policy hosts that misbehave in ways no web server offers. Started by web.py: raw_server.py CONFIGURATION.json

One TLS endpoint chooses the behaviour by SNI; the silent endpoints (TCP and UDP) take everything and never answer.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
import time
from typing import Callable, Iterator

import hostile_web

Pieces = Iterator[bytes]
GIANT = 4 << 20


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: text/plain", "Connection: close", *lines, "", ""]).encode()


def drip_body(body: bytes) -> Pieces:
    """The body comes at one byte a second."""
    yield head(f"Content-Length: {len(body)}")
    yield from drip(body)


def drip_header(body: bytes) -> Pieces:
    """Not even the header ends in time."""
    yield from drip(head(f"Content-Length: {len(body)}") + body)


def drip(data: bytes) -> Pieces:
    for byte in data:
        yield bytes([byte])
        time.sleep(1)


def late(body: bytes) -> Pieces:
    """A good answer after three seconds."""
    time.sleep(3)
    yield head(f"Content-Length: {len(body)}") + body


def chunked_giant(body: bytes) -> Pieces:
    """A valid policy to begin with, then megabytes without a declared length."""
    yield head("Transfer-Encoding: chunked")
    yield chunk(body)
    padding = b"x-padding: " + b"a" * 1000 + b"\n"
    for _ in range(GIANT // len(padding)):
        yield chunk(padding)
    yield b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def declares_more(body: bytes) -> Pieces:
    """Declares 100 bytes more than come before the connection closes."""
    yield head(f"Content-Length: {len(body) + 100}") + body


def declares_less(body: bytes) -> Pieces:
    """Sends a line more than it declares; only the declared part is the answer."""
    yield head(f"Content-Length: {len(body)}") + body + b"mx: not.declared.test\r\n"


def declares_giant(body: bytes) -> Pieces:
    """Declares gigabytes and keeps sending."""
    yield head(f"Content-Length: {GIANT * 1000}") + body
    for _ in range(GIANT // 1000):
        yield b"x" * 1000


def cut_off(body: bytes) -> Pieces:
    """Declares no length and ends, like nearly all answers here, without TLS's close_notify: is that all of it?"""
    yield head() + body


def undeclared(body: bytes) -> Pieces:
    """Declares no length, but says in TLS that this was all: see _answer."""
    yield head() + body


def garbage(body: bytes) -> Pieces:
    """Not HTTP at all."""
    yield b"\x00\xff\x01 this is no web server\r\n" + body


BEHAVIOURS: dict[str, Callable[[bytes], Pieces]] = hostile_web.ANSWERS | {
    function.__name__: function
    for function in (late, drip_body, drip_header, chunked_giant, declares_more, declares_less, declares_giant, cut_off, undeclared,
                     garbage)
}


class TlsServer:
    def __init__(self, hosts: dict[str, dict[str, str]]) -> None:
        self.hosts = hosts
        self.contexts = {name: self._context(host) for name, host in hosts.items()}

    @staticmethod
    def _context(host: dict[str, str]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(host["certificate"], host["key"])
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context

    def serve(self, connection: socket.socket) -> None:
        chosen = {"name": ""}

        def choose(tls: ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
            if name not in self.contexts:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            if self.hosts[name]["behaviour"] == hostile_web.CLOSES_IN_HANDSHAKE:
                connection.shutdown(socket.SHUT_RDWR)
            tls.context = self.contexts[name]
            chosen["name"] = name
            return None

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = choose  # type: ignore[assignment]  # of a socket, which typeshed does not know
        try:
            if instead := self._instead_of_tls(connection):
                with connection:
                    for piece in instead:
                        connection.sendall(piece)
                return
            with context.wrap_socket(connection, server_side=True) as tls:
                self._answer(tls, chosen["name"])
        except (OSError, KeyError) as error:  # a client that gives up is what these hosts are for
            print(f"{chosen['name']}: {error!r}", flush=True)

    def _instead_of_tls(self, connection: socket.socket) -> Pieces | None:
        hello = connection.recv(4096, socket.MSG_PEEK)
        for name, host in self.hosts.items():
            if host["behaviour"] in hostile_web.HANDSHAKES and name.encode() in hello:
                return hostile_web.HANDSHAKES[host["behaviour"]](host["body"].encode())
        return None

    def _answer(self, tls: ssl.SSLSocket, name: str) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            received = tls.recv(4096)
            if not received:
                return
            request += received
        print(f"{tls.getpeername()[0]} {name}: {request.decode('latin-1').splitlines()[0]}", flush=True)
        host = self.hosts[name]
        if host["behaviour"] == hostile_web.ECHO:
            told = f"ALPN: {tls.selected_alpn_protocol()}\r\n".encode() + request
            tls.sendall(head(f"Content-Length: {len(told)}") + told)
            return
        for piece in BEHAVIOURS[host["behaviour"]](host["body"].encode()):
            tls.sendall(piece)
        if host["behaviour"] == undeclared.__name__ or host["behaviour"] in hostile_web.END_OF_TLS:
            tls.unwrap()
            return
        tls.shutdown(socket.SHUT_WR)
        tls.recv(1)


def listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=64)


def accept_forever(server: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    while True:
        connection, _ = server.accept()
        threading.Thread(target=handle, args=(connection,), daemon=True).start()


def keep_silent(connection: socket.socket) -> None:
    with connection:
        while connection.recv(4096):
            pass


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        configuration = json.load(file)
    silent_datagrams = []  # bound and never read: a question is taken, not refused
    servers = []
    for address, port in configuration["silent"]:
        datagrams = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind((address, port))
        silent_datagrams.append(datagrams)
        servers.append((listen(address, port), keep_silent))
    servers.append((listen(*configuration["tls"]), TlsServer(configuration["hosts"]).serve))
    threads = [threading.Thread(target=accept_forever, args=server, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
