"""Modes testing and none: mail is delivered as if there were no policy (R27, R28)."""

from __future__ import annotations

from framework import expect_delivered, expect_waiting, scenario
from topology import GOOD, IMPOSTOR, PLAIN, SELF_SIGNED, declare
from world import Domain, World

declare(Domain("testinggood.test", (GOOD,), "testing"))
declare(Domain("testingunlisted.test", (IMPOSTOR,), "testing", (GOOD,)))
declare(Domain("testingplain.test", (PLAIN,), "testing"))
declare(Domain("nonemode.test", (PLAIN,), "none"))
declare(Domain("sharedtesting.test", (SELF_SIGNED,), "testing"))
declare(Domain("sharedenforce.test", (SELF_SIGNED,), "enforce"))
declare(Domain("sharednone.test", (SELF_SIGNED,)))


@scenario("testing: delivered, to a good host, an unlisted one, one without TLS")
def testing(world: World) -> None:
    for name, host in {"testinggood": GOOD, "testingunlisted": IMPOSTOR, "testingplain": PLAIN}.items():
        expect_delivered(world.send(f"bob@{name}.test"), f"bob@{name}.test", host)


@scenario("none: delivered as before")
def none(world: World) -> None:
    expect_delivered(world.send("bob@nonemode.test"), "bob@nonemode.test", PLAIN)


@scenario("an enforce failure on a host does not hold up other domains there")
def no_blocking(world: World) -> None:
    expect_waiting(world.send("bob@sharedenforce.test"), "bob@sharedenforce.test")
    expect_delivered(world.send("bob@sharednone.test"), "bob@sharednone.test", SELF_SIGNED)
    expect_delivered(world.send("bob@sharedtesting.test"), "bob@sharedtesting.test", SELF_SIGNED)


@scenario("a partner with a broken policy is exempt by mtasts.toml, a testing policy is enforced by it")
def overrides(world: World) -> None:
    world.sender.set_module_configuration('[[policy.override]]\ndomain = "sharedenforce.test"\nmode = "none"\n'
                                          '[[policy.override]]\ndomain = "sharedtesting.test"\nmode = "enforce"\n')
    expect_delivered(world.send("bob@sharedenforce.test"), "bob@sharedenforce.test", SELF_SIGNED)
    expect_waiting(world.send("bob@sharedtesting.test"), "bob@sharedtesting.test")
