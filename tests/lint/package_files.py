"""Every file that is installed is in one Debian package and in the RPM of the same name, the guides link to files that are
installed, and a unit's manual pages come with it: prints each that is not so, exit 1 if there is one.

usage: package_files.py SOURCE_ROOT BUILD_FOLDER
"""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from links import targets

# What is called otherwise, and what Fedora has not: its libcurl knows OpenSSL alone, which is in the main package.
RPM_NAMES = {"libmtasts-dev": "mtasts-devel", "mtasts-engine-openssl": "mtasts"}
DEBIAN_ONLY = ("mtasts-engine-gnutls",)
MACROS = {"bindir": "usr/bin", "sbindir": "usr/sbin", "libdir": "usr/lib/*", "libexecdir": "usr/libexec", "unitdir": "usr/lib/systemd/system",
          "sysusersdir": "usr/lib/sysusers.d", "tmpfilesdir": "usr/lib/tmpfiles.d", "datadir": "usr/share", "docdir": "usr/share/doc",
          "mandir": "usr/share/man", "includedir": "usr/include"}
Patterns = dict[str, list[str]]


def installed(build: Path) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["cmake", "--install", str(build), "--prefix", "/usr"], env={**os.environ, "DESTDIR": folder}, check=True, capture_output=True)
        return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if not path.is_dir())


def debian(root: Path) -> Patterns:
    found = {path.name.removesuffix(".install"): [line.split()[0] for line in path.read_text(encoding="ascii").splitlines()]
             for path in (root / "packaging/debian").glob("*.install")}
    for name, pattern in re.findall(r"^\tdh_install -p(\S+) \$\(UNITS\)/(\S+)$", (root / "packaging/debian/rules").read_text(encoding="ascii"), re.MULTILINE):
        found[name].append(f"usr/lib/systemd/system/{pattern}")
    return found


def rpm(root: Path) -> Patterns:
    found: Patterns = {}
    lines: list[str] = []
    for line in (root / "packaging/rpm/mtasts.spec").read_text(encoding="ascii").splitlines():
        if section := re.match(r"%files(?: +(-n +)?(\S+))?$", line):
            name = "mtasts" if not section[2] else section[2] if section[1] else f"mtasts-{section[2]}"
            lines = found.setdefault(name, [])
        elif re.match(r"%(?:pre|post|changelog)", line):
            lines = []
        elif path := re.match(r"%\{_(\w+)\}(/.*)$", line):
            lines.append(MACROS[path[1]] + path[2].replace("/zsh/site-functions/", "/zsh/vendor-completions/"))  # MTASTS_ZSH_DIR
    return found


def owners(file: str, packages: Patterns) -> list[str]:
    return [name for name, patterns in packages.items() if any(fnmatch.fnmatch(file, pattern) or fnmatch.fnmatch(file, f"{pattern}/*") for pattern in patterns)]


def dangling(root: Path, files: list[str]) -> list[str]:
    """Links of installed guides to files that are not installed there. (That they are in the sources: links.py.)"""
    guides = [Path(file) for file in files if re.match(r"usr/share/doc/mtasts/[^/]*\.md$", file)]
    return [f"docs/{guide.name}: links to {linked}, which is not installed" for guide in guides
            for linked in targets(root / "docs" / guide.name) if os.path.normpath(guide.parent / linked) not in files]


def needed_by(root: Path, package: str) -> set[str]:
    """The package, and ours that it depends on whatever the administrator chooses."""
    control = (root / "packaging/debian/control").read_text(encoding="utf-8")
    section = re.search(rf"^Package: {re.escape(package)}\n(?:.+\n)*", control, re.MULTILINE)
    depends = re.search(r"^Depends: (.*)$", section[0] if section else "", re.MULTILINE)
    names = [item.split()[0] for item in (depends[1] if depends else "").split(",") if "|" not in item]
    return {package}.union(*(needed_by(root, name) for name in names if f"\nPackage: {name}\n" in control))


def units_without_page(root: Path, packages: Patterns) -> list[str]:
    """Units that name a manual page of ours which another package brings."""
    wrong = []
    for unit in sorted((root / "packaging/systemd").glob("*.*")):
        package = owners(f"usr/lib/systemd/system/{unit.name}", packages)
        for name, section in re.findall(r"\bman:([\w.-]+)\((\d)\)", unit.read_text(encoding="ascii")):
            page = owners(f"usr/share/man/man{section}/{name}.{section}", packages)
            if package and not needed_by(root, package[0]).intersection(page):
                wrong.append(f"{unit.name} of {package[0]}: names {name}({section}), which is in {' '.join(page) or 'no package'}")
    return wrong


def main() -> int:
    root, build = Path(sys.argv[1]), Path(sys.argv[2])
    of_debian, of_rpm = debian(root), rpm(root)
    files = installed(build)
    wrong = dangling(root, files) + units_without_page(root, of_debian)
    for file in files:
        ours, theirs = owners(file, of_debian), owners(file, of_rpm)
        expected = [RPM_NAMES.get(name, name) for name in ours if name not in DEBIAN_ONLY]
        if len(ours) != 1 or theirs != expected:
            wrong.append(f"{file}: Debian: {' '.join(ours) or 'none'}, RPM: {' '.join(theirs) or 'none'}")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
