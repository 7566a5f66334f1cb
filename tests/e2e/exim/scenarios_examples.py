"""The other examples of conf-examples/exim, loaded verbatim: one file, smarthost (R1), system filter, ACL."""

from __future__ import annotations

import shutil
from pathlib import Path

from framework import expect, expect_contacts, expect_delivered, expect_waiting, scenario
from topology import BAD_SMARTHOST, GOOD, GOOD_SMARTHOST, IMPOSTOR, PLAIN, SELF_SIGNED, declare
from world import Domain, World

SPLIT = Path("/etc/exim4/conf.d")

declare(Domain("onefile.test", (IMPOSTOR, GOOD), "enforce", (GOOD,)))
declare(Domain("onefilebad.test", (SELF_SIGNED,), "enforce"))
declare(Domain("onefiletesting.test", (SELF_SIGNED,), "testing"))
declare(Domain("onefilenone.test", (IMPOSTOR,), "enforce", (GOOD,)))
declare(Domain("onefileplain.test", (PLAIN,)))
declare(Domain("filtered.test", (GOOD,), "testing"))
declare(Domain(GOOD_SMARTHOST, (GOOD_SMARTHOST,), "enforce", records="@ A 198.51.100.40"))
declare(Domain(BAD_SMARTHOST, (BAD_SMARTHOST,), "enforce", records="@ A 198.51.100.41"))


def for_now(world: World, source: Path, target: Path) -> None:
    """Copies an example to its place until the scenario ends."""
    shutil.copy(source, target)
    world.undo(target.unlink)


@scenario("one-file configuration: the same protection")
def one_file(world: World) -> None:
    for_now(world, world.sender.examples / "exim4.conf", Path("/etc/exim4/exim4.conf"))
    story = world.send("bob@onefile.test")
    expect_delivered(story, "bob@onefile.test", GOOD, verified=True)
    expect_contacts(story, [GOOD])
    expect_waiting(world.send("bob@onefilebad.test"), "bob@onefilebad.test")
    expect_contacts(world.send("bob@onefilenone.test"), [])
    expect_delivered(world.send("bob@onefiletesting.test"), "bob@onefiletesting.test", SELF_SIGNED)
    expect_delivered(world.send("bob@onefileplain.test"), "bob@onefileplain.test", PLAIN)


def use_smarthost(world: World, name: str) -> None:
    world.undo(world.sender.configure)
    world.undo(lambda: world.sender.answer(dc_eximconfig_configtype="internet", dc_smarthost=""))
    for file in ("router/150_mtasts_smarthost", "transport/30_mtasts_smarthost"):
        for_now(world, world.sender.examples / "smarthost" / "conf.d" / file, SPLIT / file)
    world.sender.answer(dc_eximconfig_configtype="smarthost", dc_smarthost=name)
    world.sender.configure()


@scenario("smarthost: its own policy counts, not the recipient's")
def good_smarthost(world: World) -> None:
    use_smarthost(world, GOOD_SMARTHOST)
    story = world.send("bob@onefilenone.test")
    expect_delivered(story, "bob@onefilenone.test", GOOD_SMARTHOST, verified=True)
    expect([event.sni for event in story.arrived()] == [GOOD_SMARTHOST], "SNI should be the smarthost's name", story)
    expect("mta_sts" in story.outcome("bob@onefilenone.test").transport, "the MTA-STS transport should be used", story)


@scenario("smarthost: with a bad certificate it gets nothing, the mail waits")
def bad_smarthost(world: World) -> None:
    use_smarthost(world, BAD_SMARTHOST)
    story = world.send("bob@onefileplain.test")
    expect_waiting(story, "bob@onefileplain.test")
    expect_contacts(story, [BAD_SMARTHOST])


def use_filter(world: World, macros: str = "") -> None:
    for_now(world, world.sender.examples / "filter" / "mta_sts.filter", Path("/etc/exim4/mta_sts.filter"))
    world.sender.set_macros(f"system_filter = /etc/exim4/mta_sts.filter\n{macros}")


@scenario("system filter: modes are logged and tagged")
def system_filter(world: World) -> None:
    use_filter(world)
    expect_delivered(world.send("bob@filtered.test"), "bob@filtered.test", GOOD)
    told = Path("/var/log/exim4/mta-sts.log").read_text(encoding="utf-8")
    expect("filtered.test=testing" in told, f"the filter's log should tell the mode and has: {told}")
    story = world.send('"bob,eve"@filtered.test')  # $recipients separates addresses by commas, too
    expect(len(story.arrived()) == 1, "a comma in a quoted local part should not hold the message up", story)


def use_acl(world: World) -> None:
    for_now(world, world.sender.examples / "acl" / "mta_sts_check_data", Path("/etc/exim4/mta_sts_check_data"))
    world.sender.set_macros("CHECK_DATA_LOCAL_ACL_FILE = /etc/exim4/mta_sts_check_data\n")


def hand_in(world: World, *recipients: str) -> str:
    """What Exim answers to an authenticated client."""
    dialogue = ("EHLO client.lab.test\nMAIL FROM:<alice@sender.lab.test>\n" + "".join(f"RCPT TO:<{recipient}>\n" for recipient in recipients) +
                "DATA\nFrom: alice@sender.lab.test\nSubject: by ACL\n\nhello\n.\nQUIT\n")
    return world.sender.exim("-odf", "-oMa", "198.51.100.99", "-oMaa", "plain", "-oMai", "alice", "-bs", text=dialogue)


@scenario("ACL: modes of an authenticated sender's recipients are logged")
def acl(world: World) -> None:
    use_acl(world)
    told: list[str] = []
    story = world.watch(lambda: told.append(hand_in(world, "bob@filtered.test", "\"bob,eve\"@filtered.test")))
    expect("filtered.test=testing" in "\n".join(story.log), f"the ACL should log the mode; Exim said {told}", story)
    expect_delivered(story, "bob@filtered.test", GOOD)
