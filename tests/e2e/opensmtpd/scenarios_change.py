"""A domain that leaves while mail waits for it (R19); what else changes is in every_change."""

from __future__ import annotations

import time

from every_change import NO_MINIMUM
from framework import expect_delivered, expect_waiting, scenario
from topology import PLAIN, SECOND, SELF_SIGNED, declare
from world import Domain, World

declare(Domain("parting.test", (SELF_SIGNED,), "enforce"))


@scenario("trap 5: mail that waits when its domain leaves is told an MX host all the same; smtpd stays strict with it until it is delivered")
def left_behind(world: World) -> None:
    world.sender.set_module_configuration(NO_MINIMUM)
    expect_waiting(world.send("bob@parting.test"), "bob@parting.test")
    world.publish("parting.test", mode="none", mx=(PLAIN,), record_id="2")
    time.sleep(1.1)
    expect_delivered(world.send("eve@parting.test"), "eve@parting.test", PLAIN)  # the new one is not held up
    expect_waiting(world.queue_run(), "bob@parting.test")
    world.publish("parting.test", mode="testing", mx=(PLAIN, SECOND), record_id="3")
    time.sleep(1.1)
    expect_delivered(world.queue_run(), "bob@parting.test", SECOND, verified=True)
