"""The sending side: Debian's Postfix of several releases, as an administrator has it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import mail_server
from mail_server import HOME_DOMAIN, Outcome, make_folder, make_group, make_user, message
from packages import LabError
from process import wait_for
from socketmap_server import SocketmapServer
from world import World

EXAMPLES = mail_server.EXAMPLES / "postfix"
QUEUE = "/var/spool/postfix"
MAIN = "/etc/postfix/main.cf"
MASTER = "/etc/postfix/master.cf"
SENDER = f"alice@{HOME_DOMAIN}"
PATIENCE = 60.0
CLIENT_PATIENCE = 10.0  # one may be at a host that is silent
KICK = 4.0
STATUS = re.compile(r"postfix/\w+\[(\d+)\]: (\w+): to=<([^>]*)>, (?:orig_to=<[^>]*>, )?relay=([^,]*), .*?status=(\w+) \((.*)\)$")
TLS = re.compile(r"postfix/\w+\[(\d+)\]: (\w+) TLS connection established to (\S+\]:\d+):")


class Postfix(SocketmapServer):
    """`example` is the file of conf-examples/postfix that is loaded. mtastsd itself makes the socket below the queue directory here, so
    that everybody may connect to it: only systemd or root could give it to Postfix's group."""

    counted_as = "postfix"
    LISTEN = (f'listen = ["unix:/run/mtasts/socketmap.sock", "inet:127.0.0.1:8461", "unix:{QUEUE}/mtasts/socketmap.sock"]\n'
              'socket_mode = "0666"\n')

    def __init__(self, tree: Path, version: str, example: str) -> None:
        super().__init__(tree)
        self.version = tuple(int(part) for part in version.split("."))
        self.example = example
        self._messages = itertools.count(1)
        self._saved: dict[str, str] = {}
        self.mtastsd.before_start = self._make_socket_folder

    @staticmethod
    def _make_socket_folder() -> None:
        """Without the socket of somebody else that a scenario left there."""
        make_folder(f"{QUEUE}/mtasts", 0o755, "_mtasts")
        Path(f"{QUEUE}/mtasts/socketmap.sock").unlink(missing_ok=True)

    def install(self) -> None:
        """What postfix's maintainer script does for an "Internet Site", as far as sending needs it."""
        make_user("postfix", QUEUE)
        make_user("alice", "/home/alice")
        make_group("postdrop")
        Path("/etc/mailname").write_text(f"{HOME_DOMAIN}\n", encoding="ascii")
        Path("/etc/aliases").write_text("root: alice\n", encoding="ascii")
        self.root.mount()
        self.root.share(QUEUE)
        etc, share = self.root.path("/etc/postfix"), self.root.path("/usr/share/postfix")
        for source, target in {"main.cf.debian": "main.cf", "master.cf.dist": "master.cf", "dynamicmaps.cf": "dynamicmaps.cf"}.items():
            shutil.copy(share / source, etc / target)
        make_folder(str(self.root.path("/var/lib/postfix")), 0o700, "postfix")
        self._fill_chroot()
        cache = "btree" if self.version < (3, 11) else "$default_cache_db_type"
        self.root.run("postconf", "-e", f"myhostname = {HOME_DOMAIN}", "mydestination = $myhostname, localhost", "mynetworks = 127.0.0.0/8",
                      "inet_interfaces = loopback-only", "smtp_tls_security_level = may", "smtp_tls_CApath = /etc/ssl/certs",
                      f"smtp_tls_session_cache_database = {cache}:${{data_directory}}/smtp_scache")
        self.root.run("newaliases")
        self.root.run("postfix", "check")
        self.root.run("sh", "-c", "cd /usr/sbin && chgrp postdrop postdrop postqueue && chmod 2755 postdrop postqueue")
        self.root.run("postfix", "start")

    def _fill_chroot(self) -> None:
        """What Debian's scripts do with tools that the root does not have."""
        self.root.path("/etc/default").mkdir(exist_ok=True)
        self.root.path("/etc/default/postfix").write_text("SYNC_CHROOT=\n", encoding="ascii")
        for name in ("resolv.conf", "hosts", "nsswitch.conf", "services"):
            (self.root.path(QUEUE) / "etc").mkdir(exist_ok=True)
            shutil.copy(self.root.path("/etc") / name, self.root.path(QUEUE) / "etc" / name)

    def add_examples(self) -> None:
        lines = (EXAMPLES / self.example).read_text(encoding="ascii").splitlines()
        self.root.run("postconf", "-e", *(line for line in lines if line and not line.startswith("#")))
        self.mtastsd.start()
        self.reload()

    def set_main(self, **values: str) -> None:
        """The administrator's own lines in main.cf, until reset()."""
        self._keep(MAIN)
        self.root.run("postconf", "-e", *(f"{name} = {value}" for name, value in values.items()))
        self.reload()

    def write_table(self, name: str, lines: dict[str, str]) -> None:
        """A texthash table."""
        self.root.path(name).write_text("".join(f"{key} {value}\n" for key, value in lines.items()), encoding="ascii")

    def set_master(self, field: str, value: str) -> None:
        """One field of master.cf, such as smtp/unix/chroot, until reset()."""
        self._keep(MASTER)
        self.root.run("postconf", "-F", f"{field} = {value}")
        self.reload()

    def add_service(self, name: str, line: str) -> None:
        """A service of master.cf, until reset()."""
        self._keep(MASTER)
        self.root.run("postconf", "-M", f"{name} = {line}")
        self.reload()

    @property
    def map_name(self) -> str:
        """What the example asks mtastsd for."""
        return self.root.run("postconf", "-h", "smtp_tls_policy_maps").strip().rpartition(":")[2]

    def _keep(self, name: str) -> None:
        self._saved.setdefault(name, self.root.path(name).read_text(encoding="ascii"))

    def reload(self) -> None:
        """Until the queue manager, which forgets hosts that failed and knows the old next hops, is a new one. An idle smtp(8)
        can take one more message before it hears of the reload, and delivers it as main.cf was."""
        for name in (MAIN, MASTER):  # each of Postfix's programs reads a file again and again until it is some seconds old
            os.utime(self.root.path(name), (0, 0))
        since = self.mark()
        master = int((self.root.path(QUEUE) / "pid/master.pid").read_text())
        old = self._children(master, "qmgr")
        old_clients = self._children(master, "smtp")
        os.kill(master, signal.SIGHUP)  # what "postfix reload" does after many checks
        self.log_socket.wait(lambda: any("reload -- version" in line for line in self.log(since)), PATIENCE)
        wait_for(lambda: not old & self._children(master, "qmgr"), PATIENCE)
        wait_for(lambda: not old_clients & self._children(master, "smtp"), CLIENT_PATIENCE)

    @staticmethod
    def _children(master: int, program: str) -> set[str]:
        """Process numbers. The kernel's list of children leaves some out while others end."""
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                name, rest = (process / "stat").read_text(encoding="utf-8", errors="replace").partition("(")[2].rsplit(")", 1)
                if name == program and rest.split()[1] == str(master):
                    found.add(process.name)
        return found

    def send(self, recipients: list[str], subject: str, headers: dict[str, str], user: str, sender: str = SENDER) -> None:
        since = self.mark()
        token = f"{next(self._messages)}.lab@{HOME_DOMAIN}"
        self.submit(recipients, message(recipients, subject, {"Message-ID": f"<{token}>", **headers}), user, sender)
        for _ in range(int(PATIENCE / KICK)):
            if self.log_socket.wait(lambda: self._tried(since, token) >= len(recipients), KICK):
                return
            self._kick()

    def _kick(self) -> None:
        """A process that ends because of a reload may have heard of the message last; its successor would look in a minute or five.
        Postfix may be too busy to take it."""
        self.root.run("postkick", "public", "pickup", "W", check=False)
        self.root.run("postkick", "public", "qmgr", "I", check=False)

    def submit(self, recipients: list[str], text: str, user: str = "root", sender: str = SENDER) -> None:
        command = ["chroot", f"--userspec={user}", str(self.root.place), "/usr/sbin/sendmail", "-oi", "-f", sender, *recipients]
        result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise LabError(f"postfix would not take the mail: {result.stderr.strip()}")

    def _tried(self, since: int, token: str) -> int:
        """How many recipients of a message have a status."""
        name = next((line.split(": ")[1] for line in self.log(since) if f"message-id=<{token}>" in line), "")
        return len({found[3] for line in self.log(since) if (found := STATUS.search(line)) and found[2] == name})

    def queue(self) -> dict[str, list[str]]:
        """Recipients of each waiting message."""
        told = [json.loads(line) for line in self.root.run("postqueue", "-j").splitlines() if line.startswith("{")]
        return {entry["queue_id"]: [one["address"] for one in entry["recipients"]] for entry in told}

    def queue_run(self) -> None:
        waiting = {(name, recipient) for name, recipients in self.queue().items() for recipient in recipients}
        since = self.mark()
        self.root.run("postqueue", "-f")
        self.log_socket.wait(lambda: waiting <= {(found[2], found[3]) for line in self.log(since) if (found := STATUS.search(line))}, PATIENCE)

    def reset(self) -> None:
        self.root.run("postsuper", "-d", "ALL", check=False)
        for name, text in self._saved.items():
            self.root.path(name).write_text(text, encoding="ascii")
        self._saved.clear()
        super().reset()
        self.reload()

    def stop(self) -> None:
        self.root.run("postfix", "stop", check=False)
        super().stop()

    def outcomes(self, since: int = 0) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        sessions: dict[str, tuple[str, str]] = {}  # of each smtp process: relay and what it says of the certificate
        for line in self.log(since):
            if tls := TLS.search(line):
                sessions[tls[1]] = (tls[3].lower(), tls[2])
            elif status := STATUS.search(line):
                found[_lower_domain(status[3])] = _outcome(status, sessions.get(status[1], ("", "")))
        return found


def _outcome(status: re.Match[str], session: tuple[str, str]) -> Outcome:
    state = {"sent": "delivered", "deferred": "deferred", "bounced": "bounced"}[status[5]]
    relay = status[4]
    return Outcome(state, relay.split("[")[0], session == (relay.lower(), "Verified"), text=status[6])


def _lower_domain(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def postfix(world: World) -> Postfix:
    """The sender of a world that was made with one."""
    assert isinstance(world.sender, Postfix)
    return world.sender
