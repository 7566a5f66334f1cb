"""The sending side: Debian's OpenSMTPD of several releases, as an administrator has it."""

from __future__ import annotations

import re
import shutil
import smtplib
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator

import mail_server
from chroot import Chroot
from mail_server import HOME_DOMAIN, STORE, MailServer, Outcome, make_folder, make_user, message
from mx import MailHost
from packages import LabError
from process import dying_with_parent
from world import World

EXAMPLES = mail_server.EXAMPLES / "opensmtpd"
CONFIGURATION = "/etc/smtpd.conf"
MODULE_CONFIGURATION = "/etc/mtasts/mtasts.toml"
OWN_STORE = f"{STORE}-opensmtpd"
SPOOL = "/var/spool/smtpd"
SENDER = f"alice@{HOME_DOMAIN}"
PATIENCE = 60.0
STATUS = re.compile(r'smtpd\[\d+\]: (\w+) mta delivery evpid=(\w{8})(\w{8}) from=<[^>]*> to=<([^>]*)> .*?relay="([^"]*)" .*?result="(\w+)" stat="(.*)"$')
ENVELOPE = re.compile(r"smtp envelope evpid=(\w{16}) from=<[^>]*> to=<([^>]*)>")
NO_RELAY_HOST = re.compile(r"Failed to retrieve smarthost for envelope (\w+)$")  # without leading zeros
VERIFIED = re.compile(r'smtpd\[\d+\]: (\w+) mta (?:server-)?cert-check result="(?:success|valid)"')
STATES = {"Ok": "delivered", "TempFail": "deferred", "PermFail": "bounced", "Loop": "bounced"}


class OpenSmtpd(MailServer):
    """smtpd, its table-mtasts and the lookup helper of that log to /dev/log. Mail is handed in by SMTP: a recipient that smtpd does not take now
    (RCPT answered with 4xx) has the state "put off" and is nowhere in its queue."""

    asks_at_delivery = False
    section = "opensmtpd"
    counted_as = "opensmtpd"

    def __init__(self, tree: Path, version: str, hosts: list[MailHost]) -> None:
        super().__init__()
        self.root = Chroot(tree)
        self._names = {host.address: host.name for host in hosts}
        self.version = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        self._process: subprocess.Popen[bytes] | None = None
        self._put_off: list[tuple[int, str, str]] = []  # place in the log, recipient, reply

    @property
    def words(self) -> list[str]:
        return [line for line in self.log_socket.lines if line.startswith(("table-mtasts[", "mtasts-lookup["))]

    def install(self) -> None:
        """What opensmtpd's maintainer script does."""
        for name in ("opensmtpd", "opensmtpq"):
            make_user(name, "/var/lib/opensmtpd/empty")
        make_user("alice", "/home/alice")
        Path("/etc/mailname").write_text(f"{HOME_DOMAIN}\n", encoding="ascii")
        Path("/etc/aliases").write_text("root: alice\n", encoding="ascii")
        self.root.mount()
        self.root.path("/var/spool").mkdir()
        self.root.path("/var/run").symlink_to("/run")
        self.root.run("chgrp", "opensmtpq", "/usr/sbin/smtpctl")
        self.root.run("chmod", "2755", "/usr/sbin/smtpctl")

    def install_module(self, build: Path) -> None:
        """Where smtpd looks for it; outside of its root, where the tests have the command line, as well."""
        super().install_module(build)
        mail_server.run(["env", f"DESTDIR={self.root.place}", "cmake", "--install", str(build), "--prefix", "/usr"])
        self.root.take_machine_files()
        make_folder(str(self.root.path(str(STORE))), 0o750, "_mtasts")
        make_folder(str(self.root.path(OWN_STORE)), 0o750, "opensmtpd")
        Path(OWN_STORE).symlink_to(self.root.path(OWN_STORE))
        self.write_module_configuration("")

    def add_examples(self) -> None:
        self.use("smtpd.conf")

    def use(self, example: str, change: Callable[[str], str] = lambda text: text) -> None:
        """Starts with this file of conf-examples/opensmtpd."""
        text = (EXAMPLES / example).read_text(encoding="ascii")
        self.root.path(CONFIGURATION).write_text(change(text), encoding="ascii")
        self.root.run("smtpd", "-n")
        self.restart()

    def restart(self) -> None:
        self.stop()
        since = self.mark()
        # As its unit runs it, but that the lab sees it end.
        self._process = subprocess.Popen(dying_with_parent(self.root.command("smtpd", "-F")), stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"smtpd did not start: {' / '.join(self.log(since))}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", timeout=PATIENCE):
                return True
        except OSError:
            return False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._process = None

    def write_module_configuration(self, text: str) -> None:
        """The file alone, not that anybody reads it; for table-mtasts and for the command line."""
        for path in (Path(MODULE_CONFIGURATION), self.root.path(MODULE_CONFIGURATION)):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def set_module_configuration(self, text: str) -> None:
        super().set_module_configuration(text)
        self.update()

    def update(self) -> str:
        """Tells table-mtasts to read its configuration again."""
        return self.control("update", "table", "mtasts")

    def control(self, *words: str) -> str:
        return self.root.run("smtpctl", *words)

    def forget_policies(self) -> None:
        """The store, and what the process has in memory."""
        self.stop()
        store = self.root.path(OWN_STORE)
        shutil.rmtree(store, ignore_errors=True)
        make_folder(str(store), 0o755, "opensmtpd")
        self.restart()

    def reset(self) -> None:
        self.stop()
        for folder in ("queue", "incoming", "temporary"):
            for entry in (self.root.path(SPOOL) / folder).glob("*"):
                shutil.rmtree(entry)
        self.write_module_configuration("")
        self.root.path(CONFIGURATION).write_text((EXAMPLES / "smtpd.conf").read_text(encoding="ascii"), encoding="ascii")
        self.forget_policies()

    def send(self, recipients: list[str], subject: str, headers: dict[str, str], user: str, sender: str = SENDER) -> None:
        since = self.mark()
        name = self.submit(recipients, message(recipients, subject, headers), sender)
        if name:
            taken = {recipient for recipient in recipients if recipient not in self._put_off_since(since)}
            self._wait_for(since, {(name, _lower_domain(recipient)) for recipient in taken})

    def submit(self, recipients: list[str], text: str, sender: str = SENDER) -> str:
        """The message's number, or "" when no recipient was taken."""
        with smtplib.SMTP("127.0.0.1", timeout=PATIENCE) as session:
            session.ehlo(HOME_DOMAIN)
            session.mail(sender)
            taken = False
            for recipient in recipients:
                code, reply = session.rcpt(recipient)
                taken |= code == 250
                if code != 250:
                    self.log_socket.catch_up()
                    self._put_off.append((self.mark(), recipient, f"{code} {reply.decode()}"))
            if not taken:
                return ""
            code, reply = session.data(text)
        found = re.search(r" ([0-9a-f]{8}) Message accepted", reply.decode())
        if not found:
            raise LabError(f"smtpd would not take the mail: {code} {reply.decode()}")
        return found[1]

    def _wait_for(self, since: int, wanted: set[tuple[str, str]]) -> None:
        """Until each message has a status for each recipient."""
        self.log_socket.wait(lambda: wanted <= {(number, recipient) for number, recipient, _ in self._statuses(since)}, PATIENCE)
        self.log_socket.catch_up()

    def wait_for_status(self, since: int, recipient: str) -> None:
        """Until a delivery to the recipient was tried, of whichever message."""
        self.log_socket.wait(lambda: recipient in self.outcomes(since), PATIENCE)
        self.log_socket.catch_up()

    def _statuses(self, since: int) -> Iterator[tuple[str, str, Outcome]]:
        """Of messages and their recipients, as they were told."""
        recipients: dict[str, str] = {}
        verified: set[str] = set()
        for place, line in enumerate(self.log()):
            if envelope := ENVELOPE.search(line):
                recipients[envelope[1]] = _lower_domain(envelope[2])
            elif checked := VERIFIED.search(line):
                verified.add(checked[1])
            elif place < since:
                continue
            elif no_host := NO_RELAY_HOST.search(line):
                number = no_host[1].zfill(16)
                yield number[:8], recipients[number], Outcome("deferred", text="Cannot retrieve smarthost")
            elif status := STATUS.search(line):
                address = status[5].rpartition("(")[2].rstrip(")")
                yield status[2], _lower_domain(status[4]), Outcome(STATES[status[6]], self._names.get(address, address), status[1] in verified,
                                                                   text=status[7])

    def _put_off_since(self, since: int) -> dict[str, str]:
        return {_lower_domain(recipient): reply for place, recipient, reply in self._put_off if place >= since}

    def queue(self) -> dict[str, str]:
        """The recipient of each envelope, by its number."""
        lines = [line.split("|") for line in self.control("show", "queue").splitlines()]
        return {fields[0]: fields[6] for fields in lines if len(fields) > 6}

    def wait_for_empty_queue(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.queue() and time.monotonic() < deadline:
            time.sleep(0.02)

    def queue_run(self) -> None:
        waiting = {(envelope[:8], _lower_domain(recipient)) for envelope, recipient in self.queue().items()}
        since = self.mark()
        self.control("schedule", "all")
        self._wait_for(since, waiting)

    def mark(self) -> int:
        return len(self.log_socket.lines)

    def log(self, since: int = 0) -> list[str]:
        return self.log_socket.lines[since:]

    def outcomes(self, since: int = 0) -> dict[str, Outcome]:
        put_off = {recipient: Outcome("put off", text=reply) for recipient, reply in self._put_off_since(since).items()}
        return {**put_off, **{recipient: outcome for _, recipient, outcome in self._statuses(since)}}


def _lower_domain(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def opensmtpd(world: World) -> OpenSmtpd:
    """The sender of a world that was made with one."""
    assert isinstance(world.sender, OpenSmtpd)
    return world.sender
