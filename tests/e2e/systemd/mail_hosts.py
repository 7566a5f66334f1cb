"""The mail servers of the guides, as Debian's packages leave them, and what an administrator has set before the guide is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Sequence

from computer import Computer
from framework import Failed, expect
from packages import REPOSITORY, LabError
from process import wait_for

WORLD = REPOSITORY / "packaging/debian/tests/world.py"
FOLDER = "/root/world"
NEEDED_BY_WORLD = ("python3", "dnsmasq-base", "openssl", "procps")  # systemd reloads exim4.service with kill
RESTART = 10.0
PATIENCE = 300.0  # on a busy machine; it is not waited for longer than it takes


@dataclass(frozen=True)
class MailHost:
    """`packages`: what is installed before, the server first. `ready`: shell, after which it sends mail to the world."""

    name: str
    packages: tuple[str, ...]
    setup: str  # mtasts setup …
    guide: str
    ready: str
    files: str  # the configuration, which "go back" leaves as it was
    flush: str  # tries everything again that waits
    queue: str = "mailq"
    install: str = ""  # the remark of the guide's line that installs, where it has several
    by_hand: str = "The same by hand"
    by_hand_ready: str = ""
    older: dict[str, tuple[str, str]] = field(default_factory=dict)  # suite: the word of newer versions in the guide, and what it says for older ones


EXIM_READY = """
sed -i "s/^dc_eximconfig_configtype=.*/dc_eximconfig_configtype='internet'/; s/^dc_local_interfaces=.*/dc_local_interfaces='127.0.0.1'/" /etc/exim4/update-exim4.conf.conf
echo sender.test >/etc/mailname
update-exim4.conf
systemctl restart exim4
"""
EXIM_SPLIT = """
sed -i "s/^dc_use_split_config=.*/dc_use_split_config='true'/" /etc/exim4/update-exim4.conf.conf
update-exim4.conf
systemctl restart exim4
"""
POSTFIX_READY = """
echo sender.test >/etc/mailname
[ -e /etc/postfix/main.cf ] || cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
postconf -e myhostname=sender.test mydestination=sender.test inet_interfaces=127.0.0.1 inet_protocols=ipv4 relayhost=
newaliases
systemctl restart postfix
"""
# A busy machine has a load at which Sendmail takes no mail and passes over what has waited.
SENDMAIL_READY = r"""
hostname sender.test
echo 127.0.1.1 sender.test >>/etc/hosts
[ -e /etc/mail/sendmail.cf ] || yes | sendmailconfig
sed -i '/^MAILER_DEFINITIONS/i define(`confQUEUE_LA'"'"', `1000'"'"')dnl\ndefine(`confREFUSE_LA'"'"', `1000'"'"')dnl' /etc/mail/sendmail.mc
make -C /etc/mail
systemctl restart sendmail
"""
OPENSMTPD_READY = """
echo sender.test >/etc/mailname
systemctl restart opensmtpd
"""

HOSTS = (
    MailHost("exim4-daemon-heavy", ("exim4-daemon-heavy", "exim4-config"), "exim", "exim.md", EXIM_READY, "/etc/exim4", "exim4 -qff", install="by function",
             by_hand="By function", by_hand_ready=EXIM_SPLIT),
    MailHost("exim4-daemon-light", ("exim4-daemon-light", "exim4-config"), "exim", "exim.md", EXIM_READY, "/etc/exim4", "exim4 -qff", install="by socket",
             by_hand="By socket", by_hand_ready=EXIM_SPLIT),
    MailHost("postfix", ("postfix",), "postfix", "postfix.md", POSTFIX_READY, "/etc/postfix/main.cf", "postqueue -f",
             older={"bookworm": ("postfix-tlsrpt", "postfix")}),
    MailHost("sendmail", ("sendmail", "sendmail-bin", "make", "m4"), "sendmail", "sendmail.md", SENDMAIL_READY, "/etc/mail/sendmail.mc",
             "purgestat; sendmail -Ac -q; sendmail -q"),
    MailHost("opensmtpd", ("opensmtpd",), "opensmtpd", "opensmtpd.md", OPENSMTPD_READY, "/etc/smtpd.conf", "smtpctl schedule all",
             queue="smtpctl show queue"),
)


class MailWorld:
    """A machine with the server, names, a policy host, an MX host and an impostor. mtasts is not installed yet."""

    def __init__(self, machine: Computer, host: MailHost, others: Sequence[str] = (), purpose: str = "") -> None:
        """`others`: packages that are installed besides, for this purpose."""
        self._machine = machine
        self.host = host
        self._sent = 0
        machine.boot_with(*host.packages, *NEEDED_BY_WORLD, *others, purpose=purpose)
        machine.run("systemctl", "stop", "exim4*", "postfix*", "sendmail*", "opensmtpd*")  # which may have port 25 at every address
        machine.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
        # Every machine has an IPv6 address, be it link-local. With none but ::1, glibc answers "localhost" with 127.0.0.1 twice (AI_ADDRCONFIG),
        # and smtpd ends because it listens there already.
        machine.run("ip", "address", "replace", "2001:db8::1/128", "dev", "lo")
        machine.write("/root/world.py", WORLD.read_text(encoding="utf-8"))
        machine.run("mkdir", FOLDER)
        machine.start_process("sh", "-c", f"exec python3 /root/world.py start {FOLDER} >/root/world.log 2>&1")
        if not wait_for(machine.path(f"{FOLDER}/ready").exists, PATIENCE):
            raise Failed(f"the mail world in the machine should start: {machine.shell('cat /root/world.log; ss -ltnp')}; {self.log()}")
        try:
            machine.shell(f"set -e{host.ready}")
        except LabError as trouble:
            raise Failed(f"{host.name} should start: {trouble}; {self.log()}") from trouble

    def arrived(self) -> list[str]:
        """ "mx.good.test TLSv1.3 RCPT TO:<someone@gmail.com>" for each message."""
        return self._machine.path(f"{FOLDER}/arrived").read_text(encoding="ascii").splitlines()

    def configuration(self) -> str:
        """All of it, as text."""
        return self._machine.shell(f"find {self.host.files} -type f | sort | xargs tail -v -n +1")

    def send(self, domain: str, sender: str = "root@sender.test") -> str:
        """The address to which a message is under way now."""
        self._sent += 1
        recipient = f"someone{self._sent}@{domain}"
        message = f"From: {sender}\nTo: {recipient}\nSubject: test\n\ntest\n"
        # OpenSMTPD puts off the recipient of a domain that it has never seen, where the policy is not there at once.
        taken = wait_for(lambda: self._machine.run("sh", "-c", f"sendmail -f {sender} {recipient} || echo refused", text=message) == "", PATIENCE)
        expect(taken, f"the message to {recipient} should be taken: {self.log()}")
        return recipient

    def expect_arrival(self, recipient: str, how: str) -> None:
        def has_arrived() -> bool:
            return any(line.startswith(how) and recipient in line for line in self.arrived())

        if not wait_for(has_arrived, RESTART):  # handed over while the server was restarting
            self._machine.shell(self.host.flush, check=False)
        expect(wait_for(has_arrived, PATIENCE), f"the message to {recipient} should arrive at {how}; what did: {self.arrived()}; the queue: {self.queue()}; the log: {self.log()}")

    def expect_protected(self) -> str:
        """A message to an enforced domain arrives, verified; one that would go to an impostor waits. Returns the address of that one."""
        forged = self.send("forged.test")
        self.expect_arrival(self.send("gmail.com"), "mx.good.test TLSv1")
        expect(wait_for(lambda: forged in self.queue(), PATIENCE), f"the message to {forged} should wait in the queue: {self.queue()}")
        self._machine.shell(self.host.flush, check=False)
        self.expect_arrival(self.send("good.test"), "mx.good.test TLSv1")  # by then the other has been tried once more
        expect(not [line for line in self.arrived() if "impostor" in line], f"the impostor should get nothing: {self.arrived()}")
        expect(forged in self.queue(), f"the message to {forged} should still wait: {self.queue()}")
        return forged

    def expect_unprotected(self, *waiting: str) -> None:
        """Mail flows as without MTA-STS, also what has waited."""
        for recipient in (*waiting, self.send("forged.test")):
            self._machine.shell(self.host.flush, check=False)
            self.expect_arrival(recipient, "mx.impostor.test")
        self._machine.write(f"{FOLDER}/arrived", "")

    def queue(self) -> str:
        return self._machine.shell(self.host.queue, check=False)

    def log(self) -> str:
        return self._machine.shell("journalctl -q --no-pager -n 40 -o short; tail -n 20 /var/log/exim4/mainlog 2>/dev/null", check=False)
