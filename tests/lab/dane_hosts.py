"""Hosts that DANE judges, good and bad, each the MX of a domain that asks for reports and has an enforced policy (R29)."""

from __future__ import annotations

from mx import MailHost, Tls
from pki import Issuer, Key, Leaf, Validity
from reports import WANTED
from topology import declare, declare_host, word
from world import PUBLIC_KEY, Domain

_AUTHORITY = Leaf("dane-authority", common_name="an authority that TLSA names", is_authority=True, purpose="", issuer=Issuer.SELF)
OF_THE_KEY, OF_ITS_AUTHORITY, OF_NOTHING = f"3 1 1 {PUBLIC_KEY}", f"2 1 1 {PUBLIC_KEY}", f"3 1 1 {'0' * 64}"


def _dane(title: str, number: int, record: str, tls: Tls = Tls.MODERN, validity: Validity = Validity.CURRENT, name: str = "") -> tuple[Domain, MailHost]:
    """A domain with one MX, whose TLSA record this is."""
    domain = f"dane{word(title)}.test"
    mx, address = f"mx.{domain}", f"198.51.100.{number}"
    leaf = Leaf(mx, dns=(name or mx,), issuer=_AUTHORITY, validity=validity, key=Key.RSA_2048) if record == OF_ITS_AUTHORITY else \
        Leaf(mx, dns=(mx,), issuer=Issuer.SELF)
    host = declare_host(MailHost(mx, address, leaf, tls=tls))
    return declare(Domain(domain, (mx,), "enforce", signed=True, records=f"mx A {address}\n_25._tcp.mx TLSA {record}\n{WANTED}")), host


DANE_GOOD = {title: _dane(title, number, record) for title, number, record in (
    ("its key", 130, OF_THE_KEY), ("its authority", 131, OF_ITS_AUTHORITY))}
DANE_BAD = {
    "another key": _dane("another key", 132, OF_NOTHING),
    "expired": _dane("expired", 133, OF_ITS_AUTHORITY, validity=Validity.EXPIRED),
    "wrong name": _dane("wrong name", 134, OF_ITS_AUTHORITY, name="www.mx.test"),
    "no STARTTLS": _dane("no STARTTLS", 135, OF_THE_KEY, Tls.NONE),
    "STARTTLS refused": _dane("STARTTLS refused", 136, OF_THE_KEY, Tls.REFUSED),
}
