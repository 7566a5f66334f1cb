"""Domains that share a mail host and differ in policy (the domains: scenarios_testing)."""

from __future__ import annotations

from framework import expect_delivered, expect_waiting, scenario
from topology import SELF_SIGNED
from world import World


@scenario("three domains on one bad host in one mail: testing and no policy are delivered, enforce waits")
def shared_host(world: World) -> None:
    story = world.send("bob@sharedtesting.test", "bob@sharedenforce.test", "bob@sharednone.test")
    expect_delivered(story, "bob@sharedtesting.test", SELF_SIGNED)
    expect_delivered(story, "bob@sharednone.test", SELF_SIGNED)
    expect_waiting(story, "bob@sharedenforce.test")


@scenario("an enforce failure on a host does not hold up other domains there")
def no_blocking(world: World) -> None:
    expect_waiting(world.send("bob@sharedenforce.test"), "bob@sharedenforce.test")
    expect_delivered(world.send("bob@sharednone.test"), "bob@sharednone.test", SELF_SIGNED)
    expect_delivered(world.send("bob@sharedtesting.test"), "bob@sharedtesting.test", SELF_SIGNED)
