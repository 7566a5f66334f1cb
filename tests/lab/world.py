"""The whole small internet of one sandbox: names, policy hosts, mail hosts and a sending server that trusts the lab's root.

    world = World(domains, hosts)         # inside sandbox.py only; with an Exim unless another MailServer is given
    world.start()
    trace = world.send("bob@example.test")
    trace.outcome("bob@example.test").state, trace.contacted(), trace.arrived()
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable

from dns import Dns, DnsAddresses, Zone
from mail_server import MailServer, Outcome, make_user
from mx import Event, MailHost, MailHosts
from pki import Authority
from process import Programs
from sender import Sender
from web import Place, PolicyHost, Web, WebAddresses

FOLDER = Path("/lab")
WEB = WebAddresses(port=443, good4="198.51.100.80", good6="2001:db8:1::80", old_tls="198.51.100.81", raw="198.51.100.82",
                   silent="198.51.100.83", closed="198.51.100.84")
AUTHORITY = ("198.51.100.53", 53)
RESOLVER = ("127.0.0.1", 53)
OTHER_RESOLVER = ("198.51.100.54", 53)  # the same one, where it is not on loopback
SILENT_RESOLVER = ("198.51.100.55", 53)
NO_RESOLVER = ("198.51.100.56", 53)
NO_POLICY = "none at all"
PUBLIC_KEY = "@public-key@"  # in a Domain's records: the hash for TLSA 3 1 1 of every mail host


@dataclass(frozen=True)
class Domain:
    """A recipient's domain. `mx` are host names, best first; `mode` NO_POLICY publishes nothing.

    `patterns` are the policy's mx lines (the MX hosts themselves when empty); `host` describes a policy host that is not
    simply good; `policy_ipv6_only` gives it no IPv4 address. An empty `record_id` leaves the record away. A `signed` domain is DNSSEC-secure, but for what is `tampered` with (dns.Zone). `records` are further
    zone file lines, such as TLSA. `more` is what the policy file ends with. An `updatable` zone may be changed with nsupdate. The record's TTL is one second, so that a changed id is seen.
    """

    name: str
    mx: tuple[str, ...]
    mode: str = NO_POLICY
    patterns: tuple[str, ...] = ()
    max_age: int = 604800
    host: PolicyHost | None = None
    policy_ipv6_only: bool = False
    signed: bool = False
    tampered: dict[str, str] = field(default_factory=dict)
    records: str = ""
    record_id: str = "1"
    updatable: bool = False
    more: str = ""

    def policy(self) -> str:
        patterns = self.patterns or self.mx
        lines = ["version: STSv1", f"mode: {self.mode}", *(f"mx: {pattern}" for pattern in patterns), f"max_age: {self.max_age}"]
        return "".join(f"{line}\r\n" for line in lines) + self.more

    def policy_host(self) -> PolicyHost:
        return replace(self.host, domain=self.name, body=self.policy()) if self.host else PolicyHost(self.name, self.policy())

    def zone(self) -> Zone:
        lines = [f"@ MX {10 * place} {host}." for place, host in enumerate(self.mx, 1)]
        if self.mode != NO_POLICY and self.record_id:
            lines.append(f'_mta-sts 1 TXT "v=STSv1; id={self.record_id};"')
        if self.mode != NO_POLICY:
            if not self.policy_ipv6_only:
                lines.append(f"mta-sts A {WEB.of(self.policy_host().place)}")
            if self.policy_host().place is Place.NGINX:
                lines.append(f"mta-sts AAAA {WEB.good6}")
        zone = Zone(self.name, "\n".join([*lines, self.records]), self.signed, self.tampered, updatable=self.updatable)
        return replace(zone, server=AUTHORITY[0]) if self.updatable else zone  # who changes it asks its nameserver


@dataclass(frozen=True)
class Trace:
    """What one mail, or one run of the queue, did: read from the logs of both sides."""

    outcomes: dict[str, Outcome]
    events: list[Event]
    log: list[str] = field(repr=False)
    syslog: list[str] = field(repr=False)
    seconds: float = 0.0

    def outcome(self, recipient: str) -> Outcome:
        return self.outcomes.get(recipient, Outcome("nothing", text=" / ".join(self.log)))

    def contacted(self) -> list[str]:
        """Host names in the order of the connections, each once."""
        return list(dict.fromkeys(event.host for event in self.events if event.kind == "connect"))

    def arrived(self) -> list[Event]:
        return [event for event in self.events if event.kind == "mail"]

    def told(self) -> str:
        """For the reader of a failed test."""
        return "\n    ".join([f"contacted {self.contacted()}", *self.log, *self.syslog])


class World:
    """Everything started; `domains` and `hosts` are what exists at the start, `publish()` changes domains later."""

    def __init__(self, domains: list[Domain], hosts: list[MailHost], sender: MailServer | None = None) -> None:
        programs = Programs(Path("/"))
        FOLDER.mkdir()
        self.authority = Authority(FOLDER / "pki")
        self._changed: set[str] = set()
        self._undo: list[Callable[[], object]] = []
        key = self.authority.public_key_sha256()
        domains = [replace(domain, records=domain.records.replace(PUBLIC_KEY, key)) for domain in domains]
        self.domains = {domain.name: domain for domain in domains}
        self.dns = Dns(programs, FOLDER / "dns", DnsAddresses(AUTHORITY, (RESOLVER, OTHER_RESOLVER), None),
                       [*(domain.zone() for domain in domains), host_zone(hosts)])
        self.web = Web(programs, FOLDER / "web", WEB, self.authority,
                       [domain.policy_host() for domain in domains if domain.mode != NO_POLICY],
                       more_silent=(SILENT_RESOLVER,))
        self.mail_hosts = MailHosts(programs, FOLDER / "mx", self.authority, hosts)
        self.sender = sender or Sender()

    def start(self) -> None:
        replace_file("/etc/resolv.conf", f"nameserver {RESOLVER[0]}\noptions trust-ad edns0\n")
        replace_file("/etc/hosts", "127.0.0.1 localhost\n198.51.100.1 sender.lab.test sender\n")
        replace_file("/etc/ssl/certs/ca-certificates.crt", self.authority.root.read_text(encoding="ascii"))
        make_user("Debian-exim", "/var/spool/exim4")  # who the receivers run as
        self.sender.install()
        self.dns.start()
        self.web.start()
        self.mail_hosts.start()

    def stop(self) -> None:
        self.sender.stop()
        self.mail_hosts.stop()
        self.web.stop()
        self.dns.stop()

    def reset(self) -> None:
        """As after the start: everything runs, every domain is as declared, nothing waits and nothing is cached."""
        self.start_again()
        for name in self._changed:
            self._put(self.domains[name])
        self._changed.clear()
        self.sender.reset()

    def undo(self, action: Callable[[], object]) -> None:
        """Done at start_again() or reset(), the last one first."""
        self._undo.append(action)

    def start_again(self) -> None:
        """Starts what stop_resolver() or stop_policy_hosts() stopped, and undoes what a test wants undone."""
        while self._undo:
            self._undo.pop()()

    def publish(self, name: str, **changes: object) -> None:
        """Changes a domain until reset(): the policy file first, the record after (R34)."""
        self._changed.add(name)
        self._put(replace(self.domains[name], **changes))  # type: ignore[arg-type]

    def updated(self, name: str) -> None:
        """Somebody has changed the zone with nsupdate. It is as declared again after reset()."""
        self._changed.add(name)
        self.dns.forget(name)

    def _put(self, domain: Domain) -> None:
        if domain.name in self.web.hosts:
            self.web.publish(domain.name, domain.policy())
        self.dns.publish(domain.zone())

    def stop_resolver(self) -> None:
        self.dns.stop_resolver()
        self.undo(self.dns.start_resolver)

    def stop_policy_hosts(self) -> None:
        self.web.stop_nginx()
        self.undo(self.web.start_nginx)

    def block_record(self, name: str, how: str) -> None:
        """The domain's record, and nothing else, gets another answer or none (Dns.block)."""
        self.dns.block(f"_mta-sts.{name}.", how)
        self.undo(lambda: self.dns.unblock(f"_mta-sts.{name}."))

    def policy_requests(self, name: str) -> int:
        """How often the policy of a domain was asked for since the start."""
        return self.web.requests(name)

    def send(self, *recipients: str, subject: str = "hello", headers: dict[str, str] | None = None,
             user: str = "root") -> Trace:
        return self.watch(lambda: self.sender.send(list(recipients), subject, headers or {}, user))

    def queue_run(self) -> Trace:
        return self.watch(self.sender.queue_run)

    def watch(self, action: Callable[[], object]) -> Trace:
        log, received, told, begin = self.sender.mark(), self.mail_hosts.mark(), len(self.sender.words), time.monotonic()
        action()
        return Trace(self.sender.outcomes(log), self.mail_hosts.events(received), self.sender.log(log), self.sender.words[told:],
                     time.monotonic() - begin)


def host_zone(hosts: list[MailHost]) -> Zone:
    """Addresses of the mail hosts below mx.test; others are among the `records` of their domain."""
    lines = [f"{host.name}. {'AAAA' if ':' in host.address else 'A'} {host.address}" for host in hosts
             if host.name.endswith(".mx.test")]
    return Zone("mx.test", "\n".join(lines))


def replace_file(path: str, text: str) -> None:
    """A new file in its place, even where a link leads to a /run that is not here."""
    Path(path).unlink(missing_ok=True)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="ascii")
