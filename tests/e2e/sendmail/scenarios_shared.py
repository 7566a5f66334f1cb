"""Domains that share a mail host and differ in policy: Sendmail gives the host one message for all of them (scenarios_testing declares them)."""

from __future__ import annotations

from framework import expect_delivered, expect_waiting, scenario
from sendmail import sendmail
from topology import SELF_SIGNED
from world import World


def judges_each(world: World) -> bool:
    return sendmail(world).version >= (8, 18, 2)


def judges_all(world: World) -> bool:
    return not judges_each(world)


@scenario("three domains on one bad host in one mail: after a queue run testing and no policy are delivered, enforce waits", judges_each)
def shared_host(world: World) -> None:
    story = world.watch(lambda: (world.send("bob@sharedtesting.test", "bob@sharedenforce.test", "bob@sharednone.test"), world.queue_run()))
    expect_delivered(story, "bob@sharedtesting.test", SELF_SIGNED)
    expect_delivered(story, "bob@sharednone.test", SELF_SIGNED)
    expect_waiting(story, "bob@sharedenforce.test")


@scenario("an enforce failure on a host does not hold up other domains there", judges_each)
def no_blocking(world: World) -> None:
    expect_waiting(world.send("bob@sharedenforce.test"), "bob@sharedenforce.test")
    expect_delivered(world.send("bob@sharednone.test"), "bob@sharednone.test", SELF_SIGNED)
    expect_delivered(world.send("bob@sharedtesting.test"), "bob@sharedtesting.test", SELF_SIGNED)


@scenario("known gap before 8.18.2: what an enforced policy refuses holds up the message's other recipients on that host", judges_all)
def held_up_together(world: World) -> None:
    for story in (world.send("bob@sharedtesting.test", "bob@sharedenforce.test", "bob@sharednone.test"), world.queue_run()):
        for domain in ("sharedtesting.test", "sharedenforce.test", "sharednone.test"):
            expect_waiting(story, f"bob@{domain}")


@scenario("known gap before 8.18.2: what an enforced policy refused holds up others on that host, as if it were down", judges_all)
def held_up_after(world: World) -> None:
    expect_waiting(world.send("bob@sharedenforce.test"), "bob@sharedenforce.test")
    expect_waiting(world.send("bob@sharednone.test"), "bob@sharednone.test")
    sendmail(world).forget_hosts()
    expect_delivered(world.send("eve@sharednone.test"), "eve@sharednone.test", SELF_SIGNED)
