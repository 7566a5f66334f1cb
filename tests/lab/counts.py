"""Adds up test results for ./dev test.

counts.py junit NAME FILE   one line "NAME: N passed, N failed, N skipped" from a JUnit file of ctest
counts.py line NAME FILE    the same from a file that holds "N passed, N failed, N skipped"
counts.py total FILE        the sum of such lines; exit 1 if anything failed or nothing ran

A missing or unreadable result counts as one failure: a test program that died must not pass.
"""

import re
import sys
import xml.etree.ElementTree
from pathlib import Path

LINE = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")


def text(counts: tuple[int, int, int]) -> str:
    return "{} passed, {} failed, {} skipped".format(*counts)


def from_junit(path: Path) -> tuple[int, int, int]:
    suite = xml.etree.ElementTree.parse(path).getroot()
    total, failed = int(suite.get("tests", 0)), int(suite.get("failures", 0))
    skipped = int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
    return total - failed - skipped, failed, skipped


def from_lines(path: Path) -> list[tuple[int, int, int]]:
    return [tuple(map(int, found)) for found in LINE.findall(path.read_text())]


def read(kind: str, path: Path) -> tuple[int, int, int]:
    try:
        return from_junit(path) if kind == "junit" else from_lines(path)[-1]
    except (OSError, IndexError, xml.etree.ElementTree.ParseError):
        return 0, 1, 0


def main() -> int:
    if sys.argv[1] in ("junit", "line"):
        print(f"{sys.argv[2]}: {text(read(sys.argv[1], Path(sys.argv[3])))}")
        return 0
    results = Path(sys.argv[2])
    print(results.read_text(), end="")
    passed, failed, skipped = (sum(column) for column in zip((0, 0, 0), *from_lines(results)))
    print(text((passed, failed, skipped)))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
