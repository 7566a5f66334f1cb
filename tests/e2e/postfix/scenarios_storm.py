"""kill -9 and restart of mtastsd, again and again, while many messages go out."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from framework import expect, scenario
from mail_server import message
from postfix import Postfix, postfix
from topology import GOOD, IMPOSTOR, PLAIN, SELF_SIGNED, declare
from world import Domain, Trace, World

declare(Domain("stormgood.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("stormbad.test", (SELF_SIGNED, PLAIN), "enforce"))
declare(Domain("stormplain.test", (PLAIN,)))

EACH = {"stormgood.test": 80, "stormbad.test": 60, "stormplain.test": 60}
BETWEEN_KILLS = 0.3  # seconds; long enough to answer, short enough to be killed while it does


def recipients() -> list[str]:
    """In turns, so that each kill meets every kind."""
    return [f"u{number}@{domain}" for number in range(max(EACH.values())) for domain, count in EACH.items() if number < count]


def kill_and_start(server: Postfix, over: threading.Event, kills: list[float]) -> None:
    while not over.wait(BETWEEN_KILLS):
        server.mtastsd.kill()
        kills.append(time.monotonic())
        server.mtastsd.start(wait=False)


def submit_all(server: Postfix) -> int:
    """Returns how often mtastsd was killed meanwhile."""
    over, since, kills = threading.Event(), server.mark(), list[float]()
    killer = threading.Thread(target=kill_and_start, args=(server, over, kills))
    killer.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda recipient: server.submit([recipient], message([recipient], "storm", {})), recipients()))
        settle(server, since, patience=20)
    finally:
        over.set()
        killer.join()
    server.mtastsd.kill()
    server.mtastsd.start()
    return len(kills)


def settle(server: Postfix, since: int, patience: float) -> None:
    """Until every message has been tried."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and len(server.outcomes(since)) < sum(EACH.values()):
        time.sleep(0.2)


def arrived(story: Trace, domain: str) -> dict[str, list[tuple[str, bool]]]:
    """Of each recipient of the domain: at which hosts the mail arrived, and whether over TLS."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for event in story.arrived():
        for recipient in event.recipients.split(", "):
            if recipient.endswith(f"@{domain}"):
                found.setdefault(recipient, []).append((event.host, bool(event.tls)))
    return found


@scenario("storm: mtastsd is killed again and again under 200 messages: none is lost, doubled, bounced or delivered unprotected")
def storm(world: World) -> None:
    server = postfix(world)
    everybody, kills = recipients(), list[int]()

    def all_of_it() -> None:
        kills.append(submit_all(server))
        server.queue_run()

    story = world.watch(all_of_it)
    expect(kills[0] >= 5, f"mtastsd should be killed five times at least and was {kills[0]} times")
    expect("bounced" not in {outcome.state for outcome in story.outcomes.values()}, "nothing should bounce", story)
    for domain, place in {"stormgood.test": (GOOD, True), "stormplain.test": (PLAIN, False)}.items():
        wanted = {recipient: [place] for recipient in everybody if recipient.endswith(f"@{domain}")}
        got = arrived(story, domain)
        wrong = {recipient: got.get(recipient) for recipient in wanted if got.get(recipient) != wanted[recipient]}
        expect(not wrong, f"each message to {domain} should arrive once, at {place[0]}; wrong are {wrong}")
    unprotected = arrived(story, "stormbad.test")
    expect(not unprotected, f"nothing for stormbad.test should arrive, and did: {unprotected}")
    waiting = sorted(recipient for names in server.queue().values() for recipient in names)
    expect(waiting == sorted(recipient for recipient in everybody if recipient.endswith("@stormbad.test")),
           f"what waits should be the mail to stormbad.test, and is {waiting}")
    unverified = [recipient for recipient, outcome in story.outcomes.items() if recipient.endswith("@stormgood.test") and not outcome.verified]
    expect(not unverified, f"each connection for stormgood.test should be verified; these were not: {unverified}")
