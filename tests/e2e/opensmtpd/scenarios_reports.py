"""What domains that ask for reports are told by way of tlsrpt-collectd (R31, R32, R33)."""

from __future__ import annotations

import time

from collector import Collector, Session
from framework import expect, expect_delivered, scenario
from scenarios_testing import told
from topology import BAD_HOSTS, GOOD, PLAIN, SECOND, SELF_SIGNED, declare
from web import PolicyHost
from world import Domain, World

SOCKET = "/run/tlsrpt/collectd.sock"
RECORD = "v=TLSRPTv1; rua=mailto:reports@reports.test"
WANTED = f'_smtp._tls TXT "{RECORD}"'
EXPIRED = BAD_HOSTS["expired"][0]
SENDER = "198.51.100.1"

TESTING = declare(Domain("reporttesting.test", (EXPIRED.name, GOOD), "testing", (EXPIRED.name,), records=WANTED))
ENFORCE = declare(Domain("reportenforce.test", (SELF_SIGNED, SECOND), "enforce", records=WANTED))
SHARING = declare(Domain("reportsharing.test", (SECOND,), "enforce", records=WANTED))
BROKEN = declare(Domain("reportbroken.test", (GOOD,), "enforce", records=WANTED, host=PolicyHost("", status=404)))
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
    failures = by_host(collector.sessions)
    expired = {key: failures.get(EXPIRED.name, {}).get(key) for key in "csr"}
    expect(expired == {"c": 204, "s": SENDER, "r": EXPIRED.address}, f"expired, from {SENDER} to {EXPIRED.address}: {failures}")
    expect(failures.get(GOOD, {}).get("c") == 205, f"a host that the policy does not name is told: {failures}")


@scenario("enforce: failed and good sessions are told, each once as long as it is cached")
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
    expect(told(world, "event=testing-failure", QUIET.name), f"its host should have been tried: {world.sender.words}")
    expect_delivered(world.send(f"bob@{ENFORCE.name}"), f"bob@{ENFORCE.name}", SECOND, verified=True)
    expect(collector.wait_for(2), f"the sessions for {ENFORCE.name} should be reported: {collector.sessions}")
    domains = {session.domain for session in collector.sessions}
    expect(domains == {ENFORCE.name}, f"nothing else should be reported, and these were: {domains}")


@scenario("domains that share a host are both told, though it is tried once")
def shared(world: World) -> None:
    collector = collecting(world)
    for domain in (ENFORCE, SHARING):
        expect_delivered(world.send(f"bob@{domain.name}"), f"bob@{domain.name}", SECOND, verified=True)
    expect(collector.wait_for(3), f"three sessions should be reported, and were: {collector.sessions}")
    good = sorted(session.domain for session in collector.sessions if not session.failed)
    expect(good == [ENFORCE.name, SHARING.name], f"one good session each should be reported: {collector.sessions}")


@scenario("R16, R32: a policy that cannot be had is told, once for the recipients of a message, and the mail goes on")
def policy_failure(world: World) -> None:
    collector = collecting(world)
    world.send(*(f"{name}@{BROKEN.name}" for name in ("alice", "bob")))
    expect(collector.wait_for(1), "it should be told")
    time.sleep(0.3)
    [session] = collector.sessions
    policy = {"policy-type": 2, "policy-domain": BROKEN.name}
    expect(session.policy == policy and session.failed and session.failures[0]["c"] == 301, f"a fetch error should be told: {session}")


@scenario("a collector that comes late gets what is seen from then on, and the log says that it is there")
def late_collector(world: World) -> None:
    since = len(world.sender.words)
    world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{SOCKET}"\n')
    expect(told(world, "event=tlsrpt-lost", "nobody listens there", since=since), f"it should be missed: {world.sender.words[since:]}")
    collector = Collector(SOCKET)
    world.undo(collector.stop)
    expect_delivered(world.send(f"bob@{SHARING.name}"), f"bob@{SHARING.name}", SECOND, verified=True)
    expect(collector.wait_for(1), "a session should be reported")
    expect(told(world, "event=tlsrpt-reached", since=since), f"it should be greeted: {world.sender.words[since:]}")


@scenario("no collector: mail goes as before, and the log says that reports are lost")
def no_collector(world: World) -> None:
    since = len(world.sender.words)
    world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{SOCKET}"\n')
    expect(told(world, "event=tlsrpt-lost", since=since), f"that nobody listens should be told at once: {world.sender.words[since:]}")
    since = len(world.sender.words)
    expect_delivered(world.send(f"bob@{ENFORCE.name}"), f"bob@{ENFORCE.name}", SECOND, verified=True)
    expect(told(world, "event=tlsrpt-lost", since=since), f"that a session is lost should be told: {world.sender.words[since:]}")
