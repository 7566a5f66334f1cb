"""Every policy domain that the dns and fetch tests ask for, good and bad. All are below `test.`.

Each has `_mta-sts.<domain> TXT "v=STSv1; id=20261101T000000Z;"` unless said otherwise, and its policy host is
`mta-sts.<domain>`.

Known TTLs in seconds (300 where nothing is said; "no such name" and "no such type" 120, dns.SOA_MINIMUM):
    asked-once.test   TXT 600, for one test
    good.test         TXT 600, A of the policy host 700, AAAA of it 800, MX 900, A of mx1 1000
    split.test        TXT 1100
    txtcname.test     CNAME 1200, TXT behind it 1300
    cname.test        CNAME 1400, A behind it 1500
    manymx.test       MX 1600
    signed.test       TXT 1700, MX 1800, A and AAAA of mx1 1900, TLSA 2000
    *.dane.test       MX 700, CNAME 800, TLSA 900, A 1000
"""

from __future__ import annotations

import certificates
from dns import Zone
import hostile_web
from pki import Authority, Leaf
from web import Place, PolicyHost, WebAddresses

ID = "20261101T000000Z"
RECORD = f'"v=STSv1; id={ID};"'
LIMIT = 64 * 1024  # R14
LAME_ZONE = "servfail.test"
MANY = [f"m{number}.many.test" for number in range(1000)]  # good, and nobody has asked for them yet


def policy(mode: str = "enforce", *mx: str, max_age: int = 604800) -> str:
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {pattern}" for pattern in mx), f"max_age: {max_age}"]
    return "".join(line + "\r\n" for line in lines)


GOOD = policy("enforce", "mx1.good.test", "*.wild.good.test")


def padded(size: int) -> str:
    """A valid policy of exactly `size` bytes: lines of an unknown key fill it up."""
    line = "x-padding: " + "a" * 1000 + "\r\n"
    text = GOOD
    while len(text) + len(line) <= size - 20:
        text += line
    return text + "x-last: " + "a" * (size - len(text) - 10) + "\r\n"


def policy_hosts() -> list[PolicyHost]:
    return [*_answers(), *_certificates(), *_raw(), *_addresses(), *_many(), *_hostile()]


def _own(domain: str) -> str:
    return policy("enforce", f"mx1.{domain}")


def _answers() -> list[PolicyHost]:
    redirect = "https://mta-sts.good.test/.well-known/mta-sts.txt"
    return [
        PolicyHost("good.test", GOOD),
        PolicyHost("testing.test", policy("testing", "mx1.testing.test")),
        PolicyHost("none.test", policy("none", max_age=86400)),
        PolicyHost("redirect.test", status=301, location=redirect),
        PolicyHost("redirect302.test", status=302, location=redirect),
        PolicyHost("notfound.test", status=404),
        PolicyHost("servererror.test", status=500),
        PolicyHost("html.test", GOOD, content_type="text/html"),
        PolicyHost("charset.test", GOOD, content_type="text/plain; charset=utf-8"),
        PolicyHost("notype.test", GOOD, content_type=""),
        PolicyHost("max.test", padded(LIMIT)),
        PolicyHost("big.test", padded(LIMIT + 1)),
        PolicyHost("gzip.test", GOOD, gzipped=True),
        PolicyHost("empty.test", ""),
        PolicyHost("badpolicy.test", "version: STSv1\r\nmode: sometimes\r\nmx: mx1.badpolicy.test\r\nmax_age: soon\r\n"),
        PolicyHost("multi.test", _own("multi.test")),
        PolicyHost("mixed.test", _own("mixed.test")),
        PolicyHost("split.test", _own("split.test")),
        PolicyHost("txtcname.test", _own("txtcname.test")),
        PolicyHost("signed.test", _own("signed.test")),
        PolicyHost("manymx.test", policy("enforce", "*.manymx.test")),
    ]


def _certificates() -> list[PolicyHost]:
    return [PolicyHost(domain, _own(domain), leaf) for domain, leaf in certificates.by_domain().items()]


def _raw() -> list[PolicyHost]:
    def host(domain: str, behaviour: str) -> PolicyHost:
        return PolicyHost(domain, _own(domain), place=Place.RAW, behaviour=behaviour)

    return [
        host("slow.test", "drip_body"),
        host("slowheader.test", "drip_header"),
        host("bigchunked.test", "chunked_giant"),
        host("declaresmore.test", "declares_more"),
        host("declaresless.test", "declares_less"),
        host("declaresgiant.test", "declares_giant"),
        host("cutoff.test", "cut_off"),
        host("undeclared.test", "undeclared"),
        host("garbage.test", "garbage"),
        PolicyHost("silent.test", place=Place.SILENT),
        PolicyHost("refused.test", place=Place.CLOSED),
        PolicyHost("oldtls.test", GOOD, place=Place.OLD_TLS),
    ]


def _hostile() -> list[PolicyHost]:
    behaviours = [*hostile_web.ANSWERS, *hostile_web.HANDSHAKES, hostile_web.ECHO, hostile_web.CLOSES_IN_HANDSHAKE]
    shared = Leaf("hostile", dns=tuple(f"mta-sts.{hostile_web.domain_of(behaviour)}" for behaviour in behaviours))
    return [PolicyHost(hostile_web.domain_of(behaviour), GOOD, shared, place=Place.RAW, behaviour=behaviour) for behaviour in behaviours]


def _many() -> list[PolicyHost]:
    """A certificate that names a thousand hosts would be a burden of its own."""
    groups = [MANY[begin:begin + 40] for begin in range(0, len(MANY), 40)]
    return [PolicyHost(first, GOOD, Leaf(first, dns=tuple(f"mta-sts.{name}" for name in (first, *others))), aliases=tuple(others))
            for first, *others in groups]


def _addresses() -> list[PolicyHost]:
    """Policy hosts whose names resolve in unusual ways; see ADDRESSES."""
    return [
        PolicyHost("ipv6only.test", _own("ipv6only.test")),
        PolicyHost("twoaddr.test", _own("twoaddr.test")),
        PolicyHost("cname.test", _own("cname.test")),
        PolicyHost("cnamecert.test", _own("cnamecert.test"), Leaf("cnamecert.test", dns=("target.elsewhere.test",))),
    ]


def zones(addresses: WebAddresses, authority: Authority) -> list[Zone]:
    return [
        Zone("test", _main_zone(addresses)),
        Zone("elsewhere.test", f"_mta-sts.provider 1300 TXT {RECORD}\n"
             f"web 1500 A {addresses.good4}\ntarget A {addresses.good4}\n"),
        Zone("signed.test", _signed_zone(addresses, authority), signed=True),
        Zone("bogus.test", f"_mta-sts TXT {RECORD}\n@ MX 10 mx1\nmx1 A 192.0.2.25\nmta-sts A {addresses.good4}\n",
             signed=True, tampered={ID: "20261101T999999Z", "10 mx1.bogus": "11 mx1.bogus"}),
        Zone("many.test", f"* TXT {RECORD}\n* A {addresses.good4}\n"),
        Zone("dane.test", _dane_zone(), signed=True, tampered={"B0" * 32: "0B" * 32}),
    ]


def _main_zone(addresses: WebAddresses) -> str:
    special = {"good.test", "ipv6only.test", "twoaddr.test", "cname.test", "cnamecert.test", "signed.test"}
    own_record = {"good.test", "multi.test", "mixed.test", "split.test", "txtcname.test", "signed.test"}
    lines = []
    for host in policy_hosts():
        if host.aliases:
            continue  # in a zone of its own
        if host.domain not in own_record:
            lines.append(f"_mta-sts.{host.domain}. TXT {RECORD}")
        if host.domain not in special:
            lines.append(f"{host.name}. A {addresses.of(host.place)}")
            if host.place is Place.NGINX and addresses.good6:
                lines.append(f"{host.name}. AAAA {addresses.good6}")
    return "\n".join([*lines, *_good_records(addresses), *_unusual_addresses(addresses), *_unusual_records(), *_mail_hosts()])


def _good_records(addresses: WebAddresses) -> list[str]:
    return [
        f"_mta-sts.good 600 TXT {RECORD}",
        f"_mta-sts.asked-once 600 TXT {RECORD}",
        f"mta-sts.good 700 A {addresses.good4}",
        *([f"mta-sts.good 800 AAAA {addresses.good6}"] if addresses.good6 else []),
        "good 900 MX 10 mx1.good",
        "mx1.good 1000 A 192.0.2.25",
        '_smtp._tls.good TXT "v=TLSRPTv1; rua=mailto:reports@good.test"',
    ]


def _unusual_addresses(addresses: WebAddresses) -> list[str]:
    six = addresses.good6 or "2001:db8::dead"
    return [
        f"mta-sts.ipv6only AAAA {six}",
        f"mta-sts.twoaddr A {addresses.closed}",
        f"mta-sts.twoaddr AAAA {six}",
        "mta-sts.cname 1400 CNAME web.elsewhere",
        "mta-sts.cnamecert CNAME target.elsewhere",
        f"_mta-sts.nohost TXT {RECORD}",  # and no mta-sts.nohost at all
    ]


def _unusual_records() -> list[str]:
    return [
        'norecord TXT "this domain exists and has no policy record"',
        '_mta-sts.norecord A 192.0.2.1',  # the name exists, the type does not: NODATA
        'nothere TXT "_mta-sts.nothere.test does not exist: NXDOMAIN"',
        f"_mta-sts.multi TXT {RECORD}",
        '_mta-sts.multi TXT "v=STSv1; id=20270101T000000Z;"',
        f"_mta-sts.mixed TXT {RECORD}",
        '_mta-sts.mixed TXT "v=spf1 -all"',
        f'_mta-sts.split 1100 TXT "v=STS" "v1; i" "d={ID}" ";"',
        '_mta-sts.badrecord TXT "v=STSv1; id=not-alphanumeric;"',
        "_mta-sts.txtcname 1200 CNAME _mta-sts.provider.elsewhere",
        "_mta-sts.cnameloop CNAME _mta-sts.loop.cnameloop",
        "_mta-sts.loop.cnameloop CNAME _mta-sts.cnameloop",
    ]


def _mail_hosts() -> list[str]:
    preferences = {"a": 10, "b": 10, "c": 20, "d": 5}
    return [
        *(f"manymx 1600 MX {preference} {host}.manymx" for host, preference in preferences.items()),
        *(f"{host}.manymx A 192.0.2.{number}" for number, host in enumerate(preferences, 30)),
        "nullmx MX 0 .",
        "unsignedmx MX 10 mx1.dane",
    ]


def _signed_zone(addresses: WebAddresses, authority: Authority) -> str:
    return "\n".join([
        f"_mta-sts 1700 TXT {RECORD}",
        f"mta-sts A {addresses.good4}",
        *([f"mta-sts AAAA {addresses.good6}"] if addresses.good6 else []),
        "@ 1800 MX 10 mx1",
        "mx1 1900 A 192.0.2.26",
        "mx1 1900 AAAA 2001:db8::26",
        f"_25._tcp.mx1 2000 TLSA 3 1 1 {authority.public_key_sha256()}",
    ])


def _dane_zone() -> str:
    """Signed: mail domains <name>.dane.test and what DNSSEC says of their MX hosts."""
    good, bogus = "3 1 1 " + "a1" * 32, "3 1 1 " + "b0" * 32
    addresses = {name: f"192.0.2.{number}" for number, name in enumerate(
        ("mx1", "mx2", "notlsa", "badtlsa", "pkix", "short", "implicit", "implicitnotlsa"), 100)}
    tlsa = {"mx1": good, "mx2": "2 0 2 " + "a2" * 64, "badtlsa": bogus, "pkix": "1 1 1 " + "a1" * 32,
            "short": "3 1 1 " + "a1" * 31, "ownalias": good, "leaves": good, "implicit": good}
    aliases = {"alias": "mx1", "ownalias": "notlsa", "leaves": "mx1.good.test.", "leavesbare": "mx1.good.test."}
    mail = {"secure": ["mx1", "mx2"], "denied": ["notlsa"], "partly": ["mx1", "notlsa"], "badhost": ["badtlsa"],
            "onebad": ["mx1", "badtlsa"], "usage": ["pkix"], "digest": ["short"], "toalias": ["alias"],
            "toownalias": ["ownalias"], "toleaves": ["leaves"], "toleavesbare": ["leavesbare"],
            "unsignedhost": ["mx1.good.test."], "nohost": ["nothere"]}
    return "\n".join([
        *(f"{name} 1000 A {address}" for name, address in addresses.items()),
        *(f"_25._tcp.{name} 900 TLSA {record}" for name, record in tlsa.items()),
        *(f"{name} 800 CNAME {target}" for name, target in aliases.items()),
        *(f"{domain} 700 MX {preference} {host}" for domain, hosts in mail.items()
          for preference, host in enumerate(hosts, 10)),
        "null 700 MX 0 .",
    ])
