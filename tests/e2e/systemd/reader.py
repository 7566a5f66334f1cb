"""Who types the commands of a guide, as root, on a machine with a mail server. A rule says of a command what comes before it, what is
typed in its place or what it must print; a rule that finds no command fails, so that a guide cannot change without its test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Sequence

from computer import Computer
from framework import Failed, expect
from guide import Command
from mail_hosts import MailHost
from packages import REPOSITORY

CLONE = "/root/mtasts"  # as if it were an unpacked archive in which ./dev package has been run
PACKAGES = f"{CLONE}/build/package"


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


def line_that_installs(host: MailHost) -> str:
    """Of the last lines of ./dev package, of which README speaks."""
    lines = re.findall(r"^  (apt install .*?) +# (.*?)\"?$", (REPOSITORY / "packaging/package.sh").read_text(encoding="utf-8"), re.MULTILINE)
    for line, servers in lines:
        if host.name in servers.lower().split(", "):
            return line
    raise Failed(f"./dev package should say how to install it for {host.name}, and says {lines}")
