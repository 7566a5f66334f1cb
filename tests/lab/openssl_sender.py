"""The sending side: Debian's Exim linked with OpenSSL (openssl_exim.py), by socket and by dlfunc."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import openssl_exim
from exim_socket import SocketSender
from sender import Sender

OWN = Path("/usr/sbin/exim")  # a link to exim4, which the receivers go on with


class OpenSslSender(Sender):
    """By dlfunc."""

    program = "exim"
    shows_refused_certificates = False

    def __init__(self, tree: Path) -> None:
        super().__init__()
        self._built = tree / openssl_exim.PROGRAM

    def install(self) -> None:
        OWN.unlink()
        shutil.copy(self._built, OWN)
        OWN.chmod(0o4755)
        _trust()
        super().install()

    def exim(self, *arguments: str, text: str = "") -> str:
        _trust()
        return super().exim(*arguments, text=text)

    def command(self, user: str, *arguments: str) -> list[str]:
        _trust()
        return super().command(user, *arguments)


class OpenSslSocketSender(SocketSender):
    shows_refused_certificates = False

    def exim(self, *arguments: str, text: str = "") -> str:
        _trust(self.root.path("/"))
        return super().exim(*arguments, text=text)

    def command(self, user: str, *arguments: str) -> list[str]:
        command = super().command(user, *arguments)
        _trust(self.root.path("/"))
        return command


def _trust(root: Path = Path("/")) -> None:
    """OpenSSL finds authorities by file names that are made of theirs; the package openssl brings the link."""
    place = root / "usr/lib/ssl/certs"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to("/etc/ssl/certs")
    authorities = Path("/etc/ssl/certs/ca-certificates.crt")
    name = subprocess.run(["openssl", "x509", "-noout", "-subject_hash", "-in", str(authorities)], capture_output=True, text=True, check=True).stdout.strip()
    shutil.copy(authorities, root / "etc/ssl/certs" / f"{name}.0")
