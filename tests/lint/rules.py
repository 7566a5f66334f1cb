"""Rules of the standards (docs/rules.md): each number cited in the sources is one of them, each of them has a test.

usage: rules.py SOURCE_ROOT

A test names a rule by its number ("R12") or by a range that contains it ("R11-R14").
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

SOURCES = ("core", "dns", "fetch", "module", "adapters", "tests", "conf-examples", "packaging")
SUFFIXES = {".cc", ".h", ".c", ".py", ".sh", ".conf", ".toml", ".md"}
TESTS = ("tests/unit/", "tests/e2e/", "tests/soak/")
# Also as the beginning of a name: TEST(Record, R5DiscardsWhatIsNotOurs).
CITED = re.compile(r"\bR(\d{1,2})(?:[-–]R?(\d{1,2}))?(?![\d])(?=\b|[A-Z])")


def rules(text: str) -> set[int]:
    """The numbers in the list."""
    return {int(number) for number in re.findall(r"^\| R(\d+) \|", text, re.MULTILINE)}


def citations(text: str) -> Iterator[tuple[int, range]]:
    """Line number and the rules cited there."""
    for line_number, line in enumerate(text.splitlines(), 1):
        for first, last in CITED.findall(line):
            yield line_number, range(int(first), int(last or first) + 1)


def main() -> int:
    root = Path(sys.argv[1])
    listed = rules((root / "docs/rules.md").read_text(encoding="utf-8"))
    faults: list[str] = []
    tested: set[int] = set()
    for room in SOURCES:
        for path in sorted(path for path in (root / room).rglob("*") if path.suffix in SUFFIXES and "corpus" not in path.parts):
            name = path.relative_to(root).as_posix()
            for line_number, numbers in citations(path.read_text(encoding="utf-8")):
                faults += [f"{name}:{line_number}: R{number} is not in docs/rules.md" for number in numbers if number not in listed]
                if name.startswith(TESTS):
                    tested.update(numbers)
    faults += [f"docs/rules.md: no test names R{number}" for number in sorted(listed - tested)]
    print("\n".join(faults))
    return 1 if faults or not listed else 0


if __name__ == "__main__":
    sys.exit(main())
