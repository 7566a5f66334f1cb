"""A full queue, and mail that comes meanwhile, through upgrade, downgrade and removal of the packages, on Debian's mail servers: every message
arrives, once, and none at an impostor while the package is there."""

from __future__ import annotations

import re
from functools import partial

from computer import Computer, Release
from framework import expect, scenario
from mail_hosts import HOSTS, PATIENCE, MailHost, MailWorld
from process import wait_for

MANY = 20
MX = "198.51.100.25"  # of the good domains (world.py)
# OpenSMTPD puts off the recipient of a domain whose policy is not there at once.
SEND = """
for number in $(seq {many}); do
  for domain in good.test forged.test; do
    until printf 'From: root@sender.test\\nTo: %s\\nSubject: test\\n\\ntest\\n' {name}$number@$domain | sendmail {name}$number@$domain; do sleep 0.5; done
  done
  sleep {pause}
done
touch /root/{name}.sent
"""


class Stream:
    """Messages to a good domain and to one whose MX record is forged, one of each after the other."""

    def __init__(self, machine: Computer, name: str, pause: float) -> None:
        self._machine, self._name = machine, name
        machine.write(f"/root/{name}.sh", SEND.format(many=MANY, name=name, pause=pause))
        machine.start_process("sh", f"/root/{name}.sh")

    def recipients(self, domain: str) -> list[str]:
        return [f"{self._name}{number}@{domain}" for number in range(1, MANY + 1)]

    def await_end(self) -> None:
        sent = wait_for(lambda: self._machine.exists(f"/root/{self._name}.sent"), PATIENCE)
        expect(sent, f"all messages of '{self._name}' should be taken")


def releases_for(machine: Computer, host: MailHost) -> tuple[Release, Release]:
    """This one and the next, with what Exim by function has besides."""
    this, following = machine.releases.this, machine.releases.next
    if host.name != "exim4-daemon-heavy":
        return this, following
    return this.and_of(machine.releases.optional, "mtasts-exim"), following.and_of(machine.releases.optional_next, "mtasts-exim")


def expect_all_once(world: MailWorld, wanted: list[str]) -> None:
    for recipient in wanted:
        world.expect_arrival(recipient, "mx.good.test TLSv1")
    lines = world.arrived()
    double = [one for one in wanted if sum(f"<{one}>" in line for line in lines) != 1]
    expect(not double, f"each message should arrive once, and these did not: {double}")


def expect_waiting(world: MailWorld, forged: list[str]) -> None:
    expect(not [line for line in world.arrived() if "impostor" in line], f"the impostor should get nothing: {world.arrived()}")
    queue = world.queue()
    lost = [one for one in forged if re.search(rf"\b{re.escape(one)}\b", queue) is None]
    expect(not lost, f"these should wait in the queue: {lost}; it has: {queue}")


def through_every_release(machine: Computer, host: MailHost) -> None:
    world = MailWorld(machine, host)
    this, following = releases_for(machine, host)
    machine.install(machine.releases.second)
    told = machine.run("mtasts", "setup", host.setup, "--apply")
    expect("Done" in told, f"setup should apply: {told}")
    forged = [world.expect_protected()]

    machine.run("ip", "address", "delete", f"{MX}/32", "dev", "lo")
    waiting = Stream(machine, "waiting", pause=0)
    waiting.await_end()
    coming = Stream(machine, "coming", pause=1)
    machine.install(this)
    machine.run("ip", "address", "replace", f"{MX}/32", "dev", "lo")
    machine.install(following)
    machine.install(this)  # and back
    coming.await_end()

    expect_all_once(world, waiting.recipients("good.test") + coming.recipients("good.test"))
    forged += waiting.recipients("forged.test") + coming.recipients("forged.test")
    machine.shell(host.flush, check=False)
    world.expect_arrival(world.send("good.test"), "mx.good.test TLSv1")  # by then the others have been tried once more
    expect_waiting(world, forged)

    machine.run("mtasts", "setup", host.setup, "--undo")
    if host.setup == "opensmtpd":
        machine.run("smtpctl", "remove", "all")  # as the guide says, it keeps to the action of MTA-STS
        forged = []
    machine.uninstall()
    world.expect_unprotected(*forged)


for _host in HOSTS:
    scenario(f"queue: with {_host.name} no message is lost, doubled or given to an impostor by an upgrade from 0.2.0, a downgrade and the removal")(
        partial(through_every_release, host=_host))
