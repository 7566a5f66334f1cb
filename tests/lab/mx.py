"""Receiving mail hosts of the lab: one real Exim listens on many addresses and is a different host on each.

Certificate and TLS behaviour follow from the address that the connection came in on. Mail is taken, logged and thrown
away; `events()` reads who connected where, with what TLS and SNI, and which mail arrived.
"""

from __future__ import annotations

import re
import shlex
import shutil
import time
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from pki import Authority, Leaf
from process import Daemon, Programs


class Tls(Enum):
    NONE = "no STARTTLS"
    MODERN = "TLS 1.2 and 1.3"
    OLD = "TLS 1.0 and 1.1 only"
    REFUSED = "STARTTLS is offered, and refused"
    CUT = "STARTTLS is offered, and ends the connection without an answer"


@dataclass(frozen=True)
class MailHost:
    """One host on port 25. Without a `leaf` it has a good certificate for its name. `without_sni`: what it shows to who sends none.
    `resumes`: it lets clients resume a TLS session."""

    name: str
    address: str
    leaf: Leaf | None = None
    without_sni: Leaf | None = None
    tls: Tls = Tls.MODERN
    listening: bool = True
    resumes: bool = False

    def certificate(self) -> Leaf:
        return self.leaf or Leaf(self.name, dns=(self.name,))


@dataclass(frozen=True)
class Event:
    """One line of the receivers' log. `kind` is connect, ehlo or mail; `tls` is "" in the clear."""

    kind: str
    host: str
    tls: str = ""
    sni: str = ""
    sender: str = ""
    recipients: str = ""
    subject: str = ""


class MailHosts:
    """`folder` must be readable by Debian-exim, who the receiving processes run as."""

    def __init__(self, programs: Programs, folder: Path, authority: Authority, hosts: list[MailHost]) -> None:
        self.folder = folder
        self.authority = authority
        self.hosts = hosts
        self._names = {host.address: host.name for host in hosts}
        self._configuration = folder / "exim.conf"
        self._log = folder / "log" / "main"
        self._daemon = Daemon([programs.path("exim4"), "-C", str(self._configuration), "-bdf"], folder / "exim.out",
                              programs.environment())

    def start(self) -> None:
        for name in ("tls", "spool", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("spool", "log"):
            shutil.chown(self.folder / name, "Debian-exim", "Debian-exim")
        for host in self.hosts:
            self._write_tls(host)
        self._configuration.write_text(self._text(), encoding="ascii")
        listening = [host for host in self.hosts if host.listening]
        self._daemon.start(*((host.address, 25) for host in listening))
        while len(self.events()) < len(listening):  # the connections just made to see that it listens
            time.sleep(0.01)

    def stop(self) -> None:
        self._daemon.stop()

    def mark(self) -> int:
        """A place in the log for `events(since)`."""
        return self._log.stat().st_size if self._log.exists() else 0

    def events(self, since: int = 0) -> list[Event]:
        if not self._log.exists():
            return []
        with open(self._log, encoding="utf-8", errors="replace") as log:
            log.seek(since)
            return [event for line in log if (event := self._event(line))]

    def _event(self, line: str) -> Event | None:
        found = re.search(r" LAB (\w+) (.*)", line)
        if not found:
            return None
        values = dict(word.split("=", 1) for word in shlex.split(_unescaped(found[2])))
        return Event(found[1], self._names.get(values.pop("address"), "?"), **values)

    def show(self, name: str, leaf: Leaf | None) -> None:
        """From now on this host has another certificate; None: its own again."""
        [host] = [host for host in self.hosts if host.name == name]
        self._write_tls(replace(host, leaf=leaf) if leaf else host)

    def _write_tls(self, host: MailHost) -> None:
        """Files named by address: the configuration below looks there for what this host is."""
        if host.tls is Tls.NONE:
            return
        stem = host.address.replace(":", "-")
        self._write_pair(stem, host.certificate())
        if host.without_sni:
            self._write_pair(f"{stem}.default", host.without_sni)
        if host.tls is Tls.OLD:
            (self.folder / "tls" / f"{stem}.old").touch()
        if host.tls is Tls.REFUSED:
            (self.folder / "tls" / f"{stem}.refused").touch()
        if host.tls is Tls.CUT:
            (self.folder / "tls" / f"{stem}.cut").touch()
        if host.resumes:
            (self.folder / "tls" / f"{stem}.resumes").touch()

    def _write_pair(self, name: str, leaf: Leaf) -> None:
        pair = self.authority.issue(leaf)
        (self.folder / "tls" / name).write_text(pair.certificate.read_text() + pair.key.read_text(), encoding="ascii")

    def _text(self) -> str:
        listen = " ; ".join(host.address for host in self.hosts if host.listening)
        file = f"{self.folder}/tls/${{sg{{$received_ip_address}}{{:}}{{-}}}}"
        tls = "tls=${quote:$tls_in_ver} sni=${quote:$tls_in_sni}"
        return f"""
primary_hostname = receiver.mx.test
spool_directory = {self.folder}/spool
log_file_path = {self.folder}/log/%s
pid_file_path = {self.folder}/spool/pid
local_interfaces = <; {listen}
daemon_smtp_ports = 25
keep_environment =
host_lookup =
rfc1413_hosts =
queue_only
smtputf8_advertise_hosts = *
smtp_accept_max = 100
tls_advertise_hosts = ${{if exists{{{file}}}{{*}}}}
tls_certificate = ${{if and{{{{eq{{$tls_in_sni}}{{}}}}{{exists{{{file}.default}}}}}}{{{file}.default}}{{{file}}}}}
tls_require_ciphers = ${{if exists{{{file}.old}}{{NORMAL:-VERS-ALL:+VERS-TLS1.0:+VERS-TLS1.1}}{{NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3}}}}
tls_resumption_hosts = ${{if exists{{{file}.resumes}}{{*}}}}
acl_smtp_connect = connect
acl_smtp_helo = helo
acl_smtp_starttls = starttls
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
connect:
  accept logwrite = LAB connect address=$received_ip_address
helo:
  accept logwrite = LAB ehlo address=$received_ip_address {tls}
starttls:
  deny condition = ${{if exists{{{file}.refused}}}}
  deny condition = ${{if exists{{{file}.cut}}{{${{run{{/bin/kill -KILL $pid}}{{yes}}{{yes}}}}}}{{no}}}}
  accept
rcpt:
  accept
data:
  discard logwrite = LAB mail address=$received_ip_address {tls} sender=${{quote:$sender_address}} \\
            recipients=${{quote:$recipients}} subject=${{quote:$h_subject:}}
"""


def _unescaped(text: str) -> str:
    """Exim writes bytes beyond ASCII to its log as backslash and three octal digits."""
    return re.sub(r"(?:\\[0-7]{3})+", lambda found: bytes(int(digits, 8) for digits in found[0][1:].split("\\")).decode("utf-8", "replace"), text)
