"""The certificate matrix: policy domains whose policy hosts differ in their certificate alone (R12).

Both TLS libraries must say the same of each: tests/unit/fetch/certificate_test.cc.
"""

from __future__ import annotations

from pki import Issuer, Key, Leaf, Validity


def by_domain() -> dict[str, Leaf]:
    return {f"{leaf.name}.test": leaf for leaf in [*_names(), *_strange_names(), *_dates_and_uses(), *_keys(), *_chains(), *_revocation(), *_combined()]}


def of_mail_hosts() -> list[Leaf]:
    """Of MX hosts alone; what they are called is their first name."""
    return [
        Leaf("mail-good", dns=("mx.good.test",)),
        Leaf("mail-policy-host", dns=("mta-sts.good.test",)),
        Leaf("mail-renegotiates", dns=("mx.renegotiates.test",)),
        Leaf("mail-wildcard", dns=("*.visited.test",)),  # a name for each test
    ]


def _leaf(name: str, *names: str, dns: tuple[str, ...] | None = None, **more: object) -> Leaf:
    """For the policy host itself unless other names are given; `dns=()` gives none."""
    return Leaf(name, dns=names or (f"mta-sts.{name}.test",) if dns is None else dns, **more)  # type: ignore[arg-type]


def _names() -> list[Leaf]:
    return [
        _leaf("manynames", "www.manynames.test", "MTA-STS.ManyNames.test"),
        _leaf("alabel.xn--bcher-kva"),
        _leaf("nocommonname", common_name="mta-sts.other.test"),
        _leaf("wrongname", "www.wrongname.test"),
        _leaf("parentname", "parentname.test"),
        _leaf("longername", "x.mta-sts.longername.test"),
        _leaf("cnonly", dns=(), common_name="mta-sts.cnonly.test"),
        _leaf("cnwithipsan", dns=(), common_name="mta-sts.cnwithipsan.test", ip=("127.0.0.1",)),
        _leaf("cnwithothersan", "www.cnwithothersan.test", common_name="mta-sts.cnwithothersan.test"),
        _leaf("emailsan", dns=(), common_name="mta-sts.emailsan.test", email=("mta-sts.emailsan.test", "x@mta-sts.emailsan.test")),
        _leaf("urisan", dns=(), common_name="mta-sts.urisan.test", uri=("https://mta-sts.urisan.test/", "mta-sts.urisan.test")),
        _leaf("allsans", ip=("127.0.0.1",), email=("postmaster@allsans.test",), uri=("https://allsans.test/",)),
        _leaf("wildcard", "*.wildcard.test"),
        _leaf("capitalwild", "*.CapitalWild.TEST"),
        _leaf("deepwild", "*.test"),
        _leaf("lowwild", "*.mta-sts.lowwild.test"),
        _leaf("twowilds", "*.*.test"),
        _leaf("innerwild", "mta-sts.*.test"),
        _leaf("topwild", "mta-sts.topwild.*"),
        _leaf("barewild", "*"),
        _leaf("allwild", "*.*.*"),
        _leaf("partialwild", "mta-*.partialwild.test"),
        _leaf("partialwild2", "*sts.partialwild2.test"),
        _leaf("partialwild3", "m*s.partialwild3.test"),
    ]


def _strange_names() -> list[Leaf]:
    return [
        _leaf("nulafter", "mta-sts.nulafter.test\0.evil.test"),
        _leaf("nulbefore", "evil.test\0mta-sts.nulbefore.test"),
        _leaf("nulend", "mta-sts.nulend.test\0"),
        _leaf("nulcn", dns=(), common_name="mta-sts.nulcn.test", email=("mta-sts.nulcn.test\0@x",)),
        _leaf("dotend", "mta-sts.dotend.test."),
        _leaf("dotbegin", ".dotbegin.test"),
        _leaf("dotwild", "*.dotwild.test."),
        _leaf("spaceend", "mta-sts.spaceend.test "),
        _leaf("emptyname", ""),
        _leaf("lineend", "mta-sts.lineend.test\n"),
        _leaf("ulabel.xn--bcher-kva", "mta-sts.ulabel.bücher.test"),
        _leaf("strangefirst", "evil.test\0", "mta-sts.strangefirst.test"),
    ]


def _dates_and_uses() -> list[Leaf]:
    return [
        _leaf("expired", validity=Validity.EXPIRED),
        _leaf("notyet", validity=Validity.NOT_YET),
        _leaf("nopurpose", purpose=""),
        _leaf("bothpurposes", purpose="clientAuth, serverAuth"),
        _leaf("clientpurpose", purpose="clientAuth"),
        _leaf("mailpurpose", purpose="emailProtection"),
        _leaf("anypurpose", purpose="anyExtendedKeyUsage"),
        _leaf("signingusage", extensions=("keyUsage = critical, digitalSignature",)),
        _leaf("signersusage", extensions=("keyUsage = critical, keyCertSign, cRLSign",)),
        _leaf("authorityleaf", is_authority=True, extensions=("keyUsage = critical, digitalSignature, keyCertSign",)),
        _leaf("criticalextension", extensions=("1.3.6.1.4.1.99999.1 = critical, ASN1:UTF8String:unknown",)),
        _leaf("otherextension", extensions=("1.3.6.1.4.1.99999.1 = ASN1:UTF8String:unknown",)),
    ]


def _keys() -> list[Leaf]:
    return [
        _leaf("rsa2048", key=Key.RSA_2048),
        _leaf("rsa1024", key=Key.RSA_1024),
        _leaf("sha1", digest="sha1"),
        _leaf("forged", forged=True),
    ]


def _chains() -> list[Leaf]:
    def above(name: str, **more: object) -> Leaf:
        return Leaf(f"above-{name}", common_name=f"lab authority {name}", **{"is_authority": True, "purpose": "", **more})  # type: ignore[arg-type]

    good = above("good")
    return [
        _leaf("selfsigned", issuer=Issuer.SELF),
        _leaf("untrusted", issuer=Issuer.UNKNOWN_ROOT),
        _leaf("intermediate", issuer=good),
        _leaf("twointermediates", issuer=above("second", issuer=good)),
        _leaf("missingintermediate", issuer=good, alone=True),
        _leaf("unknownabove", issuer=above("unknown", issuer=Issuer.UNKNOWN_ROOT)),
        _leaf("expiredabove", issuer=above("expired", validity=Validity.EXPIRED)),
        _leaf("leafabove", issuer=above("leaf", is_authority=False)),
        _leaf("weakabove", issuer=above("weak", key=Key.RSA_1024)),
        _leaf("sha1above", issuer=above("sha1", digest="sha1")),
        _leaf("forgedabove", issuer=above("forged", forged=True)),
        _leaf("clientabove", issuer=above("client", purpose="clientAuth")),
        _leaf("longchain", issuer=above("below", issuer=above("short", path_length=0))),
        _leaf("permitted", issuer=above("permits", extensions=("nameConstraints = critical, permitted;DNS:permitted.test",))),
        _leaf("notpermitted", issuer=above("permits-other", extensions=("nameConstraints = critical, permitted;DNS:other.test",))),
        _leaf("excluded", issuer=above("excludes", extensions=("nameConstraints = critical, excluded;DNS:excluded.test",))),
    ]


def _revocation() -> list[Leaf]:
    return [
        _leaf("revoked", revoked=True),
        _leaf("revokedabove", issuer=Leaf("above-revoked", common_name="lab authority revoked", is_authority=True, purpose="", revoked=True)),
        _leaf("muststaple", extensions=("tlsfeature = status_request",)),
    ]


def _combined() -> list[Leaf]:
    """More than one fault, of which every TLS library must name the same."""
    return [
        _leaf("expiredwrongname", "www.expiredwrongname.test", validity=Validity.EXPIRED),
        _leaf("expiredcnonly", dns=(), common_name="mta-sts.expiredcnonly.test", validity=Validity.EXPIRED),
        _leaf("expiredselfsigned", issuer=Issuer.SELF, validity=Validity.EXPIRED),
        _leaf("expireduntrusted", issuer=Issuer.UNKNOWN_ROOT, validity=Validity.EXPIRED),
        _leaf("notyetwrongname", "www.notyetwrongname.test", validity=Validity.NOT_YET),
        _leaf("selfsignedwrongname", "www.selfsignedwrongname.test", issuer=Issuer.SELF),
        _leaf("untrustedwrongname", "www.untrustedwrongname.test", issuer=Issuer.UNKNOWN_ROOT),
        _leaf("untrustedweak", issuer=Issuer.UNKNOWN_ROOT, key=Key.RSA_1024),
        _leaf("expiredforclients", purpose="clientAuth", validity=Validity.EXPIRED),
        _leaf("forclientswrongname", "www.forclientswrongname.test", purpose="clientAuth"),
    ]
