"""Releases to upgrade from, 0.1.0 and 0.2.0, which were one package: with their maintainer scripts, as debhelper 13.11 generated them, and their units, which is what an upgrade meets.

The programs are those of today: to compile the old ones would cost minutes, and they answer the same.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Sequence

import debian_package

HERE = Path(__file__).resolve().parent
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
UNITS = ("mtastsd.service", "mtastsd.socket")


def make(parts: Sequence[Path], folder: Path, version: str) -> Path:
    """One package with all that is in the parts of today."""
    [main] = [part for part in parts if debian_package.field(part, "Package") == "mtasts"]
    files = HERE / f"release-{version}"

    def turn_back(tree: Path) -> None:
        for part in parts:
            debian_package.unpack_over(part, tree)
        for part in parts:
            if part != main:
                shutil.rmtree(tree / "usr/share/doc" / debian_package.field(part, "Package"))
        (tree / "usr/share/mtasts/still-used").unlink()
        for name in SCRIPTS:
            shutil.copy(files / name, tree / "DEBIAN" / name)
            (tree / "DEBIAN" / name).chmod(0o755)
        for name in UNITS:
            [place] = tree.glob(f"**/systemd/system/{name}")
            shutil.copy(files / name, place)
        shutil.copy(files / "mtasts.tmpfiles", tree / "usr/lib/tmpfiles.d/mtasts.conf")
        (tree / "DEBIAN/md5sums").unlink()
        debian_package.set_fields(tree, {"Depends": ", ".join(debian_package.dependencies(parts)), "Recommends": "", "Breaks": ""})

    return debian_package.variant(main, folder, version, turn_back)
