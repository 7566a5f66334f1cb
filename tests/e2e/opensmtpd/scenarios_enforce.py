"""Mode enforce: mail goes to hosts that the policy names and that prove who they are, or it waits (R24, R25, R26)."""

from __future__ import annotations

from every_enforce import COMMON_NAME_KINDS
from framework import expect, expect_delivered, expect_logged, expect_waiting, scenario
from mx import MailHost
from opensmtpd import opensmtpd
from pki import Leaf
from topology import BAD_HOSTS, GOOD, IMPOSTOR, PLAIN, SECOND, SELF_SIGNED, TWO_LABELS, declare, declare_host, word
from world import Domain, Trace, World

NO_PROBE = "[opensmtpd]\nprobe = false\n"
NEEDS_SNI = "sni.mx.test"

declare_host(MailHost(NEEDS_SNI, "198.51.100.45", without_sni=Leaf("sni-default", dns=("www.mx.test",))))
declare(Domain("needssni.test", (NEEDS_SNI, GOOD), "enforce"))
declare(Domain("onlysni.test", (NEEDS_SNI,), "enforce"))
declare(Domain("listed2.test", (SECOND,), "enforce"))
declare(Domain("shallow.test", (TWO_LABELS,), "enforce", ("*.mx.test", "mx.test")))


def sends_sni(world: World) -> bool:
    return opensmtpd(world).version >= (7, 0)


def sends_none(world: World) -> bool:
    return not sends_sni(world)


def expect_untouched(story: Trace, *hosts: str) -> None:
    """Nobody connected there, not even to try the host."""
    touched = [host for host in hosts if host in story.contacted()]
    expect(not touched, f"there should be no connection to {touched}", story)


@scenario("no policy: delivered as before, even in the clear")
def no_policy(world: World) -> None:
    expect_delivered(world.send("bob@nopolicy.test"), "bob@nopolicy.test", PLAIN)
    expect_delivered(world.send("bob@nopolicybadtls.test"), "bob@nopolicybadtls.test", SELF_SIGNED, verified=False)


def listed_host_seen(world: World, sni: str) -> None:
    story = world.send("bob@listed.test")
    expect_delivered(story, "bob@listed.test", GOOD, verified=True)
    expect([(event.tls, event.sni) for event in story.arrived()] == [("TLS1.3", sni)], f"TLS 1.3 with SNI {sni!r} is wanted", story)


@scenario("enforce: a listed host with a good certificate gets the mail, verified, with its name as SNI", sends_sni)
def listed(world: World) -> None:
    listed_host_seen(world, GOOD)


@scenario("enforce: a listed host with a good certificate gets the mail, verified; known gap in 6.8: smtpd sends no SNI", sends_none)
def listed_without_sni(world: World) -> None:
    listed_host_seen(world, "")


@scenario("enforce: a host that needs SNI gets the mail", sends_sni)
def sni_needed(world: World) -> None:
    expect_delivered(world.send("bob@needssni.test"), "bob@needssni.test", NEEDS_SNI, verified=True)


@scenario("enforce: where smtpd sends no SNI, a host that needs it comes after the others; alone: the mail waits, and the log says why", sends_none)
def sni_missing(world: World) -> None:
    expect_delivered(world.send("bob@needssni.test"), "bob@needssni.test", GOOD, verified=True)
    expect_waiting(world.send("bob@onlysni.test"), "bob@onlysni.test")
    told = [line for line in world.sender.words if "event=mx-needs-sni" in line and NEEDS_SNI in line]
    expect(bool(told), f"event=mx-needs-sni should be logged: {world.sender.words}")


@scenario("enforce: an unlisted first host is never connected to, the second gets the mail")
def unlisted(world: World) -> None:
    story = world.send("bob@unlisted.test")
    expect_delivered(story, "bob@unlisted.test", GOOD, verified=True)
    expect_untouched(story, IMPOSTOR)


@scenario("enforce: no host is listed: the mail waits without any connection, also at the next attempt")
def none_listed(world: World) -> None:
    for story in (world.send("bob@nonelisted.test"), world.queue_run()):
        expect_waiting(story, "bob@nonelisted.test")
        expect_untouched(story, IMPOSTOR, SECOND)
        expect_logged(story, "event=no-mx", "nonelisted.test")


@scenario("enforce: the listed host is down: the mail waits, an unlisted one that is up gets nothing")
def listed_down(world: World) -> None:
    story = world.send("bob@listeddown.test")
    expect_waiting(story, "bob@listeddown.test")
    expect_untouched(story, IMPOSTOR)


@scenario("enforce: a pattern covers one label, whatever the case, and no second")
def pattern(world: World) -> None:
    expect_delivered(world.send("bob@Pattern.TEST"), "bob@pattern.test", GOOD, verified=True)
    story = world.send("bob@shallow.test")
    expect_waiting(story, "bob@shallow.test")
    expect_untouched(story, TWO_LABELS)


@scenario("enforce: several recipients of one domain and of others in one message: each arrives once, one fetch a domain")
def several_recipients(world: World) -> None:
    before = world.policy_requests("listed.test")
    story = world.send("bob@listed.test", "eve@listed.test", "joe@listed2.test", "ann@nopolicy.test")
    for recipient, host in {"bob@listed.test": GOOD, "eve@listed.test": GOOD, "joe@listed2.test": SECOND}.items():
        expect_delivered(story, recipient, host, verified=True)
    expect_delivered(story, "ann@nopolicy.test", PLAIN)
    expect(world.policy_requests("listed.test") == before + 1, "the policy should be fetched once", story)


@scenario("enforce: the second mail finds the policy and the probe cached")
def cached(world: World) -> None:
    before = world.policy_requests("listed.test")
    expect_delivered(world.send("bob@listed.test"), "bob@listed.test", GOOD, verified=True)
    story = world.send("bob@listed.test")
    expect_delivered(story, "bob@listed.test", GOOD, verified=True)
    expect(world.policy_requests("listed.test") == before + 1, "the policy should be fetched once for two mails")
    connections = [event for event in story.events if event.kind == "connect"]
    expect(len(connections) <= 1, "the host should not be tried again", story)


def bad_certificate(kind: str) -> None:
    """Registers the scenarios for one kind of BAD_HOSTS."""
    host, results = BAD_HOSTS[kind]
    fallback = declare(Domain(f"{word(kind)}-and-good.test", (host.name, GOOD), "enforce"))
    alone = declare(Domain(f"{word(kind)}-alone.test", (host.name,), "enforce"))

    @scenario(f"enforce: {kind}: the preferred host is not named, the second gets the mail; alone: waits, and the log says why (R25, trap 4)")
    def refused(world: World) -> None:
        story = world.send(f"bob@{fallback.name}")
        expect_delivered(story, f"bob@{fallback.name}", GOOD, verified=True)
        for story in (world.send(f"bob@{alone.name}"), world.queue_run()):
            expect_waiting(story, f"bob@{alone.name}")
        told = [line for line in world.sender.words if "event=mx-failed" in line and host.name in line]
        expect(any(result in line for line in told for result in results), f"one of {results} should be told, and was: {told}")


for one_kind in BAD_HOSTS:
    bad_certificate(one_kind)


@scenario("without the probe smtpd itself refuses each bad certificate, and a host without STARTTLS or with TLS 1.1")
def refused_by_smtpd(world: World) -> None:
    """All at once, because smtpd tries such a host twice before it gives up for now."""
    world.sender.set_module_configuration(NO_PROBE)
    recipients = [f"bob@{word(kind)}-alone.test" for kind in BAD_HOSTS if kind not in COMMON_NAME_KINDS]
    story = world.send(*recipients)
    for recipient in recipients:
        expect_waiting(story, recipient)


@scenario("known gap without the probe: a name in the Common Name alone will do where there is no subjectAltName at all")
def common_name(world: World) -> None:
    world.sender.set_module_configuration(NO_PROBE)
    only, with_address = (word(kind) for kind in COMMON_NAME_KINDS)
    story = world.send(f"bob@{only}-alone.test", f"bob@{with_address}-alone.test")
    expect_delivered(story, f"bob@{only}-alone.test", BAD_HOSTS["common name only"][0].name, verified=True)
    expect_waiting(story, f"bob@{with_address}-alone.test")


@scenario("known gap without the probe: the preferred host is bad, and the mail waits although the second is good (trap 4)")
def no_second(world: World) -> None:
    world.sender.set_module_configuration(NO_PROBE)
    expect_waiting(world.send("bob@selfsigned-and-good.test"), "bob@selfsigned-and-good.test")
