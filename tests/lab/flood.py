#!/usr/bin/python3
"""A local user who asks mtastsd for as many slow domains as it lets him, until his standard input ends.

    flood.py PATH|HOST:PORT CONNECTIONS hold|hang-up [DOMAIN...]

The domains are asked for in turn, with a running number for each "{}" in them. Where none is given each connection asks for
a domain of its own below tarpit.flood.test (a policy host that says nothing) or dead.flood.test (name servers that say
nothing). "hold": all wait for their answers, and ask again. "hang-up": each goes as soon as it
has asked, and comes again. Says "flooding" once that is under way.
"""

from __future__ import annotations

import itertools
import select
import socket
import sys

NUMBERS = itertools.count()
DOMAINS = ["d{}.dead.flood.test", "d{}.tarpit.flood.test"]


def ask(one: socket.socket) -> None:
    number = next(NUMBERS)
    request = f"postfix {DOMAINS[number % len(DOMAINS)].format(number)}"
    one.sendall(f"{len(request)}:{request},".encode("ascii"))


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


if __name__ == "__main__":
    DOMAINS = sys.argv[4:] or DOMAINS
    {"hold": hold, "hang-up": hang_up}[sys.argv[3]](sys.argv[1], int(sys.argv[2]))
