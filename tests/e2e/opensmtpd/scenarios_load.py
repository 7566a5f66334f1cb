"""Hundreds of domains nobody has asked about, while mail flows: nothing is lost, and nobody is held for long."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from framework import expect, scenario
from mail_server import message
from opensmtpd import opensmtpd
from topology import GOOD, IMPOSTOR, PLAIN, declare
from web import Place, PolicyHost
from world import Domain, World

declare(Domain("crowd.test", (PLAIN,), records=f"* MX 10 {PLAIN}."))
declare(Domain("flow.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("slow.test", (PLAIN,), "enforce", host=PolicyHost("", place=Place.RAW, behaviour="late")))
PROTECTED = [declare(Domain(f"guarded{number}.test", (IMPOSTOR, GOOD), "enforce", (GOOD,))).name for number in range(20)]

COLD = 200
FLOWING = 40


@scenario(f"{COLD} cold domains while mail flows: protected mail arrives once, verified, of the rest nothing is lost, nobody waits long, smtpd lives")
def load(world: World) -> None:
    server = opensmtpd(world)
    crowd = [f"u@n{number}.crowd.test" for number in range(COLD)]
    protected = [f"u{number}@flow.test" for number in range(FLOWING)] + [f"u@{name}" for name in PROTECTED]
    seconds: dict[str, float] = {}
    waiting: set[str] = set()

    def submit(recipient: str) -> None:
        begin = time.monotonic()
        server.submit([recipient], message([recipient], "load", {}))
        seconds[recipient] = time.monotonic() - begin

    def all_of_it() -> None:
        since = server.mark()
        mixed = [*crowd[:20], "u@slow.test", *(one for pair in zip(crowd[20:], protected) for one in pair), *crowd[20 + len(protected):]]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(submit, mixed))
        server.log_socket.wait(lambda: server.outcomes(since).keys() >= set(protected), 60)
        waiting.update(server.queue().values())  # what leaves the queue from now on arrives in this story or is counted here

    story = world.watch(all_of_it)
    expect(server.running, "smtpd should live", story)
    longest = max(seconds, key=seconds.__getitem__)
    expect(seconds[longest] < 3.5, f"{longest} waited {seconds[longest]:.1f} s")
    arrived = Counter((recipient, event.host, bool(event.tls)) for event in story.arrived() for recipient in event.recipients.split(", "))
    wrong = [recipient for recipient in protected if arrived[recipient, GOOD, True] != 1 or not story.outcome(recipient).verified]
    expect(not wrong, f"protected mail should arrive once, verified, and did not for {wrong}")
    # smtpd opens few connections to one host at a time: the rest of the crowd waits for its turn.
    accounted_for = {recipient for recipient, _, _ in arrived} | waiting
    lost = [recipient for recipient in crowd if recipient not in accounted_for]
    expect(not lost, f"lost: {lost}")
