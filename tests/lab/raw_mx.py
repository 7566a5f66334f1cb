#!/usr/bin/python3
"""MX hosts that are probed, good and bad. Started by loopback.py: raw_mx.py CONFIGURATION.json

Each behaviour of BEHAVIOURS has an address of its own (place()), because it shows before there is an SNI; all share one port. Which
certificate is shown follows from the SNI. To who sends none they show that of mx.good.test, but for the good hosts at the addresses of
place_of_default(), one for each certificate. What each connection said is a line of standard output, once it has ended:

    good sni=mx.example alpn= said=EHLO me|STARTTLS|EHLO me|QUIT
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Callable

import hostile_web

OFFER = b"250-mx.test\r\n250-SIZE 1000000\r\n250 STARTTLS\r\n"
DEFAULT = "mx.good.test"
NO_OFFER = b"250-mx.test\r\n250 SIZE 1000000\r\n"


class Session:
    """One connection, first in the clear."""

    def __init__(self, connection: socket.socket, certificates: Certificates, default: str) -> None:
        self.stream = connection
        self.certificates = certificates
        self.default = default
        self.said: list[str] = []
        self.sni = ""
        self.alpn = ""

    def say(self, text: bytes) -> None:
        self.stream.sendall(text)

    def hear(self) -> str:
        """The next command, "" at the end."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self.stream.recv(1)
            if not byte:
                return ""
            line += byte
        self.said.append(line.decode("latin-1").rstrip("\r\n"))
        return self.said[-1]

    def hear_nothing_more(self) -> None:
        while self.stream.recv(4096):
            pass

    def flood(self, text: bytes) -> None:
        while True:
            self.say(text)

    def up_to_starttls(self, offer: bytes = OFFER) -> None:
        self.say(b"220 mx.test ESMTP\r\n")
        self.hear()
        self.say(offer)
        self.hear()

    def start_tls(self) -> None:
        self.say(b"220 2.0.0 Ready\r\n")
        self.shake_hands()

    def shake_hands(self, old: bool = False) -> None:
        def choose(tls: ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
            self.sni = name or ""
            context = self.certificates.context(self.sni or self.default)
            if context is None:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            tls.context = context
            return None

        context = self.certificates.first_context(old)
        context.sni_callback = choose  # type: ignore[assignment]  # of a socket, which typeshed does not know
        self.stream = context.wrap_socket(self.stream, server_side=True)
        self.alpn = self.stream.selected_alpn_protocol() or ""


class Certificates:
    """By SNI; "*.x" for every name one label above x."""

    def __init__(self, pairs: dict[str, list[str]]) -> None:
        self.pairs = pairs
        self.lock = threading.Lock()
        self.contexts: dict[str, ssl.SSLContext] = {}

    def context(self, name: str) -> ssl.SSLContext | None:
        known = name if name in self.pairs else f"*.{name.partition('.')[2]}"
        if known not in self.pairs:
            return None
        with self.lock:
            if known not in self.contexts:
                self.contexts[known] = self._load(known)
            return self.contexts[known]

    def first_context(self, old: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if old:
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
            context.set_ciphers("DEFAULT@SECLEVEL=0")
        return context

    def _load(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT@SECLEVEL=0")  # some certificates are weak
        context.set_alpn_protocols(["http/1.1", "smtp"])
        context.load_cert_chain(*self.pairs[name])
        return context


def good(session: Session) -> None:
    session.up_to_starttls()
    session.start_tls()
    session.hear()
    session.say(NO_OFFER)
    session.hear()
    session.say(b"221 Bye\r\n")


def slow_to_greet(session: Session) -> None:
    """As postscreen does to strangers, only shorter."""
    time.sleep(0.7)
    good(session)


def old_tls(session: Session) -> None:
    session.up_to_starttls()
    session.say(b"220 Ready\r\n")
    session.shake_hands(old=True)


def no_starttls(session: Session) -> None:
    session.up_to_starttls(NO_OFFER)


def lower_case(session: Session) -> None:
    session.up_to_starttls(OFFER.lower())


def starttls_refused(session: Session) -> None:
    session.up_to_starttls()
    session.say(b"454 4.7.0 TLS not available due to local problem\r\n")
    session.hear()


def ehlo_refused(session: Session) -> None:
    session.say(b"220 mx.test SMTP\r\n")
    session.hear()
    session.say(b"502 5.5.1 Command not implemented\r\n")
    session.hear()


def ehlo_put_off(session: Session) -> None:
    session.say(b"220 mx.test SMTP\r\n")
    session.hear()
    session.say(b"421 4.3.2 Not now\r\n")


def greets_421(session: Session) -> None:
    session.say(b"421 4.3.2 Too many connections\r\n")


def greets_554(session: Session) -> None:
    session.say(b"554-5.7.1 You are not\r\n554 5.7.1 welcome \x1b[31m\r\n")


def greets_in_http(session: Session) -> None:
    session.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def closes_at_once(_: Session) -> None:
    pass


def closes_after_greeting(session: Session) -> None:
    session.say(b"220 mx.test ESMTP\r\n")


def closes_at_starttls(session: Session) -> None:
    session.up_to_starttls()


def closes_in_handshake(session: Session) -> None:
    session.up_to_starttls()
    session.say(b"220 Ready\r\n")


def closes_after_tls(session: Session) -> None:
    session.up_to_starttls()
    session.start_tls()


def silent(session: Session) -> None:
    session.hear_nothing_more()


def silent_after_ehlo(session: Session) -> None:
    session.say(b"220 mx.test ESMTP\r\n")
    session.hear_nothing_more()


def silent_in_handshake(session: Session) -> None:
    session.up_to_starttls()
    session.say(b"220 Ready\r\n")
    session.hear_nothing_more()


def silent_after_tls(session: Session) -> None:
    session.up_to_starttls()
    session.start_tls()
    session.hear_nothing_more()


def silent_at_quit(session: Session) -> None:
    session.up_to_starttls()
    session.start_tls()
    session.hear()
    session.say(NO_OFFER)
    session.hear_nothing_more()


def ehlo_refused_in_tls(session: Session) -> None:
    session.up_to_starttls()
    session.start_tls()
    while session.hear():
        session.say(b"554 5.7.1 Go away\r\n")


def injects(session: Session) -> None:
    """Plaintext behind the answer to STARTTLS, which who keeps it takes for the answer to his EHLO inside TLS."""
    session.up_to_starttls()
    session.say(b"220 Ready\r\n" + NO_OFFER)
    session.shake_hands()
    session.hear_nothing_more()


def injects_late(session: Session) -> None:
    session.up_to_starttls()
    session.say(b"220 Ready\r\n")
    time.sleep(0.05)
    session.say(NO_OFFER)
    session.shake_hands()


def answers_ahead(session: Session) -> None:
    """All answers in the clear at once, before there was a question."""
    session.say(b"220 mx.test ESMTP\r\n" + OFFER + b"220 Ready\r\n" + NO_OFFER)
    session.hear_nothing_more()


def endless_greeting(session: Session) -> None:
    session.flood(b"220-and more\r\n" * 100)


def endless_ehlo(session: Session) -> None:
    session.say(b"220 mx.test ESMTP\r\n")
    session.hear()
    session.flood(b"250-AND more\r\n" * 100)


def endless_line(session: Session) -> None:
    session.flood(b"220 " + b"a" * 65536)


def endless_line_in_ehlo(session: Session) -> None:
    session.say(b"220 mx.test ESMTP\r\n")
    session.hear()
    session.flood(b"250 " + b"a" * 65536)


def endless_line_in_tls(session: Session) -> None:
    session.up_to_starttls()
    session.start_tls()
    session.hear()
    session.flood(b"250 " + b"a" * 65536)


def endless_ehlo_in_tls(session: Session) -> None:
    session.up_to_starttls()
    session.start_tls()
    session.hear()
    session.flood(b"250-AND more\r\n" * 100)


def garbage(session: Session) -> None:
    session.flood(os.urandom(4096))


def drips(session: Session) -> None:
    while True:
        for byte in b"220-mx.test\r\n":
            session.say(bytes([byte]))
            time.sleep(0.02)


def floods_after_goodbye(session: Session) -> None:
    session.up_to_starttls()
    session.start_tls()
    session.hear()
    session.say(NO_OFFER)
    session.flood(b"250-AND more\r\n" * 100)


def renegotiates(session: Session) -> None:
    """TLS 1.2 by `openssl s_server`, which asks for a second handshake at the EHLO inside TLS and then falls silent."""
    session.up_to_starttls()
    session.say(b"220 Ready\r\n")
    certificate, key = session.certificates.pairs["mx.renegotiates.test"]
    with tempfile.TemporaryDirectory() as folder:
        place = f"{folder}/socket"
        command = ["setpriv", "--pdeathsig", "KILL", "openssl", "s_server", "-unix", place, "-naccept", "1", "-tls1_2", "-cert", certificate,
                   "-key", key]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
            try:
                _relay(session.stream, _connected(place), server)
            finally:
                server.kill()


def _connected(place: str) -> socket.socket:
    for _ in range(200):
        try:
            stream = socket.socket(socket.AF_UNIX)
            stream.connect(place)
            return stream
        except OSError:
            time.sleep(0.01)
    raise OSError("openssl s_server never listened")


def _relay(outside: socket.socket, inside: socket.socket, server: subprocess.Popen[bytes]) -> None:
    assert server.stdin and server.stdout
    heard = b""
    while True:
        for ready in select.select([outside, inside, server.stdout], [], [])[0]:
            if ready is server.stdout:
                heard += os.read(server.stdout.fileno(), 4096)
                if b"EHLO" in heard:
                    heard = b""
                    server.stdin.write(b"r\n")
                    server.stdin.flush()
                    time.sleep(0.05)
                    server.send_signal(signal.SIGSTOP)
                continue
            data = ready.recv(4096)
            if not data:
                return
            (inside if ready is outside else outside).sendall(data)


def _instead_of_tls(flood: Callable[[bytes], hostile_web.Pieces]) -> Callable[[Session], None]:
    def behaviour(session: Session) -> None:
        session.up_to_starttls()
        session.say(b"220 Ready\r\n")
        session.stream.recv(1)  # else this would come with the answer
        for piece in flood(b"250 no TLS\r\n"):
            session.say(piece)

    behaviour.__name__ = f"tls_{flood.__name__}"
    return behaviour


BEHAVIOURS: dict[str, Callable[[Session], None]] = {
    function.__name__: function
    for function in (good, slow_to_greet, old_tls, no_starttls, lower_case, starttls_refused, ehlo_refused, ehlo_put_off, greets_421, greets_554,
                     greets_in_http, closes_at_once, closes_after_greeting, closes_at_starttls, closes_in_handshake, closes_after_tls,
                     silent, silent_after_ehlo, silent_in_handshake, silent_after_tls, silent_at_quit, ehlo_refused_in_tls, injects,
                     injects_late, answers_ahead, endless_greeting, endless_ehlo, endless_line, endless_line_in_ehlo, endless_line_in_tls,
                     endless_ehlo_in_tls, garbage, drips, floods_after_goodbye, renegotiates,
                     *(_instead_of_tls(flood) for flood in hostile_web.HANDSHAKES.values()))
}


def place(behaviour: str) -> str:
    return f"127.0.25.{1 + list(BEHAVIOURS).index(behaviour)}"


def place_of_default(certificates: list[str], name: str) -> str:
    return f"127.0.26.{1 + certificates.index(name)}"


def converse(connection: socket.socket, behaviour: str, certificates: Certificates, default: str) -> None:
    session = Session(connection, certificates, default)
    ended = ""
    try:
        BEHAVIOURS[behaviour](session)
    except (OSError, ValueError) as error:  # a client that gives up is what these hosts are for
        ended = f" error={error!r}"
    finally:
        session.stream.close()
    print(f"{behaviour} sni={session.sni} alpn={session.alpn} said={'|'.join(session.said)}{ended}", flush=True)


def accept_forever(server: socket.socket, behaviour: str, certificates: Certificates, default: str) -> None:
    while True:
        connection, _ = server.accept()
        threading.Thread(target=converse, args=(connection, behaviour, certificates, default), daemon=True).start()


def main() -> None:
    configuration = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    certificates = Certificates(configuration["certificates"])
    names = list(configuration["certificates"])
    places = [(place(behaviour), behaviour, DEFAULT) for behaviour in BEHAVIOURS]
    if configuration["ipv6"]:
        places.append(("::1", "good", DEFAULT))
    places += [(place_of_default(names, name), "good", name) for name in names]
    threads = []
    for address, behaviour, default in places:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = socket.create_server((address, configuration["port"]), family=family, backlog=64)
        threads.append(threading.Thread(target=accept_forever, args=(server, behaviour, certificates, default), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
