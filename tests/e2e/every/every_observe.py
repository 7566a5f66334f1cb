"""Observe mode (docs/adr/0020-observe-mode.md): nothing is refused and nothing waits, what would have is logged and counted."""

from __future__ import annotations

import json
import subprocess
import time

from framework import expect, expect_delivered, expect_waiting, scenario
from topology import GOOD, IMPOSTOR, SELF_SIGNED, declare
from web import Place, PolicyHost
from world import Domain, World

PATIENCE = 15.0  # seconds: a trial aside ends after the mail has gone

declare(Domain("observed.test", (IMPOSTOR,), "enforce", (GOOD,)))
declare(Domain("observedcert.test", (SELF_SIGNED,), "enforce"))
declare(Domain("observedgood.test", (GOOD,), "enforce"))
declare(Domain("observedlate.test", (IMPOSTOR,), "enforce", (GOOD,), host=PolicyHost("", place=Place.RAW, behaviour="late")))


def observe(world: World, more: str = "") -> None:
    world.sender.set_module_configuration(f"[{world.sender.section}]\nobserve = true\n{more}")


def told(world: World, since: int, *words: str) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(all(word in line for word in words) for line in world.sender.words[since:]):
            return True
        time.sleep(0.1)
    return False


def counted(world: World, event: str, domain: str) -> None:
    """By "mtasts status", which warns of observe mode."""
    shown = subprocess.run(["mtasts", "status", "--json"], capture_output=True, text=True, check=False)
    status = json.loads(shown.stdout)
    expect(shown.returncode > 0 and status["observing"] == [world.sender.section], f"status should warn: {shown.stdout}")
    if not world.sender.counted_as:
        return
    counts = status["deliveries"]["last_hour"].get(world.sender.counted_as, {})
    expect(counts.get(event, 0) > 0 and domain in counts.get("observed_domains", {}), f"{event} of {domain} should be counted: {shown.stdout}")


@scenario("observe: an impostor gets the mail, which is logged and counted; enforced again, the mail waits")
def impostor(world: World) -> None:
    observe(world)
    since = len(world.sender.words)
    expect_delivered(world.send("bob@observed.test"), "bob@observed.test", IMPOSTOR)
    expect(told(world, since, "event=observed-failure", "observed.test", IMPOSTOR), f"the failure should be logged: {world.sender.words[since:]}")
    counted(world, "observed-failure", "observed.test")
    world.sender.set_module_configuration("")
    expect_waiting(world.send("carol@observed.test"), "carol@observed.test")


@scenario("observe: a host with a bad certificate gets the mail, and that is logged")
def bad_certificate(world: World) -> None:
    observe(world)
    since = len(world.sender.words)
    expect_delivered(world.send("bob@observedcert.test"), "bob@observedcert.test", SELF_SIGNED)
    expect(told(world, since, "event=observed-failure", "observedcert.test", "certificate-not-trusted"),
           f"the failure should be logged: {world.sender.words[since:]}")


@scenario("observe: a good host gets the mail, and nothing is told of it")
def good(world: World) -> None:
    observe(world)
    since = len(world.sender.words)
    expect_delivered(world.send("bob@observedgood.test"), "bob@observedgood.test", GOOD)
    time.sleep(1.0)
    complaints = [line for line in world.sender.words[since:] if "event=observed-" in line]
    expect(not complaints, f"nothing should be told, and was: {complaints}")


@scenario("observe: what would have waited for a policy goes out, and that is logged and counted")
def late(world: World) -> None:
    observe(world, "[engine]\ndeadline_s = 1\n")
    since = len(world.sender.words)
    expect_delivered(world.send("bob@observedlate.test"), "bob@observedlate.test", IMPOSTOR)
    expect(told(world, since, "event=observed-defer", "observedlate.test"), f"it should be logged: {world.sender.words[since:]}")
    counted(world, "observed-defer", "observedlate.test")


@scenario("observe: the log says that nothing is enforced")
def not_silent(world: World) -> None:
    since = len(world.sender.words)
    observe(world)
    world.send("bob@observedgood.test")
    expect(told(world, since, "event=observing", f"section={world.sender.section}", "nothing is enforced"),
           f"it should be told: {world.sender.words[since:]}")
