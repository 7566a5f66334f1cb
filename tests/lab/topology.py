"""Who is there: the mail hosts, and the domains that the scenarios declare."""

from __future__ import annotations

from mx import MailHost, Tls
from pki import Issuer, Leaf, Validity
from world import Domain

GOOD = "good.mx.test"
SECOND = "second.mx.test"
SIX = "six.mx.test"
IMPOSTOR = "impostor.mx.test"  # an honest certificate for its own name, but no policy names it
DOWN = "down.mx.test"
PLAIN = "plain.mx.test"
SELF_SIGNED = "selfsigned.mx.test"
TWO_LABELS = "two.labels.mx.test"
WILDCARD = "wildcard.mx.test"
GOOD_SMARTHOST = "smart.test"
BAD_SMARTHOST = "smartbad.test"
DANE = "mx.danegood.test"
DANE_LIAR = "mx.danebad.test"


def _leaf(host: str, *dns: str, **more: object) -> Leaf:
    return Leaf(host, dns=dns, **more)  # type: ignore[arg-type]


# Every way in which an MX host can fail R25, and the RFC 8460 result types that may be told for it.
BAD_HOSTS: dict[str, tuple[MailHost, tuple[str, ...]]] = {
    "wrong name": (MailHost("wrongname.mx.test", "198.51.100.20", _leaf("wrongname.mx.test", "www.mx.test")),
                   ("certificate-host-mismatch",)),
    "expired": (MailHost("expired.mx.test", "198.51.100.21",
                         _leaf("expired.mx.test", "expired.mx.test", validity=Validity.EXPIRED)), ("certificate-expired",)),
    "not yet valid": (MailHost("notyet.mx.test", "198.51.100.22",
                               _leaf("notyet.mx.test", "notyet.mx.test", validity=Validity.NOT_YET)),
                      ("certificate-not-trusted", "validation-failure")),
    "unknown root": (MailHost("untrusted.mx.test", "198.51.100.23",
                              _leaf("untrusted.mx.test", "untrusted.mx.test", issuer=Issuer.UNKNOWN_ROOT)),
                     ("certificate-not-trusted",)),
    "self-signed": (MailHost(SELF_SIGNED, "198.51.100.24", _leaf(SELF_SIGNED, SELF_SIGNED, issuer=Issuer.SELF)),
                    ("certificate-not-trusted",)),
    "common name only": (MailHost("cnonly.mx.test", "198.51.100.25", _leaf("cnonly.mx.test", common_name="cnonly.mx.test")),
                         ("certificate-host-mismatch",)),
    "common name and an address": (MailHost("cnip.mx.test", "198.51.100.26",
                                            _leaf("cnip.mx.test", common_name="cnip.mx.test", ip=("198.51.100.26",))),
                                   ("certificate-host-mismatch",)),
    "wildcard too deep": (MailHost("deep.mx.test", "198.51.100.27", _leaf("deep.mx.test", "*.test")),
                          ("certificate-host-mismatch",)),
    "TLS 1.1": (MailHost("oldtls.mx.test", "198.51.100.28", tls=Tls.OLD), ("validation-failure", "starttls-not-supported")),
    "no STARTTLS": (MailHost(PLAIN, "198.51.100.29", tls=Tls.NONE), ("starttls-not-supported",)),
}

HOSTS: list[MailHost] = [
    MailHost(GOOD, "198.51.100.11"),
    MailHost(SECOND, "198.51.100.12"),
    MailHost(SIX, "2001:db8:1::25"),
    MailHost(IMPOSTOR, "198.51.100.13"),
    MailHost(DOWN, "198.51.100.14", listening=False),
    MailHost(WILDCARD, "198.51.100.15", Leaf("wildcard.mx.test", dns=("*.mx.test",))),
    MailHost(TWO_LABELS, "198.51.100.18"),
    MailHost(GOOD_SMARTHOST, "198.51.100.40"),
    MailHost(BAD_SMARTHOST, "198.51.100.41", Leaf(BAD_SMARTHOST, dns=(BAD_SMARTHOST,), issuer=Issuer.SELF)),
    MailHost(DANE, "198.51.100.16", Leaf(DANE, dns=(DANE,), issuer=Issuer.SELF)),
    MailHost(DANE_LIAR, "198.51.100.17"),
    *(host for host, _ in BAD_HOSTS.values()),
]

DOMAINS: list[Domain] = []


def declare_host(host: MailHost) -> MailHost:
    """Makes the host exist when the world starts."""
    HOSTS.append(host)
    return host


def declare(domain: Domain) -> Domain:
    """Makes the domain exist when the world starts."""
    DOMAINS.append(domain)
    return domain


def word(text: str) -> str:
    """A label out of a description: "TLS 1.1" → "tls11"."""
    return "".join(character for character in text.lower() if character.isalnum())
