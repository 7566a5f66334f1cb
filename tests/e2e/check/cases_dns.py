"""The record, its aliases, its nameservers, and the record for reports."""

from __future__ import annotations

import hashlib

from case import case, good
from checked_world import APART, DEAD_AUTHORITY, OTHER_AUTHORITY, OTHER_ZONES, RECORD
from dns import Zone
from topology import GOOD
from world import WEB

case("a domain in order", good("fine.test"))
case("no record", good("norecord.test", record=""), "record-absent w")
case("another text in the record's place", good("othertext.test", record='_mta-sts TXT "v=spf1 -all"'), "record-absent w")
# A mail domain may have such a name.
case("a mail domain named like a policy host", good("mta-sts.named.test"))
APART.append(good("twonames.test", records=f"mta-sts MX 10 {GOOD}."))
case("two records", good("tworecords.test", record=f'_mta-sts {RECORD}\n_mta-sts TXT "v=STSv1; id=2;"'), "record-multiple c")
case("a record beside another text", good("twotexts.test", record=f'_mta-sts {RECORD}\n_mta-sts TXT "hello"'))
case("a record in two strings", good("strings.test", record='_mta-sts TXT "v=STSv1; " "id=1;"'))
case("a record with an extension field", good("extension.test", record='_mta-sts TXT "v=STSv1; id=1; more=text;"'))
case("a record without an id", good("noid.test", record='_mta-sts TXT "v=STSv1; more=text;"'), "record-invalid c")
case("an id that is too long", good("longid.test", record=f'_mta-sts TXT "v=STSv1; id={"1" * 33};"'), "record-invalid c")
case("an id with a hyphen", good("hyphenid.test", record='_mta-sts TXT "v=STSv1; id=2026-11-29;"'), "record-invalid c")
for _label, _text in {"noequals": "v=STSv1; id=1; more;", "novalue": "v=STSv1; id=1; more=;", "longname": f"v=STSv1; id=1; {'m' * 33}=1;",
                      "space": "v=STSv1; id=1; more=a b;", "nodelimiter": "v=STSv1 id=1;"}.items():
    case(f"a record with a bad field: {_label}", good(f"field{_label}.test", record=f'_mta-sts TXT "{_text}"'), "record-invalid c")
case("an id with the hash of another file",
     good("otherhash.test", record='_mta-sts TXT "v=STSv1; id=20260101000000h0123456789abcdef;"'), "id-stale c")
HASH = hashlib.sha256(good("hash.test").policy().encode()).hexdigest()[:16]
case("an id with the hash of the file", good("hash.test", record=f'_mta-sts TXT "v=STSv1; id=20260101000000h{HASH};"'))
case("a wildcard with the record", good("wildcardrecord.test", records=f"* {RECORD}"), "record-wildcard w")
case("a wildcard with another text", good("wildcardtext.test", records='* TXT "v=spf1 -all"'))

case("an alias of the record that leads nowhere", good("dangling.test", record="_mta-sts CNAME gone.mx.test."),
     "record-cname-dangling c")
case("an alias of the record in a circle", good("circle.test", record="_mta-sts CNAME one\none CNAME two\ntwo CNAME _mta-sts"),
     "record-cname-loop c")
case("an alias of the record that leads to a name without it",
     good("aliasnodata.test", record=f"_mta-sts CNAME {GOOD}."), "record-absent w")
case("an alias of the policy host that leads nowhere", good("hostdangling.test", address="mta-sts CNAME gone.mx.test."),
     "record-cname-dangling c")
case("an alias of the policy host in a circle", good("hostcircle.test", address="mta-sts CNAME one\none CNAME mta-sts"),
     "record-cname-loop c")
case("record and policy host delegated by aliases",
     good("delegated.test", record="_mta-sts CNAME _mta-sts.fine.test.", address="mta-sts CNAME mta-sts.fine.test."))

case("delegated to a zone whose servers differ", good("todiffers.test", record="_mta-sts CNAME _mta-sts.differs.test."),
     "record-nameservers-differ c")

SECOND_SERVER = f"@ NS ns2\nns2 A {OTHER_AUTHORITY[0]}"
for _name, _text in {"differs": '_mta-sts TXT "v=STSv1; id=other;"', "lost": "", "equal": f"_mta-sts {RECORD}"}.items():
    OTHER_ZONES.append(Zone(f"{_name}.test", _text))
case("a nameserver with another record", good("differs.test", records=SECOND_SERVER), "record-nameservers-differ c")
case("a nameserver without the record", good("lost.test", records=SECOND_SERVER), "record-nameservers-differ c")
case("two nameservers with the same record", good("equal.test", records=SECOND_SERVER))
case("a nameserver that does not know the zone", good("lame.test", records=SECOND_SERVER))
case("a nameserver that is dead", good("dead.test", records=f"@ NS ns2\nns2 A {DEAD_AUTHORITY}"))
case("a record that DNSSEC refuses", good("bogus.test", signed=True, tampered={'"v=STSv1; id=1;"': '"v=STSv1; id=2;"'}),
     "record-dns-failure u")

case("a policy host whose address DNSSEC refuses",
     good("hostbogus.test", address=f"mta-sts A {WEB.good4}", signed=True, tampered={WEB.good4: WEB.closed}), "record-dns-failure u")
case("a record for reports that DNSSEC refuses", good("reportsbogus.test", signed=True, tampered={"tls@lab.test": "tls@lab2.test"}),
     "record-dns-failure u")

case("no record for reports", good("noreports.test", tlsrpt=""), "tlsrpt-absent w")
case("two records for reports",
     good("tworeports.test", tlsrpt='_smtp._tls TXT "v=TLSRPTv1; rua=mailto:a@x.test"\n_smtp._tls TXT "v=TLSRPTv1; rua=mailto:b@x.test"'),
     "tlsrpt-multiple w")
case("a record for reports that is none", good("badreports.test", tlsrpt='_smtp._tls TXT "v=TLSRPTv1; rua=tls@x.test"'),
     "tlsrpt-invalid w")
