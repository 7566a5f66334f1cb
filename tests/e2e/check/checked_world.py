"""The world of the checks: domains as they are published, rightly and wrongly, and the run that looks at all of them at once."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dns import Dns, DnsAddresses, Zone
from mx import MailHost
from no_server import NoServer
from policy_places import PolicyPlace
from process import Programs
from topology import HOSTS
from web import Place
from world import AUTHORITY, FOLDER, WEB, Domain, World

OTHER_AUTHORITY = ("198.51.100.57", 53)
DEAD_AUTHORITY = "198.51.100.58"
RECORD = 'TXT "v=STSv1; id=1;"'
TLSRPT = '_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@lab.test"'
AT_ONCE = 20
STATE = Path("/var/lib/mtasts/check")

Findings = list[tuple[str, str]]  # code, severity


@dataclass(frozen=True)
class Checked(Domain):
    """A domain that is looked at. `record`, `address` and `tlsrpt` are the zone's lines for _mta-sts, mta-sts and
    _smtp._tls, in the place of the ordinary ones; `mail` those for MX; `text` is the policy file."""

    mode: str = "enforce"
    max_age: int = 2592000
    record: str | None = None
    address: str | None = None
    tlsrpt: str = TLSRPT
    mail: str | None = None
    text: str = ""

    def policy(self) -> str:
        return self.text or super().policy()

    def zone(self) -> Zone:
        place = self.policy_host().place
        address = f"mta-sts A {WEB.of(place)}" + (f"\nmta-sts AAAA {WEB.good6}" if place is Place.NGINX else "")
        lines = [f"@ MX {10 * number} {host}." for number, host in enumerate(self.mx, 1)]
        parts = ["\n".join(lines) if self.mail is None else self.mail, f"_mta-sts {RECORD}" if self.record is None else self.record,
                 address if self.address is None else self.address, self.tlsrpt, self.records]
        return Zone(self.name, "\n".join(part for part in parts if part), self.signed, self.tampered, AUTHORITY[0])


@dataclass(frozen=True)
class Case:
    domain: Checked
    findings: Findings


CASES: dict[str, Case] = {}
APART: list[Checked] = []  # looked at by scenarios of their own, not with all the others
MORE_HOSTS: list[MailHost] = []
MORE_PLACES: list[PolicyPlace] = []
OTHER_ZONES: list[Zone] = []  # what the second authority says
SILENT_HOSTS = [f"198.51.100.{number}" for number in range(110, 115)]  # take a connection to port 25 and say nothing


def host(name: str, address: str, **more: Any) -> str:
    MORE_HOSTS.append(MailHost(name, address, **more))
    return name


class CheckedWorld(World):
    def __init__(self) -> None:
        super().__init__([*(case.domain for case in CASES.values()), *APART], [*HOSTS, *MORE_HOSTS], NoServer())
        self._silent: list[socket.socket] = []
        self._other = Dns(Programs(Path("/")), FOLDER / "other-dns", DnsAddresses(OTHER_AUTHORITY, (), None), OTHER_ZONES)
        self._reports: dict[str, dict[str, Any]] = {}

    def start(self) -> None:
        super().start()
        self._other.start_authority()
        for place in MORE_PLACES:
            place.start(self.authority)
        # Connections are taken by the kernel.
        self._silent = [socket.create_server((address, 25), backlog=50) for address in SILENT_HOSTS]

    def stop(self) -> None:
        for silent in self._silent:
            silent.close()
        for place in MORE_PLACES:
            place.stop()
        self._other.stop_authority()
        super().stop()

    def report(self, name: str) -> dict[str, Any]:
        """What the check says of a domain; all are looked at in one run, the first time that one is wanted."""
        if not self._reports:
            self._reports = self.look_at_all()
        return self._reports[name]

    def look_at_all(self) -> dict[str, dict[str, Any]]:
        """Nothing is known from earlier runs."""
        shutil.rmtree(STATE, ignore_errors=True)
        names = [case.domain.name for case in CASES.values()]
        told = check("--json", "-j", str(AT_ONCE), "--domains", "-", standard_input="\n".join(names)).stdout
        return {report["domain"]: report for report in map(json.loads, told.splitlines())}


def findings_of(report: dict[str, Any]) -> Findings:
    return sorted((finding["code"], finding["severity"]) for finding in report["findings"])


def check(*words: str, standard_input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mtasts", "check", *words], input=standard_input, capture_output=True, text=True, check=False,
                          timeout=300)


