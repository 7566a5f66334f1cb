"""Certificates of the lab: an own root made at the start, leafs good and bad in every way of R12 and R25.

Nothing here is kept: every start makes new keys in the lab's own folder.

    authority = Authority(folder)
    authority.issue(Leaf("good", dns=("mta-sts.good.test",)))  →  Pair(certificate, key), two PEM files
"""

from __future__ import annotations

import hashlib
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


class Issuer(Enum):
    LAB_ROOT = "lab"
    UNKNOWN_ROOT = "unknown"
    SELF = "self"


@dataclass(frozen=True)
class Leaf:
    """What a certificate says. `name` is the file's stem; with `dns` and `ip` empty there is no subjectAltName at all."""

    name: str
    dns: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    common_name: str = "lab leaf"
    validity: Validity = Validity.CURRENT
    issuer: Issuer = Issuer.LAB_ROOT

    def alternative_names(self) -> str:
        return ",".join([*(f"DNS:{name}" for name in self.dns), *(f"IP:{address}" for address in self.ip)])


@dataclass(frozen=True)
class Pair:
    certificate: Path
    key: Path


class Authority:
    """Two roots (the trusted one and one nobody knows) and one key that all leafs share, because making keys is slow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = folder / "leaf.key"
        self._request = folder / "leaf.csr"
        for issuer in (Issuer.LAB_ROOT, Issuer.UNKNOWN_ROOT):
            self._make_root(issuer)
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=lab leaf",
                 "-keyout", str(self._key), "-out", str(self._request))
        self._key.chmod(0o644)  # servers of several users read it, and it is worth nothing

    @property
    def root(self) -> Path:
        """The PEM file to trust."""
        return self.folder / f"{Issuer.LAB_ROOT.value}.pem"

    def issue(self, leaf: Leaf) -> Pair:
        certificate = self.folder / f"leaf-{leaf.name}.pem"
        extensions = self.folder / f"leaf-{leaf.name}.ext"
        names = leaf.alternative_names()
        extensions.write_text("basicConstraints = critical, CA:FALSE\nextendedKeyUsage = serverAuth\n"
                              + (f"subjectAltName = {names}\n" if names else ""), encoding="ascii")
        begin, end = leaf.validity.value
        issuer = ["-selfsign", "-keyfile", str(self._key)] if leaf.issuer is Issuer.SELF else [
            "-cert", str(self.folder / f"{leaf.issuer.value}.pem"), "-keyfile", str(self.folder / f"{leaf.issuer.value}.key")]
        _openssl("ca", "-config", str(self._configuration()), "-batch", "-notext", "-in", str(self._request),
                 "-subj", f"/CN={leaf.common_name}", "-startdate", _stamp(begin), "-enddate", _stamp(end),
                 "-extfile", str(extensions), "-out", str(certificate), *issuer)
        return Pair(certificate, self._key)

    def public_key_sha256(self) -> str:
        """What a TLSA record "3 1 1" of any leaf holds, in hexadecimal digits."""
        public = subprocess.run(["openssl", "pkey", "-in", str(self._key), "-pubout", "-outform", "DER"],
                                capture_output=True, check=True)
        return hashlib.sha256(public.stdout).hexdigest()

    def _make_root(self, issuer: Issuer) -> None:
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "365",
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


def _stamp(days: int) -> str:
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def _openssl(*arguments: str) -> None:
    result = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"openssl {arguments[0]} failed: {result.stderr.strip()}")
