"""The version of this tree is the same wherever it is written: prints each difference, exit 1 if there is one.

usage: versions.py SOURCE_ROOT

CMakeLists.txt, the topmost release of CHANGELOG.md, that of packaging/debian/changelog, the RPM spec, and the tag if this commit has one.
The topmost release of CHANGELOG.md is "Unreleased" in the place of its date until there is a tag.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

NUMBER = r"\d+\.\d+\.\d+"
PLACES = {
    "CMakeLists.txt": rf"^project\(mtasts VERSION ({NUMBER}) ",
    "CHANGELOG.md": rf"^## \[({NUMBER})\] - ",
    "packaging/debian/changelog": rf"^mtasts \(({NUMBER})\) ",
    "packaging/rpm/mtasts.spec": rf"^Version: +({NUMBER})$",
}
# https://keepachangelog.com
HEADING = re.compile(rf"^## \[{NUMBER}\] - \d{{4}}-\d\d-\d\d$")
TOPMOST = re.compile(rf"^## \[(?:Unreleased\]|{NUMBER}\] - Unreleased)$")
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def tag(root: Path) -> str:
    """Of what is checked out; an unpacked archive has none, and its machine perhaps no git."""
    try:
        told = subprocess.run(["git", "-C", str(root), "describe", "--tags", "--exact-match", "--match", "v[0-9]*"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return told.stdout.strip().removeprefix("v")


def versions(root: Path) -> dict[str, str]:
    found = {}
    for name, pattern in PLACES.items():
        match = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        found[name] = match[1] if match else "none"
    return found | ({"the tag": tag(root)} if tag(root) else {})


def strange_headings(text: str, is_tagged: bool) -> list[str]:
    releases = [line for line in text.splitlines() if line.startswith("## ")]
    if releases and TOPMOST.match(releases[0]) and not (is_tagged and releases[0].endswith("- Unreleased")):
        del releases[0]
    return [line for line in releases if not HEADING.match(line)] + [line for line in text.splitlines() if line.startswith("### ") and line[4:] not in KINDS]


def main() -> int:
    root = Path(sys.argv[1])
    found = versions(root)
    if differ := len(set(found.values())) != 1:
        print("the version should be the same everywhere: " + ", ".join(f"{place}: {version}" for place, version in found.items()))
    strange = strange_headings((root / "CHANGELOG.md").read_text(encoding="utf-8"), "the tag" in found)
    for line in strange:
        print(f"CHANGELOG.md: not a heading of Keep a Changelog (a release has its date, the topmost one from its tag on): {line}")
    return 1 if differ or strange else 0


if __name__ == "__main__":
    sys.exit(main())
