"""What domains that ask for reports are told of Exim's sessions, by way of tlsrpt-collectd (R31, R32, R33)."""

from __future__ import annotations

from collector import Collector, Session
from framework import expect, expect_delivered, expect_waiting, scenario
from mx import MailHost, Tls
from pki import Leaf
from scenarios_configuration import loads_module
from topology import BAD_HOSTS, DANE, DANE_LIAR, GOOD, IMPOSTOR, SECOND, declare, declare_host, word
from web import PolicyHost
from world import Domain, World

SOCKET = "/run/tlsrpt/collectd.sock"
RECORD = "v=TLSRPTv1; rua=mailto:reports@reports.test"
WANTED = f'_smtp._tls TXT "{RECORD}"'
SENDER = "198.51.100.1"
RECEIVER = "receiver.mx.test"  # what every host of the lab calls itself
TLSA, STS = 1, 2
CODES = {"starttls-not-supported": 201, "certificate-host-mismatch": 202, "certificate-not-trusted": 203, "certificate-expired": 204,
         "validation-failure": 205}

KINDS = {**BAD_HOSTS, "STARTTLS refused": (declare_host(MailHost("refuses.mx.test", "198.51.100.110", tls=Tls.REFUSED)), ("validation-failure",)),
         "cut at STARTTLS": (declare_host(MailHost("cuts.mx.test", "198.51.100.111", tls=Tls.CUT)), ("validation-failure",))}

GOOD_DOMAIN = declare(Domain("toldgood.test", (GOOD,), "enforce", records=WANTED, more="x-note: a, b = \"c\" {d} \u00e9\r\n"))
TWO_HOSTS = declare(Domain("toldtwo.test", (BAD_HOSTS["expired"][0].name, SECOND), "enforce", records=WANTED))
TESTING = declare(Domain("toldtesting.test", (GOOD,), "testing", records=WANTED))
UNLISTED = declare(Domain("toldunlisted.test", (IMPOSTOR,), "testing", (GOOD,), records=WANTED))
REFUSED = declare(Domain("toldrefused.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), records=WANTED))
QUIET = declare(Domain("toldnothing.test", (GOOD,), "enforce"))
BAD = {mode: {title: declare(Domain(f"told{mode}{word(title)}.test", (host.name,), mode, records=WANTED))
              for title, (host, _) in KINDS.items()} for mode in ("enforce", "testing")}


DANE_GOOD = declare(Domain("tolddane.test", (DANE,), "enforce", signed=True, records=WANTED))
DANE_BESIDE = declare(Domain("tolddanebeside.test", (DANE, IMPOSTOR), "enforce", (GOOD,), signed=True, records=WANTED))
DANE_BAD = declare(Domain("tolddanebad.test", (DANE_LIAR,), "enforce", signed=True, records=WANTED))
FETCHES = {
    301: declare(Domain("toldfetch.test", (GOOD,), "enforce", records=WANTED, host=PolicyHost("", status=404))),
    302: declare(Domain("toldinvalid.test", (GOOD,), "enforce", records=WANTED, more="nonsense\r\n")),
    303: declare(Domain("toldwebpki.test", (GOOD,), "enforce", records=WANTED,
                        host=PolicyHost("", leaf=Leaf("p-told", dns=("www.toldwebpki.test",))))),
}


def collecting(world: World) -> Collector:
    collector = Collector(SOCKET)
    world.undo(collector.stop)
    world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{SOCKET}"\n')
    return collector


def policy_of(domain: Domain) -> dict[str, object]:
    return {"policy-type": STS, "policy-domain": domain.name, "policy-string": domain.policy().splitlines(), "mx-host": list(domain.mx)}


def settled(collector: Collector, count: int) -> list[Session]:
    """Those sessions, and after a moment no others."""
    expect(collector.wait_for(count), f"{count} sessions should be reported, and were: {collector.sessions}")
    collector.wait_for(count + 1, 0.5)
    expect(len(collector.sessions) == count, f"{count} sessions should be reported, and were: {collector.sessions}")
    return collector.sessions


@scenario("R32: one good session for a connection, whatever the number of recipients, with the policy as served")
def good(world: World) -> None:
    collector = collecting(world)
    story = world.send(*(f"{name}@{GOOD_DOMAIN.name}" for name in ("alice", "bob", "carol")))
    expect(story.outcome(f"bob@{GOOD_DOMAIN.name}").state == "delivered", "it should be delivered", story)
    [session] = settled(collector, 1)
    expect(session.policy == policy_of(GOOD_DOMAIN) and not session.failed, f"{policy_of(GOOD_DOMAIN)} should be told: {session}")
    expect((session.domain, session.record) == (GOOD_DOMAIN.name, RECORD), f"the domain and its record should be told: {session}")


@scenario("R32: a host that is refused and the next one that is not are a session each")
def two(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{TWO_HOSTS.name}"), f"bob@{TWO_HOSTS.name}", SECOND, verified=True)
    sessions = settled(collector, 2)
    expect(sorted(session.failed for session in sessions) == [False, True], f"one should be good: {sessions}")


def bad_host(mode: str, title: str) -> None:
    @scenario(f"R32: {mode}, {title}: each connection is one session with its result type")
    def told(world: World) -> None:
        domain, (host, results) = BAD[mode][title], KINDS[title]
        if mode == "enforce" and not world.sender.shows_refused_certificates:
            results = (*results, "validation-failure")
        collector = collecting(world)
        story = world.send(f"bob@{domain.name}")
        if mode == "enforce":
            expect_waiting(story, f"bob@{domain.name}")
        connections = sum(event.kind == "connect" for event in story.events)
        expect(connections > 0, "its host should be connected to", story)
        for session in settled(collector, connections):
            failure = session.failures[0] if session.failures else {}
            expect(session.failed and failure.get("c") in [CODES[result] for result in results], f"{results} should be told: {session}")
            place = {key: failure.get(key) for key in "snhr"}
            expect(place == {"s": SENDER, "n": host.name, "h": RECEIVER, "r": host.address}, f"{host.name} at {host.address} should be told: {session}")
            expect(bool(failure.get("f")), f"a reason should be told: {session}")
            expect((session.domain, session.record, session.policy) == (domain.name, RECORD, policy_of(domain)), f"the policy should be told: {session}")


for one_mode in ("enforce", "testing"):
    for one_title in KINDS:
        bad_host(one_mode, one_title)


@scenario("R27, R32: testing: a good session is told; a host that the policy does not name is told by its name alone")
def testing(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{TESTING.name}"), f"bob@{TESTING.name}", GOOD)
    expect(not settled(collector, 1)[0].failed, f"it should be good: {collector.sessions}")
    expect_delivered(world.send(f"bob@{UNLISTED.name}"), f"bob@{UNLISTED.name}", IMPOSTOR)
    [failure] = settled(collector, 2)[1].failures
    expect(failure["c"] == 205 and failure["n"] == IMPOSTOR and "r" not in failure, f"validation-failure should be told: {failure}")


@scenario("R29, R32: sessions that DANE judges have the policy type tlsa, with the MX host as policy domain")
def dane(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{DANE_GOOD.name}"), f"bob@{DANE_GOOD.name}", DANE, verified=True)
    [session] = settled(collector, 1)
    expect(session.policy == {"policy-type": TLSA, "policy-domain": DANE} and not session.failed, f"a good session: {session}")
    expect(session.domain == DANE_GOOD.name, f"the recipients' domain gets the report: {session}")
    story = world.send(f"bob@{DANE_BAD.name}")
    expect_waiting(story, f"bob@{DANE_BAD.name}")
    for session in settled(collector, 1 + sum(event.kind == "connect" for event in story.events))[1:]:
        expect(session.policy == {"policy-type": TLSA, "policy-domain": DANE_LIAR} and session.failed, f"a failed one: {session}")
        expect(session.failures[0]["c"] == 205 and session.failures[0]["n"] == DANE_LIAR, f"validation-failure: {session}")


@scenario("R29, R32: TLSA records that Exim cannot look up: dnssec-invalid, with the MX host as policy domain")
def dane_unknown(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{DANE_GOOD.name}"), f"bob@{DANE_GOOD.name}", DANE, verified=True)
    world.dns.block(f"_25._tcp.{DANE}.", "always_refuse")
    world.undo(lambda: world.dns.unblock(f"_25._tcp.{DANE}."))
    expect_waiting(world.send(f"bob@{DANE_GOOD.name}"), f"bob@{DANE_GOOD.name}")
    session = settled(collector, 2)[1]
    expect(session.policy == {"policy-type": TLSA, "policy-domain": DANE} and session.failed, f"a failed session: {session}")
    failure = {key: session.failures[0].get(key) for key in "cnr"}
    expect(failure == {"c": 305, "n": DANE, "r": None}, f"dnssec-invalid of {DANE} should be told, without an address: {session}")


@scenario("R24, R29, R32: where DANE judges one host that the policy does not name, another one is still told, and that one is not")
def refused_beside_dane(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{DANE_BESIDE.name}"), f"bob@{DANE_BESIDE.name}", DANE, verified=True)
    good, refused = sorted(settled(collector, 2), key=lambda session: session.failed)
    expect(good.policy == {"policy-type": TLSA, "policy-domain": DANE} and not good.failed, f"a good session of {DANE}: {good}")
    failure = {key: refused.failures[0].get(key) for key in "cnr"}
    expect(failure == {"c": 205, "n": IMPOSTOR, "r": None} and refused.policy == policy_of(DANE_BESIDE) | {"mx-host": [GOOD]},
           f"validation-failure of {IMPOSTOR} should be told: {refused}")


@scenario("R24, R32: enforce: a host that the policy does not name is told by its name alone, once for a message")
def refused(world: World) -> None:
    collector = collecting(world)
    for number in (1, 2):
        world.send(*(f"{name}@{REFUSED.name}" for name in ("alice", "bob")))
        sessions = settled(collector, 2 * number)[-2:]
        [failure] = [session.failures[0] for session in sessions if session.failed]
        place = {key: failure.get(key) for key in "cnr"}
        expect(place == {"c": 205, "n": IMPOSTOR, "r": None}, f"validation-failure of {IMPOSTOR} should be told: {sessions}")


def policy_failure(code: int) -> None:
    @scenario(f"R16, R32: a policy that cannot be had ({code}) is told once for a message, and the mail goes on")
    def told(world: World) -> None:
        domain = FETCHES[code]
        collector = collecting(world)
        story = world.send(*(f"{name}@{domain.name}" for name in ("alice", "bob")))
        expect(story.outcome(f"bob@{domain.name}").state == "delivered", "it should be delivered", story)
        [session] = settled(collector, 1)
        policy = {"policy-type": STS, "policy-domain": domain.name}
        expect((session.domain, session.record, session.policy) == (domain.name, RECORD, policy), f"there is no policy to be told: {session}")
        expect(session.failed and session.failures[0].keys() == {"c", "f"} and session.failures[0]["c"] == code, f"{code} should be told: {session}")


for one_code in FETCHES:
    policy_failure(one_code)


@scenario("R31: a domain that asks for no reports is told of nothing")
def unwanted(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{QUIET.name}"), f"bob@{QUIET.name}", GOOD)
    expect_delivered(world.send(f"bob@{GOOD_DOMAIN.name}"), f"bob@{GOOD_DOMAIN.name}", GOOD)
    settled(collector, 1)


@scenario("a collector that hangs costs a delivery nothing, and Exim's own processes say that sessions are lost")
def hanging_collector(world: World) -> None:
    collector = Collector(SOCKET, hangs=True)
    world.undo(collector.stop)
    world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{SOCKET}"\n')
    since = len(world.sender.words)
    for domain in (GOOD_DOMAIN, TESTING, FETCHES[301], GOOD_DOMAIN):
        expect_delivered(world.send(f"bob@{domain.name}"), f"bob@{domain.name}", GOOD)
    lines = [line for line in world.sender.words[since:] if "event=tlsrpt-lost" in line]
    expect(not loads_module(world) or any("does not keep up" in line for line in lines), f"it should be told: {lines}")


@scenario("no collector: mail goes as before, and the log says so once")
def no_collector(world: World) -> None:
    since = len(world.sender.words)
    world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{SOCKET}"\n')  # by socket mtastsd says so at once
    for _ in range(3):
        expect_delivered(world.send(f"bob@{GOOD_DOMAIN.name}"), f"bob@{GOOD_DOMAIN.name}", GOOD, verified=True)
    lines = [line for line in world.sender.words[since:] if "event=tlsrpt-lost" in line]
    expect(len(lines) <= 2 and any("nobody listens" in line for line in lines), f"that should be told once: {lines}")
