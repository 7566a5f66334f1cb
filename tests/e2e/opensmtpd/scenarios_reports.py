"""What domains that ask for reports are told by way of tlsrpt-collectd (R31, R32, R33)."""

from __future__ import annotations

from collections import Counter

from collector import Collector, Session
from framework import expect, expect_delivered, expect_waiting, scenario
from mail_server import HOME_DOMAIN
from opensmtpd import opensmtpd
from reports import CODES, KINDS, SOCKET, UNAVAILABLE, WANTED, at, collecting, expect_failure, expect_success, not_had, settled, sts, unavailable
from scenarios_testing import told
from topology import BAD_HOSTS, GOOD, PLAIN, SECOND, SELF_SIGNED, declare, word
from world import Domain, World

EXPIRED = BAD_HOSTS["expired"][0]

TESTING = declare(Domain("reporttesting.test", (EXPIRED.name, GOOD), "testing", (EXPIRED.name,), records=WANTED))
ENFORCE = declare(Domain("reportenforce.test", (SELF_SIGNED, SECOND), "enforce", records=WANTED))
SHARING = declare(Domain("reportsharing.test", (SECOND,), "enforce", records=WANTED))
BAD = {mode: {title: declare(Domain(f"report{mode}{word(title)}.test", (host.name,), mode, records=WANTED))
              for title, (host, _) in KINDS.items()} for mode in ("enforce", "testing")}
RESULTS = {"STARTTLS refused": ("starttls-not-supported",), "TLS 1.1": ("validation-failure",), "not yet valid": ("certificate-not-trusted",)}
BROKEN = {code: unavailable(name, code, GOOD) for code, name in ((301, "reportbroken.test"), (302, "reportinvalid.test"), (303, "reportwebpki.test"))}
UNMET = declare(Domain("reportunmet.test", (SELF_SIGNED,), "enforce"))
REPORTER = f"tlsrpt@{HOME_DOMAIN}"
QUIET = declare(Domain("reportunwanted.test", (PLAIN,), "testing"))


@scenario("testing: a domain that asks for reports is told what enforce would have refused, with addresses and its policy (R27, R32)")
def testing(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{TESTING.name}"), f"bob@{TESTING.name}", EXPIRED.name)
    expired, unlisted = sorted(settled(collector, 2), key=lambda session: session.failures[0]["c"])
    expect_failure(expired, TESTING, sts(TESTING), ["certificate-expired"], at(EXPIRED))
    expect_failure(unlisted, TESTING, sts(TESTING), ["validation-failure"], {"n": GOOD})  # by its name alone


def bad_host(mode: str) -> None:
    @scenario(f"R32: {mode}: each kind of bad host is told with its result type, but one that hangs up at STARTTLS")
    def told_of(world: World) -> None:
        collector = collecting(world)
        world.send(*(f"bob@{domain.name}" for domain in BAD[mode].values()))
        by_domain = {session.domain: session for session in settled(collector, len(KINDS) - 1)}
        for title, (host, results) in KINDS.items():
            if title != "cut at STARTTLS":
                domain = BAD[mode][title]
                expect_failure(by_domain[domain.name], domain, sts(domain), RESULTS.get(title, results), at(host))


for one_mode in BAD:
    bad_host(one_mode)


@scenario("enforce: failed and good sessions are told, each once as long as it is cached")
def enforce(world: World) -> None:
    collector = collecting(world)
    for _ in range(2):
        expect_delivered(world.send(f"bob@{ENFORCE.name}"), f"bob@{ENFORCE.name}", SECOND, verified=True)
    good, bad = sorted(settled(collector, 2), key=lambda session: session.failed)
    expect_success(good, ENFORCE, sts(ENFORCE))
    expect_failure(bad, ENFORCE, sts(ENFORCE), ["certificate-not-trusted"], at(BAD_HOSTS["self-signed"][0]))


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
REFUSED_HOSTS = {host.name: host for host, _ in BAD_HOSTS.values()}
REFUSED_AS = {host.name: results[:1] for host, results in BAD_HOSTS.values()}
LISTED = tuple(host for host in COUNTED_HOSTS if host != SECOND)  # by every other pair of policies
COUNTED = [declare(Domain(f"reportcount{number}.test", tuple(COUNTED_HOSTS), ("enforce", "testing")[number % 2],
                          LISTED if number % 4 > 1 else (), records=WANTED)).name for number in range(40)]
# In one message each: smtpd does not say which message a question belongs to, and those of a minute count as one.
COUNTED_BROKEN = [{unavailable(f"reportcount{message}-{number}-{code}.test", code, GOOD).name: code for code in BROKEN for number in range(3)}
                  for message in range(2)]


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
        expect_fields(world.domains[session.domain], session)


def expect_fields(domain: Domain, session: Session) -> None:
    if domain.name not in COUNTED:
        return expect_failure(session, domain, not_had(domain), UNAVAILABLE.values(), {})
    if not session.failed:
        return expect_success(session, domain, sts(domain))
    host = str(session.failures[0].get("n"))
    if host not in (domain.patterns or domain.mx):  # nobody connects to it: it has no address
        return expect_failure(session, domain, sts(domain), ["validation-failure"], {"n": host})
    return expect_failure(session, domain, sts(domain), REFUSED_AS[host], at(REFUSED_HOSTS[host]))


def policy_failure(code: int) -> None:
    @scenario(f"R16, R32: a policy that cannot be had ({code}) is told, once for the recipients of a message, and the mail goes on")
    def told_once(world: World) -> None:
        domain = BROKEN[code]
        collector = collecting(world)
        expect_delivered(world.send(*(f"{name}@{domain.name}" for name in ("alice", "bob"))), f"bob@{domain.name}", GOOD)
        expect_failure(settled(collector, 1)[0], domain, not_had(domain), [UNAVAILABLE[code]], {})


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
