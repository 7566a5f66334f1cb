#!/usr/bin/python3
"""A local user who asks mtastsd for as many slow domains as it lets him, until his standard input ends.

    flood.py PATH|HOST:PORT CONNECTIONS hold|hang-up|ahead [DOMAIN...]

The domains are asked for in turn, with a running number for each "{}" in them. Where none is given each connection asks for
a domain of its own below tarpit.flood.test (a policy host that says nothing) or dead.flood.test (name servers that say
nothing). "hold": all wait for their answers, and ask again. "hang-up": each goes as soon as it
has asked, and comes again. "ahead": each sends requests without waiting for answers. Says "flooding" once that is under way.
"""

from __future__ import annotations

import itertools
import select
import socket
import sys

NUMBERS = itertools.count()
DOMAINS = ["d{}.dead.flood.test", "d{}.tarpit.flood.test"]


def request() -> bytes:
    number = next(NUMBERS)
    words = f"postfix {DOMAINS[number % len(DOMAINS)].format(number)}"
    return f"{len(words)}:{words},".encode("ascii")


def ask(one: socket.socket) -> None:
    one.sendall(request())


def connected(where: str) -> socket.socket | None:
    host, _, port = where.partition(":")
    one = socket.socket(socket.AF_INET if port else socket.AF_UNIX)
    try:
        one.settimeout(2)
        one.connect((host, int(port)) if port else where)
        ask(one)
        return one
    except OSError:
        one.close()
        return None


def is_over(patience: float) -> bool:
    return bool(select.select([sys.stdin], [], [], patience)[0])


def hold(where: str, count: int) -> None:
    clients = [one for _ in range(count) if (one := connected(where))]
    print("flooding", flush=True)
    while not is_over(0.1):
        for one in readable(clients):
            try:
                if one.recv(4096):
                    ask(one)
                    continue
            except OSError:
                pass
            clients.remove(one)
            one.close()
        clients += [one for _ in range(min(50, count - len(clients))) if (one := connected(where))]


def readable(clients: list[socket.socket]) -> list[socket.socket]:
    """select(2) has no room for so many."""
    poller = select.poll()
    by_number = {one.fileno(): one for one in clients}
    for number in by_number:
        poller.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poller.poll(0)]


def hang_up(where: str, count: int) -> None:
    for round_number in itertools.count():
        for _ in range(count):
            if one := connected(where):
                one.close()
        if round_number == 0:
            print("flooding", flush=True)
        if is_over(0.01):
            return


def ahead(where: str, count: int) -> None:
    clients: dict[int, socket.socket] = {}
    unsent: dict[int, bytes] = {}
    poller = select.poll()
    for round_number in itertools.count():
        if not clients:  # at first, and when the server was started again
            clients = {one.fileno(): one for _ in range(count) if (one := connected(where))}
            unsent = dict.fromkeys(clients, b"")
            for number, one in clients.items():
                one.setblocking(False)
                poller.register(number, select.POLLIN | select.POLLOUT)
        if round_number == 0:
            print("flooding", flush=True)
        for number, events in poller.poll(100):
            try:
                if events & select.POLLIN and not clients[number].recv(1 << 16):
                    raise ConnectionError
                if events & select.POLLOUT:
                    unsent[number] = unsent[number] or b"".join(request() for _ in range(500))
                    unsent[number] = unsent[number][clients[number].send(unsent[number]):]
            except BlockingIOError:
                pass
            except OSError:
                poller.unregister(number)
                clients.pop(number).close()
        if is_over(0):
            return


if __name__ == "__main__":
    DOMAINS = sys.argv[4:] or DOMAINS
    {"hold": hold, "hang-up": hang_up, "ahead": ahead}[sys.argv[3]](sys.argv[1], int(sys.argv[2]))
