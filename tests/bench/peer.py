"""What Postfix's users run today: postfix-mta-sts-resolver of Debian, unpacked privately instead of installed.

It gets the best case: the cache in memory, policies that it does not ask DNS about again during the run, and uvloop,
which its package recommends. One process listens at one address, so there is one for each.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab")]

import packages  # noqa: E402
from private_apt import PrivateApt, unpack, version_names  # noqa: E402
from process import Daemon  # noqa: E402

NAME = "postfix-mta-sts-resolver"
WANTED = (NAME, "python3-uvloop")
TREE = packages.REPOSITORY / ".lab" / "peer"
DAY_S = 86400


def unpacked(tree: Path = TREE) -> Path:
    """Downloads once; afterwards instant. Raises LabError when apt cannot get it."""
    tree.parent.mkdir(parents=True, exist_ok=True)
    with open(tree.parent / "peer.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (tree / packages.STAMP).exists():
            _build(tree)
    return tree


def _build(tree: Path) -> None:
    state = tree.parent / "peer-apt"
    for folder in (state, tree):
        shutil.rmtree(folder, ignore_errors=True)
    print(f"bench: asking apt for {NAME} (unpacked privately, nothing is installed)", file=sys.stderr)
    installed = packages.SYSTEM_STATUS.read_text(encoding="utf-8", errors="surrogateescape")
    others = [stanza for stanza in installed.split("\n\n") if not stanza.startswith(tuple(f"Package: {name}\n" for name in WANTED))]
    apt = PrivateApt(state, status="\n\n".join(others))
    apt.update()
    archives = apt.download(WANTED)
    unpack(archives, tree)
    (tree / packages.STAMP).write_text("\n".join(version_names(archives)) + "\n", encoding="ascii")
    shutil.rmtree(state)


def daemon(tree: Path, folder: Path, *, path: Path | None = None, port: int = 0) -> Daemon:
    """At a unix socket or a TCP port of 127.0.0.1; `folder` gets its configuration and log."""
    where = f"path: {path}\n" if path else f"host: 127.0.0.1\nport: {port}\n"
    name = "unix" if path else "tcp"
    configuration = folder / f"peer-{name}.yml"
    configuration.write_text(f"{where}cache_grace: {DAY_S}\ncache:\n  type: internal\n  options:\n    cache_size: 1000000\n", encoding="ascii")
    libraries = ":".join(str(found) for found in (tree / "usr/lib").glob("*-linux-gnu"))
    environment = {**os.environ, "PYTHONPATH": str(tree / "usr/lib/python3/dist-packages"), "LD_LIBRARY_PATH": libraries}
    return Daemon(["/usr/bin/python3", str(tree / "usr/bin/mta-sts-daemon"), "-c", str(configuration)], folder / f"peer-{name}.log", environment)
