"""What domains that ask for reports are told by way of tlsrpt-collectd (R31, R32, R33)."""

from __future__ import annotations

import time

from collector import Collector, Session
from framework import expect, expect_delivered, scenario
from topology import BAD_HOSTS, GOOD, PLAIN, SECOND, SELF_SIGNED, declare
from world import Domain, World

SOCKET = "/run/tlsrpt/collectd.sock"
RECORD = "v=TLSRPTv1; rua=mailto:reports@reports.test"
WANTED = f'_smtp._tls TXT "{RECORD}"'
EXPIRED = BAD_HOSTS["expired"][0]
SENDER = "198.51.100.1"

TESTING = declare(Domain("reporttesting.test", (EXPIRED.name, GOOD), "testing", (EXPIRED.name,), records=WANTED))
ENFORCE = declare(Domain("reportenforce.test", (SELF_SIGNED, SECOND), "enforce", records=WANTED))
QUIET = declare(Domain("reportunwanted.test", (PLAIN,), "testing"))


def collecting(world: World) -> Collector:
    collector = Collector(SOCKET)
    world.undo(collector.stop)
    world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{SOCKET}"\n')
    return collector


def by_host(sessions: list[Session]) -> dict[str, dict[str, object]]:
    return {session.failures[0]["n"]: session.failures[0] for session in sessions if session.failures}


@scenario("testing: a domain that asks for reports is told what enforce would have refused, with addresses and its policy (R27, R32)")
def testing(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{TESTING.name}"), f"bob@{TESTING.name}", EXPIRED.name)
    expect(collector.wait_for(2), f"two sessions should be reported, and were: {collector.sessions}")
    expect(all(session.failed and session.domain == TESTING.name and session.record == RECORD for session in collector.sessions),
           f"both should be failures of {TESTING.name}: {collector.sessions}")
    policy = {"policy-type": 2, "policy-domain": TESTING.name, "policy-string": TESTING.policy().splitlines(), "mx-host": [EXPIRED.name]}
    expect(collector.sessions[0].policy == policy, f"the policy should be told as {policy}: {collector.sessions[0].policy}")
    told = by_host(collector.sessions)
    expired = {key: told.get(EXPIRED.name, {}).get(key) for key in "csr"}
    expect(expired == {"c": 204, "s": SENDER, "r": EXPIRED.address}, f"expired, from {SENDER} to {EXPIRED.address}: {told}")
    expect(told.get(GOOD, {}).get("c") == 205, f"a host that the policy does not name is told: {told}")


@scenario("enforce: failed and good sessions are told, each once as long as it is remembered")
def enforce(world: World) -> None:
    collector = collecting(world)
    for _ in range(2):
        expect_delivered(world.send(f"bob@{ENFORCE.name}"), f"bob@{ENFORCE.name}", SECOND, verified=True)
    expect(collector.wait_for(2), f"two sessions should be reported, and were: {collector.sessions}")
    time.sleep(0.3)
    results = sorted((session.failed, [failure["c"] for failure in session.failures]) for session in collector.sessions)
    expect(results == [(False, []), (True, [203])], f"one session that passed and one not trusted: {collector.sessions}")


@scenario("a domain that asks for no reports is told of nothing")
def unwanted(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{QUIET.name}"), f"bob@{QUIET.name}", PLAIN)
    expect(not collector.wait_for(1, patience=1), f"nothing should be reported, and was: {collector.sessions}")


@scenario("no collector: mail goes as before, and the log says that reports are lost")
def no_collector(world: World) -> None:
    world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{SOCKET}"\n')
    expect_delivered(world.send(f"bob@{ENFORCE.name}"), f"bob@{ENFORCE.name}", SECOND, verified=True)
    told = world.sender.log_socket.wait(lambda: any("event=tlsrpt-lost" in line for line in world.sender.words), 10)
    expect(told, f"event=tlsrpt-lost should be logged: {world.sender.words}")
