#!/usr/bin/python3
"""Server packages, unpacked into a private tree instead of installed.

The lab needs real servers (Exim, knot, unbound, nginx) on machines where none of them may be installed, started or
replaced. This module downloads them with apt's own private state and unpacks them with `dpkg -x`: dpkg's database,
apt's lists and the running services of the machine are never touched. Unprivileged users may do it too.

    tree = packages.unpacked()            # downloads once; afterwards instant
    tests/lab/packages.py [TREE]          # the same from a shell; prints the tree's path
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_TREE = REPOSITORY / ".lab" / "tree"

SERVERS = ("exim4-daemon-heavy", "exim4-config", "exim4-base", "knot", "knot-dnssecutils", "unbound", "nginx", "nginx-common")

SYSTEM_STATUS = Path("/var/lib/dpkg/status")
STAMP = "packages.stamp"


class LabError(Exception):
    """One sentence that tells the reader what the lab lacks."""


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


def _is_complete(tree: Path) -> bool:
    """The stamp's first line is what was asked for, the others are the versions that came."""
    try:
        return (tree / STAMP).read_text(encoding="ascii").splitlines()[0] == _wish()
    except (OSError, IndexError):
        return False


def _wish() -> str:
    return "wanted: " + " ".join(SERVERS)


def _build(tree: Path) -> None:
    for tool in ("apt-get", "dpkg-deb", "dpkg"):
        if shutil.which(tool) is None:
            raise LabError(f"the lab unpacks Debian packages and needs {tool}, which is not on this machine")
    state = tree.parent / "apt"
    shutil.rmtree(state, ignore_errors=True)
    shutil.rmtree(tree, ignore_errors=True)
    archives = _download(state)
    for archive in archives:
        subprocess.run(["dpkg-deb", "-x", str(archive), str(tree)], check=True)
    _merge_usr(tree)
    names = sorted(archive.name.removesuffix(".deb").replace("%3a", ":") for archive in archives)
    (tree / STAMP).write_text("\n".join([_wish(), *names]) + "\n", encoding="ascii")
    shutil.rmtree(state)


def _download(state: Path) -> list[Path]:
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True)
    status = state / "status"
    status.write_text(_status_without_servers(), encoding="utf-8", errors="surrogateescape")
    configuration = state / "apt.conf"
    configuration.write_text(_apt_configuration(state, status), encoding="utf-8")
    print("lab: asking apt for server packages (unpacked privately, nothing is installed)", file=sys.stderr)
    _apt(["update"], configuration)
    _apt(["install", "--download-only", "--yes", "--no-install-recommends", *SERVERS], configuration)
    return sorted((state / "archives").glob("*.deb"))


def _status_without_servers() -> str:
    """dpkg's status, but as if no server of ours were installed: apt then fetches them even where the machine has its
    own, and the lab never depends on somebody's live configuration."""
    text = SYSTEM_STATUS.read_text(encoding="utf-8", errors="surrogateescape")
    hidden = re.compile(rf"^Package: ({'|'.join(map(re.escape, SERVERS))})$", re.MULTILINE)
    return "\n\n".join(stanza for stanza in text.split("\n\n") if not hidden.search(stanza))


def _apt_configuration(state: Path, status: Path) -> str:
    settings = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": status,
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "Dir::Log": state,
        "Debug::NoLocking": "1",  # nothing of the system is written, so its lock need not be free
        "APT::Sandbox::User": "",  # the private folder may be unreadable to _apt
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
    }
    hooks = ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success")
    # Hooks of the machine would work on the machine's own folders; only a file can clear them, not "-o".
    return "".join([*(f"#clear {hook};\n" for hook in hooks), *(f'{key} "{value}";\n' for key, value in settings.items())])


def _apt(words: list[str], configuration: Path) -> None:
    result = subprocess.run(["apt-get", "-qq", "-c", str(configuration), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}, check=False)
    if result.returncode != 0:
        told = [line for line in result.stderr.splitlines() if line.startswith("E:")] or ["no reason given"]
        raise LabError(f"apt-get {words[0]} could not get the lab's server packages ({told[0]}); "
                       "check the network and /etc/apt/sources.list")


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
