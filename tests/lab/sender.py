"""The sending side: Debian's Exim as an administrator has it, configured by Debian's own update-exim4.conf.

Everything here happens inside the sandbox, on its private `/`: users and folders are made as the packages' maintainer
scripts make them, the module is installed with `cmake --install`, its examples are copied verbatim.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from packages import LabError

HOME_DOMAIN = "sender.lab.test"
EXAMPLES = Path("/usr/share/doc/mtasts/examples/exim")  # as installed: conf-examples, with the path of the module here
MAIN_LOG = Path("/var/log/exim4/mainlog")
PANIC_LOG = Path("/var/log/exim4/paniclog")
STORE = Path("/var/lib/mtasts")
MODULE_CONFIGURATION = Path("/etc/mtasts/mtasts.toml")
LOCAL_MACROS = Path("/etc/exim4/conf.d/main/000_localmacros")

ANSWERS = {"dc_eximconfig_configtype": "internet", "dc_other_hostnames": HOME_DOMAIN, "dc_local_interfaces": "127.0.0.1 ; ::1",
           "dc_readhost": "", "dc_relay_domains": "", "dc_minimaldns": "false", "dc_relay_nets": "", "dc_smarthost": "",
           "CFILEMODE": "644", "dc_use_split_config": "true", "dc_hide_mailname": "", "dc_mailname_in_oh": "true",
           "dc_localdelivery": "mail_spool"}


@dataclass(frozen=True)
class Outcome:
    """What Exim's main log says of one recipient. `state` is delivered, deferred or bounced."""

    state: str
    host: str = ""
    verified: bool = False
    transport: str = ""
    text: str = ""


class Sender:
    def install(self) -> None:
        """What the maintainer scripts of exim4-base and exim4-config do, as far as sending needs it."""
        make_user("Debian-exim", "/var/spool/exim4")
        make_user("alice", "/home/alice")
        for folder in ("/var/spool/exim4", "/var/spool/exim4/db", "/var/spool/exim4/input", "/var/spool/exim4/msglog",
                       "/var/log/exim4", "/var/lib/exim4"):
            make_folder(folder, 0o750, "Debian-exim")
        make_folder("/var/mail", 0o2775, "root", "mail")
        Path("/etc/mailname").write_text(f"{HOME_DOMAIN}\n", encoding="ascii")
        Path("/etc/aliases").write_text("root: alice\n", encoding="ascii")
        self.answer()
        self.configure()

    def answer(self, **changes: str) -> None:
        """Answers to the questions of "dpkg-reconfigure exim4-config"; configure() makes them count."""
        text = "".join(f"{key}='{value}'\n" for key, value in {**ANSWERS, **changes}.items())
        Path("/etc/exim4/update-exim4.conf.conf").write_text(text, encoding="ascii")

    def install_module(self, build: Path) -> None:
        """The module as the package would install it; the store belongs to the user that lookups become."""
        _run(["cmake", "--install", str(build), "--prefix", "/usr"])
        make_user("_mtasts", str(STORE))
        if not STORE.exists():
            make_folder(str(STORE), 0o755, "_mtasts")

    def add_examples(self) -> None:
        """The conf.d of the examples, verbatim, then Debian's own generator."""
        shutil.copytree(EXAMPLES / "conf.d", "/etc/exim4/conf.d", dirs_exist_ok=True)
        self.configure()

    def configure(self) -> None:
        _run(["update-exim4.conf"])

    def set_macros(self, text: str) -> None:
        """The administrator's own macros (main/000_localmacros), the place that Debian documents for them."""
        LOCAL_MACROS.write_text(text, encoding="ascii")
        self.configure()

    def set_module_configuration(self, text: str) -> None:
        MODULE_CONFIGURATION.parent.mkdir(exist_ok=True)
        MODULE_CONFIGURATION.write_text(text, encoding="utf-8")

    def exim(self, *arguments: str, text: str = "") -> str:
        """Any Exim command as root; standard output and error together."""
        result = subprocess.run(["exim4", *arguments], input=text, capture_output=True, text=True, check=False)
        return result.stdout + result.stderr

    def send(self, recipients: list[str], subject: str, headers: dict[str, str], user: str) -> None:
        """Gives Exim one message, as this user, and waits until it has tried to deliver it."""
        fields = {"From": f"Alice <alice@{HOME_DOMAIN}>", "To": ", ".join(recipients), "Subject": subject, **headers}
        message = "".join(f"{key}: {value}\n" for key, value in fields.items()) + "\nHello from the lab.\n"
        command = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "exim4", "-odf", "-oi", "-f", f"alice@{HOME_DOMAIN}", *recipients]
        result = subprocess.run(command, input=message, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise LabError(f"exim would not take the mail: {result.stderr.strip()}")

    def queue_run(self) -> None:
        """Tries every waiting message again, whatever the retry times say."""
        self.exim("-qff")

    def forget_retries(self) -> None:
        """No memory of hosts that failed."""
        for file in Path("/var/spool/exim4/db").glob("*"):
            file.unlink()

    def reset(self) -> None:
        """No waiting mail, no memory of hosts that failed, no policy remembered, no configuration of a test's own."""
        MODULE_CONFIGURATION.unlink(missing_ok=True)
        if LOCAL_MACROS.exists():
            LOCAL_MACROS.unlink()
            self.configure()
        for folder in ("input", "msglog", "db"):
            for file in Path("/var/spool/exim4", folder).rglob("*"):
                if file.is_file():
                    file.unlink()
        self.forget_policies()

    def forget_policies(self) -> None:
        for entry in STORE.glob("*"):
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def mark(self) -> int:
        return MAIN_LOG.stat().st_size if MAIN_LOG.exists() else 0

    def log(self, since: int = 0) -> list[str]:
        if not MAIN_LOG.exists():
            return []
        with open(MAIN_LOG, encoding="utf-8", errors="replace") as log:
            log.seek(since)
            return log.read().splitlines()

    def outcomes(self, since: int = 0) -> dict[str, Outcome]:
        """The last word on every recipient; the log has their domains in lower case."""
        found: dict[str, Outcome] = {}
        for line in self.log(since):
            match = re.match(r"\S+ \S+ \S+ (=>|->|\*\*|==) (\S+) ?(.*)", line)
            if match:
                found[match[2]] = _outcome(match[1], match[3])
        return found


def _outcome(sign: str, rest: str) -> Outcome:
    host = re.search(r" H=(\S+)", rest)
    transport = re.search(r"T=(\S+)", rest)
    state = {"=>": "delivered", "->": "delivered", "**": "bounced", "==": "deferred"}[sign]
    return Outcome(state, host[1] if host else "", " CV=yes" in rest or " CV=dane" in rest,
                   transport[1].rstrip(":") if transport else "", rest)


def make_user(name: str, home: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        _run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin", name])


def make_folder(path: str, mode: int, owner: str, group: str = "") -> None:
    os.makedirs(path, exist_ok=True)
    os.chown(path, pwd.getpwnam(owner).pw_uid, grp.getgrnam(group or owner).gr_gid)
    os.chmod(path, mode)


def _run(command: list[str]) -> None:
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"{command[0]} failed in the sandbox: {(result.stderr or result.stdout).strip()}")
