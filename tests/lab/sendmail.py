"""The sending side: Debian's Sendmail of several releases, as an administrator has it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import mail_server
from mail_server import HOME_DOMAIN, Outcome, make_folder, make_group, make_user, message
from packages import LabError
from socketmap_server import SocketmapServer
from world import World

EXAMPLE = mail_server.EXAMPLES / "sendmail" / "mtasts.m4"
CONFIGURATION = "/etc/mail/sendmail.mc"
WHATEVER_THE_LOAD = "define(`confQUEUE_LA', `1000')dnl\ndefine(`confREFUSE_LA', `1000')dnl"  # from a load of 8 mail waits by default, from 12 none is taken
QUEUE = "/var/spool/mqueue"
HOST_STATUS = "/var/lib/sendmail/host_status"
PROGRAM = "/usr/libexec/sendmail/sendmail"
STATUS = re.compile(r"\]: (\w+): to=(.*?), (?:ctladdr|delay)=.* dsn=(\d)\S*, (?:\w+=[^,]*, )*stat=(.*)$")
RELAY = re.compile(r" relay=(\S+)")
TLS = re.compile(r"STARTTLS=client, relay=(\S+), version=\S+, verify=(\w+)")


class Sendmail(SocketmapServer):
    counted_as = "sendmail"

    def __init__(self, tree: Path, version: str) -> None:
        super().__init__(tree)
        self.version = tuple(int(part) for part in version.split("."))
        self._example_alone = ""

    def install(self) -> None:
        """What the maintainer scripts of sendmail-base and sendmail-bin do, as far as sending needs it."""
        make_user("smmta", "/var/lib/sendmail")
        make_user("smmsp", "/var/lib/sendmail")
        make_user("alice", "/home/alice")
        make_group("mail")
        Path("/etc/mailname").write_text(f"{HOME_DOMAIN}\n", encoding="ascii")
        self.root.mount()
        mail = self.root.path("/etc/mail")
        (mail / "aliases").write_text("root: alice\n", encoding="ascii")
        (mail / "local-host-names").write_text(f"localhost\n{HOME_DOMAIN}\n", encoding="ascii")
        (mail / "access").touch()
        (mail / "m4").mkdir(exist_ok=True)
        for name in ("dialup.m4", "provider.m4"):
            (mail / "m4" / name).touch(0o640)
            shutil.chown(mail / "m4" / name, "root", "smmsp")
        make_folder(str(self.root.path(QUEUE)), 0o750, "smmta", "smmsp")
        make_folder(str(self.root.path(HOST_STATUS)), 0o750, "smmta", "smmsp")
        make_folder("/run/sendmail/mta", 0o755, "smmta")
        shutil.copy(self.root.path("/usr/share/sendmail/cf/debian/sendmail.mc"), self.root.path(CONFIGURATION))
        self.add_line(WHATEVER_THE_LOAD)

    def configure(self) -> None:
        """What "make -C /etc/mail" does."""
        text = subprocess.run(self.root.command("m4", CONFIGURATION), capture_output=True, text=True, check=True)
        self.root.path("/etc/mail/sendmail.cf").write_text(text.stdout, encoding="ascii")
        self.root.run("/usr/libexec/sendmail/makemap", "hash", "/etc/mail/access")
        self.root.run(PROGRAM, "-Am", "-bi")

    def add_examples(self) -> None:
        shutil.copy(EXAMPLE, self.root.path("/etc/mail/mtasts.m4"))
        self.add_line("include(`/etc/mail/mtasts.m4')dnl")
        self._example_alone = self.root.path(CONFIGURATION).read_text(encoding="ascii")
        self.mtastsd.start()

    def add_line(self, line: str) -> None:
        """The administrator's own line in sendmail.mc, until reset()."""
        before = self.root.path(CONFIGURATION).read_text(encoding="ascii")
        self.root.path(CONFIGURATION).write_text(before.replace("MAILER_DEFINITIONS", f"{line}\nMAILER_DEFINITIONS", 1), encoding="ascii")
        self.configure()

    def send(self, recipients: list[str], subject: str, headers: dict[str, str], user: str) -> None:
        self._submit("-odi", recipients, message(recipients, subject, headers))

    def queue(self, *recipients: str) -> None:
        """One message for each, which wait for queue_run(); it takes them in this order."""
        for place, recipient in enumerate(recipients):
            self._submit("-odq", [recipient], message([recipient], "queued", {}) + "x\n" * 1000 * place)  # small ones go first

    def _submit(self, how: str, recipients: list[str], text: str) -> None:
        command = self.root.command(PROGRAM, "-Am", how, "-oi", "-f", f"alice@{HOME_DOMAIN}", *recipients)
        result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if result.returncode not in (0, 75):
            raise LabError(f"sendmail would not take the mail ({result.returncode}): {result.stdout.strip()} {result.stderr.strip()}")
        self.log_socket.catch_up()

    def queue_run(self) -> None:
        self.root.run(PROGRAM, "-Am", "-qf")
        self.log_socket.catch_up()

    def reset(self) -> None:
        _empty(self.root.path(QUEUE))
        self.forget_retries()
        if self.root.path(CONFIGURATION).read_text(encoding="ascii") != self._example_alone:
            self.root.path(CONFIGURATION).write_text(self._example_alone, encoding="ascii")
            self.configure()
        super().reset()

    def forget_retries(self) -> None:
        """What "purgestat" does: no memory of hosts that failed."""
        _empty(self.root.path(HOST_STATUS))

    def outcomes(self, since: int = 0) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        verified: dict[str, bool] = {}  # of the last session with each relay
        for line in self.log(since):
            if tls := TLS.search(line):
                verified[tls[1]] = tls[2] == "OK"
            elif status := STATUS.search(line):
                relay = (RELAY.search(line) or ["", ""])[1].rstrip(",")
                state = {"2": "delivered", "4": "deferred", "5": "bounced"}[status[3]]
                for recipient in status[2].split(","):
                    local, _, domain = recipient.strip("<>").rpartition("@")
                    found[f"{local}@{domain.lower()}"] = Outcome(state, relay.rstrip("."), verified.get(relay, False), text=status[4])
        return found


def _empty(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            file.unlink()


def sendmail(world: World) -> Sendmail:
    """The sender of a world that was made with one."""
    assert isinstance(world.sender, Sendmail)
    return world.sender
