"""Every connection of Exim's, every policy that cannot be had and every MX host that a policy does not list is told to tlsrpt-collectd
once, over hundreds of them (R32)."""

from __future__ import annotations

from collections import Counter

from collector import Collector, Session
from framework import expect, scenario
from mail_server import HOME_DOMAIN, message
from mx import MailHost
from pki import Issuer, Leaf
from reports import WANTED, collecting, unavailable
from sender import Sender
from topology import declare, declare_host
from world import Domain, Trace, World

Told = Counter[tuple[str, str, str]]  # by domain, MX host where the session names one, and result


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

# An MX host that the policy does not list, before one that it lists and alone.
LISTED_HOST = own_host("countrefused", 121)
UNLISTED_HOST = {"countrefused.test": own_host("countrefused-unlisted", 122), "countunlisted.test": own_host("countunlisted", 123)}
WAITING_HOST = own_host("countwaiting", 125)
WAITING = declare(Domain("countwaiting.test", (WAITING_HOST,), "enforce", (LISTED_HOST,), records=WANTED))
UNLISTED = [declare(Domain("countrefused.test", (UNLISTED_HOST["countrefused.test"], LISTED_HOST), "enforce", (LISTED_HOST,), records=WANTED)),
            declare(Domain("countunlisted.test", (UNLISTED_HOST["countunlisted.test"],), "testing", (LISTED_HOST,), records=WANTED))]

# Mail to these goes out without a policy, and its connections are not told.
WITHOUT_POLICY = own_host("countbroken", 124)
BROKEN = {code: unavailable(name, code, WITHOUT_POLICY)
          for code, name in ((301, "countfetch.test"), (302, "countinvalid.test"), (303, "countwebpki.test"))}
ROUNDS = 40

# What a connection to each host is told as.
RESULT = {**{host: (f"{name}.test", "", "good") for name, host in GOOD_HOST.items()},
          **{host: (f"{name}.test", host, "failed") for name, host in BAD_HOST.items()},
          LISTED_HOST: ("countrefused.test", "", "good")}


def recipients(domains: list[Domain], *names: str) -> list[str]:
    return [f"{name}@{domain.name}" for domain in domains for name in names]


def result_of(session: Session) -> str:
    if not session.failed:
        return "good"
    [failure] = session.failures
    if failure["c"] in BROKEN:
        return str(failure["c"])
    return "failed" if "r" in failure else "unlisted"


def told(sessions: list[Session]) -> Told:
    return Counter((session.domain, session.failures[0].get("n", "") if session.failed else "", result_of(session)) for session in sessions)


def connections(stories: list[Trace]) -> Told:
    return Counter(RESULT[event.host] for story in stories for event in story.events if event.kind == "connect" and event.host in RESULT)


def expect_each_told_once(collector: Collector, wanted: Told) -> None:
    collector.wait_for(wanted.total())
    collector.wait_for(wanted.total() + 1, 0.5)
    sessions = told(collector.sessions)
    expect(sessions == wanted, f"each should be told once; missing: {wanted - sessions}, too many: {sessions - wanted}")


def queue_only(world: World, subject: str, domains: list[Domain]) -> None:
    assert isinstance(world.sender, Sender)
    to = recipients(domains, "dave")
    world.sender.exim("-odq", "-oi", "-f", f"alice@{HOME_DOMAIN}", *to, text=message(to, subject, {}))


@scenario("R32: hundreds of connections, with retries, several recipients, connections used again, testing and enforce mixed: each is told once")
def counts(world: World) -> None:
    collector = collecting(world)
    stories = [world.send(*recipients(COUNTED, "alice", "bob")) for _ in range(ROUNDS)]
    stories += [world.queue_run(), world.queue_run()]
    for number in range(ROUNDS):
        queue_only(world, f"queued {number}", COUNTED)
    assert isinstance(world.sender, Sender)
    exim = world.sender.exim
    used_again = world.watch(lambda: exim("-qqff"))  # two-stage: what goes to one host goes over one connection
    stories.append(used_again)
    seen = connections(stories)
    expect(seen.total() >= 300, f"there should be hundreds of connections, and were {seen.total()}")
    expect(seen[RESULT[BAD_HOST["countbad"]]] > ROUNDS, f"mail that waits should be tried again: {seen}")
    mails = Counter(event.host for event in used_again.arrived())
    fewer = connections([used_again])
    expect(all(mails[host] >= ROUNDS for host in GOOD_HOST.values()), f"what was queued should arrive: {mails}")
    good = sum(fewer[RESULT[host]] for host in GOOD_HOST.values())  # on a busy machine not at each host
    expect(good < sum(mails[host] for host in GOOD_HOST.values()), f"connections should be used again: {mails}, {fewer}")
    expect_each_told_once(collector, seen)


@scenario("R24, R31, R32: hundreds of connections mixed with policies that cannot be had and MX hosts that a policy does not list: each is told once")
def counts_mixed(world: World) -> None:
    collector = collecting(world)
    domains = [domain for pair in zip(COUNTED, [*UNLISTED, *BROKEN.values()]) for domain in pair]  # one of a kind after the other
    stories = [world.send(*recipients(domains, "alice", "bob")) for _ in range(ROUNDS)]
    stories += [world.queue_run(), world.queue_run()]
    seen = connections(stories)
    expect(seen.total() >= 250, f"there should be hundreds of connections, and were {seen.total()}")
    mails = Counter(event.host for story in stories for event in story.arrived())
    without = [LISTED_HOST, UNLISTED_HOST["countunlisted.test"], WITHOUT_POLICY]
    expect(all(mails[host] >= ROUNDS for host in without), f"mail should arrive: {mails}")
    expect(not mails[UNLISTED_HOST["countrefused.test"]], f"an enforced policy should keep mail from what it does not list: {mails}")
    # Once for a message, whatever the number of its recipients.
    by_name = {(domain, host, "unlisted"): ROUNDS for domain, host in UNLISTED_HOST.items()}
    failures = {(domain.name, "", str(code)): ROUNDS for code, domain in BROKEN.items()}
    expect_each_told_once(collector, seen + Counter(by_name) + Counter(failures))


@scenario("R32: what is reported without a connection is reported once for a message: by a queue run in two stages, by the next one, never by exim -bt")
def counts_in_two_stages(world: World) -> None:
    collector = collecting(world)
    assert isinstance(world.sender, Sender)
    exim = world.sender.exim
    domains = [UNLISTED[0], WAITING, *BROKEN.values()]
    exim("-bt", *recipients(domains, "dave"))
    for number in range(5):
        queue_only(world, f"queued {number}", domains)
    story = world.watch(lambda: exim("-qqff"))
    story_again = world.watch(lambda: exim("-qff"))
    mails = Counter(event.host for event in story.arrived())
    expect(mails[LISTED_HOST] == 5 and mails[WITHOUT_POLICY] == 5, f"mail should arrive: {mails}")
    expect(not story_again.arrived(), "what no listed host takes should wait")
    refused = {("countrefused.test", UNLISTED_HOST["countrefused.test"], "unlisted"): 5, (WAITING.name, WAITING_HOST, "unlisted"): 5}
    failures = {(domain.name, "", str(code)): 5 for code, domain in BROKEN.items()}
    expect_each_told_once(collector, connections([story]) + Counter(refused) + Counter(failures))
