"""The domain's mail hosts, each by a session of its own."""

from __future__ import annotations

from case import case, good
from checked_world import SILENT_HOSTS, host
from pki import Issuer, Leaf, Validity
from topology import BAD_HOSTS, DOWN, GOOD, SIX, WILDCARD
from world import PUBLIC_KEY

OF_BAD_HOSTS = {
    "wrong name": "mx-certificate-name c",
    "expired": "mx-certificate-expired c",
    "not yet valid": "mx-certificate-expired c",
    "unknown root": "mx-certificate-untrusted c",
    "self-signed": "mx-certificate-untrusted c",
    "common name only": "mx-certificate-cn-only c",
    "common name and an address": "mx-certificate-cn-only c",
    "wildcard too deep": "mx-certificate-name c",
    "TLS 1.1": "mx-tls-old c",
    "no STARTTLS": "mx-no-starttls c",
}
for _kind, _finding in OF_BAD_HOSTS.items():
    _label = "".join(letter for letter in _kind.lower() if letter.isalnum())
    _hosts, _code = (BAD_HOSTS[_kind][0].name,), _finding.removesuffix(" c")
    case(f"a mail host: {_kind}", good(f"bad{_label}.test", mx=_hosts), _finding)
    case(f"in testing, a mail host: {_kind}", good(f"testing{_label}.test", mode="testing", mx=_hosts), f"{_code} w", "policy-testing i")
    case(f"in mode none, a mail host: {_kind}", good(f"none{_label}.test", mode="none", mx=_hosts), f"{_code} i", "policy-mode-none i")
ENDING = host("ending.mx.test", "198.51.100.63", leaf=Leaf("ending.mx.test", dns=("ending.mx.test",), validity=Validity.ENDING))
case("a mail host whose certificate ends in 13 days", good("mxending.test", mx=(ENDING,)), "mx-certificate-expiring w")
case("in testing, a mail host whose certificate ends in 13 days", good("testingending.test", mode="testing", mx=(ENDING,)),
     "mx-certificate-expiring w", "policy-testing i")
case("in mode none, a mail host whose certificate ends in 13 days", good("noneending.test", mode="none", mx=(ENDING,)),
     "mx-certificate-expiring i", "policy-mode-none i")
case("a mail host with a wildcard certificate", good("mxwildcard.test", mx=(WILDCARD,)))
case("a mail host over IPv6", good("mxsix.test", mx=(SIX,)))
case("a mail host that is down", good("mxdown.test", mx=(GOOD, DOWN)), "mx-unreachable u")
case("a mail host without an address", good("mxnoaddress.test", mx=(GOOD, "gone.mx.test")), "mx-unreachable u")
case("a mail host with one dead address", good("mxhalfdead.test", mx=("mx.mxhalfdead.test",),
                                               records="mx A 198.51.100.64\nmx A 198.51.100.65"))
host("mx.mxhalfdead.test", "198.51.100.64")
SILENT = tuple(f"silent{number}.mxsilent.test" for number in range(len(SILENT_HOSTS)))
case("five silent mail hosts", good("mxsilent.test", mx=SILENT, records="\n".join(
    f"silent{number} A {address}" for number, address in enumerate(SILENT_HOSTS))), *["mx-unreachable u"] * len(SILENT))
ALIAS = host("mail.mxalias.test", "198.51.100.66")
case("a mail host that is an alias", good("mxalias.test", mx=(ALIAS,), records="mail CNAME real\nreal A 198.51.100.66"), "mx-cname w")
BOGUS = "mx.mxbogus.test"
case("MX records that DNSSEC refuses", good("mxsbogus.test", signed=True, tampered={f"10 {GOOD}.": f"20 {GOOD}."}), "record-dns-failure u")
case("a mail host whose address DNSSEC refuses",
     good("mxbogus.test", mx=(BOGUS, GOOD), records="mx A 198.51.100.11", signed=True, tampered={"198.51.100.11": "198.51.100.12"}),
     "record-dns-failure u")
OWN = host("mxabsent.test", "198.51.100.67")
case("no MX record", good("mxabsent.test", mx=(OWN,), mail="@ A 198.51.100.67"), "mx-absent w")
case("a null MX record", good("mxnull.test", mail="@ MX 0 ."), "mx-null w")

SIGNED = host("mx.tlsagood.test", "198.51.100.68")
case("TLSA records that match", good("tlsagood.test", mx=(SIGNED,), signed=True,
                                     records=f"mx A 198.51.100.68\n_25._tcp.mx TLSA 3 1 1 {PUBLIC_KEY}"))
WRONG = host("mx.tlsabad.test", "198.51.100.69")
case("TLSA records that do not match", good("tlsabad.test", mx=(WRONG,), signed=True,
                                            records=f"mx A 198.51.100.69\n_25._tcp.mx TLSA 3 1 1 {'0' * 64}"), "mx-tlsa-mismatch c")
UNSIGNED = host("mx.tlsaunsigned.test", "198.51.100.70")
for _mode, _address, _finding in (("testing", "198.51.100.72", "policy-testing i"), ("none", "198.51.100.73", "policy-mode-none i")):
    _host = host(f"mx.tlsabad{_mode}.test", _address)
    case(f"TLSA records that do not match, in mode {_mode}",
         good(f"tlsabad{_mode}.test", mode=_mode, mx=(_host,), signed=True,
              records=f"mx A {_address}\n_25._tcp.mx TLSA 3 1 1 {'0' * 64}"), "mx-tlsa-mismatch c", _finding)
case("TLSA records without DNSSEC", good("tlsaunsigned.test", mx=(UNSIGNED,),
                                         records=f"mx A 198.51.100.70\n_25._tcp.mx TLSA 3 1 1 {'0' * 64}"))
DANE_SELF = host("mx.tlsaself.test", "198.51.100.71", leaf=Leaf("mx.tlsaself.test", dns=("mx.tlsaself.test",), issuer=Issuer.SELF))
case("DANE alone trusts the host", good("tlsaself.test", mx=(DANE_SELF,), signed=True,
                                        records=f"mx A 198.51.100.71\n_25._tcp.mx TLSA 3 1 1 {PUBLIC_KEY}"),
     "mx-certificate-untrusted c")
