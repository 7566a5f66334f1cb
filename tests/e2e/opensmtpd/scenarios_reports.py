"""What domains that ask for reports are told by way of tlsrpt-collectd (R31, R32, R33)."""

from __future__ import annotations

import time
from collections import Counter

from collector import Collector, Session
from framework import expect, expect_delivered, expect_waiting, scenario
from mail_server import HOME_DOMAIN
from opensmtpd import opensmtpd
from pki import Leaf
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


def broken(name: str, code: int) -> Domain:
    """A domain whose policy cannot be had for the reason with this code."""
    host = {301: PolicyHost("", status=404), 302: None, 303: PolicyHost("", leaf=Leaf(f"p-{name}", dns=(f"www.{name}",)))}[code]
    return declare(Domain(name, (GOOD,), "enforce", records=WANTED, host=host, more="nonsense\r\n" if code == 302 else ""))


BROKEN = {code: broken(name, code) for code, name in ((301, "reportbroken.test"), (302, "reportinvalid.test"), (303, "reportwebpki.test"))}
CODES = {"starttls-not-supported": 201, "certificate-host-mismatch": 202, "certificate-not-trusted": 203, "certificate-expired": 204,
         "validation-failure": 205}
UNMET = declare(Domain("reportunmet.test", (SELF_SIGNED,), "enforce"))
REPORTER = f"tlsrpt@{HOME_DOMAIN}"
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
    unlisted = {key: value for key, value in failures.get(GOOD, {}).items() if key != "f"}
    expect(unlisted == {"c": 205, "n": GOOD}, f"a host that the policy does not name is told, by its name alone: {failures}")


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


TRIED = ("wrong name", "expired", "not yet valid", "unknown root", "self-signed", "wildcard too deep", "TLS 1.1", "no STARTTLS")
# What is told of each host; ten are tried at most.
COUNTED_HOSTS = {**{BAD_HOSTS[title][0].name: CODES[BAD_HOSTS[title][1][0]] for title in TRIED}, GOOD: None, SECOND: None}
ADDRESSES = {host.name: host.address for host, _ in BAD_HOSTS.values()}
LISTED = tuple(host for host in COUNTED_HOSTS if host != SECOND)  # by every other pair of policies
COUNTED = [declare(Domain(f"reportcount{number}.test", tuple(COUNTED_HOSTS), ("enforce", "testing")[number % 2],
                          LISTED if number % 4 > 1 else (), records=WANTED)).name for number in range(40)]
# In one message each: smtpd does not say which message a question belongs to, and those of a minute count as one.
COUNTED_BROKEN = [{broken(f"reportcount{message}-{number}-{code}.test", code).name: code for code in BROKEN for number in range(3)} for message in range(2)]


def wanted_of(domain: Domain) -> Counter[tuple[str, int | None]]:
    """Sessions by result; a host that the policy does not list is a failure of its own."""
    listed = domain.patterns or domain.mx
    return Counter((domain.name, code if host in listed else CODES["validation-failure"]) for host, code in COUNTED_HOSTS.items())


@scenario("R24, R32: hundreds of trials, hosts that a policy does not list and policies that cannot be had, several recipients, every domain twice, "
          "enforce and testing mixed: each domain is told of each host and each failure once")
def counts(world: World) -> None:
    collector = collecting(world)
    for failing in COUNTED_BROKEN:  # within the two minutes for which a failed trial is cached
        world.send(*(f"{name}@{domain}" for domain in (*COUNTED, *failing) for name in ("alice", "bob")))
    wanted = sum((wanted_of(world.domains[domain]) for domain in COUNTED), Counter())
    wanted += Counter((domain, code) for failing in COUNTED_BROKEN for domain, code in failing.items())
    collector.wait_for(wanted.total())
    collector.wait_for(wanted.total() + 1, 1.0)
    told = Counter((session.domain, session.failures[0]["c"] if session.failed else None) for session in collector.sessions)
    expect(told == wanted, f"{wanted.total()} trials and failures should be told, each once; missing: {wanted - told}, too many: {told - wanted}")
    for session in collector.sessions:
        expect(session.record == RECORD, f"the record should be told: {session}")
        if session.domain in COUNTED:
            expect_fields_of_trial(world.domains[session.domain], session)
        else:
            expect(session.policy == {"policy-type": 2, "policy-domain": session.domain}, f"there is no policy to be told: {session}")


def expect_fields_of_trial(domain: Domain, session: Session) -> None:
    """Nobody connects to a host that the policy does not list: it has no address."""
    listed = domain.patterns or domain.mx
    policy = {"policy-type": 2, "policy-domain": domain.name, "policy-string": domain.policy().splitlines(), "mx-host": list(listed)}
    expect(session.policy == policy, f"the policy should be told: {session}")
    for failure in session.failures:
        host = failure["n"]
        tried = {"c": COUNTED_HOSTS[host], "n": host, "s": SENDER, "r": ADDRESSES.get(host)}
        wanted = tried if host in listed else {"c": CODES["validation-failure"], "n": host}
        known = {key: value for key, value in failure.items() if key != "f"}
        expect(known == wanted and bool(failure.get("f")), f"{wanted} and a reason should be told: {failure}")


def policy_failure(code: int) -> None:
    @scenario(f"R16, R32: a policy that cannot be had ({code}) is told, once for the recipients of a message, and the mail goes on")
    def told_once(world: World) -> None:
        domain = BROKEN[code]
        collector = collecting(world)
        expect_delivered(world.send(*(f"{name}@{domain.name}" for name in ("alice", "bob"))), f"bob@{domain.name}", GOOD)
        expect(collector.wait_for(1), "it should be told")
        collector.wait_for(2, 0.5)
        [session] = collector.sessions
        policy = {"policy-type": 2, "policy-domain": domain.name}
        expect((session.domain, session.record, session.policy) == (domain.name, RECORD, policy), f"there is no policy to be told: {session}")
        expect(session.failed and session.failures[0].keys() == {"c", "f"} and session.failures[0]["c"] == code, f"{code} should be told: {session}")


for one_code in BROKEN:
    policy_failure(one_code)


@scenario("RFC 8460 §3: by the rule of docs/tlsrpt.md a report goes out where the receiver's policy cannot be met; other mail waits")
def reporters_rule(world: World) -> None:
    server = opensmtpd(world)
    sts = 'match from local for domain <mtasts> action "sts"'
    server.use("smtpd.conf", lambda text: text.replace(sts, f'match from local mail-from "{REPORTER}" for any action "plain"\n{sts}'))
    story = world.watch(lambda: server.send([f"rua@{UNMET.name}"], "report", {}, "root", REPORTER))
    expect_delivered(story, f"rua@{UNMET.name}", SELF_SIGNED, verified=False)
    expect_waiting(world.send(f"bob@{UNMET.name}"), f"bob@{UNMET.name}")


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
