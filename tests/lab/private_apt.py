"""apt with a state of its own: it downloads packages and tells nobody on the machine.

    apt = PrivateApt(folder, status=..., sources=...)
    apt.update()
    unpack(apt.download(["knot"]), tree)

dpkg's database, apt's lists and the machine's services are neither read for writing nor touched; no root is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterable, Sequence


class LabError(Exception):
    """One sentence that tells the reader what the lab lacks."""


class PrivateApt:
    """`status` is what dpkg is said to have installed; `sources` a sources.list, "" for those of the machine."""

    def __init__(self, folder: Path, *, status: str, sources: str = "") -> None:
        for tool in ("apt-get", "dpkg-deb", "tar"):
            if shutil.which(tool) is None:
                raise LabError(f"the lab unpacks Debian packages and needs {tool}, which is not on this machine")
        self.folder = folder
        self._configuration = folder / "apt.conf"
        for name in ("lists/partial", "archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").write_text(status, encoding="utf-8", errors="surrogateescape")
        settings = self._settings()
        if sources:
            (folder / "sources.list").write_text(sources, encoding="ascii")
            settings |= {"Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
                         "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null"}
        self._configuration.write_text(_text(settings), encoding="utf-8")

    def update(self) -> None:
        self._run("update")

    def download(self, packages: Sequence[str]) -> list[Path]:
        """The packages, and what they need that is not installed by `status`. What an earlier call brought is not fetched again."""
        install = ("install", "--yes", "--no-install-recommends")
        names = [line.split()[1] for line in self._run(*install, "--simulate", *packages).splitlines() if line.startswith("Inst ")]
        self._run(*install, "--download-only", *packages)
        return sorted(archive for name in names for archive in (self.folder / "archives").glob(f"{name}_*.deb"))

    def source(self, package: str) -> None:
        """Unpacked below the folder, with Debian's patches."""
        self._run("source", package, folder=self.folder)

    def _settings(self) -> dict[str, object]:
        return {
            "Dir::State": self.folder,
            "Dir::State::lists": self.folder / "lists",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder,
            "Dir::Cache::archives": self.folder / "archives",
            "Dir::Log": self.folder,
            "Debug::NoLocking": "1",  # nothing of the system is written, so its lock need not be free
            "APT::Sandbox::User": "",  # the private folder may be unreadable to _apt
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
        }

    def _run(self, *words: str, folder: Path | None = None) -> str:
        result = subprocess.run(["apt-get", "-qq", "-c", str(self._configuration), *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}, check=False)
        if result.returncode != 0:
            told = [line for line in result.stderr.splitlines() if line.startswith("E:")] or ["no reason given"]
            raise LabError(f"apt-get {words[0]} could not get the lab's server packages ({told[0]}); "
                           "check the network and /etc/apt/sources.list")
        return result.stdout


def unpack(archives: Iterable[Path], tree: Path) -> None:
    """Like dpkg -x, but into links to folders that the tree has already (a merged /usr)."""
    tree.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as contents:
            subprocess.run(["tar", "-x", "-p", "--keep-directory-symlink", "-C", str(tree)], stdin=contents.stdout, check=True)


def version_names(archives: Iterable[Path]) -> list[str]:
    """name_version_architecture of each."""
    return sorted(archive.name.removesuffix(".deb").replace("%3a", ":") for archive in archives)


def _text(settings: dict[str, object]) -> str:
    hooks = ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success")
    # Hooks of the machine would work on the machine's own folders; only a file can clear them, not "-o".
    return "".join([*(f"#clear {hook};\n" for hook in hooks), *(f'{key} "{value}";\n' for key, value in settings.items())])
