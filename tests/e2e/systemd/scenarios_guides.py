"""The commands of README and of each guide, as they are printed there, on a machine with Debian's mail server: from "apt install" to a
message that arrives verified and one that an impostor does not get, and back.

All commands below the headings named here are run, in their order.
"""

from __future__ import annotations

import re
from functools import partial

from computer import Computer
from framework import expect, scenario
from guide import Command, commands
from mail_hosts import HOSTS, MailHost, MailWorld
from packages import REPOSITORY
from reader import CLONE, Reader, Rule, line_that_installs

SENDMAIL_MC = "/etc/mail/sendmail.mc"


def guide_commands(host: MailHost, heading: str) -> list[Command]:
    return commands(REPOSITORY / "docs" / host.guide, heading)


def through_readme(machine: Computer, host: MailHost) -> None:
    world, reader = MailWorld(machine, host), Reader(machine, host)
    before = world.configuration()
    waiting: list[str] = []

    def for_this_server(command: Command) -> str:
        return command.text.replace("setup postfix", f"setup {host.setup}")

    reader.follow(commands(REPOSITORY / "README.md", "Five minutes to a protected mail server"),
                  Rule(r"^\./dev package", instead=lambda command: line_that_installs(host)),
                  Rule(r"^mtasts query", printed="enforce"),
                  Rule(r"^mtasts setup \w+  # or exim, opensmtpd, sendmail", instead=for_this_server, printed="Nothing is changed yet", status="1"),
                  Rule(r"^mtasts setup \w+ --apply", instead=for_this_server, printed="Done"),
                  Rule(r"^mtasts setup \w+ --undo", instead=for_this_server, printed="Done",
                       before=lambda: waiting.append(world.expect_protected())))
    expect(world.configuration() == before, "the configuration should be as it was before")
    goes_on(machine, world, *waiting)


def through_the_guide(machine: Computer, host: MailHost) -> None:
    world, reader = MailWorld(machine, host), Reader(machine, host)
    heading = "Setting up (Debian)" if host.setup == "exim" else "Setting up"
    before = world.configuration()
    waiting: list[str] = []
    reader.follow(guide_commands(host, heading), *setting_up_rules(world),
                  Rule("^apt install", instead=lambda command: command.text if command.remark == host.install else ""),
                  Rule("^mtasts query", printed="enforce"),
                  Rule(r"^mtasts setup \w+  #", printed="Nothing is changed yet", status="1"),
                  Rule("^mtasts setup .*--apply", printed="Done"),
                  Rule("^mtasts setup .*--undo", printed="Done", before=lambda: waiting.append(world.expect_protected())))
    expect(world.configuration() == before, "the configuration should be as it was before")
    goes_on(machine, world, *waiting)


def setting_up_rules(world: MailWorld) -> list[Rule]:
    def first_mail() -> None:
        world.expect_arrival(world.send("gmail.com"), "mx.good.test TLSv1")

    return {"exim": [Rule("^exim4 -bt", printed="transport = remote_smtp_mta_sts")],
            "postfix": [Rule("^grep .*mail.log", before=first_mail, printed="Verified TLS connection established to mx.good.test")],
            "sendmail": [Rule("sendmail -bt ", printed="returns secure match=mx.good.test servername=hostname")],
            "opensmtpd": [Rule("^grep .*mail.log", before=first_mail, printed=r"address=smtp\+tls://(.|\n)*cert-check result=(.|\n)*result=\"Ok")]}[world.host.setup]


def by_hand(machine: Computer, host: MailHost) -> None:
    world, reader = MailWorld(machine, host), Reader(machine, host)
    machine.shell(host.by_hand_ready)
    machine.shell(f"cd {CLONE}; bash -c '{line_that_installs(host)}'")
    before = world.configuration()
    waiting: list[str] = []
    reader.follow(guide_commands(host, host.by_hand), *by_hand_rules(machine, host),
                  Rule("^rm |^cp .*before /etc", before=lambda: waiting.append(world.expect_protected())))
    expect(world.configuration() == before, "the configuration should be as it was before")
    goes_on(machine, world, *waiting)


def by_hand_rules(machine: Computer, host: MailHost) -> list[Rule]:
    def add_to_sendmail_mc(line: Command) -> str:
        """Before the lines that begin with MAILER."""
        text = machine.path(SENDMAIL_MC).read_text(encoding="utf-8")
        machine.write(SENDMAIL_MC, re.sub("^MAILER", lambda found: f"{line.text}\n{found[0]}", text, count=1, flags=re.MULTILINE))
        return ""

    def take_the_example() -> None:
        machine.run("cp", "/usr/share/doc/mtasts/examples/opensmtpd/smtpd.conf", "/etc/smtpd.conf")

    return {"exim": [],
            "postfix": [Rule("postmap -q gmail.com", printed="secure match=mx.good.test servername=hostname")],
            "sendmail": [Rule(r"^include\(", instead=add_to_sendmail_mc)],
            "opensmtpd": [Rule("^mtasts config && smtpd -n", before=take_the_example)]}[host.setup]


def goes_on(machine: Computer, world: MailWorld, *waiting: str) -> None:
    """After the way back, and without the packages, mail flows as it did before them."""
    if world.host.setup == "opensmtpd":
        machine.run("smtpctl", "remove", "all")  # as the guide says, it keeps to the action of MTA-STS
        waiting = ()
    machine.uninstall("-P")
    world.expect_unprotected(*waiting)


for _host in HOSTS:
    scenario(f"guides: README's five minutes with {_host.name}, from apt install to a verified mail and a refused impostor, and back")(partial(through_readme, host=_host))
    scenario(f"guides: docs/{_host.guide} with {_host.name}, command by command, and back")(partial(through_the_guide, host=_host))
    scenario(f"guides: docs/{_host.guide} by hand with {_host.name}, command by command, and back")(partial(by_hand, host=_host))
