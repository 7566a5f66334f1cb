"""Mode enforce: mail goes to hosts that the policy names and that prove who they are, or it waits (R24, R25, R26)."""

from __future__ import annotations

from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
from topology import BAD_HOSTS, DOWN, GOOD, IMPOSTOR, PLAIN, SECOND, SELF_SIGNED, SIX, TWO_LABELS, WILDCARD, declare, word
from world import Domain, World

declare(Domain("nopolicy.test", (PLAIN,)))
declare(Domain("listed.test", (GOOD,), "enforce"))

@scenario("no policy: delivered as before, even in the clear")
def no_policy(world: World) -> None:
    expect_delivered(world.send("bob@nopolicy.test"), "bob@nopolicy.test", PLAIN)


@scenario("enforce: a listed host with a good certificate gets the mail, verified, with its name as SNI")
def listed(world: World) -> None:
    story = world.send("bob@listed.test")
    expect_delivered(story, "bob@listed.test", GOOD, verified=True)
    expect([(event.tls, event.sni) for event in story.arrived()] == [("TLS1.3", GOOD)], "TLS 1.3 with SNI is wanted", story)
