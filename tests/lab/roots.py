#!/usr/bin/python3
"""Mail servers of several Debian suites, each unpacked with all that it needs, as a root of its own.

A newer server runs on this machine's kernel with its own libc, so that one machine tests what people of several releases
run. chroot.py enters such a root. Where the packages come from: the mirror that this machine's apt uses already.

    [tree] = roots.unpacked(roots.POSTFIX_3_7)     # downloads once; afterwards instant
    tests/lab/roots.py [NAME…]                     # the same from a shell, all of them without a name
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import packages
from packages import LabError
from private_apt import PrivateApt, unpack, version_names

DEFAULT_FOLDER = packages.REPOSITORY / ".lab" / "roots"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# What maintainer scripts need and a mail server at work does not: apt is told that it is there.
LEFT_OUT = ("perl", "perl-base", "debconf", "dpkg", "tar", "adduser", "passwd", "systemd", "init-system-helpers", "e2fsprogs", "ssl-cert",
            "openssl", "usrmerge", "usr-is-merged", "cpio", "procps", "make", "base-passwd", "sensible-utils", "lockfile-progs", "debianutils",
            "libfile-fcntllock-perl")
NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/i18n", "usr/share/info", "usr/share/lintian")
SHELL = ("dash", "coreutils", "sed", "grep", "findutils", "diffutils")  # Postfix's own scripts


@dataclass(frozen=True)
class Root:
    """`server` is the package whose version is told."""

    name: str
    suite: str
    server: str
    others: tuple[str, ...]

    def wish(self) -> str:
        return f"wanted: {self.suite} {self.server} {' '.join(self.others)}"


POSTFIX_3_7 = Root("postfix-3.7", "bookworm", "postfix", SHELL)
POSTFIX_3_10 = Root("postfix-3.10", "trixie", "postfix", SHELL)
POSTFIX_NEWEST = Root("postfix-newest", "sid", "postfix", SHELL)
SENDMAIL_8_17 = Root("sendmail-8.17", "bookworm", "sendmail-bin", ("sendmail-base", "sendmail-cf", *SHELL))
SENDMAIL_8_18 = Root("sendmail-8.18", "trixie", "sendmail-bin", ("sendmail-base", "sendmail-cf", *SHELL))
SENDMAIL_NEWEST = Root("sendmail-newest", "sid", "sendmail-bin", ("sendmail-base", "sendmail-cf", *SHELL))
EXIM_4_96 = Root("exim-4.96", "bookworm", "exim4-daemon-heavy", ("exim4-base", "exim4-config", *SHELL))
EXIM_4_98 = Root("exim-4.98", "trixie", "exim4-daemon-heavy", ("exim4-base", "exim4-config", *SHELL))
EXIM_LIGHT_4_96 = Root("exim-light-4.96", "bookworm", "exim4-daemon-light", ("exim4-base", "exim4-config", *SHELL))
EXIM_LIGHT_4_98 = Root("exim-light-4.98", "trixie", "exim4-daemon-light", ("exim4-base", "exim4-config", *SHELL))
EXIM_NEWEST = Root("exim-newest", "sid", "exim4-daemon-heavy", ("exim4-base", "exim4-config", *SHELL))
EXIM_LIGHT_NEWEST = Root("exim-light-newest", "sid", "exim4-daemon-light", ("exim4-base", "exim4-config", *SHELL))
# With what table-mtasts, which smtpd starts, is linked to.
OPENSMTPD_6_8 = Root("opensmtpd-6.8", "bookworm", "opensmtpd", ("libstdc++6", "libevent-core-2.1-7", "libgetdns10", "libcurl4", "libcurl3-gnutls", *SHELL))
OPENSMTPD_7_6 = Root("opensmtpd-7.6", "trixie", "opensmtpd", ("libstdc++6", "libevent-core-2.1-7t64", "libgetdns10t64", "libcurl4t64", "libcurl3t64-gnutls", *SHELL))
OPENSMTPD_NEWEST = Root("opensmtpd-newest", "sid", "opensmtpd", ("libstdc++6", "libevent-core-2.1-7t64", "libgetdns10t64", "libcurl4t64", "libcurl3t64-gnutls", *SHELL))
# EXIM_LIGHT_4_98 and EXIM_NEWEST are not among ROOTS: who asks for them (./dev test exim-builds) gets them.
# What `mtasts publish` writes for: web servers and nsupdate; with an ACME server and client.
WEB_SERVERS = Root("web-servers", "bookworm", "caddy", ("apache2-bin", "bind9-dnsutils", "certbot", "media-types", "pebble", *SHELL))
ROOTS = (WEB_SERVERS, EXIM_4_96, EXIM_4_98, EXIM_LIGHT_4_96, EXIM_LIGHT_NEWEST, POSTFIX_3_7, POSTFIX_3_10, POSTFIX_NEWEST, SENDMAIL_8_17, SENDMAIL_8_18, SENDMAIL_NEWEST, OPENSMTPD_6_8, OPENSMTPD_7_6, OPENSMTPD_NEWEST)


def unpacked(*wanted: Root, folder: Path = DEFAULT_FOLDER) -> list[Path]:
    """The trees. Raises LabError when apt cannot get them."""
    if all(_is_complete(folder / root.name, root) for root in wanted):
        return [folder / root.name for root in wanted]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test programs may start at once
        missing = [root for root in wanted if not _is_complete(folder / root.name, root)]
        for suite in dict.fromkeys(root.suite for root in missing):
            _build_suite(suite, [root for root in missing if root.suite == suite], folder)
    return [folder / root.name for root in wanted]


def version(root: Root, folder: Path = DEFAULT_FOLDER) -> str:
    """Of an unpacked root's server, as its authors count: "3.10.13"."""
    return packages.version_in((folder / root.name / packages.STAMP).read_text(encoding="ascii"), root.server)


def server(root: Root) -> str:
    """Its package and version: "postfix 3.10.13"."""
    return f"{root.server} {version(root)}"


def own_suite() -> str:
    """The release of Debian on this machine: "trixie", "sid"; "" where it is not Debian."""
    text = Path("/etc/os-release").read_text(encoding="utf-8")
    told = dict(re.findall(r'^(\w+)="?([^"\n]*)', text, re.MULTILINE))
    if told.get("ID") != "debian":
        return ""
    # sid names itself after the release that it will be: "forky/sid".
    return "sid" if told.get("PRETTY_NAME", "").endswith("/sid") else told.get("VERSION_CODENAME", "sid")


def unpacked_for_our_programs(root: Root, folder: Path = DEFAULT_FOLDER) -> Path:
    """The tree, in which what was built on this machine will run. LabError where its C library is too old for that."""
    [tree] = unpacked(root, folder=folder)
    theirs, ours = libc_of(tree), str(os.confstr("CS_GNU_LIBC_VERSION")).split()[-1]
    if _numbers(theirs) < _numbers(ours):
        raise LabError(f"what is built here needs glibc {ours}, and Debian {root.suite} has {theirs}")
    return tree


def libc_of(tree: Path) -> str:
    found = re.search(r"^libc6_(\d+\.\d+)", (tree / packages.STAMP).read_text(encoding="ascii"), re.MULTILINE)
    if not found:
        raise LabError(f"there is no libc6 in the lab's root {tree.name}")
    return found[1]


def _numbers(version_text: str) -> list[int]:
    return [int(part) for part in version_text.split(".")]


def _is_complete(tree: Path, root: Root) -> bool:
    try:
        return (tree / packages.STAMP).read_text(encoding="ascii").splitlines()[0] == root.wish()
    except (OSError, IndexError):
        return False


def _build_suite(suite: str, wanted: list[Root], folder: Path) -> None:
    state = folder / "apt"
    shutil.rmtree(state, ignore_errors=True)
    apt = PrivateApt(state, status=_status(), sources=f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n")
    apt.update()
    for root in wanted:
        print(f"lab: asking apt for {root.server} of Debian {suite} (unpacked privately, nothing is installed)", file=sys.stderr)
        _build(folder / root.name, root, apt)
    shutil.rmtree(state)


def _build(tree: Path, root: Root, apt: PrivateApt) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    archives = apt.download([root.server, *root.others])
    for link in ("bin", "sbin", "lib", "lib64"):
        (tree / "usr" / link).mkdir(parents=True)
        (tree / link).symlink_to(f"usr/{link}")
    unpack(archives, tree)
    for name in NOT_NEEDED:
        shutil.rmtree(tree / name, ignore_errors=True)
    if not (tree / "bin/sh").exists():
        (tree / "bin/sh").symlink_to("dash")
    (tree / packages.STAMP).write_text("\n".join([root.wish(), *version_names(archives)]) + "\n", encoding="ascii")


def _status() -> str:
    return "".join(f"Package: {name}\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: {_architecture()}\nMulti-Arch: allowed\n"
                   "Version: 99:1\nProvides: debconf-2.0\nDescription: left out\n\n" for name in LEFT_OUT)


def _architecture() -> str:
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def mirror() -> str:
    """The archive that serves this machine's own release, and the others beside it."""
    known = _told("indextargets", "--format", "$(ORIGIN)/$(LABEL) $(REPO_URI)", "Created-By: Packages")
    archives = re.findall(r"^Debian/Debian (\S+)", known, re.MULTILINE)
    # Without lists, as in a fresh container, nobody knows who is Debian.
    named = re.findall(r"^'(\S+/debian)/dists/[\w-]+/InRelease'", _told("update", "--print-uris"), re.MULTILINE)
    for archive in (*archives, *sorted(named, key=lambda uri: "debian.org/" not in uri)):
        return archive
    raise LabError("the lab found no Debian archive among this machine's apt sources; name one in /etc/apt/sources.list")


def _told(*words: str) -> str:
    return subprocess.run(["apt-get", *words], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False).stdout


def main() -> int:
    chosen = [root for root in ROOTS if len(sys.argv) == 1 or root.name in sys.argv[1:]]
    try:
        for tree, root in zip(unpacked(*chosen), chosen):
            print(f"{tree} ({root.server} {version(root)})")
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
