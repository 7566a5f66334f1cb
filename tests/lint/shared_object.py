"""What a shared object shows and needs: prints each difference from the list, exit 1 if there is one.

usage: shared_object.py FILE.so LIST   the list has lines "export NAME" or "export NAME@VERSION", and "need LIBRARY"

A program that was linked with a symbol asks for its version: one that is released keeps it for ever. A new function gets the
version node of the release that brings it (module/mtasts.map).
"""

import re
import subprocess
import sys
from pathlib import Path


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def actual(path: str) -> set[str]:
    facts = set()
    for line in output("nm", "-D", "--defined-only", path).splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":  # the version node itself
            facts.add("export " + name.replace("@@", "@"))
    for library in re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", path)):
        facts.add("need " + library)
    return facts


def main() -> int:
    listed = {line for line in Path(sys.argv[2]).read_text().splitlines() if line and not line.startswith("#")}
    found = actual(sys.argv[1])
    for line in sorted(found - listed):
        print(f"{sys.argv[1]}: not in {sys.argv[2]}: {line}")
    missing = {line for line in listed - found if line.startswith("export")}
    for line in sorted(missing):
        print(f"{sys.argv[1]}: missing: {line}")
    return 1 if found - listed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
