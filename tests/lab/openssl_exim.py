#!/usr/bin/python3
"""Debian's Exim, linked with OpenSSL: its source package has a switch for it, and no binary package has it.

    tree = openssl_exim.built()        # compiles for half a minute once; LabError says what is missing
    tests/lab/openssl_exim.py          # the same from a shell, prints the tree

The tree is that of exim4-daemon-light with the one program exchanged. It can load functions (dlfunc), too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import roots
from packages import LabError
from private_apt import PrivateApt

BASE = roots.EXIM_LIGHT_4_96
TREE = roots.DEFAULT_FOLDER / "exim-openssl-4.96"
PROGRAM = "usr/sbin/exim4"
# What the lab has no use for and would need libraries for; what dlfunc needs.
LEFT_OUT = ("EXIM_MONITOR", "LOOKUP_NIS", "LIBS += -lnsl", "EXIM_USER", "EXIM_GROUP")
ADDED = "EXIM_USER=ref:Debian-exim\nEXIM_GROUP=ref:Debian-exim\nEXPAND_DLFUNC=yes\n"
NEEDED = {"libdb-dev": "/usr/include/db.h", "libpcre2-dev": "/usr/include/pcre2.h", "libidn-dev": "/usr/include/idna.h",
          "libidn2-dev": "/usr/include/idn2.h", "libssl-dev": "/usr/include/openssl/ssl.h"}


def built() -> Path:
    if (TREE / "built").exists():
        return TREE
    missing = [package for package, header in NEEDED.items() if not Path(header).exists()]
    if missing:
        raise LabError(f"an Exim with OpenSSL needs these packages to be compiled: {' '.join(missing)}")
    [base] = roots.unpacked(BASE)
    shutil.rmtree(TREE, ignore_errors=True)
    work = TREE.parent / "exim-source"
    shutil.rmtree(work, ignore_errors=True)
    _run("cp", "-al", str(base), str(TREE))
    program = _compile(_source(work))
    (TREE / PROGRAM).unlink()
    shutil.copy(program, TREE / PROGRAM)
    (TREE / PROGRAM).chmod(0o4755)
    (TREE / "built").touch()
    shutil.rmtree(work)
    return TREE


def _source(work: Path) -> Path:
    apt = PrivateApt(work, status="", sources=f"deb-src [signed-by={roots.KEYRING}] {roots.mirror()} {BASE.suite} main\n")
    apt.update()
    apt.source("exim4")
    return next(work.glob("exim4-*/debian")).parent


def _compile(source: Path) -> Path:
    makefile = source / "Local" / "Makefile"
    makefile.parent.mkdir(exist_ok=True)
    shutil.copy(source / "src/EDITME", makefile)
    for change in ("EDITME.exim4-light.diff", "EDITME.openssl.exim4-light.diff"):
        _run("patch", "--silent", str(makefile), str(source / "debian" / change))
    lines = [line for line in makefile.read_text(encoding="utf-8").splitlines() if not line.startswith(LEFT_OUT)]
    makefile.write_text("\n".join(lines) + "\n" + ADDED, encoding="utf-8")
    _run("make", f"-j{os.cpu_count()}", "FULLECHO=", "CFLAGS=-O1 -fvisibility=hidden", folder=source)
    return next(source.glob("build-*/exim"))


def _run(*words: str, folder: Path = Path("/")) -> None:
    result = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"{words[0]} failed while an Exim with OpenSSL was made: {(result.stdout + result.stderr)[-500:]}")


def main() -> int:
    try:
        print(built())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
