"""Mode enforce: mail goes to hosts that the policy names and that prove who they are, or it waits (R24, R25, R26).

For every server that asks mtastsd. What a version does not check is in the server's own scenarios, by name.
"""

from __future__ import annotations

from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
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
declare(Domain("wildcardcert.test", (WILDCARD,), "enforce"))
declare(Domain("sixmx.test", (SIX,), "enforce"))
declare(Domain("sixpolicy.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), policy_ipv6_only=True))


@scenario("no policy: delivered as before, even in the clear")
def no_policy(world: World) -> None:
    expect_delivered(world.send("bob@nopolicy.test"), "bob@nopolicy.test", PLAIN)
    expect_delivered(world.send("bob@nopolicybadtls.test"), "bob@nopolicybadtls.test", SELF_SIGNED, verified=False)


@scenario("enforce: a listed host with a good certificate gets the mail, verified, with its name as SNI")
def listed(world: World) -> None:
    story = world.send("bob@listed.test")
    expect_delivered(story, "bob@listed.test", GOOD, verified=True)
    expect([(event.tls, event.sni) for event in story.arrived()] == [("TLS1.3", GOOD)], "TLS 1.3 with SNI is wanted", story)


@scenario("enforce: an unlisted first host gets nothing, the second gets the mail")
def unlisted(world: World) -> None:
    story = world.send("bob@unlisted.test")
    expect_delivered(story, "bob@unlisted.test", GOOD, verified=True)


@scenario("enforce: no host is listed: deferred, also at the next queue run")
def none_listed(world: World) -> None:
    expect_waiting(world.send("bob@nonelisted.test"), "bob@nonelisted.test")
    expect_waiting(world.queue_run(), "bob@nonelisted.test")


@scenario("enforce: the listed host is down: deferred, an unlisted one that is up gets nothing")
def listed_down(world: World) -> None:
    expect_waiting(world.send("bob@listeddown.test"), "bob@listeddown.test")


@scenario("enforce: a pattern covers one label, whatever the case")
def pattern(world: World) -> None:
    expect_delivered(world.send("bob@Pattern.TEST"), "bob@pattern.test", GOOD, verified=True)


@scenario("enforce: a wildcard certificate proves a host's name")
def wildcard_certificate(world: World) -> None:
    expect_delivered(world.send("bob@wildcardcert.test"), "bob@wildcardcert.test", WILDCARD, verified=True)


@scenario("enforce: an MX host with only IPv6")
def ipv6_host(world: World) -> None:
    expect_delivered(world.send("bob@sixmx.test"), "bob@sixmx.test", SIX, verified=True)


@scenario("enforce: a policy host with only IPv6")
def ipv6_policy_host(world: World) -> None:
    expect_delivered(world.send("bob@sixpolicy.test"), "bob@sixpolicy.test", GOOD, verified=True)


@scenario("enforce: two recipients of one domain cost one copy and one fetch")
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
        story = world.send(f"bob@{alone.name}")
        expect_waiting(story, f"bob@{alone.name}")
        expect_waiting(world.queue_run(), f"bob@{alone.name}")


for one_kind in BAD_HOSTS:
    if one_kind not in COMMON_NAME_KINDS:
        bad_certificate(one_kind)
