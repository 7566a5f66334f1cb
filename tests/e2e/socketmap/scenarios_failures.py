"""What mtastsd itself tells tlsrpt-collectd for servers that ask it: policies that cannot be had (R16, R32)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

from collector import Collector
from framework import expect, expect_delivered, scenario
from process import wait_for
from reports import SOCKET, UNAVAILABLE, expect_failure, not_had, unavailable
from socketmap_server import SocketmapServer
from topology import GOOD, declare
from web import PolicyHost
from world import Domain, World

METRICS = "127.0.0.1:9461"
FAILURES = {code: unavailable(name, code, GOOD) for code, name in ((301, "askedfetch.test"), (302, "askedinvalid.test"), (303, "askedwebpki.test"))}
QUIET = declare(Domain("askednothing.test", (GOOD,), "enforce", host=PolicyHost("", status=404)))


def configure(world: World) -> None:
    world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{SOCKET}"\n[metrics]\nlisten = "inet:{METRICS}"\n')


def counted(result: str) -> int:
    with urlopen(f"http://{METRICS}/metrics") as page:
        lines = page.read().decode().splitlines()
    [line] = [line for line in lines if line.startswith(f'mtasts_tlsrpt_sessions_total{{result="{result}"}}')]
    return int(line.split()[1])


@scenario("R16, R32: policies that cannot be had are told once for a delivery, however often its server asks")
def failures(world: World) -> None:
    collector = Collector(SOCKET)
    world.undo(collector.stop)
    configure(world)
    for code, domain in FAILURES.items():
        before = len(collector.sessions)
        begin = time.monotonic()
        for name in ("alice", "bob"):
            expect_delivered(world.send(f"{name}@{domain.name}"), f"{name}@{domain.name}", GOOD)
        expect(collector.wait_for(before + 1), f"{code} should be told: {collector.sessions}")
        collector.wait_for(before + 2, 0.5)
        told = len(collector.sessions) - before
        expect(told <= 1 + (time.monotonic() - begin) // 60, f"questions within a minute should count as one delivery: {collector.sessions}")
        expect_failure(collector.sessions[before], domain, not_had(domain), [UNAVAILABLE[code]], {})
    expect_delivered(world.send(f"bob@{QUIET.name}"), f"bob@{QUIET.name}", GOOD)
    before = len(collector.sessions)
    collector.wait_for(before + 1, 0.5)
    expect(len(collector.sessions) == before == counted("sent"), f"no others: {collector.sessions}")


@scenario("a collector that is missing costs a delivery nothing: what is lost is counted, and warned about once")
def no_collector(world: World) -> None:
    since = len(world.sender.words)
    configure(world)
    for domain in FAILURES.values():
        expect_delivered(world.send(f"bob@{domain.name}"), f"bob@{domain.name}", GOOD)
    expect(counted("lost") == len(FAILURES), "each should be counted")
    lines = [line for line in world.sender.words[since:] if "event=tlsrpt-lost" in line]
    expect(bool(lines) and len(lines) <= 3 and "nobody listens" in lines[0], f"that should be said at the start and once: {lines}")


@scenario("a collector that hangs costs a delivery nothing, and gets what waited when it goes on, over a reload too")
def hanging_collector(world: World) -> None:
    collector = Collector(SOCKET, hangs=True)
    world.undo(collector.stop)
    configure(world)
    for domain in FAILURES.values():
        story = world.send(f"bob@{domain.name}")
        expect_delivered(story, f"bob@{domain.name}", GOOD)
    assert isinstance(world.sender, SocketmapServer)
    world.sender.mtastsd.reload()
    collector.go_on()
    expect(collector.wait_for(len(FAILURES)), f"nothing should be lost: {collector.sessions}")
    expect((counted("sent"), counted("lost")) == (len(FAILURES), 0), "all should be counted as sent")


@scenario("mtastsd that ends waits a moment for a collector that is busy: it gets what was reported; one that hangs does not hold it up")
def ending(world: World) -> None:
    collector = Collector(SOCKET, hangs=True)
    world.undo(collector.stop)
    configure(world)
    assert isinstance(world.sender, SocketmapServer)
    daemon = world.sender.mtastsd

    def stops() -> int:
        return sum("event=stopping" in line for line in daemon.lines)

    domains = list(FAILURES.values())
    expect_delivered(world.send(f"bob@{domains[0].name}"), f"bob@{domains[0].name}", GOOD)
    begin = time.monotonic()
    daemon.stop()
    expect(time.monotonic() - begin < 10, f"it should end, and took {time.monotonic() - begin:.0f} s")
    daemon.start()
    expect_delivered(world.send(f"bob@{domains[1].name}"), f"bob@{domains[1].name}", GOOD)
    before = stops()
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(daemon.stop)
        wait_for(lambda: stops() > before, 10)
        collector.go_on()
        stopped.result()
    daemon.start()
    expect(collector.wait_for(1), "what was reported should be told")
    collector.wait_for(2, 0.5)
    expect([session.domain for session in collector.sessions] == [domains[1].name], f"once, and what had been lost not at all: {collector.sessions}")
