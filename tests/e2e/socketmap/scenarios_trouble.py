"""Names or policy hosts that fail: a remembered policy holds, an unknown one does not stop mail (R16, R17, R20)."""

from __future__ import annotations

import time

from framework import expect, expect_delivered, expect_logged, expect_waiting, scenario
from topology import GOOD, IMPOSTOR, declare
from web import Place, PolicyHost
from world import NO_RESOLVER, SILENT_RESOLVER, Domain, World

declare(Domain("cautious.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("cautious2.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("late.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), host=PolicyHost("", place=Place.RAW, behaviour="late")))


def resolver(address: tuple[str, int]) -> str:
    return f'[dns]\nresolvers = ["{address[0]}:{address[1]}"]\ntimeout_s = 1\nmin_ttl_s = 0\n'


def remember(world: World, configuration: str = "") -> None:
    """Learns the policy, then goes on with another configuration, after the record's TTL."""
    world.sender.set_module_configuration("[dns]\nmin_ttl_s = 0\n")
    still_enforced(world)
    time.sleep(1.1)
    if configuration:
        world.sender.set_module_configuration(configuration)


def still_enforced(world: World) -> None:
    expect_delivered(world.send("bob@cautious.test"), "bob@cautious.test", GOOD, verified=True)


@scenario("resolver refuses: a remembered policy is still enforced")
def refused_remembered(world: World) -> None:
    remember(world, resolver(NO_RESOLVER))
    still_enforced(world)


@scenario("resolver is silent: a remembered policy is still enforced")
def silent_remembered(world: World) -> None:
    remember(world, resolver(SILENT_RESOLVER))
    still_enforced(world)


@scenario("resolver refuses, nothing remembered: delivered as before, warned; on_dns_failure = defer: waits")
def refused_unknown(world: World) -> None:
    world.sender.set_module_configuration(resolver(NO_RESOLVER))
    story = world.send("bob@cautious.test")
    expect_delivered(story, "bob@cautious.test", IMPOSTOR)
    expect(bool(story.syslog), "the administrator should be warned", story)
    world.sender.set_module_configuration(resolver(NO_RESOLVER) + '[engine]\non_dns_failure = "defer"\n')
    expect_waiting(world.send("bob@cautious2.test"), "bob@cautious2.test")


@scenario("policy host down: a remembered policy is still enforced, also for a new record id")
def host_down_remembered(world: World) -> None:
    remember(world)
    world.publish("cautious.test", record_id="2")
    world.stop_policy_hosts()
    still_enforced(world)


@scenario("policy host down, nothing remembered: delivered as before, and the log says why")
def host_down_unknown(world: World) -> None:
    world.stop_policy_hosts()
    story = world.send("bob@cautious.test")
    expect_delivered(story, "bob@cautious.test", IMPOSTOR)
    expect_logged(story, "cautious.test", "sts-policy-fetch-error")


@scenario("record gone: a remembered policy is still enforced")
def record_gone(world: World) -> None:
    remember(world)
    world.publish("cautious.test", record_id="")
    still_enforced(world)


@scenario("the machine's resolver is down altogether: mail waits and goes out when it is back")
def all_down(world: World) -> None:
    world.stop_resolver()
    expect_waiting(world.send("bob@cautious.test"), "bob@cautious.test")
    world.start_again()
    world.sender.forget_policies()  # stands for the half minute in which a failed question is not asked again
    expect_delivered(world.queue_run(), "bob@cautious.test", GOOD, verified=True)


@scenario("policy host is late: not delivered before the policy is known, which is fetched once, in the background")
def late(world: World) -> None:
    """A server may ask again for the next MX host, and then know."""
    world.sender.set_module_configuration("[engine]\ndeadline_s = 1\n")
    story = world.send("bob@late.test")
    if story.outcome("bob@late.test").state != "delivered":
        expect_waiting(story, "bob@late.test")
        time.sleep(4)
        story = world.queue_run()
    expect_delivered(story, "bob@late.test", GOOD, verified=True)
    expect(world.policy_requests("late.test") == 1, f"the policy should be fetched once and was {world.policy_requests('late.test')} times")
