"""The sending side of a World, whatever server it is: what a test may ask of it, and mtasts on its machine.

Everything here happens inside the sandbox, on its private `/`: users and folders are made as the packages' maintainer
scripts make them, mtasts is installed with `cmake --install`, its examples are loaded verbatim.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from log_socket import LogSocket
from packages import LabError

HOME_DOMAIN = "sender.lab.test"
STORE = Path("/var/lib/mtasts")
EXAMPLES = Path("/usr/share/doc/mtasts/examples")  # as installed: conf-examples
MODULE_CONFIGURATION = Path("/etc/mtasts/mtasts.toml")


@dataclass(frozen=True)
class Outcome:
    """What the server's log says of one recipient. `state` is delivered, deferred or bounced."""

    state: str
    host: str = ""
    verified: bool = False
    transport: str = ""
    text: str = ""


class MailServer:
    """`words` is where mtasts says what it has to say."""

    store_group = "_mtasts"  # who else reads the store
    leaves_hosts_out = False  # are hosts that a policy does not name left alone, or connected to and refused?
    asks_at_delivery = True  # or when it takes the recipient
    section = ""  # of mtasts.toml
    counted_as = ""  # by "mtasts status"; "": it has no process that could count

    def __init__(self) -> None:
        self.log_socket = LogSocket()

    @property
    def words(self) -> list[str]:
        return self.log_socket.lines

    def install(self) -> None:
        """As after the installation of the server's packages; it can send mail."""
        raise NotImplementedError

    def add_examples(self) -> None:
        """Loads conf-examples; mtasts is installed."""
        raise NotImplementedError

    def send(self, recipients: list[str], subject: str, headers: dict[str, str], user: str) -> None:
        """Gives the server one message, as this user, and waits until it has tried to deliver it."""
        raise NotImplementedError

    def queue_run(self) -> None:
        """Tries every waiting message again, whatever the retry times say."""
        raise NotImplementedError

    def forget_retries(self) -> None:
        """No memory of hosts that failed, where the server has one that would keep it from trying them."""

    def reset(self) -> None:
        """No waiting mail, no memory of hosts that failed, no policy cached, no configuration of a test's own."""
        raise NotImplementedError

    def mark(self) -> int:
        """A place in the log."""
        raise NotImplementedError

    def log(self, since: int = 0) -> list[str]:
        raise NotImplementedError

    def outcomes(self, since: int = 0) -> dict[str, Outcome]:
        """The last word on every recipient, whose domain is in lower case."""
        raise NotImplementedError

    def stop(self) -> None:
        """What of it runs all the time."""

    def install_module(self, build: Path) -> None:
        """mtasts as the package would install it; the store belongs to the user that lookups become."""
        run(["cmake", "--install", str(build), "--prefix", "/usr"])
        make_user("_mtasts", str(STORE))
        if not STORE.exists():
            make_folder(str(STORE), 0o750, "_mtasts", self.store_group)

    def set_module_configuration(self, text: str) -> None:
        """From now on this is in force."""
        self.write_module_configuration(text)

    def write_module_configuration(self, text: str) -> None:
        """The file alone, not that anybody reads it."""
        MODULE_CONFIGURATION.parent.mkdir(exist_ok=True)
        MODULE_CONFIGURATION.write_text(text, encoding="utf-8")

    def forget_policies(self) -> None:
        for entry in STORE.glob("*"):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def message(recipients: list[str], subject: str, headers: dict[str, str]) -> str:
    fields = {"From": f"Alice <alice@{HOME_DOMAIN}>", "To": ", ".join(recipients), "Subject": subject, **headers}
    return "".join(f"{key}: {value}\n" for key, value in fields.items()) + "\nHello from the lab.\n"


def make_user(name: str, home: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin", name])


def make_group(name: str) -> None:
    run(["groupadd", "--system", "--force", name])


def make_folder(path: str, mode: int, owner: str, group: str = "") -> None:
    os.makedirs(path, exist_ok=True)
    os.chown(path, pwd.getpwnam(owner).pw_uid, grp.getgrnam(group or owner).gr_gid)
    os.chmod(path, mode)


def run(command: list[str]) -> None:
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"{command[0]} failed in the sandbox: {(result.stderr or result.stdout).strip()}")
