#!/usr/bin/python3
"""Server packages, unpacked into a private tree instead of installed.

The lab needs real servers (Exim, knot, unbound, nginx) on machines where none of them may be installed, started or
replaced. This module downloads them with apt's own private state and unpacks them (private_apt.py): dpkg's database,
apt's lists and the running services of the machine are never touched. Unprivileged users may do it too.
Mail servers of other suites, with all that they need: roots.py.

    tree = packages.unpacked()            # downloads once; afterwards instant
    tests/lab/packages.py [TREE]          # the same from a shell; prints the tree's path
"""

from __future__ import annotations

import fcntl
import re
import shutil
import sys
from pathlib import Path

from private_apt import LabError, PrivateApt, unpack, version_names

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_TREE = REPOSITORY / ".lab" / "tree"

SERVERS = ("exim4-daemon-heavy", "exim4-config", "exim4-base", "knot", "knot-dnssecutils", "unbound", "nginx", "nginx-common")

SYSTEM_STATUS = Path("/var/lib/dpkg/status")
STAMP = "packages.stamp"


def unpacked(tree: Path = DEFAULT_TREE) -> Path:
    """Returns the tree with all of SERVERS in it. Raises LabError when apt cannot get them."""
    if _is_complete(tree):
        return tree
    tree.parent.mkdir(parents=True, exist_ok=True)
    with open(tree.parent / "packages.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test programs may start at once
        if not _is_complete(tree):
            _build(tree)
    return tree


def version(name: str, tree: Path = DEFAULT_TREE) -> str:
    """Of a package in the tree, as its authors count: "4.96"."""
    return version_in((tree / STAMP).read_text(encoding="ascii"), name)


def version_in(stamp: str, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}_(?:\d+:)?([^-_]+)", stamp, re.MULTILINE)
    if not found:
        raise LabError(f"the lab has no package {name}")
    return found[1]


def _is_complete(tree: Path) -> bool:
    """The stamp's first line is what was asked for, the others are the versions that came."""
    try:
        return (tree / STAMP).read_text(encoding="ascii").splitlines()[0] == _wish()
    except (OSError, IndexError):
        return False


def _wish() -> str:
    return "wanted: " + " ".join(SERVERS)


def _build(tree: Path) -> None:
    state = tree.parent / "apt"
    shutil.rmtree(state, ignore_errors=True)
    shutil.rmtree(tree, ignore_errors=True)
    print("lab: asking apt for server packages (unpacked privately, nothing is installed)", file=sys.stderr)
    apt = PrivateApt(state, status=_status_without_servers())
    apt.update()
    archives = apt.download(SERVERS)
    unpack(archives, tree)
    _merge_usr(tree)
    (tree / STAMP).write_text("\n".join([_wish(), *version_names(archives)]) + "\n", encoding="ascii")
    shutil.rmtree(state)


def _status_without_servers() -> str:
    """dpkg's status, but as if no server of ours were installed: apt then fetches them even where the machine has its
    own, and the lab never depends on somebody's live configuration."""
    text = SYSTEM_STATUS.read_text(encoding="utf-8", errors="surrogateescape")
    hidden = re.compile(rf"^Package: ({'|'.join(map(re.escape, SERVERS))})$", re.MULTILINE)
    return "\n\n".join(stanza for stanza in text.split("\n\n") if not hidden.search(stanza))


def _merge_usr(tree: Path) -> None:
    """A real /bin, /sbin or /lib in the tree would hide the links of a merged-/usr system that it is laid over."""
    for name in ("bin", "sbin", "lib", "lib64"):
        folder = tree / name
        if folder.is_dir() and not folder.is_symlink():
            shutil.copytree(folder, tree / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(folder)


def main() -> int:
    try:
        print(unpacked(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else DEFAULT_TREE))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
