#!/usr/bin/python3
"""Hosts that want to harm whoever asks them, one behaviour for each address: strange_hosts.py CONFIGURATION.json

    {"certificate": PEM, "key": PEM, "rsa": PEM, "dh": PEM, "hosts": {ADDRESS: {"behaviour": NAME, "body": POLICY}}, "voids": [ADDRESS…]}

"good" serves the policy; "silent" takes the connection and says nothing; "shut" does not even take it, and does not refuse
it; "dhe" wants Diffie-Hellman in the group of the file "dh", with the RSA key and certificate of "rsa"; the others are those of raw_server.py and hostile_web.py. A void is a name
server that takes every question and never answers. Says "ready".
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

import hostile_web  # noqa: E402
import raw_server  # noqa: E402

HTTPS, DNS = 443, 53
PATIENCE = 60.0  # seconds for one connection


def pump(connection: socket.socket, pieces: raw_server.Pieces) -> None:
    for piece in pieces:
        connection.sendall(piece)


def keep_silent(connection: socket.socket, _: str) -> None:
    raw_server.keep_silent(connection)


def instead_of_tls(behaviour: str, connection: socket.socket, body: str) -> None:
    connection.recv(4096)
    pump(connection, hostile_web.HANDSHAKES[behaviour](body.encode()))


def after_tls(context: ssl.SSLContext, answer: Callable[[bytes], raw_server.Pieces], connection: socket.socket, body: str) -> None:
    with context.wrap_socket(connection, server_side=True) as tls:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (received := tls.recv(4096)):
                return
            request += received
        pump(tls, answer(body.encode()))


def good(body: bytes) -> raw_server.Pieces:
    yield hostile_web.head(f"Content-Length: {len(body)}") + body


def context_of(certificate: str, key: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def dhe_context(certificate: str, group: str) -> ssl.SSLContext:
    context = context_of(certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_dh_params(group)
    context.set_ciphers("DHE:@SECLEVEL=0")
    return context


def accept_forever(server: socket.socket, play: Callable[[socket.socket, str], None], body: str) -> None:
    while True:
        connection, _ = server.accept()
        connection.settimeout(PATIENCE)
        threading.Thread(target=play_one, args=(play, connection, body), daemon=True).start()


def play_one(play: Callable[[socket.socket, str], None], connection: socket.socket, body: str) -> None:
    with connection:
        try:
            play(connection, body)
        except OSError:  # a client that gives up is what these hosts are for
            pass


def shut(address: str) -> list[socket.socket]:
    """Its queue of connections is full, and nobody takes one out: the kernel drops every further SYN."""
    server = listen(address, HTTPS, backlog=0)
    waiting = []
    for _ in range(4):
        one = socket.socket(server.family)
        one.setblocking(False)
        one.connect_ex((address, HTTPS))
        waiting.append(one)
    return [server, *waiting]


def listen(address: str, port: int, backlog: int = 256) -> socket.socket:
    return socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=backlog)


def void(address: str) -> socket.socket:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((address, DNS))
    return datagrams


def main() -> None:
    configuration = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    context = context_of(configuration["certificate"], configuration["key"])
    kept: list[socket.socket] = [void(address) for address in configuration["voids"]]
    players = {"silent": keep_silent, **{name: partial(instead_of_tls, name) for name in hostile_web.HANDSHAKES},
               **{name: partial(after_tls, context, answer) for name, answer in {**raw_server.BEHAVIOURS, "good": good}.items()},
               "dhe": partial(after_tls, dhe_context(configuration["rsa"], configuration["dh"]), good)}
    for address, host in configuration["hosts"].items():
        if host["behaviour"] == "shut":
            kept += shut(address)
            continue
        threading.Thread(target=accept_forever, args=(listen(address, HTTPS), players[host["behaviour"]], host["body"]), daemon=True).start()
    for address in configuration["voids"]:
        threading.Thread(target=accept_forever, args=(listen(address, DNS), keep_silent, ""), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
