"""The sending side: Debian's Exim as an administrator has it, configured by Debian's own update-exim4.conf."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import mail_server
from mail_server import HOME_DOMAIN, MODULE_CONFIGURATION, MailServer, Outcome, make_folder, make_user, message, run
from packages import LabError

MAIN_LOG = Path("/var/log/exim4/mainlog")
PANIC_LOG = Path("/var/log/exim4/paniclog")
LOCAL_MACROS = Path("/etc/exim4/conf.d/main/000_localmacros")

ANSWERS = {"dc_eximconfig_configtype": "internet", "dc_other_hostnames": HOME_DOMAIN, "dc_local_interfaces": "127.0.0.1 ; ::1",
           "dc_readhost": "", "dc_relay_domains": "", "dc_minimaldns": "false", "dc_relay_nets": "", "dc_smarthost": "",
           "CFILEMODE": "644", "dc_use_split_config": "true", "dc_hide_mailname": "", "dc_mailname_in_oh": "true",
           "dc_localdelivery": "mail_spool"}


def module() -> Path:
    return next(Path("/usr/lib").glob("**/mtasts/mtasts.so"))


class Sender(MailServer):
    leaves_hosts_out = True
    store_group = "Debian-exim"
    folder = "exim"  # of conf-examples
    program = "exim4"
    shows_refused_certificates = True  # by the event tls:cert, before it refuses them itself
    section = "exim"

    @property
    def examples(self) -> Path:
        """With the path of the module here."""
        return mail_server.EXAMPLES / self.folder

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

    def add_examples(self) -> None:
        """The conf.d of the examples, verbatim, then Debian's own generator."""
        shutil.copytree(self.examples / "conf.d", "/etc/exim4/conf.d", dirs_exist_ok=True)
        self.configure()

    def configure(self) -> None:
        run(["update-exim4.conf"])

    def set_macros(self, text: str) -> None:
        """The administrator's own macros (main/000_localmacros), the place that Debian documents for them."""
        LOCAL_MACROS.write_text(text, encoding="ascii")
        self.configure()

    def exim(self, *arguments: str, text: str = "") -> str:
        """Any Exim command as root; standard output and error together."""
        result = subprocess.run([self.program, *arguments], input=text, capture_output=True, text=True, check=False)
        return result.stdout + result.stderr

    def send(self, recipients: list[str], subject: str, headers: dict[str, str], user: str) -> None:
        command = self.command(user, "-odf", "-oi", "-f", f"alice@{HOME_DOMAIN}", *recipients)
        result = subprocess.run(command, input=message(recipients, subject, headers), capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise LabError(f"exim would not take the mail: {result.stderr.strip()}")

    def command(self, user: str, *arguments: str) -> list[str]:
        """Exim, run by this user."""
        return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", self.program, *arguments]

    def mode_of(self, domain: str) -> str:
        """What the mode of a domain expands to, or why not."""
        return self.exim("-be", f"${{dlfunc{{{module()}}}{{mta_sts_mode}}{{{domain}}}}}")

    def queue_run(self) -> None:
        self.exim("-qff")

    def forget_retries(self) -> None:
        """No memory of hosts that failed."""
        for file in Path("/var/spool/exim4/db").glob("*"):
            file.unlink()

    def reset(self) -> None:
        MODULE_CONFIGURATION.unlink(missing_ok=True)
        if LOCAL_MACROS.exists():
            LOCAL_MACROS.unlink()
            self.configure()
        for folder in ("input", "msglog", "db"):
            for file in Path("/var/spool/exim4", folder).rglob("*"):
                if file.is_file():
                    file.unlink()
        self.forget_policies()

    def mark(self) -> int:
        return MAIN_LOG.stat().st_size if MAIN_LOG.exists() else 0

    def log(self, since: int = 0) -> list[str]:
        if not MAIN_LOG.exists():
            return []
        with open(MAIN_LOG, encoding="utf-8", errors="replace") as log:
            log.seek(since)
            return log.read().splitlines()

    def outcomes(self, since: int = 0) -> dict[str, Outcome]:
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
