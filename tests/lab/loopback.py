#!/usr/bin/python3
"""Runs a command with the lab's DNS and policy hosts on loopback, unprivileged, on free high ports.

    tests/lab/loopback.py -- ctest -R '^(dns|fetch)'

The command finds in its environment (host:port is 127.0.0.1:port):
    MTASTS_LAB_RESOLVER           validating resolver, TCP and UDP
    MTASTS_LAB_TLS_RESOLVER       the same over TLS; its certificate is for "resolver.test"
    MTASTS_LAB_AUTH               the authoritative server, TCP and UDP
    MTASTS_LAB_DEAD_RESOLVER      takes questions and never answers
    MTASTS_LAB_REFUSED_RESOLVER   nothing listens there
    MTASTS_LAB_HOSTILE_RESOLVER   misbehaves by the name asked for: hostile_dns.py
    MTASTS_LAB_POLICY_PORT        the port of every policy host, in place of 443
    MTASTS_LAB_MX_PORT            the port of every MX host, in place of 25 (raw_mx.py)
    MTASTS_LAB_CA                 PEM file of the root to trust
    MTASTS_LAB_IPV6               "1", or "0" on a machine without ::1 (ipv6only.test then leads nowhere)
    MTASTS_LAB_DIR                the lab's folder, with the servers' logs (web/access.log, mx.log); mx.addresses
                                  says where each behaviour of raw_mx.py is to be had, and where each
                                  certificate is shown to who sends no SNI

What is served: fixtures.py. The exit code is the command's; 1 with one sentence when the lab cannot start.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import fixtures
import certificates
import packages
import raw_mx
from dns import Dns, DnsAddresses
from packages import LabError
from pki import Authority, Leaf, Pair
from process import Daemon, Programs, dying_with_parent
from web import Web, WebAddresses

FOLDER_PREFIX = "mtasts-lab-"
LOCAL = "127.0.0.1"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def free_port(addresses: tuple[str, ...]) -> int:
    """A port below the ephemeral range that is free for TCP and UDP at all addresses."""
    for _ in range(200):
        port = random.randrange(20000, 32000)
        if all(_is_free(address, port, kind) for address in addresses for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
            return port
    raise LabError("the lab found no free port on loopback")


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as probe:
            probe.bind((address, port))
        return True
    except OSError:
        return False


class Lab:
    """DNS and policy hosts on loopback in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        programs = Programs(packages.unpacked())
        six = "::1" if has_ipv6() else ""
        web_places = {"good4": LOCAL, "good6": six, "raw": "127.0.0.2", "old_tls": "127.0.0.3", "silent": "127.0.0.4",
                      "closed": "127.0.0.9"}
        port = free_port(tuple(address for address in web_places.values() if address))
        self.folder = folder
        self.authority = Authority(folder / "pki")
        self.web_addresses = WebAddresses(port=port, **web_places)
        self.ports = {name: free_port((LOCAL,)) for name in ("auth", "resolver", "tls", "dead", "refused", "hostile")}
        self.web = Web(programs, folder / "web", self.web_addresses, self.authority, fixtures.policy_hosts(),
                       more_silent=((LOCAL, self.ports["dead"]),))
        dns_addresses = DnsAddresses((LOCAL, self.ports["auth"]), ((LOCAL, self.ports["resolver"]),),
                                     (LOCAL, self.ports["tls"]))
        self.dns = Dns(programs, folder / "dns", dns_addresses, fixtures.zones(self.web_addresses, self.authority),
                       lame_zones=(fixtures.LAME_ZONE,),
                       certificate=self.authority.issue(Leaf("resolver", dns=("resolver.test",), ip=(LOCAL,))))
        self.hostile_dns = Daemon([sys.executable, str(Path(__file__).with_name("hostile_dns.py")), LOCAL,
                                   str(self.ports["hostile"])], folder / "hostile_dns.log")
        self.mx_port = free_port(("127.0.25.1", *([six] if six else [])))
        self.mx_configuration = folder / "mx.json"
        self.mx = Daemon([sys.executable, str(Path(__file__).with_name("raw_mx.py")), str(self.mx_configuration)], folder / "mx.log")

    def start(self) -> None:
        self.dns.start()
        self.web.start()
        self.hostile_dns.start((LOCAL, self.ports["hostile"]))
        self._start_mx()

    def _start_mx(self) -> None:
        """An MX host may be called anything: each policy host's certificate is shown by an MX host of that name as well."""
        certificates = {name: [str(pair.certificate), str(pair.key)] for name, pair in self._mx_pairs().items()}
        names = list(certificates)
        places = [*((name, raw_mx.place(name)) for name in raw_mx.BEHAVIOURS), *((name, raw_mx.place_of_default(names, name)) for name in names)]
        self.mx_configuration.write_text(json.dumps({"port": self.mx_port, "certificates": certificates,
                                                     "ipv6": bool(self.web_addresses.good6)}), encoding="utf-8")
        (self.folder / "mx.addresses").write_text("".join(f"{name} {address}\n" for name, address in places), encoding="ascii")
        self.mx.start((places[-1][1], self.mx_port))  # the last one at which it listens

    def _mx_pairs(self) -> dict[str, Pair]:
        pairs = {f"mta-sts.{domain}": Pair(self.folder / "pki" / f"leaf-{leaf.name}.pem", self.folder / "pki" / f"leaf-{leaf.key.name}.key")
                 for domain, leaf in certificates.by_domain().items()}
        return pairs | {leaf.dns[0]: self.authority.issue(leaf) for leaf in certificates.of_mail_hosts()}

    def stop(self) -> None:
        self.mx.stop()
        self.hostile_dns.stop()
        self.web.stop()
        self.dns.stop()

    def environment(self) -> dict[str, str]:
        return {
            "MTASTS_LAB_RESOLVER": f"{LOCAL}:{self.ports['resolver']}",
            "MTASTS_LAB_TLS_RESOLVER": f"{LOCAL}:{self.ports['tls']}",
            "MTASTS_LAB_AUTH": f"{LOCAL}:{self.ports['auth']}",
            "MTASTS_LAB_DEAD_RESOLVER": f"{LOCAL}:{self.ports['dead']}",
            "MTASTS_LAB_REFUSED_RESOLVER": f"{LOCAL}:{self.ports['refused']}",
            "MTASTS_LAB_HOSTILE_RESOLVER": f"{LOCAL}:{self.ports['hostile']}",
            "MTASTS_LAB_POLICY_PORT": str(self.web_addresses.port),
            "MTASTS_LAB_MX_PORT": str(self.mx_port),
            "MTASTS_LAB_CA": str(self.authority.root),
            "MTASTS_LAB_IPV6": "1" if self.web_addresses.good6 else "0",
            "MTASTS_LAB_DIR": str(self.folder),
        }


def remove_leftovers() -> None:
    """Folders of labs that were killed with SIGKILL: their name ends with the process that made them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX)
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def run(command: list[str]) -> int:
    remove_leftovers()
    folder = Path(tempfile.gettempdir(), f"{FOLDER_PREFIX}{os.getpid()}")
    folder.mkdir(mode=0o755)
    try:
        lab = Lab(folder)
        try:
            lab.start()
            with subprocess.Popen(dying_with_parent(command), env={**os.environ, **lab.environment()}) as process:
                code = process.wait()
                return code if code >= 0 else 128 - code
        finally:
            lab.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(words: list[str]) -> int:
    if not words or words[0] != "--" or len(words) < 2:
        print("usage: loopback.py -- COMMAND…", file=sys.stderr)
        return 64
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(words[1:])
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
