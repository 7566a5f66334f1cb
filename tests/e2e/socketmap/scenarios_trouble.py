"""A policy host that is slower than a server can wait (R16); what else fails is in every_trouble."""

from __future__ import annotations

import time

from every_trouble import expect_fetched_once
from framework import expect_delivered, expect_waiting, scenario
from topology import GOOD
from world import World


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
    expect_fetched_once(world, "late.test")
