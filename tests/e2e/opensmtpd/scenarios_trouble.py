"""Names or policy hosts that fail: a cached policy holds, an unknown one does not stop mail, and smtpd is never held for long
(R16, R17, R20)."""

from __future__ import annotations

import threading
import time

from every_trouble import cache_policy, expect_fetched_once, resolver
from framework import expect, expect_delivered, expect_waiting, scenario
from opensmtpd import opensmtpd
from topology import GOOD, IMPOSTOR, PLAIN, declare
from world import NO_RESOLVER, SILENT_RESOLVER, Domain, Trace, World

declare(Domain("held.test", (PLAIN,)))

NO_PROBE = "[opensmtpd]\nprobe = false\n"
WAIT = 2.0  # wait_s


def expect_put_off(story: Trace, recipient: str) -> None:
    """RCPT was answered with 451: the mail stays where it comes from."""
    outcome = story.outcome(recipient)
    expect(outcome.state == "put off" and outcome.text.startswith("451"), f"{recipient} should be put off by 451 and is {outcome}", story)
    expect(not story.arrived(), "nothing should arrive", story)


@scenario("policy host is late: the recipient is put off by 451, the policy fetched once in the background, then enforced")
def late(world: World) -> None:
    world.sender.set_module_configuration("[opensmtpd]\nwait_s = 1\n")
    expect_put_off(world.send("bob@late.test"), "bob@late.test")
    time.sleep(4)
    expect_delivered(world.send("bob@late.test"), "bob@late.test", GOOD, verified=True)
    expect_fetched_once(world, "late.test")


@scenario("resolver refuses, nothing cached: delivered as before, warned; on_dns_failure = defer: put off by 451")
def refused_unknown(world: World) -> None:
    world.sender.set_module_configuration(resolver(NO_RESOLVER) + NO_PROBE)
    story = world.send("bob@cautious.test")
    expect_delivered(story, "bob@cautious.test", IMPOSTOR)
    expect(bool(story.syslog), "the administrator should be warned", story)
    world.sender.set_module_configuration(resolver(NO_RESOLVER) + '[engine]\non_dns_failure = "defer"\n')
    expect_put_off(world.send("bob@cautious2.test"), "bob@cautious2.test")


def timed_send(world: World, recipient: str, seconds: dict[str, float]) -> None:
    begin = time.monotonic()
    opensmtpd(world).submit([recipient], "Subject: hello\n\nHello.\n")
    seconds[recipient] = time.monotonic() - begin


@scenario("resolver is silent: RCPT is answered within wait_s + 1 s, another recipient waits no longer than that, smtpd lives")
def silent(world: World) -> None:
    world.sender.set_module_configuration(resolver(SILENT_RESOLVER, timeout=30))
    seconds: dict[str, float] = {}
    threads = [threading.Thread(target=timed_send, args=(world, recipient, seconds)) for recipient in ("bob@cautious.test", "alice@sender.lab.test")]
    for thread in threads:
        thread.start()
        time.sleep(0.2)  # the other recipient comes while smtpd is held
    for thread in threads:
        thread.join()
    expect(len(seconds) == 2 and max(seconds.values()) < WAIT + 1, f"both should be answered within {WAIT + 1} s: {seconds}")
    expect(opensmtpd(world).running, "smtpd should live")


@scenario("resolver is silent, nothing cached: put off by 451 once, then delivered as before; on_dns_failure = defer: put off again")
def silent_unknown(world: World) -> None:
    silence = resolver(SILENT_RESOLVER, timeout=4)
    world.sender.set_module_configuration(silence + NO_PROBE)
    expect_put_off(world.send("bob@cautious.test"), "bob@cautious.test")
    time.sleep(4)  # the question ends in a failure of DNS, which is cached for 10 s
    for pause in (0, 11):
        time.sleep(pause)
        expect_delivered(world.send("bob@cautious.test"), "bob@cautious.test", IMPOSTOR)
    world.sender.set_module_configuration(silence + '[engine]\non_dns_failure = "defer"\n')
    for _ in range(2):
        expect_put_off(world.send("bob@cautious2.test"), "bob@cautious2.test")
        time.sleep(4)


@scenario("resolver is silent: mail that waits on a cached policy's host is tried again, never sent elsewhere")
def silent_cached(world: World) -> None:
    cache_policy(world, resolver(SILENT_RESOLVER))
    story = world.send("bob@cautious.test")
    expect_waiting(story, "bob@cautious.test")
    expect(story.seconds < WAIT + 3, f"it took {story.seconds:.0f} s", story)
    world.sender.set_module_configuration("")
    expect_delivered(world.queue_run(), "bob@cautious.test", GOOD, verified=True)


@scenario("known gap: mail that was queued while DNS did not answer goes out without its policy; on_dns_failure = defer closes it")
def queued_blind(world: World) -> None:
    world.stop_resolver()
    expect_waiting(world.send("bob@cautious.test"), "bob@cautious.test")
    world.start_again()
    expect_delivered(world.queue_run(), "bob@cautious.test", IMPOSTOR)
    world.reset()
    world.sender.set_module_configuration('[engine]\non_dns_failure = "defer"\n')
    world.stop_resolver()
    expect_put_off(world.send("eve@cautious.test"), "eve@cautious.test")
