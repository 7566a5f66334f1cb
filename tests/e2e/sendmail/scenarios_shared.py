"""Domains that share a mail host and differ in policy: Sendmail gives the host one message for all of them (scenarios_testing declares them)."""

from __future__ import annotations

import itertools

from framework import expect, expect_delivered, expect_waiting, scenario
from mx import MailHost
from pki import Issuer, Leaf
from sendmail import sendmail
from topology import BAD_HOSTS, SELF_SIGNED, declare, declare_host
from world import Domain, World

WRONG_NAME = BAD_HOSTS["wrong name"][0].name
CLAIMS = "claims.mx.test"

declare_host(MailHost(CLAIMS, "198.51.100.33", Leaf(CLAIMS, dns=(CLAIMS, WRONG_NAME), issuer=Issuer.SELF)))
declare(Domain("mixedopen.test", (WRONG_NAME,)))
declare(Domain("mixedclaim.test", (CLAIMS,)))
declare(Domain("mixedenforce.test", (WRONG_NAME,), "enforce"))


@scenario("three domains on one bad host in one mail: after a queue run testing and no policy are delivered, enforce waits")
def shared_host(world: World) -> None:
    story = world.watch(lambda: (world.send("bob@sharedtesting.test", "bob@sharedenforce.test", "bob@sharednone.test"), world.queue_run()))
    expect_delivered(story, "bob@sharedtesting.test", SELF_SIGNED)
    expect_delivered(story, "bob@sharednone.test", SELF_SIGNED)
    expect_waiting(story, "bob@sharedenforce.test")


@scenario("one message to several domains on a bad host, in every order: nothing arrives for the one that enforces")
def every_order(world: World) -> None:
    for recipients in itertools.permutations(("bob@sharednone.test", "bob@sharedenforce.test", "bob@sharedtesting.test")):
        world.reset()
        story = world.watch(lambda: (world.send(*recipients), world.queue_run()))
        arrived = [event.recipients for event in story.arrived() if "sharedenforce" in event.recipients]
        expect(not arrived, f"nothing for sharedenforce.test should arrive with recipients in the order {recipients}", story)


@scenario("a connection made for a domain without a policy is not used for one that enforces")
def not_reused(world: World) -> None:
    for order in itertools.permutations(("bob@sharednone.test", "bob@sharedenforce.test", "eve@sharednone.test")):
        world.reset()
        sendmail(world).queue(*order)
        sendmail(world).forget_retries()
        story = world.queue_run()
        expect_waiting(story, "bob@sharedenforce.test")


@scenario("names of one host's certificate are not taken for another host's")
def not_mixed_up(world: World) -> None:
    """A host with an honest certificate for another name, then one whose own certificate claims the first one's name."""
    sendmail(world).queue("bob@mixedopen.test", "bob@mixedclaim.test", "bob@mixedenforce.test")
    story = world.queue_run()
    expect_waiting(story, "bob@mixedenforce.test")
    expect_delivered(story, "bob@mixedopen.test", WRONG_NAME)
    expect_delivered(story, "bob@mixedclaim.test", CLAIMS)
