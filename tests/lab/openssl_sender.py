"""The sending side: Debian's Exim linked with OpenSSL (openssl_exim.py), which loads the module by dlfunc."""

from __future__ import annotations

import subprocess
from pathlib import Path

import openssl_exim
from sender import Sender


class OpenSslSender(Sender):
    def __init__(self, tree: Path) -> None:
        super().__init__()
        self._program = tree / openssl_exim.PROGRAM

    def install(self) -> None:
        subprocess.run(["mount", "--bind", str(self._program), "/usr/sbin/exim4"], check=True)
        super().install()
