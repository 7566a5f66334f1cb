"""Names or policy hosts that fail: a cached policy holds, an unknown one does not stop mail (R16, R17, R20). For every server, some
for those that ask for the policy when they deliver."""

from __future__ import annotations

import time

from framework import expect, expect_delivered, expect_logged, expect_protected, expect_waiting, scenario
from topology import GOOD, IMPOSTOR, declare
from web import Place, PolicyHost
from world import NO_RESOLVER, SILENT_RESOLVER, Domain, World

declare(Domain("cautious.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("cautious2.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("late.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), host=PolicyHost("", place=Place.RAW, behaviour="late")))


def resolver(address: tuple[str, int], timeout: int = 1) -> str:
    return f'[dns]\nresolvers = ["{address[0]}:{address[1]}"]\ntimeout_s = {timeout}\nmin_ttl_s = 0\n'


def cache_policy(world: World, configuration: str = "") -> None:
    """Learns the policy, then goes on with another configuration, after the record's TTL."""
    world.sender.set_module_configuration("[dns]\nmin_ttl_s = 0\n")
    still_enforced(world)
    time.sleep(1.1)
    if configuration:
        world.sender.set_module_configuration(configuration)


def still_enforced(world: World) -> None:
    expect_protected(world, world.send("bob@cautious.test"), "bob@cautious.test", GOOD)


def expect_fetched_once(world: World, domain: str) -> None:
    requests = world.policy_requests(domain)
    expect(requests == 1, f"the policy should be fetched once and was {requests} times")


def at_delivery(world: World) -> bool:
    return world.sender.asks_at_delivery


@scenario("resolver refuses: a cached policy is still enforced", at_delivery)
def refused_cached(world: World) -> None:
    cache_policy(world, resolver(NO_RESOLVER))
    still_enforced(world)


@scenario("resolver is silent: a cached policy is still enforced", at_delivery)
def silent_cached(world: World) -> None:
    cache_policy(world, resolver(SILENT_RESOLVER))
    still_enforced(world)


@scenario("resolver refuses, nothing cached: delivered as before, warned; on_dns_failure = defer: waits", at_delivery)
def refused_unknown(world: World) -> None:
    world.sender.set_module_configuration(resolver(NO_RESOLVER))
    story = world.send("bob@cautious.test")
    expect_delivered(story, "bob@cautious.test", IMPOSTOR)
    expect(bool(story.syslog), "the administrator should be warned", story)
    world.sender.set_module_configuration(resolver(NO_RESOLVER) + '[engine]\non_dns_failure = "defer"\n')
    expect_waiting(world.send("bob@cautious2.test"), "bob@cautious2.test")


@scenario("the machine's resolver is down altogether: mail waits and goes out when it is back", at_delivery)
def all_down(world: World) -> None:
    world.stop_resolver()
    expect_waiting(world.send("bob@cautious.test"), "bob@cautious.test")
    world.start_again()
    world.sender.forget_policies()  # stands for the half minute in which a failed question is not asked again
    expect_protected(world, world.queue_run(), "bob@cautious.test", GOOD)


@scenario("policy host down: a cached policy is still enforced, also for a new record id")
def host_down_cached(world: World) -> None:
    cache_policy(world)
    world.publish("cautious.test", record_id="2")
    world.stop_policy_hosts()
    still_enforced(world)


@scenario("policy host down, nothing cached: delivered as before, and the log says why")
def host_down_unknown(world: World) -> None:
    world.stop_policy_hosts()
    story = world.send("bob@cautious.test")
    expect_delivered(story, "bob@cautious.test", IMPOSTOR)
    expect_logged(story, "cautious.test", "sts-policy-fetch-error")


@scenario("record gone: a cached policy is still enforced")
def record_gone(world: World) -> None:
    cache_policy(world)
    world.publish("cautious.test", record_id="")
    still_enforced(world)
