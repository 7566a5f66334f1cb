"""Certificates of the lab: an own root made at the start, leafs good and bad in every way of R12 and R25.

Nothing here is kept: every start makes new keys in the lab's own folder.

    authority = Authority(folder)
    authority.issue(Leaf("good", dns=("mta-sts.good.test",)))  →  Pair(certificate, key), two PEM files
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path

from packages import LabError


class Validity(Enum):
    """Days from now, begin and end: certificates are made expired rather than the clock changed."""

    CURRENT = (-1, 30)
    EXPIRED = (-60, -30)
    NOT_YET = (30, 60)
    ENDING = (-1, 13)


class Issuer(Enum):
    LAB_ROOT = "lab"
    UNKNOWN_ROOT = "unknown"
    SELF = "self"


class Key(Enum):
    """What `openssl req -newkey` is told. All certificates with one kind of key share it, because making keys is slow."""

    EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    RSA_2048 = ("rsa:2048",)
    RSA_1024 = ("rsa:1024",)


@dataclass(frozen=True)
class Leaf:
    """What a certificate says. `name` is the file's stem; without `dns`, `ip`, `email` and `uri` there is no subjectAltName.

    A name may be any text, even one with a NUL. `issuer` may be another certificate of this kind, an intermediate one
    (`is_authority`, with a common name of its own), which is then sent along unless `alone`. `extensions` are further lines
    in the words of openssl's x509v3_config. `forged` breaks the issuer's signature. What is `revoked` is on the trusted root's lists.
    """

    name: str
    dns: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    uri: tuple[str, ...] = ()
    common_name: str = "lab leaf"
    validity: Validity = Validity.CURRENT
    issuer: Issuer | Leaf = Issuer.LAB_ROOT
    alone: bool = False
    is_authority: bool = False
    path_length: int | None = None
    purpose: str = "serverAuth"
    extensions: tuple[str, ...] = ()
    key: Key = Key.EC
    digest: str = "sha256"
    forged: bool = False
    revoked: bool = False

    def is_weak(self) -> bool:
        """True when a server must be told that it may show this."""
        above = isinstance(self.issuer, Leaf) and self.issuer.is_weak()
        return self.key is Key.RSA_1024 or self.digest == "sha1" or above

    def extension_lines(self) -> list[str]:
        names = self._alternative_names()
        length = "" if self.path_length is None else f", pathlen:{self.path_length}"
        return [f"basicConstraints = critical, CA:{'TRUE' if self.is_authority else 'FALSE'}{length}",
                *(["keyUsage = critical, keyCertSign, cRLSign"] if self.is_authority else []),
                *([f"extendedKeyUsage = {self.purpose}"] if self.purpose else []),
                *([f"subjectAltName = DER:{names.hex(':')}"] if names else []), *self.extensions]

    def _alternative_names(self) -> bytes:
        """RFC 5280 §4.2.1.6, by hand: openssl's own words allow neither a NUL nor a letter beyond ASCII."""
        texts = [*((0x82, name) for name in self.dns), *((0x81, name) for name in self.email), *((0x86, name) for name in self.uri)]
        names = b"".join([*(_der(tag, text.encode()) for tag, text in texts),
                          *(_der(0x87, ipaddress.ip_address(address).packed) for address in self.ip)])
        return _der(0x30, names) if names else b""


@dataclass(frozen=True)
class Pair:
    """The certificate with what is sent along, and its key."""

    certificate: Path
    key: Path


class Authority:
    """Two roots: the trusted one and one nobody knows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._issued: dict[str, Leaf] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for issuer in (Issuer.LAB_ROOT, Issuer.UNKNOWN_ROOT):
            self._make_root(issuer)
        self._key_and_request(Key.EC)

    @property
    def root(self) -> Path:
        """The PEM file to trust."""
        return self.folder / f"{Issuer.LAB_ROOT.value}.pem"

    def issue(self, leaf: Leaf) -> Pair:
        """The same again for the same leaf; each needs a name of its own, that of its file."""
        if self._issued.setdefault(leaf.name, leaf) != leaf:
            raise LabError(f"two different certificates are called {leaf.name}: the second would take the first one's file")
        certificate = self.folder / f"leaf-{leaf.name}.pem"
        extensions = self.folder / f"leaf-{leaf.name}.ext"
        extensions.write_text("".join(f"{line}\n" for line in leaf.extension_lines()), encoding="ascii")
        begin, end = leaf.validity.value
        key, request = self._key_and_request(leaf.key)
        chain, issuer = "", ["-selfsign", "-keyfile", str(key)]
        if isinstance(leaf.issuer, Leaf):
            above = self.issue(leaf.issuer)
            chain = "" if leaf.alone else above.certificate.read_text(encoding="ascii")
            issuer = ["-cert", str(above.certificate), "-keyfile", str(above.key)]
        elif leaf.issuer is not Issuer.SELF:
            issuer = ["-cert", str(self.folder / f"{leaf.issuer.value}.pem"), "-keyfile", str(self.folder / f"{leaf.issuer.value}.key")]
        _openssl("ca", "-config", str(self._configuration()), "-batch", "-notext", "-in", str(request), "-md", leaf.digest,
                 "-subj", f"/CN={leaf.common_name}", "-startdate", _stamp(begin), "-enddate", _stamp(end),
                 "-extfile", str(extensions), "-out", str(certificate), *issuer)
        if leaf.forged:
            _forge(certificate)
        if leaf.revoked:
            self._revoke(certificate)
        certificate.write_text(certificate.read_text(encoding="ascii") + chain, encoding="ascii")
        return Pair(certificate, key)

    def public_key_sha256(self) -> str:
        """What a TLSA record "3 1 1" of any leaf holds, in hexadecimal digits."""
        key, _ = self._key_and_request(Key.EC)
        public = subprocess.run(["openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER"],
                                capture_output=True, check=True)
        return hashlib.sha256(public.stdout).hexdigest()

    def _revoke(self, certificate: Path) -> None:
        """Puts it on the trusted root's lists: `current.crl`, and `stale.crl`, which is too old by its own word."""
        _openssl("ca", *self._lab_root(), "-revoke", str(certificate))
        for name, (begin, end) in {"current": Validity.CURRENT.value, "stale": Validity.EXPIRED.value}.items():
            _openssl("ca", *self._lab_root(), "-gencrl", "-crl_lastupdate", _stamp(begin), "-crl_nextupdate", _stamp(end),
                     "-out", str(self.folder / f"{name}.crl"))

    def _lab_root(self) -> list[str]:
        return ["-config", str(self._configuration()), "-cert", str(self.root), "-keyfile", str(self.root.with_suffix(".key"))]

    def _key_and_request(self, kind: Key) -> tuple[Path, Path]:
        key, request = (self.folder / f"leaf-{kind.name}.{suffix}" for suffix in ("key", "csr"))
        if not request.exists():
            _openssl("req", "-new", "-newkey", *kind.value, "-nodes", "-subj", "/CN=lab leaf", "-keyout", str(key), "-out", str(request))
            key.chmod(0o644)  # servers of several users read it, and it is worth nothing
        return key, request

    def _make_root(self, issuer: Issuer) -> None:
        _openssl("req", "-x509", "-newkey", *Key.EC.value, "-nodes", "-days", "365",
                 "-subj", f"/CN={issuer.value} root of the MTA-STS lab", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-keyout", str(self.folder / f"{issuer.value}.key"), "-out", str(self.folder / f"{issuer.value}.pem"))

    def _configuration(self) -> Path:
        file = self.folder / "ca.cnf"
        if not file.exists():
            (self.folder / "index").touch()
            file.write_text(f"[ca]\ndefault_ca = lab\n[lab]\ndatabase = {self.folder}/index\nnew_certs_dir = {self.folder}\n"
                            "rand_serial = yes\nunique_subject = no\ndefault_md = sha256\npolicy = names\n"
                            "[names]\ncommonName = supplied\n", encoding="ascii")
        return file


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def _forge(certificate: Path) -> None:
    """The signature ends the certificate: another last bit."""
    begin, *lines, end = certificate.read_text(encoding="ascii").splitlines()
    der = bytearray(base64.b64decode("".join(lines)))
    der[-1] ^= 1
    certificate.write_text("\n".join([begin, base64.encodebytes(der).decode("ascii").strip(), end, ""]), encoding="ascii")


def _stamp(days: int) -> str:
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def _openssl(*arguments: str) -> None:
    result = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"openssl {arguments[0]} failed: {result.stderr.strip()}")
