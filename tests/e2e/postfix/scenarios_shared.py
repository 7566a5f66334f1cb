"""Domains that share a mail host and differ in policy (the domains: scenarios_testing)."""

from __future__ import annotations

from framework import expect_contacts, expect_delivered, expect_waiting, scenario
from postfix import postfix
from topology import GOOD, SELF_SIGNED, declare
from world import Domain, World

declare(Domain("keptgood.test", (GOOD,), "enforce"))


@scenario("three domains on one bad host in one mail: testing and no policy are delivered, enforce waits")
def shared_host(world: World) -> None:
    story = world.send("bob@sharedtesting.test", "bob@sharedenforce.test", "bob@sharednone.test")
    expect_delivered(story, "bob@sharedtesting.test", SELF_SIGNED)
    expect_delivered(story, "bob@sharednone.test", SELF_SIGNED)
    expect_waiting(story, "bob@sharedenforce.test")


@scenario("with connections kept and reused, those of a domain without a policy are not used for one that enforces")
def reused(world: World) -> None:
    """Even with TLS sessions kept, which is off by default."""
    postfix(world).set_main(smtp_connection_cache_destinations="sharednone.test, sharedenforce.test, keptgood.test", smtp_tls_connection_reuse="yes",
                            smtp_connection_cache_time_limit="60s", connection_cache_ttl_limit="60s")  # 2 s is too short on a busy machine
    postfix(world).add_service("tlsproxy/unix", "tlsproxy unix - - n - 0 tlsproxy")
    for number in range(2):  # what is kept by the first is there for the second
        expect_delivered(world.send(f"bob{number}@sharednone.test"), f"bob{number}@sharednone.test", SELF_SIGNED)
        story = world.send(f"bob{number}@keptgood.test")
        expect_delivered(story, f"bob{number}@keptgood.test", GOOD)
        expect_contacts(story, [GOOD] if number == 0 else [])
        expect_waiting(world.send(f"bob{number}@sharedenforce.test"), f"bob{number}@sharedenforce.test")
