"""Debian packages of this tree, made from a build folder that is there already: nothing is compiled.

    package = build(Path("build/release"), folder)    # what ./dev package makes, except for debug symbols and compression
    other = variant(package, folder, version="0.3.0") # the same programs as another release
    dependencies(package)                             # names of the packages that it needs
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable

import packages
from packages import LabError

PACKAGING = packages.REPOSITORY / "packaging" / "debian"
# make takes the last recipe of a target.
RULES = """#!/usr/bin/make -f
include debian/rules.release
override_dh_auto_configure override_dh_auto_build:
\t@true
override_dh_auto_install:
\tDESTDIR=$(CURDIR)/debian/tmp cmake --install {build}
override_dh_dwz:
\t@true
override_dh_builddeb:
\tdh_builddeb -- -Znone
"""


def build(build_folder: Path, folder: Path) -> Path:
    """The package mtasts."""
    for tool in ("dpkg-buildpackage", "dh", "cmake"):
        if shutil.which(tool) is None:
            raise LabError(f"{tool} is not on this machine; ./dev test installs it")
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "mtasts"
    shutil.copytree(PACKAGING, source / "debian")
    (source / "debian/rules").rename(source / "debian/rules.release")
    (source / "debian/rules").write_text(RULES.format(build=build_folder.resolve()), encoding="ascii")
    (source / "debian/rules").chmod(0o755)
    _run(["env", "DEB_BUILD_OPTIONS=noautodbgsym", "dpkg-buildpackage", "-d", "-us", "-uc", "-b"], source)
    [package] = folder.glob("mtasts_*.deb")
    shutil.rmtree(source)
    return package


def variant(package: Path, folder: Path, version: str, change: Callable[[Path], None] = lambda tree: None) -> Path:
    """`change` gets the unpacked package, with its maintainer scripts below DEBIAN."""
    tree = folder / f"mtasts-{version}"
    _run(["dpkg-deb", "-R", str(package), str(tree)], folder)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8")
    change(tree)
    other = folder / f"mtasts_{version}_variant.deb"
    _run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", str(tree), str(other)], folder)
    shutil.rmtree(tree)
    return other


def dependencies(package: Path) -> list[str]:
    text = subprocess.run(["dpkg-deb", "-f", str(package), "Depends"], capture_output=True, text=True, check=True).stdout
    return [re.split(r"[ (|]", one.strip())[0] for one in text.split(",")]


def _run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"{' '.join(command)} failed: {(result.stderr or result.stdout).strip()[-500:]}")
