"""What apt takes for "apt install mtasts" beside each mail server: its part, one engine library, and never a mail server.

A repository in the machine lists our packages and Debian's mail servers, each of which says that it is the only one. Nothing is downloaded: apt
says what it would do.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from functools import partial
from pathlib import Path

from computer import Computer
from framework import expect, scenario

REPOSITORY = "/srv/repository"  # which apt's own user can read
SOURCE = "/srv/repository.list"
LISTS = ("-o", f"Dir::Etc::sourcelist={SOURCE}", "-o", "Dir::Etc::sourceparts=/dev/null")
SERVERS = ("exim4-daemon-light", "exim4-daemon-heavy", "exim4-daemon-custom", "postfix", "sendmail-bin", "opensmtpd")
COMMON = {"mtasts", "mtasts-engine-openssl"}
DAEMON = COMMON | {"mtastsd"}
PARTS = {
    "": DAEMON,
    "exim4-daemon-light": DAEMON,
    "exim4-daemon-heavy": COMMON | {"mtasts-exim", "mtasts-module"},
    "exim4-daemon-custom": COMMON | {"mtasts-exim", "mtasts-module"},
    "postfix": DAEMON,
    "sendmail-bin": DAEMON,
    "opensmtpd": COMMON | {"mtasts-opensmtpd"},
}


def servers_stanzas() -> str:
    return "".join(f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@lab.test>\nFilename: ./none/{name}.deb\nSize: 1\n"
                   f"SHA256: {'0' * 64}\nProvides: mail-transport-agent\nConflicts: mail-transport-agent\nReplaces: mail-transport-agent\n"
                   "Description: stands in for a package of Debian\n\n" for name in SERVERS)


def our_stanza(package: Path) -> str:
    fields = subprocess.run(["dpkg-deb", "-f", str(package)], capture_output=True, text=True, check=True).stdout
    return f"{fields}Filename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {hashlib.sha256(package.read_bytes()).hexdigest()}\n\n"


def lay_out_repository(machine: Computer) -> None:
    machine.run("mkdir", "-p", REPOSITORY)
    ours = [*machine.releases.this.packages.values(), *machine.releases.optional.without("exim4-daemon-heavy").packages.values()]
    machine.write(f"{REPOSITORY}/Packages", "".join(our_stanza(package) for package in ours) + servers_stanzas())
    machine.write(SOURCE, f"deb [trusted=yes] file:{REPOSITORY} ./\n")
    machine.run("apt-get", "update", "-q", *LISTS)


def changes(machine: Computer, *wanted: str, options: tuple[str, ...] = ()) -> tuple[set[str], set[str]]:
    """What apt would install and what it would remove."""
    told = machine.run("apt-get", "install", "-s", "-q", *options, *LISTS, *wanted)
    return set(re.findall(r"^Inst (\S+)", told, re.MULTILINE)), set(re.findall(r"^Remv (\S+)", told, re.MULTILINE))


def installed(machine: Computer, server: str) -> None:
    """As far as dpkg's database knows."""
    if server:
        stanza = next(text for text in servers_stanzas().split("\n\n") if text.startswith(f"Package: {server}\n"))
        fields = [line for line in stanza.splitlines() if line.split(":")[0] not in ("Filename", "Size", "SHA256")]
        fields.insert(1, "Status: install ok installed")
        machine.shell(f"cat >>/var/lib/dpkg/status <<'TEXT'\n\n{chr(10).join(fields)}\n\nTEXT\n: >/var/lib/dpkg/info/{server}.list")


def what_apt_takes(machine: Computer, server: str) -> None:
    lay_out_repository(machine)
    installed(machine, server)
    new, gone = changes(machine, "mtasts")
    expect((new, gone) == (PARTS[server], set()), f"beside {server or 'no mail server'} apt would install {sorted(new)} and remove {sorted(gone)}")
    new, gone = changes(machine, "mtasts", options=("--no-install-recommends",))
    expect((new, gone) == (COMMON, set()), f"the command alone would install {sorted(new)} and remove {sorted(gone)}")
    new, gone = changes(machine, "mtasts", "mtasts-engine-gnutls")
    expect("mtasts-engine-openssl" not in new and not gone, f"with GnuTLS's engine apt would install {sorted(new)} and remove {sorted(gone)}")


for _server in ("", *SERVERS):
    scenario(f"apt: beside {_server or 'no mail server'} mtasts brings its part, one engine library and no mail server")(partial(what_apt_takes, server=_server))
