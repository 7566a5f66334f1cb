"""Mode enforce, as far as every server is to do the same (R24, R25, R26); what each does in its own way is in its own scenarios."""

from __future__ import annotations

from framework import expect, expect_contacts, expect_delivered, expect_protected, expect_waiting, scenario
from reports import KINDS
from topology import BAD_HOSTS, DOWN, GOOD, IMPOSTOR, PLAIN, SECOND, SELF_SIGNED, SIX, WILDCARD, declare, word
from world import Domain, World

COMMON_NAME_KINDS = ("common name only", "common name and an address")

declare(Domain("nopolicy.test", (PLAIN,)))
declare(Domain("nopolicybadtls.test", (SELF_SIGNED,)))
declare(Domain("listed.test", (GOOD,), "enforce"))
declare(Domain("unlisted.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("nonelisted.test", (IMPOSTOR, SECOND), "enforce", (GOOD,)))
declare(Domain("listeddown.test", (DOWN, IMPOSTOR), "enforce", (DOWN,)))
declare(Domain("pattern.test", (GOOD,), "enforce", ("*.MX.test",)))
declare(Domain("numbers.test", (IMPOSTOR, GOOD), "enforce", ("a.1", "*.example.0", "mx.192.0.2.1", "127.1", "0x7f.1", "1.2.3.4.5", "8", GOOD)))
declare(Domain("wildcardcert.test", (WILDCARD,), "enforce"))
declare(Domain("sixmx.test", (SIX,), "enforce"))
declare(Domain("sixpolicy.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), policy_ipv6_only=True))
REFUSING = declare(Domain("refusesstarttls.test", (KINDS["STARTTLS refused"][0].name,), "enforce"))


@scenario("enforce: a wildcard certificate proves a host's name")
def wildcard_certificate(world: World) -> None:
    expect_delivered(world.send("bob@wildcardcert.test"), "bob@wildcardcert.test", WILDCARD, verified=True)


@scenario("enforce: patterns that end in a number, or are numbers alone, mean nothing else in a server's list")
def numbers(world: World) -> None:
    expect_protected(world, world.send("bob@numbers.test"), "bob@numbers.test", GOOD)


@scenario("enforce: an MX host with only IPv6")
def ipv6_host(world: World) -> None:
    expect_delivered(world.send("bob@sixmx.test"), "bob@sixmx.test", SIX, verified=True)


@scenario("enforce: a policy host with only IPv6")
def ipv6_policy_host(world: World) -> None:
    expect_protected(world, world.send("bob@sixpolicy.test"), "bob@sixpolicy.test", GOOD)


@scenario("enforce: the second mail finds the policy cached")
def cached(world: World) -> None:
    before = world.policy_requests("listed.test")
    for _ in range(2):
        expect_delivered(world.send("bob@listed.test"), "bob@listed.test", GOOD, verified=True)
    expect(world.policy_requests("listed.test") == before + 1, "the policy should be fetched once for two mails")


@scenario("R26: an MX that refuses STARTTLS for good, or somebody on the way in its name, does not have the mail returned")
def starttls_refused(world: World) -> None:
    expect_waiting(world.send(f"bob@{REFUSING.name}"), f"bob@{REFUSING.name}")


def at_delivery(world: World) -> bool:
    return world.sender.asks_at_delivery


@scenario("enforce: two recipients of one domain cost one copy and one fetch", at_delivery)
def two_recipients(world: World) -> None:
    before = world.policy_requests("listed.test")
    story = world.send("bob@listed.test", "eve@listed.test")
    expect_delivered(story, "bob@listed.test", GOOD, verified=True)
    expect_delivered(story, "eve@listed.test", GOOD, verified=True)
    expect(len(story.arrived()) == 1, "one copy should carry both recipients", story)
    expect(world.policy_requests("listed.test") == before + 1, "the policy should be fetched once", story)


def bad_certificate(kind: str) -> None:
    """Registers the scenario for one kind of BAD_HOSTS, where a server is to refuse that."""
    bad = BAD_HOSTS[kind][0].name
    fallback = declare(Domain(f"{word(kind)}-and-good.test", (bad, GOOD), "enforce"))
    alone = declare(Domain(f"{word(kind)}-alone.test", (bad,), "enforce"))

    @scenario(f"enforce: {kind}: not delivered there, next host tried; alone: deferred, never bounced")
    def refused(world: World) -> None:
        story = world.send(f"bob@{fallback.name}")
        expect_delivered(story, f"bob@{fallback.name}", GOOD, verified=True)
        expect_contacts(story, [bad, GOOD])
        world.sender.forget_retries()  # else a server might not even try the bad host again now
        story = world.send(f"bob@{alone.name}")
        expect_waiting(story, f"bob@{alone.name}")
        expect_contacts(story, [bad])
        expect_waiting(world.queue_run(), f"bob@{alone.name}")
