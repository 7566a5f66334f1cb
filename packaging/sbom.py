#!/usr/bin/python3
"""Software bill of materials (SPDX 2.3, JSON) of the Debian packages that dpkg-buildpackage made.

usage: sbom.py FOLDER VERSION SOURCE-ARCHIVE    FOLDER has the packages and their .buildinfo; the document goes to standard output

Each package is named with its checksum and what it needs at run time; what was compiled in (headers, the C++ runtime) with the
version that the build had. The same packages give the same document.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

# Headers and static libraries: in our programs, although no package that is installed says so.
COMPILED_IN = ("libexpected-dev", "libtomlplusplus-dev", "libcli11-dev", "nlohmann-json3-dev", "libstdc++-{gcc}-dev")
ORGANIZATION = "Organization: The mtasts authors"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fields(package: Path, *names: str) -> list[str]:
    return [subprocess.run(["dpkg-deb", "-f", str(package), name], capture_output=True, text=True, check=True).stdout.strip() for name in names]


def build_versions(folder: Path) -> dict[str, str]:
    """Of the packages that were installed where it was built."""
    [info] = folder.glob("mtasts_*.buildinfo")
    return dict(re.findall(r"^ ([\w.+-]+) \(= ([^)]+)\),?$", info.read_text(encoding="utf-8"), re.MULTILINE))


def identifier(name: str) -> str:
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.]", "-", name)


def ours(name: str, version: str, archive: Path) -> dict[str, object]:
    return {"SPDXID": identifier(name), "name": name, "versionInfo": version, "supplier": ORGANIZATION, "packageFileName": archive.name,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "MIT", "licenseDeclared": "MIT",
            "copyrightText": "2026 The mtasts authors", "checksums": [{"algorithm": "SHA256", "checksumValue": digest(archive)}]}


def debians(name: str, version: str) -> dict[str, object]:
    package: dict[str, object] = {"SPDXID": identifier(name), "name": name, "supplier": "Organization: Debian", "downloadLocation": "NOASSERTION",
                                  "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION"}
    suffix = f"@{version}" if version else ""
    package["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": f"pkg:deb/debian/{name}{suffix}"}]
    return package | ({"versionInfo": version} if version else {})


def relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def main() -> int:
    folder, version, source = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    installed = build_versions(folder)
    gcc = max((int(name[4:]) for name in installed if re.fullmatch(r"gcc-\d+", name)), default=0)
    packages = {"mtasts-source": ours("mtasts-source", version, source)}
    relations = [relation("SPDXRef-DOCUMENT", "DESCRIBES", identifier("mtasts-source"))]
    archives = [one for one in sorted(folder.glob("*.deb")) if "-dbgsym_" not in one.name]
    names = {fields(one, "Package")[0] for one in archives}
    for archive in archives:
        name, package_version, depends = fields(archive, "Package", "Version", "Depends")
        packages[name] = ours(name, package_version, archive)
        relations += [relation("SPDXRef-DOCUMENT", "DESCRIBES", identifier(name)), relation(identifier(name), "GENERATED_FROM", identifier("mtasts-source"))]
        for need in sorted({re.split(r"[ (|]", one.strip())[0] for one in depends.split(",") if one.strip()}):
            if need not in names:
                packages.setdefault(need, debians(need, installed.get(need, "")))
            relations.append(relation(identifier(name), "DEPENDS_ON", identifier(need)))
    for need in (one.format(gcc=gcc) for one in COMPILED_IN):
        if need in installed:
            packages.setdefault(need, debians(need, installed[need]))
            relations.append(relation(identifier("mtasts-source"), "STATIC_LINK", identifier(need)))
    created = subprocess.run(["date", "-u", "-d", f"@{date()}", "+%Y-%m-%dT%H:%M:%SZ"], capture_output=True, text=True, check=True).stdout.strip()
    document = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"mtasts-{version}",
                "documentNamespace": f"https://spdx.org/spdxdocs/mtasts-{version}-{digest(source)}",
                "creationInfo": {"created": created, "creators": [ORGANIZATION, "Tool: packaging/sbom.py"]},
                "packages": list(packages.values()), "relationships": relations}
    json.dump(document, sys.stdout, indent=1)
    print()
    return 0


def date() -> str:
    """Of the release, by its changelog."""
    return subprocess.run(["dpkg-parsechangelog", "-l", "packaging/debian/changelog", "-S", "Timestamp"], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
