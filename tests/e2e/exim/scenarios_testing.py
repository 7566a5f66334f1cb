"""Modes testing and none: mail is delivered as if there were no policy; testing tells what enforce would refuse (R27, R28)."""

from __future__ import annotations

from framework import expect, expect_contacts, expect_delivered, expect_logged, expect_waiting, scenario
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


@scenario("testing: a good host gets the mail and nothing is complained of")
def good(world: World) -> None:
    story = world.send("bob@testinggood.test")
    expect_delivered(story, "bob@testinggood.test", GOOD)
    expect(not any("testinggood.test" in line and "result=" in line for line in story.syslog), "no failure should be logged", story)


@scenario("testing: an unlisted host gets the mail, and that is logged")
def unlisted(world: World) -> None:
    story = world.send("bob@testingunlisted.test")
    expect_delivered(story, "bob@testingunlisted.test", IMPOSTOR)
    expect_logged(story, "testingunlisted.test", IMPOSTOR)


@scenario("none: delivered as before")
def none(world: World) -> None:
    story = world.send("bob@nonemode.test")
    expect_delivered(story, "bob@nonemode.test", PLAIN)
    expect(story.outcome("bob@nonemode.test").transport == "remote_smtp", "Debian's own transport should be used", story)


@scenario("two domains on one bad host in one mail: testing is delivered, enforce waits")
def shared_host(world: World) -> None:
    story = world.send("bob@sharedtesting.test", "bob@sharedenforce.test")
    expect_delivered(story, "bob@sharedtesting.test", SELF_SIGNED)
    expect_waiting(story, "bob@sharedenforce.test")


@scenario("two domains on one good host in one mail: each over a connection of its own kind")
def shared_good_host(world: World) -> None:
    story = world.send("bob@bothtesting.test", "bob@bothenforce.test")
    expect_delivered(story, "bob@bothtesting.test", GOOD)
    expect_delivered(story, "bob@bothenforce.test", GOOD, verified=True)
    connections = [event.kind for event in story.events if event.kind == "connect"]
    expect(len(connections) == 2, f"two connections are wanted, {len(connections)} were made", story)


@scenario("an enforce failure on a host does not hold up other domains there")
def no_blocking(world: World) -> None:
    expect_waiting(world.send("bob@sharedenforce.test"), "bob@sharedenforce.test")
    expect_delivered(world.send("bob@sharednone.test"), "bob@sharednone.test", SELF_SIGNED)
    expect_delivered(world.send("bob@sharedtesting.test"), "bob@sharedtesting.test", SELF_SIGNED)


def bad_certificate(kind: str) -> None:
    """Registers the scenario for one kind of BAD_HOSTS."""
    host, results = BAD_HOSTS[kind]
    domain = declare(Domain(f"{word(kind)}-testing.test", (host.name,), "testing"))

    @scenario(f"testing: {kind}: delivered and logged")
    def delivered(world: World) -> None:
        story = world.send(f"bob@{domain.name}")
        expect_delivered(story, f"bob@{domain.name}", host.name)
        expect_contacts(story, [host.name])
        lines = [line for line in story.syslog if domain.name in line and host.name in line]
        expect(any(result in line for line in lines for result in results), f"syslog should tell one of {results}", story)


for one_kind in BAD_HOSTS:
    bad_certificate(one_kind)
