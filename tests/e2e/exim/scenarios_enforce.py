"""Mode enforce: mail goes to hosts that the policy names and that prove who they are, or it waits (R24, R25, R26)."""

from __future__ import annotations

import time
from pathlib import Path

from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
from topology import BAD_HOSTS, DOWN, GOOD, IMPOSTOR, PLAIN, SECOND, SELF_SIGNED, SIX, TWO_LABELS, WILDCARD, declare, word
from world import Domain, World

ENFORCE = "remote_smtp_mta_sts"

declare(Domain("nopolicy.test", (PLAIN,)))
declare(Domain("nopolicybadtls.test", (SELF_SIGNED,)))
declare(Domain("listed.test", (GOOD,), "enforce"))
declare(Domain("unlisted.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("nonelisted.test", (IMPOSTOR, SECOND), "enforce", (GOOD,)))
declare(Domain("listeddown.test", (DOWN, IMPOSTOR), "enforce", (DOWN,)))
declare(Domain("pattern.test", (GOOD,), "enforce", ("*.MX.test",)))
declare(Domain("shallowpattern.test", (TWO_LABELS,), "enforce", ("*.mx.test", "mx.test")))
declare(Domain("borrowed.test", ("mx.borrowed.test",), "enforce", records=f"mx CNAME {GOOD}."))
declare(Domain("wildcardcert.test", (WILDCARD,), "enforce"))
declare(Domain("sixmx.test", (SIX,), "enforce"))
declare(Domain("sixpolicy.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), policy_ipv6_only=True))


@scenario("no policy: delivered as before, even in the clear")
def no_policy(world: World) -> None:
    story = world.send("bob@nopolicy.test")
    expect_delivered(story, "bob@nopolicy.test", PLAIN)
    expect(story.outcome("bob@nopolicy.test").transport == "remote_smtp", "Debian's own transport should be used", story)
    expect_delivered(world.send("bob@nopolicybadtls.test"), "bob@nopolicybadtls.test", SELF_SIGNED)


@scenario("enforce: a listed host with a good certificate gets the mail, verified, with its name as SNI")
def listed(world: World) -> None:
    story = world.send("bob@listed.test")
    expect_delivered(story, "bob@listed.test", GOOD, verified=True)
    expect(story.outcome("bob@listed.test").transport == ENFORCE, f"the transport should be {ENFORCE}", story)
    expect([(event.tls, event.sni) for event in story.arrived()] == [("TLS1.3", GOOD)], "TLS 1.3 with SNI is wanted", story)


@scenario("enforce: an unlisted first host is never connected to, the second gets the mail")
def unlisted(world: World) -> None:
    story = world.send("bob@unlisted.test")
    expect_delivered(story, "bob@unlisted.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])


@scenario("enforce: no host is listed: deferred without any connection, also at the next queue run")
def none_listed(world: World) -> None:
    story = world.send("bob@nonelisted.test")
    expect_waiting(story, "bob@nonelisted.test")
    expect_contacts(story, [])
    again = world.queue_run()
    expect_waiting(again, "bob@nonelisted.test")
    expect_contacts(again, [])


@scenario("enforce: the listed host is down: deferred, an unlisted one that is up gets nothing")
def listed_down(world: World) -> None:
    story = world.send("bob@listeddown.test")
    expect_waiting(story, "bob@listeddown.test")
    expect_contacts(story, [])


@scenario("enforce: a pattern covers one label, whatever the case")
def pattern(world: World) -> None:
    expect_delivered(world.send("bob@Pattern.TEST"), "bob@pattern.test", GOOD, verified=True)


@scenario("enforce: a pattern covers no second label")
def shallow_pattern(world: World) -> None:
    story = world.send("bob@shallowpattern.test")
    expect_waiting(story, "bob@shallowpattern.test")
    expect_contacts(story, [])


@scenario("enforce: a wildcard certificate proves a host's name")
def wildcard_certificate(world: World) -> None:
    expect_delivered(world.send("bob@wildcardcert.test"), "bob@wildcardcert.test", WILDCARD, verified=True)


@scenario("enforce: an MX host with only IPv6")
def ipv6_host(world: World) -> None:
    expect_delivered(world.send("bob@sixmx.test"), "bob@sixmx.test", SIX, verified=True)


@scenario("enforce: a policy host with only IPv6")
def ipv6_policy_host(world: World) -> None:
    story = world.send("bob@sixpolicy.test")
    expect_delivered(story, "bob@sixpolicy.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])


@scenario("enforce: a host that failed for long is tried before a message is bounced")
def failed_for_long(world: World) -> None:
    """Exim remembers failures by the host's own name: somebody whose MX is an alias of another's host makes it fail there."""
    rule = Path("/etc/exim4/conf.d/retry/00_short")
    rule.write_text("* * F,1s,3s\n", encoding="ascii")
    world.undo(world.sender.configure)
    world.undo(rule.unlink)
    world.sender.configure()
    expect(not world.send("eve@borrowed.test").arrived(), "an alias proves no name")
    time.sleep(3.1)
    world.send("eve@borrowed.test")  # fails again, and the time for retries is over
    expect_delivered(world.send("bob@listed.test"), "bob@listed.test", GOOD, verified=True)


@scenario("enforce: two recipients of one domain cost one connection and one fetch")
def two_recipients(world: World) -> None:
    before = world.policy_requests("listed.test")
    story = world.send("bob@listed.test", "eve@listed.test")
    expect_delivered(story, "bob@listed.test", GOOD, verified=True)
    expect_delivered(story, "eve@listed.test", GOOD, verified=True)
    expect(len(story.arrived()) == 1, "one copy should carry both recipients", story)
    expect(world.policy_requests("listed.test") == before + 1, "the policy should be fetched once", story)


@scenario("enforce: the second mail finds the policy remembered")
def remembered(world: World) -> None:
    before = world.policy_requests("listed.test")
    for _ in range(2):
        expect_delivered(world.send("bob@listed.test"), "bob@listed.test", GOOD, verified=True)
    expect(world.policy_requests("listed.test") == before + 1, "the policy should be fetched once for two mails")


def bad_certificate(kind: str) -> None:
    """Registers the scenario for one kind of BAD_HOSTS."""
    bad = BAD_HOSTS[kind][0].name
    fallback = declare(Domain(f"{word(kind)}-and-good.test", (bad, GOOD), "enforce"))
    alone = declare(Domain(f"{word(kind)}-alone.test", (bad,), "enforce"))

    @scenario(f"enforce: {kind}: not delivered there, next host tried; alone: deferred, never bounced")
    def refused(world: World) -> None:
        story = world.send(f"bob@{fallback.name}")
        expect_delivered(story, f"bob@{fallback.name}", GOOD, verified=True)
        expect_contacts(story, [bad, GOOD])
        world.sender.forget_retries()  # else Exim would not even try the bad host again now
        story = world.send(f"bob@{alone.name}")
        expect_waiting(story, f"bob@{alone.name}")
        expect_contacts(story, [bad])
        expect_waiting(world.queue_run(), f"bob@{alone.name}")


for one_kind in BAD_HOSTS:
    bad_certificate(one_kind)
