"""A policy host that is slower than a server can wait (R16), and a lookup helper that does not work; what else fails is in every_trouble."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from every_trouble import expect_fetched_once
from framework import expect, expect_delivered, expect_waiting, scenario
from topology import GOOD, IMPOSTOR, declare
from world import Domain, World

for _name in ("standing", "standing2", "killed"):
    declare(Domain(f"{_name}.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))


def signal_helpers(number: signal.Signals) -> None:
    """To every lookup helper of this sandbox."""
    found = [int(comm.parent.name) for comm in Path("/proc").glob("[0-9]*/comm") if comm.read_text().strip() == "mtasts-lookup"]
    expect(bool(found), "no lookup helper runs")
    for process in found:
        os.kill(process, number)


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


@scenario("a lookup helper that stands still keeps no cached answer waiting; mail to other domains waits")
def helper_stands_still(world: World) -> None:
    world.sender.set_module_configuration("[engine]\ndeadline_s = 1\n")
    expect_delivered(world.send("bob@standing.test"), "bob@standing.test", GOOD, verified=True)
    signal_helpers(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        expect_delivered(world.send("bob@standing.test"), "bob@standing.test", GOOD, verified=True)
        took = time.monotonic() - begin
        expect_waiting(world.send("bob@standing2.test"), "bob@standing2.test")
    finally:
        signal_helpers(signal.SIGCONT)
    expect(took < 10, f"the mail to a cached domain took {took:.0f} s")
    expect_delivered(world.queue_run(), "bob@standing2.test", GOOD, verified=True)


@scenario("a lookup helper that is killed is replaced")
def helper_killed(world: World) -> None:
    world.sender.set_module_configuration("[engine]\ndeadline_s = 10\n")
    time.sleep(1.1)  # a new one is started at most once a second
    signal_helpers(signal.SIGKILL)
    expect_delivered(world.send("bob@killed.test"), "bob@killed.test", GOOD, verified=True)
