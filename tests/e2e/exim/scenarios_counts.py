"""Every connection of Exim's is told to tlsrpt-collectd once, over hundreds of them (R32)."""

from __future__ import annotations

from collections import Counter

from collector import Session
from framework import expect, scenario
from mail_server import HOME_DOMAIN, message
from mx import MailHost
from pki import Issuer, Leaf
from scenarios_reports import WANTED, collecting
from sender import Sender
from topology import declare, declare_host
from world import Domain, Trace, World


def own_host(name: str, number: int, issuer: Issuer = Issuer.LAB_ROOT) -> str:
    """An MX host of one domain alone, so that a connection to it is one for this domain."""
    host = f"{name}.mx.test"
    return declare_host(MailHost(host, f"198.51.100.{number}", Leaf(host, dns=(host,), issuer=issuer))).name


GOOD_HOST = {domain: own_host(domain, number) for domain, number in (("countgood", 101), ("counttwo", 102), ("counttesting", 103))}
BAD_HOST = {domain: own_host(f"{domain}-bad", number, Issuer.SELF) for domain, number in
            (("counttwo", 104), ("countbad", 105), ("countbadtesting", 106))}
MODES = {"countgood": "enforce", "counttwo": "enforce", "counttesting": "testing", "countbad": "enforce", "countbadtesting": "testing"}
COUNTED = [declare(Domain(f"{name}.test", tuple(hosts[name] for hosts in (BAD_HOST, GOOD_HOST) if name in hosts), mode, records=WANTED))
           for name, mode in MODES.items()]
ROUNDS = 40


def recipients(*names: str) -> list[str]:
    return [f"{name}@{domain.name}" for domain in COUNTED for name in names]


def told(sessions: list[Session]) -> Counter[tuple[str, str]]:
    """By host and result; a good session names no host, and each domain has one good host."""
    hosts = [(session.failures[0]["n"] if session.failed else GOOD_HOST[session.domain.partition(".")[0]], session.failed) for session in sessions]
    return Counter((host, "failed" if failed else "good") for host, failed in hosts)


def connections(stories: list[Trace]) -> Counter[tuple[str, str]]:
    return Counter((event.host, "failed" if event.host in BAD_HOST.values() else "good")
                   for story in stories for event in story.events if event.kind == "connect")


def queue_only(world: World, subject: str) -> None:
    assert isinstance(world.sender, Sender)
    to = recipients("dave")
    world.sender.exim("-odq", "-oi", "-f", f"alice@{HOME_DOMAIN}", *to, text=message(to, subject, {}))


@scenario("R32: hundreds of connections, with retries, several recipients, connections used again, testing and enforce mixed: each is told once")
def counts(world: World) -> None:
    collector = collecting(world)
    stories = [world.send(*recipients("alice", "bob")) for _ in range(ROUNDS)]
    stories += [world.queue_run(), world.queue_run()]
    for number in range(ROUNDS):
        queue_only(world, f"queued {number}")
    assert isinstance(world.sender, Sender)
    exim = world.sender.exim
    used_again = world.watch(lambda: exim("-qqff"))  # two-stage: what goes to one host goes over one connection
    stories.append(used_again)
    seen = connections(stories)
    expect(seen.total() >= 300, f"there should be hundreds of connections, and were {seen.total()}")
    expect(seen[BAD_HOST["countbad"], "failed"] > ROUNDS, f"mail that waits should be tried again: {seen}")
    mails = Counter(event.host for event in used_again.arrived())
    fewer = connections([used_again])
    expect(all(mails[host] >= ROUNDS for host in GOOD_HOST.values()), f"what was queued should arrive: {mails}")
    good = sum(fewer[host, "good"] for host in GOOD_HOST.values())  # on a busy machine not at each host
    expect(good < sum(mails[host] for host in GOOD_HOST.values()), f"connections should be used again: {mails}, {fewer}")
    collector.wait_for(seen.total())
    collector.wait_for(seen.total() + 1, 0.5)
    sessions = told(collector.sessions)
    expect(sessions == seen, f"each connection should be told once, with its host and result; missing: {seen - sessions}, too many: {sessions - seen}")
