"""Debian packages of this tree, made from a build folder that is there already: nothing is compiled.

    parts = build(Path("build/release"), folder)       # what ./dev package makes, except for debug symbols and compression
    other = variant(parts[0], folder, version="9.0.0")  # the same programs as another release
    dependencies(parts)                                 # names of the packages of others that they need
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable, Mapping, Sequence

import packages
from packages import LabError

PACKAGING = packages.REPOSITORY / "packaging" / "debian"
# make takes the last recipe of a target.
RULES = """#!/usr/bin/make -f
include debian/rules.release
override_dh_auto_configure override_dh_auto_build:
\t@true
override_dh_auto_install:
\tDESTDIR=$(CURDIR)/debian/tmp cmake --install {build} --strip
override_dh_strip:
\tdh_strip --no-automatic-dbgsym
override_dh_dwz:
\t@true
override_dh_builddeb:
\tdh_builddeb -- -Znone
"""


def build(build_folder: Path, folder: Path) -> list[Path]:
    for tool in ("dpkg-buildpackage", "dh", "cmake"):
        if shutil.which(tool) is None:
            raise LabError(f"{tool} is not on this machine; ./dev test installs it")
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "mtasts"
    shutil.copytree(PACKAGING, source / "debian")
    (source / "debian/rules").rename(source / "debian/rules.release")
    (source / "debian/rules").write_text(RULES.format(build=build_folder.resolve()), encoding="ascii")
    (source / "debian/rules").chmod(0o755)
    _run(["dpkg-buildpackage", "-d", "-us", "-uc", "-b"], source)
    shutil.rmtree(source)
    return sorted(folder.glob("*.deb"))


def variant(package: Path, folder: Path, version: str, change: Callable[[Path], None] = lambda tree: None) -> Path:
    """`change` gets the unpacked package, with its maintainer scripts below DEBIAN. What it asks of packages of the same release follows."""
    name, before = field(package, "Package"), field(package, "Version")
    tree = folder / f"{name}-{version}"
    _run(["dpkg-deb", "-R", str(package), str(tree)], folder)
    control = tree / "DEBIAN/control"
    text = re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(encoding="utf-8"), flags=re.MULTILINE)
    control.write_text(text.replace(f"= {before})", f"= {version})").replace(f"<< {before})", f"<< {version})"), encoding="utf-8")
    change(tree)
    other = folder / f"{name}_{version}_variant.deb"
    _run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", str(tree), str(other)], folder)
    shutil.rmtree(tree)
    return other


def stand_in(folder: Path, name: str, version: str) -> Path:
    """A package that holds nothing but its name."""
    tree = folder / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <nobody@lab.test>\n"
                                         "Description: stands in for a package of Debian\n", encoding="ascii")
    package = folder / f"{name}_{version}_all.deb"
    _run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", str(tree), str(package)], folder)
    shutil.rmtree(tree)
    return package


def unpack_over(package: Path, tree: Path) -> None:
    """Its files, without what is for dpkg."""
    _run(["dpkg-deb", "-x", str(package), str(tree)], tree)


def set_fields(tree: Path, fields: Mapping[str, str]) -> None:
    """Of an unpacked package's control file. An empty one is left out."""
    control = tree / "DEBIAN/control"
    lines = [line for line in control.read_text(encoding="utf-8").splitlines() if line.split(":")[0] not in fields]
    at = next(number for number, line in enumerate(lines) if line.startswith("Description:"))
    lines[at:at] = [f"{name}: {value}" for name, value in fields.items() if value]
    control.write_text("\n".join(lines) + "\n", encoding="utf-8")


def field(package: Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "-f", str(package), name], capture_output=True, text=True, check=True).stdout.strip()


def dependencies(parts: Sequence[Path]) -> list[str]:
    """Of others: not the parts themselves, and no mail server."""
    wanted = {re.split(r"[ (|]", one.strip())[0] for part in parts for one in field(part, "Depends").split(",") if one.strip()}
    return sorted(wanted - {field(part, "Package") for part in parts} - {"exim4-daemon-heavy"})


def _run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"{' '.join(command)} failed: {(result.stderr or result.stdout).strip()[-500:]}")
