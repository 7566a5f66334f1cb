"""What domains that ask for reports are told of Exim's sessions, by way of tlsrpt-collectd (R31, R32, R33)."""

from __future__ import annotations

from pathlib import Path

from collector import Collector
from dane_hosts import DANE_BAD, DANE_GOOD
from framework import expect, expect_delivered, expect_waiting, scenario
from reports import KINDS, SOCKET, UNAVAILABLE, WANTED, at, collecting, expect_failure, expect_success, not_had, settled, sts, tlsa, unavailable
from scenarios_configuration import loads_module
from topology import BAD_HOSTS, DANE, GOOD, IMPOSTOR, SECOND, declare, word
from world import Domain, Trace, World

GOOD_DOMAIN = declare(Domain("toldgood.test", (GOOD,), "enforce", records=WANTED, more="x-note: a, b = \"c\" {d} \u00e9\r\n"))
TWO_HOSTS = declare(Domain("toldtwo.test", (BAD_HOSTS["expired"][0].name, SECOND), "enforce", records=WANTED))
TESTING = declare(Domain("toldtesting.test", (GOOD,), "testing", records=WANTED))
UNLISTED = declare(Domain("toldunlisted.test", (IMPOSTOR,), "testing", (GOOD,), records=WANTED))
REFUSED = declare(Domain("toldrefused.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), records=WANTED))
QUIET = declare(Domain("toldnothing.test", (GOOD,), "enforce"))
BAD = {mode: {title: declare(Domain(f"told{mode}{word(title)}.test", (host.name,), mode, records=WANTED))
              for title, (host, _) in KINDS.items()} for mode in ("enforce", "testing")}
WITH_DANE = declare(Domain("tolddane.test", (DANE,), "enforce", signed=True, records=WANTED))
NO_TLSA = declare(Domain("toldnotlsa.test", ("mx.toldnotlsa.test",), "enforce", signed=True, records=f"mx A 198.51.100.11\n{WANTED}"))
DANE_BESIDE = declare(Domain("tolddanebeside.test", (DANE, IMPOSTOR), "enforce", (GOOD,), signed=True, records=WANTED))
FETCHES = {code: unavailable(name, code, GOOD) for code, name in ((301, "toldfetch.test"), (302, "toldinvalid.test"), (303, "toldwebpki.test"))}
# What Exim names in its event dane:fail.
DANE_RESULTS = {"no STARTTLS": "starttls-not-supported"}


@scenario("R32: one good session for a connection, whatever the number of recipients, with the policy as served")
def good(world: World) -> None:
    collector = collecting(world)
    story = world.send(*(f"{name}@{GOOD_DOMAIN.name}" for name in ("alice", "bob", "carol")))
    expect(story.outcome(f"bob@{GOOD_DOMAIN.name}").state == "delivered", "it should be delivered", story)
    [session] = settled(collector, 1)
    expect_success(session, GOOD_DOMAIN, sts(GOOD_DOMAIN))


@scenario("R32: a host that is refused and the next one that is not are a session each")
def two(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{TWO_HOSTS.name}"), f"bob@{TWO_HOSTS.name}", SECOND, verified=True)
    good, bad = sorted(settled(collector, 2), key=lambda session: session.failed)
    expect_success(good, TWO_HOSTS, sts(TWO_HOSTS))
    expect_failure(bad, TWO_HOSTS, sts(TWO_HOSTS), refused_as(world, "certificate-expired"), at(BAD_HOSTS["expired"][0]))


def refused_as(world: World, *results: str) -> tuple[str, ...]:
    """How an enforcing Exim may tell these."""
    return results if world.sender.shows_refused_certificates else (*results, "validation-failure")


def connections(story: Trace) -> int:
    return sum(event.kind == "connect" for event in story.events)


def bad_host(mode: str, title: str) -> None:
    @scenario(f"R32: {mode}, {title}: each connection is one session with its result type")
    def told(world: World) -> None:
        domain, (host, results) = BAD[mode][title], KINDS[title]
        collector = collecting(world)
        story = world.send(f"bob@{domain.name}")
        if mode == "enforce":
            expect_waiting(story, f"bob@{domain.name}")
            results = refused_as(world, *results)
        expect(connections(story) > 0, "its host should be connected to", story)
        for session in settled(collector, connections(story)):
            expect_failure(session, domain, sts(domain), results, at(host))


for one_mode in ("enforce", "testing"):
    for one_kind in KINDS:
        bad_host(one_mode, one_kind)


@scenario("R27, R32: testing: a good session is told; a host that the policy does not name is told by its name alone")
def testing(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{TESTING.name}"), f"bob@{TESTING.name}", GOOD)
    expect_success(settled(collector, 1)[0], TESTING, sts(TESTING))
    expect_delivered(world.send(f"bob@{UNLISTED.name}"), f"bob@{UNLISTED.name}", IMPOSTOR)
    expect_failure(settled(collector, 2)[1], UNLISTED, sts(UNLISTED), ["validation-failure"], {"n": IMPOSTOR})


@scenario("R29, R32: sessions that DANE judges have the policy type tlsa, with the MX host as policy domain; the recipients' domain gets the report")
def dane(world: World) -> None:
    collector = collecting(world)
    for number, (domain, host) in enumerate(DANE_GOOD.values(), 1):
        expect_delivered(world.send(f"bob@{domain.name}"), f"bob@{domain.name}", host.name, verified=True)
        expect_success(settled(collector, number)[-1], domain, tlsa(host.name))


def dane_refuses(title: str) -> None:
    @scenario(f"R29, R32: DANE, {title}: each connection is one session of type tlsa with the result type that Exim names")
    def told(world: World) -> None:
        domain, host = DANE_BAD[title]
        collector = collecting(world)
        story = world.send(f"bob@{domain.name}")
        expect_waiting(story, f"bob@{domain.name}")
        expect(connections(story) > 0, "its host should be connected to", story)
        for session in settled(collector, connections(story)):
            expect_failure(session, domain, tlsa(host.name), [DANE_RESULTS.get(title, "validation-failure")], at(host))


for one_title in DANE_BAD:
    dane_refuses(one_title)


@scenario("R29, R32: TLSA records that Exim cannot look up: dnssec-invalid, with the MX host as policy domain")
def dane_unknown(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{WITH_DANE.name}"), f"bob@{WITH_DANE.name}", DANE, verified=True)
    world.dns.block(f"_25._tcp.{DANE}.", "always_refuse")
    world.undo(lambda: world.dns.unblock(f"_25._tcp.{DANE}."))
    expect_waiting(world.send(f"bob@{WITH_DANE.name}"), f"bob@{WITH_DANE.name}")
    expect_failure(settled(collector, 2)[1], WITH_DANE, tlsa(DANE), ["dnssec-invalid"], {"n": DANE})


@scenario("R32: where the administrator insists on DANE, a host without TLSA records: dane-required, without an address")
def dane_required(world: World) -> None:
    collector = collecting(world)
    transport = Path("/etc/exim4/conf.d/transport/30_mtasts")
    kept = transport.read_text(encoding="ascii")
    world.undo(world.sender.configure)
    world.undo(lambda: transport.write_text(kept, encoding="ascii"))
    transport.write_text(kept.replace("  hosts_require_tls = *\n", "  hosts_require_tls = *\n  hosts_require_dane = *\n"), encoding="ascii")
    world.sender.configure()
    for number, domain in enumerate((NO_TLSA, GOOD_DOMAIN), 1):  # with DNSSEC and without
        expect(not world.send(f"bob@{domain.name}").contacted(), "nobody should be connected to")
        expect_failure(settled(collector, number)[-1], domain, tlsa(domain.mx[0]), ["dane-required"], {"n": domain.mx[0]})


@scenario("R24, R29, R32: where DANE judges one host that the policy does not name, another one is still told, and that one is not")
def refused_beside_dane(world: World) -> None:
    collector = collecting(world)
    expect_delivered(world.send(f"bob@{DANE_BESIDE.name}"), f"bob@{DANE_BESIDE.name}", DANE, verified=True)
    good, refused = sorted(settled(collector, 2), key=lambda session: session.failed)
    expect_success(good, DANE_BESIDE, tlsa(DANE))
    expect_failure(refused, DANE_BESIDE, sts(DANE_BESIDE), ["validation-failure"], {"n": IMPOSTOR})


@scenario("R24, R32: enforce: a host that the policy does not name is told by its name alone, once for a message")
def refused(world: World) -> None:
    collector = collecting(world)
    for number in (1, 2):
        world.send(*(f"{name}@{REFUSED.name}" for name in ("alice", "bob")))
        good, bad = sorted(settled(collector, 2 * number)[-2:], key=lambda session: session.failed)
        expect_success(good, REFUSED, sts(REFUSED))
        expect_failure(bad, REFUSED, sts(REFUSED), ["validation-failure"], {"n": IMPOSTOR})


def policy_failure(code: int) -> None:
    @scenario(f"R16, R32: a policy that cannot be had ({code}) is told once for a message, and the mail goes on")
    def told(world: World) -> None:
        domain = FETCHES[code]
        collector = collecting(world)
        story = world.send(*(f"{name}@{domain.name}" for name in ("alice", "bob")))
        expect(story.outcome(f"bob@{domain.name}").state == "delivered", "it should be delivered", story)
        [session] = settled(collector, 1)
        expect_failure(session, domain, not_had(domain), [UNAVAILABLE[code]], {})


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
