"""What domains that ask for reports are to be told of a session: every field of its datagram, for each result type (R31, R32).

    COUNTED = declare(Domain("counted.test", (GOOD,), "enforce", records=WANTED))
    [session] = settled(collector, 1)
    expect_success(session, COUNTED, sts(COUNTED))
    expect_failure(session, COUNTED, sts(COUNTED), ["certificate-expired"], at(host))
"""

from __future__ import annotations

from typing import Iterable

from collector import Collector, Session
from framework import expect
from mx import MailHost, Tls
from pki import Leaf
from topology import BAD_HOSTS, declare, declare_host
from web import PolicyHost
from world import Domain, World

SOCKET = "/run/tlsrpt/collectd.sock"
RECORD = "v=TLSRPTv1; rua=mailto:reports@reports.test"
WANTED = f'_smtp._tls TXT "{RECORD}"'
SENDER = "198.51.100.1"
RECEIVER = "receiver.mx.test"  # what every host of the lab calls itself
TLSA, STS, NO_POLICY_FOUND = 1, 2, 9
CODES = {"starttls-not-supported": 201, "certificate-host-mismatch": 202, "certificate-not-trusted": 203, "certificate-expired": 204,
         "validation-failure": 205, "sts-policy-fetch-error": 301, "sts-policy-invalid": 302, "sts-webpki-invalid": 303, "tlsa-invalid": 304,
         "dnssec-invalid": 305, "dane-required": 306}
UNAVAILABLE = {CODES[result]: result for result in ("sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid")}

Fields = dict[str, object]

# What can go wrong with TLS at a host, and the result types that an enforced policy has for it.
KINDS: dict[str, tuple[MailHost, tuple[str, ...]]] = {
    **BAD_HOSTS,
    "STARTTLS refused": (declare_host(MailHost("refuses.mx.test", "198.51.100.110", tls=Tls.REFUSED)), ("validation-failure",)),
    "cut at STARTTLS": (declare_host(MailHost("cuts.mx.test", "198.51.100.111", tls=Tls.CUT)), ("validation-failure",)),
}


def unavailable(name: str, code: int, mx: str) -> Domain:
    """A domain whose policy cannot be had for the reason with this code."""
    host = {301: PolicyHost("", status=404), 302: None, 303: PolicyHost("", leaf=Leaf(f"p-{name}", dns=(f"www.{name}",)))}[code]
    return declare(Domain(name, (mx,), "enforce", records=WANTED, host=host, more="nonsense\r\n" if code == 302 else ""))


def collecting(world: World) -> Collector:
    """What mtasts tells of sessions, until the scenario ends."""
    collector = Collector(SOCKET)
    world.undo(collector.stop)
    world.sender.set_module_configuration(f'[tlsrpt]\nsocket = "{SOCKET}"\n')
    return collector


def settled(collector: Collector, count: int) -> list[Session]:
    """Those sessions, and after a moment no others."""
    expect(collector.wait_for(count), f"{count} sessions should be reported, and were: {collector.sessions}")
    collector.wait_for(count + 1, 0.5)
    expect(len(collector.sessions) == count, f"{count} sessions should be reported, and were: {collector.sessions}")
    return collector.sessions


def sts(domain: Domain) -> Fields:
    return {"policy-type": STS, "policy-domain": domain.name, "policy-string": domain.policy().splitlines(),
            "mx-host": [*(domain.patterns or domain.mx)]}


def not_had(domain: Domain) -> Fields:
    """There is no policy to be told."""
    return {"policy-type": STS, "policy-domain": domain.name}


def tlsa(host: str, *records: str) -> Fields:
    return {"policy-type": TLSA, "policy-domain": host, **({"policy-string": [*records]} if records else {})}


def no_policy_found(domain: Domain) -> Fields:
    return {"policy-type": NO_POLICY_FOUND, "policy-domain": domain.name}


def at(host: MailHost) -> Fields:
    """Of a connection."""
    return {"s": SENDER, "n": host.name, "h": RECEIVER, "r": host.address}


def expect_success(session: Session, domain: Domain, policy: Fields) -> None:
    _expect_policy(session, domain, policy)
    expect(not session.failed and not session.failures, f"it should be good: {session}")


def expect_failure(session: Session, domain: Domain, policy: Fields, results: Iterable[str], place: Fields, has_reason: bool = True) -> None:
    """One of these result types, at this place, with one of any words as the reason or without."""
    _expect_policy(session, domain, policy)
    expect(session.failed and len(session.failures) == 1, f"it should have one failure: {session}")
    [failure] = session.failures
    expect(failure["c"] in [CODES[result] for result in results], f"{results} should be told: {session}")
    expect({key: value for key, value in failure.items() if key not in "cf"} == place, f"{place} should be told: {session}")
    expect(bool(failure.get("f")) == has_reason, f"{'a' if has_reason else 'no'} reason should be told: {session}")


def _expect_policy(session: Session, domain: Domain, policy: Fields) -> None:
    expect((session.domain, session.record) == (domain.name, RECORD), f"{domain.name} and its record should be told: {session}")
    expect(session.policy == policy, f"{policy} should be told: {session}")
