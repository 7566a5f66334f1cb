"""Policies that change: a new id is seen, none replaces enforce, what has expired is not applied (R18, R19, R22). For every server."""

from __future__ import annotations

import time

from framework import expect, expect_delivered, expect_protected, scenario
from topology import GOOD, IMPOSTOR, PLAIN, SECOND, declare
from world import Domain, World

declare(Domain("moving.test", (IMPOSTOR, GOOD, SECOND), "enforce", (GOOD,)))
declare(Domain("brief.test", (IMPOSTOR, GOOD), "enforce", (GOOD,), max_age=2))

NO_MINIMUM = "[dns]\nmin_ttl_s = 0\n"


def learn(world: World, recipient: str) -> None:
    world.sender.set_module_configuration(NO_MINIMUM)
    expect_protected(world, world.send(recipient), recipient, GOOD)


@scenario("a new id brings the new policy")
def new_id(world: World) -> None:
    learn(world, "bob@moving.test")
    world.publish("moving.test", patterns=(SECOND,), record_id="2")
    time.sleep(1.1)
    expect_protected(world, world.send("bob@moving.test"), "bob@moving.test", SECOND)


@scenario("the same id keeps the policy, whatever the file says now")
def same_id(world: World) -> None:
    learn(world, "bob@moving.test")
    before = world.policy_requests("moving.test")
    world.publish("moving.test", patterns=(SECOND,))
    time.sleep(1.1)
    expect_delivered(world.send("bob@moving.test"), "bob@moving.test", GOOD, verified=True)
    expect(world.policy_requests("moving.test") == before, "the policy should not be fetched again")


@scenario("none under a new id ends enforcement of new mail at once")
def leaving(world: World) -> None:
    learn(world, "bob@moving.test")
    world.publish("moving.test", mode="none", mx=(PLAIN,), record_id="3")
    time.sleep(1.1)
    expect_delivered(world.send("bob@moving.test"), "bob@moving.test", PLAIN)


@scenario("an expired policy is not applied when nothing new can be had")
def expired(world: World) -> None:
    learn(world, "bob@brief.test")
    world.publish("brief.test", record_id="")
    time.sleep(3.1)
    expect_delivered(world.send("bob@brief.test"), "bob@brief.test", IMPOSTOR)
