"""Certificates that are good at any time the soak's clock may show: from two years and more ago until as far ahead."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

from packages import LabError
from pki import Leaf, Pair

DAYS = 800


class LongAuthority:
    """One root, and one certificate for all the names together, because making them one by one takes a while. A leaf whose
    `name` begins with one of `untrusted` gets a certificate that signs itself."""

    def __init__(self, folder: Path, names: list[str], untrusted: tuple[str, ...]) -> None:
        self.folder = folder
        self.untrusted = untrusted
        folder.mkdir(parents=True)
        (folder / "index").touch()
        (folder / "ca.cnf").write_text(
            f"[ca]\ndefault_ca = soak\n[soak]\ndatabase = {folder}/index\nnew_certs_dir = {folder}\nrand_serial = yes\n"
            "unique_subject = no\ndefault_md = sha256\npolicy = names\n[names]\ncommonName = supplied\n", encoding="ascii")
        self.root = self._sign("root", "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign\n",
                               "-selfsign", "-keyfile", str(folder / "root.key")).certificate
        usage = "basicConstraints = critical, CA:FALSE\nextendedKeyUsage = serverAuth\nsubjectAltName = "
        usage += ",".join(f"DNS:{name}" for name in names) + "\n"
        self._good = self._sign("good", usage, "-cert", str(self.root), "-keyfile", str(folder / "root.key"))
        self._bad = self._sign("bad", usage, "-selfsign", "-keyfile", str(folder / "bad.key"))

    def issue(self, leaf: Leaf) -> Pair:
        return self._bad if leaf.name.startswith(self.untrusted) else self._good

    def _sign(self, name: str, extensions: str, *issuer: str) -> Pair:
        pair = Pair(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request, extension_file = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extension_file.write_text(extensions, encoding="ascii")
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN=soak {name}",
                 "-keyout", str(pair.key), "-out", str(request))
        _openssl("ca", "-config", str(self.folder / "ca.cnf"), "-batch", "-notext", "-in", str(request), "-startdate", _day(-DAYS),
                 "-enddate", _day(DAYS), "-extfile", str(extension_file), "-out", str(pair.certificate), *issuer)
        return pair


def _day(days: int) -> str:
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def _openssl(*arguments: str) -> None:
    result = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"openssl {arguments[0]} failed: {result.stderr.strip()}")
