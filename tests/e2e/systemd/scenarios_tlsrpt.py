"""docs/tlsrpt.md, command by command, with tlsrpt-reporter itself: sessions of Debian's mail server get to the collector, over the day to
the fetcher, and as reports to the domains that want them. Only "run.py --tlsrpt" runs these: the reporter is not ours to carry.

The files of the guide are those of the examples (tests/lint/tlsrpt_guide.py), which its commands copy; what it says to change in them is
taken from its blocks.
"""

from __future__ import annotations

import re
from functools import partial

import tlsrpt_reporter
from computer import CONFIGURATION, PATIENCE, Computer
from framework import Failed, expect, scenario
from guide import Command, block_after, commands
from mail_hosts import HOSTS, MailHost, MailWorld
from process import wait_for
from reader import CLONE, Reader, Rule, line_that_installs
from tlsrpt_reporter import GUIDE

INSTALLED = ("python3-venv", "curl", "sqlite3", "openssh-server", "openssh-client")  # what the guide has apt install, which finds no archive here
COLLECTOR = "/etc/tlsrpt/collectd.cfg"
TMPFILES = "/etc/tmpfiles.d/tlsrpt.conf"
REPORTER = "/etc/tlsrpt/reportd.cfg"
SENDER = "tlsrpt@example.com"
UNITS = ("tlsrpt-collectd.service", "tlsrpt-reportd.service")
OWN_USER = {"exim": "Debian-exim", "opensmtpd": "opensmtpd"}  # beside _mtasts


class Guide:
    """Its steps, with a mail server of the guides."""

    def __init__(self, machine: Computer, host: MailHost) -> None:
        self.machine, self.host = machine, host
        self.world = MailWorld(machine, host, INSTALLED, "tlsrpt")
        self._reader = Reader(machine, host)
        self.reports_itself = host.setup == "postfix" and machine.suite != "bookworm"  # Postfix 3.10
        self.told_of = self._domains()
        for wheel in tlsrpt_reporter.wheels():
            machine.path("/root").joinpath(wheel.name).write_bytes(wheel.read_bytes())
        machine.write("/etc/pip.conf", "[global]\nno-index = true\nfind-links = /root\n")
        machine.shell(f"cd {CLONE}; bash -c '{line_that_installs(host)}'")
        machine.run("mtasts", "setup", host.setup, "--apply")

    def _domains(self) -> list[str]:
        """Those that get sessions, by the table of the guide: forged.test's MX host is not named by its policy, and lost.test's policy cannot be had."""
        if self.reports_itself:
            return ["gmail.com", "good.test", "lost.test"]
        return ["lost.test"] if self.host.setup in ("postfix", "sendmail") else ["gmail.com", "good.test", "forged.test", "lost.test"]

    def follow(self, heading: str, *rules: Rule) -> None:
        try:
            self._reader.follow(commands(GUIDE, heading), *rules)
        except Failed as why:
            raise Failed(f"{why}; {self.log()}") from why

    def set_up(self) -> None:
        self.follow("Installing it")
        self.follow("Who may write to the socket", Rule("^systemd-tmpfiles", before=self._name_own_user))
        self.follow("The collector", self._for_host("^systemctl reload mtastsd", self.host.setup != "opensmtpd" and self.host.install != "by function"),
                    self._for_host("^smtpctl update", self.host.setup == "opensmtpd"))
        if self.reports_itself:
            self._with_postfix()
        self.follow("The reporter")
        self.machine.expect_active(*UNITS)

    def _for_host(self, pattern: str, applies: bool) -> Rule:
        return Rule(pattern, before=self._name_socket, instead=lambda command: command.text if applies else "")

    def _name_own_user(self) -> None:
        """ "With the users that you have": none but those two is in the example."""
        own = OWN_USER.get(self.host.setup)
        text = self.machine.path(TMPFILES).read_text(encoding="ascii")
        lines = [line.replace("Debian-exim", own or "") for line in text.splitlines() if own or "Debian-exim" not in line]
        self.machine.write(TMPFILES, "\n".join(lines) + "\n")

    def _name_socket(self) -> None:
        block = block_after(GUIDE, "(make the file, and its folder, where they are missing):")
        text = self.machine.path(CONFIGURATION).read_text(encoding="utf-8")
        if block not in text:
            self.machine.write(CONFIGURATION, f"{text}\n{block}")

    def replace(self, path: str, block: str) -> None:
        """The line of a file that has the same key as the last one of the block."""
        line = block.splitlines()[-1]
        text, count = re.subn(rf"^{line.split()[0]} = .*$", lambda _: line, self.machine.path(path).read_text(encoding="utf-8"), flags=re.MULTILINE)
        expect(count == 1, f"{path} should have one line like '{line}', and has {count}")
        self.machine.write(path, text)

    def _with_postfix(self) -> None:
        self.follow("Postfix 3.10 and newer",
                    Rule("^systemctl restart tlsrpt-collectd", before=lambda: self.replace(COLLECTOR, block_after(GUIDE, "In `collectd.cfg`:"))),
                    Rule("^systemctl reload mtastsd", before=lambda: self.replace(CONFIGURATION, block_after(GUIDE, "In `mtasts.toml`:"))),
                    Rule("^postconf smtp_tls_policy_maps", printed="socketmap:.*:postfix-tlsrpt"))

    def reports_without_tls(self) -> None:
        """For the servers that do not honour "TLS-Required: No" and have a way around."""
        old_postfix, opensmtpd = self.host.setup == "postfix" and not self.reports_itself, self.host.setup == "opensmtpd"
        if not (old_postfix or opensmtpd):
            return
        self.follow("Reports are delivered without TLS, too", Rule("^post", instead=lambda command: command.text if old_postfix else ""),
                    Rule("^smtpd -n", before=self._add_rule if opensmtpd else lambda: None, instead=lambda command: command.text if opensmtpd else ""))
        self.world.expect_arrival(self.world.send("forged.test", sender=SENDER), "mx.impostor.test")

    def _add_rule(self) -> None:
        """As the guide says of Debian's file and `mtasts setup`."""
        rule = block_after(GUIDE, "in the example the rule with `action \"sts\"`:").replace('"plain"', '"relay"')
        text = self.machine.path("/etc/smtpd.conf").read_text(encoding="ascii")
        self.machine.write("/etc/smtpd.conf", re.sub("^# BEGIN mtasts setup", lambda found: rule + found[0], text, count=1, flags=re.MULTILINE))

    def see_that_it_works(self) -> None:
        """Today's sessions, and then what was today as yesterday."""
        self.send_to_all()
        self.follow("See that it works", Rule("^sqlite3", before=self.await_sessions, printed=self._sessions()),
                    Rule("tlsrpt-fetcher", before=self.end_day, printed="(?ms)" + "".join(rf"(?=.*^{domain}$)" for domain in self.told_of) + r".*^\.\n*\Z"))

    def send_to_all(self) -> None:
        waits = self.world.send("forged.test")
        for domain in ("gmail.com", "good.test", "lost.test"):
            self.world.expect_arrival(self.world.send(domain), "mx.good.test TLSv1")
        expect(wait_for(lambda: waits in self.world.queue(), PATIENCE), f"the message to {waits} should wait in the queue: {self.world.queue()}")

    def _sessions(self) -> str:
        """One for each connection; of forged.test's any number, as often as it was tried."""
        failed = [domain for domain in self.told_of if domain in ("forged.test", "lost.test")]
        succeeded = [domain for domain in self.told_of if domain not in failed]
        return "(?ms)" + "".join([rf"(?=.*^{domain}\|1\|0$)" for domain in succeeded] + [rf"(?=.*^{domain}\|\d+\|[1-9])" for domain in failed])

    def await_sessions(self) -> None:
        def are_there() -> bool:
            told = self.machine.run("sqlite3", "/var/lib/tlsrpt/collectd.sqlite", "select domain from finalresults", check=False).split()
            return set(self.told_of) <= set(told)

        expect(wait_for(are_there, PATIENCE), f"sessions of {self.told_of} should get to the collector; {self.log()}")

    def end_day(self) -> None:
        """By the collector's own means for that, which waits for no midnight."""
        self.machine.shell("kill -s USR2 $(systemctl show --value -p MainPID tlsrpt-collectd)")
        done = "select 1 from daystatus, finalresults"
        ended = wait_for(lambda: self.machine.run("sqlite3", "/var/lib/tlsrpt/collectd.sqlite.yesterday", done, check=False).startswith("1"), PATIENCE)
        expect(ended, f"the collector should end its day: {self.log()}")

    def report(self) -> None:
        """As in the first hours of a day, in which the reporter has not asked for yesterday yet, and at once."""
        self.machine.drop_in("tlsrpt-reportd.service", "[Service]\nEnvironment=TLSRPT_REPORTD_SPREAD_OUT_DELIVERY=1\n")
        self.machine.shell("systemctl stop tlsrpt-reportd && rm /var/lib/tlsrpt/reportd.sqlite && systemctl start tlsrpt-reportd")

    def expect_reports(self) -> None:
        ways = {"gmail.com": r"mx\.good\.test TLSv1\S* RCPT TO:<reports@gmail\.com>", "lost.test": r"mx\.good\.test TLSv1\S* RCPT TO:<reports@lost\.test>",
                "forged.test": r"mx\.impostor\.test plain RCPT TO:<reports@forged\.test>",
                "good.test": r"mta-sts\.good\.test TLSv1\S* POST /reports application/tlsrpt\+gzip$"}
        for domain in self.told_of:
            expect(wait_for(lambda: any(re.match(ways[domain], line, re.IGNORECASE) for line in self.world.arrived()), PATIENCE),  # pylint: disable=cell-var-from-loop
                   f"a report should get to {domain} as {ways[domain]}; what did arrive: {self.world.arrived()}; {self.log()}")

    def expect_back_after_boot(self) -> None:
        self.machine.power_off()
        self.machine.boot()
        self.machine.expect_active(*UNITS)
        place = re.search(r"^socketname = (.+)$", self.machine.path(COLLECTOR).read_text(encoding="ascii"), re.MULTILINE)
        assert place
        own = "postfix" if self.reports_itself else OWN_USER.get(self.host.setup)
        for user in filter(None, ("_mtasts", own)):
            writable = wait_for(lambda: self.machine.shell(f"runuser -u {user} -- test -w {place[1]} && echo yes", check=False) == "yes\n", PATIENCE)
            expect(writable, f"{user} should have the right to write to {place[1]} after a boot; {self.log()}")

    def log(self) -> str:
        return self.machine.shell(f"cat /var/lib/tlsrpt/invalid.json; journalctl -q --no-pager -n 20 -o cat -u {' -u '.join(UNITS)}", check=False) + self.world.log()


def through_tlsrpt(machine: Computer, host: MailHost) -> None:
    guide = Guide(machine, host)
    guide.set_up()
    guide.reports_without_tls()
    guide.see_that_it_works()
    guide.report()
    guide.expect_reports()
    guide.expect_back_after_boot()


def several_hosts(machine: Computer, host: MailHost) -> None:
    """The reporter's host and the others are one machine."""
    guide = Guide(machine, host)
    guide.set_up()
    machine.write("/etc/hosts", machine.path("/etc/hosts").read_text(encoding="ascii") + "127.0.0.1 mx2.example.com mx3.example.com\n")

    def with_key(command: Command) -> str:
        key = machine.path("/var/lib/tlsrpt/.ssh/id_ed25519.pub").read_text(encoding="ascii").strip()
        return command.text.replace("ssh-ed25519 AAAA… reporter", key)

    def at_a_terminal(command: Command) -> str:
        """Where ssh shows each host's key and asks whether it is right."""
        return "; ".join(f"(sleep 2; echo yes; sleep 3) | timeout 30 script -qec '{command.text.replace('mx2', name)}' /dev/null" for name in ("mx2", "mx3"))

    guide.follow("Several outbound hosts", Rule("^echo", instead=with_key), Rule("^runuser .* ssh ", instead=at_a_terminal, printed=r"(?s)mx2\..*\n\.\r?\n.*mx3\..*\n\.\r?\n"))
    guide.replace(REPORTER, block_after(GUIDE, "and then `systemctl restart tlsrpt-reportd`:"))
    guide.send_to_all()
    guide.await_sessions()
    guide.end_day()
    guide.report()
    guide.expect_reports()


for _host in HOSTS:
    scenario(f"tlsrpt: docs/tlsrpt.md with {_host.name}, command by command, from pip install to reports that arrive")(partial(through_tlsrpt, host=_host))
    if _host.name == "postfix":
        scenario("tlsrpt: docs/tlsrpt.md with several outbound hosts, whose fetchers the reporter runs over SSH")(partial(several_hosts, host=_host))
