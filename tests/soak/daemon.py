"""mtastsd under test, and a mail server's connection to it."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from pathlib import Path
from typing import Iterator, Mapping

from mtastsd import Mtastsd
from oracle import Answer
from model import Domain
from packages import LabError

STARTING = 60.0  # seconds
SOCKET = "/run/mtasts/socketmap.sock"
MAP = "postfix-tlsrpt"  # the one that tells most
STRING = re.compile(r"\{ policy_string = ([^}]*) \}")
MATCH = re.compile(r"OK secure match=(\S+) servername=hostname policy_type=sts policy_domain=(\S+) ")


class Daemon:
    """`generation` counts its starts: whoever was connected to an earlier one has nothing to complain of."""

    def __init__(self, folder: Path, configuration: Path, environment: Mapping[str, str]) -> None:
        self._mtastsd = Mtastsd(folder, ["--config", str(configuration)], environment)
        self.generation = 0
        self.serving = threading.Event()
        self._lock = threading.Lock()
        self._descriptors = 0

    def start(self) -> None:
        if self.generation == 0:
            self._mtastsd.install()
        self._start_as_service_manager()
        self.generation += 1
        self.serving.set()

    def _start_as_service_manager(self) -> None:
        """Again when it ends: another fault may kill the helper that it starts with, time and again where a start takes long."""
        end = time.monotonic() + STARTING
        while True:
            try:
                return self._mtastsd.start(descriptors=self._descriptors)
            except LabError:
                self._mtastsd.stop()
                if time.monotonic() > end:
                    raise

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        with self._lock:
            self.stop()
            try:
                yield
            finally:
                self.start()

    def limit(self, descriptors: int) -> None:
        """Starts it again with so many descriptors; 0: with as many as it likes."""
        with self.stopped():
            self._descriptors = descriptors

    def stop(self) -> None:
        self.serving.clear()
        self.generation += 1
        self._mtastsd.stop()

    def revive(self) -> bool:
        """Whether it has ended by itself; then it runs again."""
        with self._lock:
            if not self.serving.is_set() or self._mtastsd.running:
                return False
            self.start()
            return True

    @property
    def lines(self) -> list[str]:
        return self._mtastsd.lines


class NoAnswer(Exception):
    """Why there is none."""


class Connection:
    """As smtp(8) has it: kept, and made again once where it turns out to be closed."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._socket: socket.socket | None = None

    def ask(self, domain: str) -> str:
        """The reply. Raises NoAnswer."""
        for last in (False, True):
            try:
                return self._ask_once(f"{MAP} {domain}".encode("ascii"))
            except TimeoutError:
                self.close()
                raise NoAnswer(f"no reply within {self._limit:.0f} s") from None
            except OSError as trouble:
                self.close()
                if last:
                    raise NoAnswer(f"{type(trouble).__name__}: {trouble}") from None
        raise AssertionError

    def _ask_once(self, request: bytes) -> str:
        end = time.monotonic() + self._limit
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(self._limit)
            self._socket.connect(SOCKET)
        self._socket.sendall(b"%d:%s," % (len(request), request))
        reply = b""
        while not (match := re.match(rb"(\d+):", reply)) or len(reply) < match.end() + int(match[1]) + 1:
            self._socket.settimeout(max(0.01, end - time.monotonic()))
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionResetError("closed")
            reply += received
        return reply[match.end():-1].decode("ascii", "replace")

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None


def answer_of(domain: Domain, reply: str, seconds: float) -> Answer:
    """What a mail server is told. Raises ValueError when it is not what it should be."""
    if reply == "NOTFOUND ":
        return Answer("none", repeated=True, seconds=seconds)
    if reply.startswith("TEMP "):
        return Answer("defer", reason=reply, repeated=True, seconds=seconds)
    found = MATCH.match(reply)
    if not found:
        raise ValueError("not a reply that a domain without DANE may have")
    strings = STRING.findall(reply)
    fields = dict(line.split(": ", 1) for line in strings)
    mx = tuple(line.removeprefix("mx: ") for line in strings if line.startswith("mx: "))
    if found[1].split(":") != [pattern.removeprefix("*") for pattern in mx] or found[2] != domain.name:
        raise ValueError("it names other hosts or another domain than its policy")
    version = domain.version_of(mx)
    return Answer("policy", fields["mode"], mx, str(version.number if version else 1), int(fields["max_age"]), writes=False, repeated=True, seconds=seconds)
