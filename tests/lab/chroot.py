"""A mail server's root of another suite (roots.py), made ready to run in the sandbox.

    root = Chroot(tree)
    root.mount()                     # inside sandbox.py only
    root.share("/var/spool/postfix") # seen under the same name outside
    root.run("postconf", "mail_version")

It is writable without a change of the tree, and has the sandbox's network, processes, users, names, authorities, /dev (with
the log's socket) and /run: what talks to the server over sockets may live outside.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from packages import LabError

PLACE = Path("/srv/mta")
# What the machine has already and a server is not to have of its own.
MACHINE_FILES = ("etc/passwd", "etc/group", "etc/resolv.conf", "etc/hosts", "etc/mailname", "etc/aliases", "etc/localtime",
                 "etc/ssl/certs/ca-certificates.crt")


class Chroot:
    def __init__(self, tree: Path, place: Path = PLACE) -> None:
        self.tree = tree
        self.place = place

    def mount(self) -> None:
        stage = self.place.with_suffix(".stage")
        for folder in (self.place, stage):
            folder.mkdir(parents=True)
        _mount("-t", "tmpfs", "-o", "mode=755", "mta", str(stage))
        for name in ("upper", "work"):
            (stage / name).mkdir()
        _mount("-t", "overlay", "-o", f"lowerdir={self.tree},upperdir={stage}/upper,workdir={stage}/work", "mta", str(self.place))
        for name in ("dev", "run", "proc", "tmp", "root", "var/log", "var/tmp"):
            (self.place / name).mkdir(parents=True, exist_ok=True)
        for name in ("tmp", "var/tmp"):
            (self.place / name).chmod(0o1777)
        for name in ("dev", "run", "proc"):
            _mount("--rbind", f"/{name}", str(self.place / name))
        (self.place / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n", encoding="ascii")
        self.take_machine_files()

    def take_machine_files(self) -> None:
        """Users, names, authorities: as the machine has them now."""
        for name in MACHINE_FILES:
            if Path("/", name).exists():
                (self.place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path("/", name), self.place / name)

    def share(self, folder: str) -> None:
        """Outside, `folder` is the server's from now on."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        _mount("--bind", str(self.path(folder)), folder)

    def path(self, name: str) -> Path:
        """Where outside a file of the server is."""
        return self.place / name.lstrip("/")

    def command(self, *words: str) -> list[str]:
        return ["chroot", str(self.place), *words]

    def run(self, *words: str, text: str = "", check: bool = True) -> str:
        """Standard output and error together."""
        result = subprocess.run(self.command(*words), input=text, capture_output=True, text=True, check=False)
        if check and result.returncode != 0:
            raise LabError(f"{' '.join(words)} failed in {self.tree.name}: {(result.stderr or result.stdout).strip()}")
        return result.stdout + result.stderr


def _mount(*words: str) -> None:
    result = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"mount {' '.join(words)} failed in the sandbox: {result.stderr.strip()}")
