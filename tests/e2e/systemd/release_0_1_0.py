"""Release 0.1.0 to upgrade from: its maintainer scripts, as debhelper 13.11 generated them, and its units, which is what an upgrade meets.

The programs are those of today: to compile the old ones would cost minutes, and they answer the same.
"""

from __future__ import annotations

import shutil
from pathlib import Path

FILES = Path(__file__).resolve().parent / "release-0.1.0"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
UNITS = ("mtastsd.service", "mtastsd.socket")


def turn_back(tree: Path) -> None:
    """Makes an unpacked package of today one of 0.1.0."""
    for name in SCRIPTS:
        shutil.copy(FILES / name, tree / "DEBIAN" / name)
        (tree / "DEBIAN" / name).chmod(0o755)
    for name in UNITS:
        [place] = tree.glob(f"**/systemd/system/{name}")
        shutil.copy(FILES / name, place)
    shutil.copy(FILES / "mtasts.tmpfiles", tree / "usr/lib/tmpfiles.d/mtasts.conf")
