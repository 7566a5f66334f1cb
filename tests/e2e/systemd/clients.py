"""Clients that ask mtastsd without a pause, as so many smtp(8) processes would.

    with Clients(machine, UNIX, TCP) as clients:
        ...
        clients.expect_progress()      # everybody got an answer to a question asked after this call
    clients.expect_none_lost()
"""

from __future__ import annotations

import socket
import threading
import time

from framework import Failed, expect
from machine import Machine
from process import wait_for

Address = str | tuple[str, int]
UNIX = "/run/mtasts/socketmap.sock"
TCP = ("127.0.0.1", 8461)
DOMAIN = "kept.test"
ANSWER = "OK secure match=mx.kept.test servername=hostname"
PATIENCE = 30.0  # Postfix would wait for 100 s
EACH = 3  # clients of an address


class Connection:
    """The calling thread must be in the machine's network."""

    def __init__(self, machine: Machine, address: Address) -> None:
        unix = isinstance(address, str)
        self._socket = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(machine.path(address)) if unix else address)

    def ask(self, question: str) -> str:
        """Raises OSError when the connection ends without an answer."""
        self._socket.sendall(f"{len(question)}:{question},".encode())
        got = b""
        while b":" not in got or len(got) < len(got.split(b":")[0]) + int(got.split(b":")[0]) + 2:
            more = self._socket.recv(4096)
            if not more:
                raise ConnectionResetError("closed without an answer")
            got += more
        return got.split(b":", 1)[1][:-1].decode()

    def close(self) -> None:
        self._socket.close()


def ask_once(machine: Machine, address: Address, domain: str = DOMAIN) -> str:
    """The answer, or what went wrong."""
    told: list[str] = []

    def ask() -> None:
        try:
            machine.enter_network()
            connection = Connection(machine, address)
            told.append(connection.ask(f"postfix {domain}"))
            connection.close()
        except OSError as trouble:
            told.append(f"{type(trouble).__name__}: {trouble}")

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return told[0]


def ask_line(machine: Machine, path: str, question: str) -> str:
    """What mtastsd's socket for Exim answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(str(machine.path(path)))
        connection.sendall(f"{question}\n".encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile(encoding="utf-8").read()


class Clients:
    """Each keeps its connection and asks once more on a new one when it ends without an answer: as Postfix does."""

    def __init__(self, machine: Machine, *addresses: Address) -> None:
        self._machine = machine
        self._ending = False
        self.answered = [0] * (EACH * len(addresses))
        self.lost: list[str] = []
        self._threads = [threading.Thread(target=self._ask_on, args=(number, address), daemon=True)
                         for number, address in enumerate([one for one in addresses for _ in range(EACH)])]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        self.expect_progress()
        return self

    def __exit__(self, *_trouble: object) -> None:
        self._ending = True
        for thread in self._threads:
            thread.join()

    def _ask_on(self, number: int, address: Address) -> None:
        self._machine.enter_network()
        connection: Connection | None = None
        while not self._ending:
            connection = self._ask(number, address, connection)
            time.sleep(0.005)

    def _ask(self, number: int, address: Address, connection: Connection | None) -> Connection | None:
        trouble = ""
        for _ in range(2):
            try:
                connection = connection or Connection(self._machine, address)
                answer = connection.ask(f"postfix {DOMAIN}")
                if answer == ANSWER:
                    self.answered[number] += 1
                    return connection
                trouble = answer
                break
            except OSError as failed:
                trouble = f"{type(failed).__name__}: {failed}"
                if connection:
                    connection.close()
                connection = None
        self.lost.append(f"{address} after {self.answered[number]} answers: {trouble}")
        return connection

    def expect_progress(self) -> None:
        before = [count + 1 for count in self.answered]  # the answer under way may be an old one
        moved = wait_for(lambda: bool(self.lost) or all(now > then for now, then in zip(self.answered, before)), PATIENCE)
        self.expect_none_lost()
        if not moved:
            raise Failed(f"every client should get answers, and since then they got {[now - then for now, then in zip(self.answered, before)]}")

    def expect_none_lost(self) -> None:
        expect(not self.lost, f"no question should be lost, and {len(self.lost)} were, the first: {self.lost[:1]}")
