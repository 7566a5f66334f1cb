"""Names of the lab: knot answers for the zones, unbound resolves and validates, both as real as on the internet.

Zones are plain text and may be signed (kzonesign, with new keys every start); the resolver gets the key as trust
anchor, so that the answers of a signed zone carry AD, and a tampered one is bogus. Nothing outside `test.` exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from packages import LabError
from pki import Pair
from process import Daemon, Endpoint, Programs

UPDATE_KEY = ("lab-update", "hmac-sha256", "bGFiLXVwZGF0ZS1rZXktb2YtdGhlLWxhYg==")  # name, algorithm, secret
SOA_MINIMUM = 120  # seconds that "no such name" and "no such type" may be cached (RFC 2308)


@dataclass
class Zone:
    """One zone. `records` are zone file lines after SOA and NS; names in them are relative to the zone. Who has UPDATE_KEY may
    change one that is `updatable` (RFC 2136), until it is published again."""

    name: str
    records: str
    signed: bool = False
    tampered: dict[str, str] = field(default_factory=dict)  # put into the signed text afterwards: the signature is broken
    server: str = "192.0.2.53"  # the address of its nameserver, for who asks that itself
    updatable: bool = False

    def text(self) -> str:
        return (f"$ORIGIN {self.name}.\n$TTL 300\n@ 300 SOA ns hostmaster 1 3600 600 86400 {SOA_MINIMUM}\n"
                f"@ 300 NS ns\nns 300 A {self.server}\n{self.records}\n")


@dataclass(frozen=True)
class DnsAddresses:
    authority: Endpoint
    resolvers: tuple[Endpoint, ...]
    tls_resolver: Endpoint | None


class Dns:
    """`lame_zones` are delegated to a server that has no data of them: the resolver answers SERVFAIL, at once.

    `start()`, change zones with `publish()`, `stop_resolver()`/`start_resolver()` to break the sender's DNS."""

    def __init__(self, programs: Programs, folder: Path, addresses: DnsAddresses, zones: list[Zone], *,
                 lame_zones: tuple[str, ...] = (), certificate: Pair | None = None) -> None:
        self.programs = programs
        self.folder = folder
        self.addresses = addresses
        self.zones = {zone.name: zone for zone in zones}
        self.lame_zones = lame_zones
        self.certificate = certificate
        for name in ("zones", "signed", "knot", "unbound"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._knot_configuration = folder / "knot.conf"
        self._unbound_configuration = folder / "unbound.conf"
        environment = programs.environment()
        self._knot = Daemon([programs.path("knotd"), "-c", str(self._knot_configuration)], folder / "knot.log", environment)
        self._unbound = Daemon([programs.path("unbound"), "-d", "-c", str(self._unbound_configuration)],
                               folder / "unbound.log", environment)

    def start(self) -> None:
        self.start_authority()
        self._unbound_configuration.write_text(self._unbound_text(), encoding="ascii")
        self.start_resolver()

    def start_authority(self) -> None:
        self._knot_configuration.write_text(self._knot_text(), encoding="ascii")
        for zone in self.zones.values():
            self._write(zone)
        self._knot.start(self.addresses.authority)

    def stop(self) -> None:
        self.stop_resolver()
        self.stop_authority()

    def stop_authority(self) -> None:
        self._knot.stop()

    def start_resolver(self) -> None:
        """Where it does not run already: two of them could not both be stopped."""
        if not self._unbound.is_running:
            self._unbound.start(*self.addresses.resolvers)

    def stop_resolver(self) -> None:
        self._unbound.stop()

    def died(self) -> str:
        """Which server has ended by itself, or ""."""
        return ", ".join(name for name, server in (("unbound", self._unbound), ("knotd", self._knot)) if server.has_died)

    def publish(self, zone: Zone) -> None:
        """Replaces an unsigned zone while everything runs, and makes the resolver forget what it knew of it."""
        self.zones[zone.name] = zone
        self._write(zone)
        self.programs.run("knotc", "-c", str(self._knot_configuration), "-b", "zone-reload", zone.name)
        self.forget(zone.name)

    def forget(self, name: str) -> None:
        self.programs.run("unbound-control", "-c", str(self._unbound_configuration), "flush_zone", name)

    def block(self, name: str, how: str) -> None:
        """As an attacker on the way to the resolver would: `how` is a type of unbound's local zones, such as always_nxdomain or deny."""
        self.programs.run("unbound-control", "-c", str(self._unbound_configuration), "local_zone", name, how)

    def unblock(self, name: str) -> None:
        self.programs.run("unbound-control", "-c", str(self._unbound_configuration), "local_zone_remove", name)

    def _write(self, zone: Zone) -> None:
        source = self.folder / "zones" / f"{zone.name}.zone"
        source.write_text(zone.text(), encoding="ascii")
        if not zone.signed:
            return
        self.programs.run("kzonesign", "-c", str(self._knot_configuration), "-o", str(self.folder / "signed"), zone.name)
        signed = self.folder / "signed" / f"{zone.name}.zone"
        text = signed.read_text(encoding="ascii")
        for genuine, forged in zone.tampered.items():
            if genuine not in text:
                raise LabError(f"nothing to tamper with in {zone.name}: {genuine!r} is not in the signed zone")
            text = text.replace(genuine, forged)
        source.write_text(text, encoding="ascii")

    def _trust_anchor(self, zone: Zone) -> str:
        text = (self.folder / "zones" / f"{zone.name}.zone").read_text(encoding="ascii")
        for line in text.splitlines():
            found = re.match(r"\S+\s+\d+\s+(?:IN\s+)?DNSKEY\s+(257 3 \d+ .*)", line)
            if found:
                return f'{zone.name}. DNSKEY {found[1]}'
        raise LabError(f"kzonesign left no key-signing key in {zone.name}")

    def _knot_text(self) -> str:
        address, port = self.addresses.authority
        updatable = {zone.name for zone in self.zones.values() if zone.updatable}
        zones = "".join(f"  - domain: {name}\n    dnssec-policy: lab\n" + ("    acl: update\n" if name in updatable else "")
                        for name in [*self.zones, *self.lame_zones])
        key, algorithm, secret = UPDATE_KEY
        return (f"server:\n  listen: {address}@{port}\n  rundir: {self.folder}/knot\n  udp-workers: 1\n  tcp-workers: 1\n"
                "  background-workers: 1\n"
                f"database:\n  storage: {self.folder}/knot\n"
                "policy:\n  - id: lab\n    algorithm: ecdsap256sha256\n"
                f"key:\n  - id: {key}\n    algorithm: {algorithm}\n    secret: {secret}\n"
                f"acl:\n  - id: update\n    key: {key}\n    action: update\n"
                f"template:\n  - id: default\n    storage: {self.folder}/zones\n    file: \"%s.zone\"\n"
                "    zonefile-sync: -1\n    journal-content: none\n    zonefile-load: whole\n"
                f"log:\n  - target: stderr\n    any: info\nzone:\n{zones}")

    def _unbound_text(self) -> str:
        listen = [f"{address}@{port}" for address, port in self.addresses.resolvers]
        lines = ['username: ""', 'chroot: ""', f'directory: "{self.folder}/unbound"', 'pidfile: ""', "use-syslog: no",
                 "do-daemonize: no", "num-threads: 1", "so-reuseport: no", "incoming-num-tcp: 200", "verbosity: 1",
                 "val-log-level: 2", "ede: yes", "do-not-query-localhost: no", "qname-minimisation: no",
                 "access-control: 0.0.0.0/0 allow", "access-control: ::0/0 allow", 'module-config: "validator iterator"',
                 'local-zone: "." static', 'local-zone: "test." transparent', 'local-zone: "example." transparent']
        if self.addresses.tls_resolver and self.certificate:
            address, port = self.addresses.tls_resolver
            listen.append(f"{address}@{port}")
            lines += [f"tls-port: {port}", f'tls-service-key: "{self.certificate.key}"',
                      f'tls-service-pem: "{self.certificate.certificate}"']
        lines += [f"interface: {place}" for place in listen]
        lines += [f'trust-anchor: "{self._trust_anchor(zone)}"' for zone in self.zones.values() if zone.signed]
        address, port = self.addresses.authority
        return ("server:\n" + "".join(f"  {line}\n" for line in lines)
                + f"remote-control:\n  control-enable: yes\n  control-interface: {self.folder}/unbound/control\n"
                "  control-use-cert: no\n"
                + "".join(f'stub-zone:\n  name: "{name}."\n  stub-addr: {address}@{port}\n'
                          for name in (*self.zones, *self.lame_zones)))
