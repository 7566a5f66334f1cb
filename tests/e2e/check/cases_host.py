"""The policy host: each of its addresses, its certificate, what it answers."""

from __future__ import annotations

from typing import Any

from case import case, good
from checked_world import APART, MORE_PLACES, RECORD, TLSRPT
from pki import Issuer, Leaf, Validity
from policy_places import PolicyPlace
from topology import GOOD
from web import Place, PolicyHost
from world import WEB


def served(name: str, **more: object) -> PolicyHost:
    return PolicyHost(name, **more)  # type: ignore[arg-type]


def shows(name: str, *dns: str, **more: object) -> PolicyHost:
    return PolicyHost(name, leaf=Leaf(f"host-{name}", dns=dns or (f"mta-sts.{name}",), **more))  # type: ignore[arg-type]


ONLY_IPV4 = f"mta-sts A {WEB.good4}"

case("no policy host", good("nohost.test", address=""), "host-no-address c")
case("nothing listens", good("closed.test", host=served("closed.test", place=Place.CLOSED)), "host-unreachable c")
case("one dead address of two", good("halfdead.test", address=f"{ONLY_IPV4}\nmta-sts A {WEB.closed}"), "host-unreachable c")
case("no answer in TLS", good("silent.test", host=served("silent.test", place=Place.SILENT)), "host-unreachable c")
case("only over IPv6", good("six.test", address=f"mta-sts AAAA {WEB.good6}"))
case("TLS 1.1", good("hostoldtls.test", host=served("hostoldtls.test", place=Place.OLD_TLS)), "host-tls-old c")

CERTIFICATES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "hostname.test": ({"dns": ("www.hostname.test",)}, ["host-certificate-name c"]),
    "hostexpired.test": ({"validity": Validity.EXPIRED}, ["host-certificate-expired c"]),
    "hostnotyet.test": ({"validity": Validity.NOT_YET}, ["host-certificate-expired c"]),
    "hostuntrusted.test": ({"issuer": Issuer.UNKNOWN_ROOT}, ["host-certificate-untrusted c"]),
    "hostself.test": ({"issuer": Issuer.SELF}, ["host-certificate-untrusted c"]),
    "hostending.test": ({"validity": Validity.ENDING}, ["host-certificate-expiring w"]),
    "hosttwofaults.test": ({"dns": ("www.hosttwofaults.test",), "validity": Validity.EXPIRED},
                           ["host-certificate-expired c", "host-certificate-name c"]),
    "hostforclients.test": ({"purpose": "clientAuth"}, ["host-certificate-untrusted c"]),
    "hostchain.test": ({"issuer": Leaf("above-check", common_name="lab authority check", is_authority=True, purpose="")}, []),
    "hostnochain.test": ({"issuer": Leaf("above-check", common_name="lab authority check", is_authority=True, purpose=""),
                          "alone": True}, ["host-certificate-untrusted c"]),
    "hostwild.test": ({"dns": ("*.hostwild.test",)}, []),
}
for _name, (_more, _findings) in CERTIFICATES.items():
    case(f"a certificate of {_name}", good(_name, address=ONLY_IPV4, host=shows(_name, *_more.pop("dns", ()), **_more)), *_findings)
case("a certificate with a common name only",
     good("hostcn.test", address=ONLY_IPV4,
          host=PolicyHost("hostcn.test", leaf=Leaf("host-hostcn.test", common_name="mta-sts.hostcn.test"))),
     "host-certificate-cn-only c")

ANSWERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "redirect.test": ({"status": 301, "location": "https://fine.test/"}, ["host-redirect c"]),
    "notfound.test": ({"status": 404}, ["host-status c"]),
    "html.test": ({"content_type": "text/html"}, ["host-content-type c"]),
    "notype.test": ({"content_type": ""}, ["host-content-type c"]),
    "charset.test": ({"content_type": "text/plain; charset=utf-8"}, []),
    "giant.test": ({"place": Place.RAW, "behaviour": "declares_giant"}, ["host-too-large c"]),
    "chunked.test": ({"place": Place.RAW, "behaviour": "chunked_giant"}, ["host-too-large c"]),
}
for _name, (_answer, _findings) in ANSWERS.items():
    case(f"an answer of {_name}",
         good(_name, host=served(_name, **_answer), **({} if "place" in _answer else {"address": ONLY_IPV4})), *_findings)

SLOW = "198.51.100.90"
DIFFERENT = "198.51.100.91"
PICKY = "198.51.100.92"
MINUTE = "198.51.100.94"
REDIRECTING = "198.51.100.95"


def policy_of(name: str) -> str:
    return good(name).policy()


MANY = [f"d{number}.many.test" for number in range(300)]
MANY_AT = "198.51.100.93"
ASKED: list[str] = []  # who asked the policy host of the many domains, each time


def many_policy(agent: str) -> str:
    ASKED.append(agent)
    return policy_of("many.test")


case("a zone with many domains", good("many.test", address=f"mta-sts A {MANY_AT}", records="\n".join(
    f'_mta-sts.{name}. {RECORD}\nmta-sts.{name}. A {MANY_AT}\n{name}. MX 10 {GOOD}.\n{TLSRPT.replace("tls ", "tls." + name + ". ", 1)}'
    for name in MANY)))
MORE_PLACES += [
    PolicyPlace(MANY_AT, "many.test", many_policy,
                leaf=Leaf("many", dns=tuple(f"mta-sts.{name}" for name in ("many.test", *MANY)))),
    PolicyPlace(SLOW, "slow.test", lambda _: policy_of("slow.test"), wait=11),
    PolicyPlace(MINUTE, "minute.test", lambda _: policy_of("minute.test"), wait=61),
    PolicyPlace(DIFFERENT, "twobodies.test", lambda _: policy_of("twobodies.test").replace("2592000", "2592001")),
    PolicyPlace(REDIRECTING, "plainredirect.test", lambda _: policy_of("plainredirect.test"), redirects_http=True),
    PolicyPlace(PICKY, "picky.test", lambda agent: "<html>" if "Mozilla" in agent else policy_of("picky.test")),
]
case("a redirect on port 80", good("plainredirect.test", address=f"mta-sts A {REDIRECTING}"))
case("an answer after eleven seconds", good("slow.test", address=f"mta-sts A {SLOW}"), "host-slow w")
APART.append(good("minute.test", address=f"mta-sts A {MINUTE}"))
case("two addresses with different files", good("twobodies.test", address=f"{ONLY_IPV4}\nmta-sts A {DIFFERENT}",
                                                host=shows("twobodies.test")), "host-body-differs c")
case("browsers are served something else", good("picky.test", address=f"mta-sts A {PICKY}"), "host-user-agent w")
