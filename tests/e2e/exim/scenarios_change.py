"""Policies that change, beyond what every server does (every_change; R18, R22)."""

from __future__ import annotations

import time

from every_change import learn
from framework import expect_protected, scenario
from topology import GOOD
from world import World


@scenario("an expired policy comes back with a new id")
def refetched(world: World) -> None:
    learn(world, "bob@brief.test")
    time.sleep(3.1)
    world.publish("brief.test", record_id="2")
    expect_protected(world, world.send("bob@brief.test"), "bob@brief.test", GOOD)
