"""Modes testing and none: mail is delivered as if there were no policy; testing tells what enforce would refuse (R27, R28)."""

from __future__ import annotations

import time

from framework import expect, expect_delivered, expect_waiting, scenario
from topology import BAD_HOSTS, GOOD, IMPOSTOR, PLAIN, SELF_SIGNED, declare, word
from world import Domain, World

declare(Domain("testinggood.test", (GOOD,), "testing"))
declare(Domain("testingunlisted.test", (IMPOSTOR,), "testing", (GOOD,)))
declare(Domain("nonemode.test", (PLAIN,), "none"))
declare(Domain("sharedtesting.test", (SELF_SIGNED,), "testing"))
declare(Domain("sharedenforce.test", (SELF_SIGNED,), "enforce"))
declare(Domain("sharednone.test", (SELF_SIGNED,)))
declare(Domain("bothtesting.test", (GOOD,), "testing"))
declare(Domain("bothenforce.test", (GOOD,), "enforce"))


def told(world: World, *words: str, patience: float = 10.0, since: int = 0) -> bool:
    """The probe's word may come after the mail has gone. `since`: how many words there were before."""
    return world.sender.log_socket.wait(lambda: any(all(word in line for word in words) for line in world.sender.words[since:]), patience)


@scenario("testing: a good host gets the mail and nothing is complained of")
def good(world: World) -> None:
    since = len(world.sender.words)
    expect_delivered(world.send("bob@testinggood.test"), "bob@testinggood.test", GOOD)
    time.sleep(0.3)
    complaints = [line for line in world.sender.words[since:] if "testing-failure" in line]
    expect(not complaints, f"no failure should be logged, and was: {complaints}")


@scenario("testing: an unlisted host gets the mail, and that is logged")
def unlisted(world: World) -> None:
    expect_delivered(world.send("bob@testingunlisted.test"), "bob@testingunlisted.test", IMPOSTOR)
    expect(told(world, "event=testing-failure", "testingunlisted.test", IMPOSTOR), f"the failure should be logged: {world.sender.words}")


@scenario("none: delivered as before")
def none(world: World) -> None:
    expect_delivered(world.send("bob@nonemode.test"), "bob@nonemode.test", PLAIN)


@scenario("domains on one bad host in one mail: testing and no policy are delivered, enforce waits and holds nobody up")
def shared_host(world: World) -> None:
    story = world.send("bob@sharedenforce.test", "bob@sharedtesting.test", "bob@sharednone.test")
    expect_delivered(story, "bob@sharedtesting.test", SELF_SIGNED)
    expect_delivered(story, "bob@sharednone.test", SELF_SIGNED)
    expect_waiting(story, "bob@sharedenforce.test")


@scenario("domains on one good host in one mail: the enforcing one has a verified session of its own")
def shared_good_host(world: World) -> None:
    story = world.send("bob@bothtesting.test", "bob@bothenforce.test")
    expect_delivered(story, "bob@bothtesting.test", GOOD)
    expect_delivered(story, "bob@bothenforce.test", GOOD, verified=True)


@scenario("a partner with a broken policy is exempt by mtasts.toml, a testing policy is enforced by it")
def overrides(world: World) -> None:
    world.sender.set_module_configuration('[[policy.override]]\ndomain = "sharedenforce.test"\nmode = "none"\n'
                                          '[[policy.override]]\ndomain = "sharedtesting.test"\nmode = "enforce"\n')
    expect_delivered(world.send("bob@sharedenforce.test"), "bob@sharedenforce.test", SELF_SIGNED)
    expect_waiting(world.send("bob@sharedtesting.test"), "bob@sharedtesting.test")


TESTED = {kind: declare(Domain(f"{word(kind)}-testing.test", (BAD_HOSTS[kind][0].name,), "testing")) for kind in BAD_HOSTS}


@scenario("testing: each kind of bad host gets the mail, and what enforce would have refused is logged (R27)")
def bad_hosts(world: World) -> None:
    for kind, domain in TESTED.items():
        host, results = BAD_HOSTS[kind]
        if kind != "TLS 1.1":  # smtpd has TLS 1.2 at least, and does not go back to the clear in every version
            expect_delivered(world.send(f"bob@{domain.name}"), f"bob@{domain.name}", host.name)
        else:
            world.send(f"bob@{domain.name}")
        expect(any(told(world, "event=testing-failure", domain.name, result, patience=5) for result in results),
               f"{kind}: one of {results} should be told, and was: {[line for line in world.sender.words if domain.name in line]}")
