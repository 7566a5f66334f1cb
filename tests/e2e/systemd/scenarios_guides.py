"""The commands of README and of each guide, as they are printed there, on a machine with Debian's mail server: from "apt install" to a
message that arrives verified and one that an impostor does not get, and back.

All commands below the headings named here are run, in their order. A rule says of a command what comes before it, what is typed in its
place or what it must print; a rule that finds no command fails, so that a guide cannot change without its test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Callable, Sequence

from computer import Computer
from framework import Failed, expect, scenario
from guide import Command, commands
from mail_hosts import HOSTS, MailHost, MailWorld
from packages import REPOSITORY

CLONE = "/root/mtasts"  # as if it were an unpacked archive in which ./dev package has been run
PACKAGES = f"{CLONE}/build/package"
SENDMAIL_MC = "/etc/mail/sendmail.mc"


@dataclass
class Rule:
    """Of each command that `pattern` finds in text and remark. `instead` returns what is typed; nothing: the command is left out."""

    pattern: str
    printed: str = ""
    status: str = "0"
    before: Callable[[], object] = lambda: None
    instead: Callable[[Command], str] = lambda command: command.text
    used: bool = False


class Reader:
    """Types what a guide says, as root, in the folder of the archive."""

    def __init__(self, machine: Computer, host: MailHost) -> None:
        self._machine = machine
        self._replaced = host.older.get(machine.suite, ("", ""))
        machine.run("mkdir", "-p", PACKAGES)
        for release in (machine.releases.this, machine.releases.optional.of("mtasts-exim")):
            for package in release.packages.values():
                machine.path(f"{PACKAGES}/{package.name}").write_bytes(package.read_bytes())

    def follow(self, typed: Sequence[Command], *rules: Rule) -> None:
        for command in typed:
            self._type(command, [rule for rule in rules if re.search(rule.pattern, f"{command.text}  # {command.remark}")])
        idle = [rule.pattern for rule in rules if not rule.used]
        expect(not idle, f"there should be commands like {idle}, and there are {[command.text for command in typed]}")

    def _type(self, command: Command, rules: Sequence[Rule]) -> None:
        text = command.text
        for rule in rules:
            rule.used = True
            rule.before()
            text = rule.instead(command)
        if not text:
            return
        if self._replaced[0]:
            text = text.replace(*self._replaced)
        told = self._output(text, command, rules)
        for rule in rules:
            expect(re.search(rule.printed, told) is not None, f"{command.place}: '{text}' should print '{rule.printed}', and printed: {told}")

    def _output(self, text: str, command: Command, rules: Sequence[Rule]) -> str:
        if text.startswith("systemctl edit "):
            text = self._edited(text, command.remark)
        told = status = ""
        for one in filter(None, (text, command.alternative)):
            told, _, status = self._machine.run("bash", "-c", f"cd {CLONE}; {one}\nstatus=$?; echo; echo status $status", check=False).rpartition("\nstatus ")
            if status.strip() in ("0", *(rule.status for rule in rules)):
                return told
        raise Failed(f"{command.place}: '{text}' ended with status {status.strip()}: {told}")

    def _edited(self, text: str, remark: str) -> str:
        """With an editor that writes what the remark says, "[Section], Key=value, …", each on its line; at the terminal that systemctl wants."""
        self._machine.write("/root/edited", remark.replace(", ", "\n") + "\n")
        self._machine.write("/root/editor", '#!/bin/sh\nfor file; do :; done\ncp /root/edited "$file"\n')  # systemd 256 has +LINE before
        self._machine.run("chmod", "+x", "/root/editor")
        return f"EDITOR=/root/editor script -qec '{text}' /dev/null"


def guide_commands(host: MailHost, heading: str) -> list[Command]:
    return commands(REPOSITORY / "docs" / host.guide, heading)


def line_that_installs(host: MailHost) -> str:
    """Of the last lines of ./dev package, of which README speaks."""
    lines = re.findall(r"^  (apt install .*?) +# (.*?)\"?$", (REPOSITORY / "packaging/package.sh").read_text(encoding="utf-8"), re.MULTILINE)
    for line, servers in lines:
        if host.name in servers.lower().split(", "):
            return line
    raise Failed(f"./dev package should say how to install it for {host.name}, and says {lines}")


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
