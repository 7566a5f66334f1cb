"""Every promise of docs/security.md names its tests, and they exist.

usage: named_tests.py SOURCE-FOLDER

In a table whose last column is "held by", each row names at least one test, in backticks:
    `Suite.Name`                 of tests/unit
    `exim: part of the title`    a scenario of tests/e2e/<folder>
    `soak: name of the fault`    of tests/soak
    `lint.name`                  of tests/lint
"""

import re
import sys
from pathlib import Path

SPAN = re.compile(r"`([^`]+)`")
UNIT = re.compile(r"^\s*(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
SCENARIO = re.compile(r'@scenario\(\s*((?:f?"[^"]*"\s*)+)')
FAULT = re.compile(r'^    name = "([^"]+)"', re.MULTILINE)
LINT = re.compile(r"(?:add_test\(NAME lint\.|mtasts_lint\()(\w+)")


def texts(folder: Path, pattern: str) -> list[str]:
    return [file.read_text(encoding="utf-8") for file in sorted(folder.rglob(pattern))]


class Tests:
    def __init__(self, root: Path) -> None:
        self.root = root / "tests"
        self.units = {".".join(names) for text in texts(self.root / "unit", "*.cc") for names in UNIT.findall(text)}
        self.faults = {name for text in texts(self.root / "soak", "*.py") for name in FAULT.findall(text)}
        self.lints = set(LINT.findall((self.root / "lint/CMakeLists.txt").read_text(encoding="utf-8")))

    def exists(self, name: str) -> bool:
        where, colon, title = name.partition(": ")
        if not colon:
            return name in self.units or (name.startswith("lint.") and name[5:] in self.lints)
        return title in self.faults if where == "soak" else self.has_scenario(where, title)

    def has_scenario(self, where: str, part: str) -> bool:
        titles = [title for text in texts(self.root / "e2e" / where, "*.py") for title in SCENARIO.findall(text)]
        return any(part in title for title in titles)


def promises(text: str) -> list[tuple[int, str]]:
    """The last cell of each row of the tables that end with "held by", with its line number."""
    found, inside = [], False
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[-1] == "held by":
            inside = True
        elif inside and not set(cells[-1]) <= set("-: "):
            found.append((number, cells[-1]))
    return found


def main() -> int:
    root = Path(sys.argv[1])
    file, tests, wrong = root / "docs/security.md", Tests(root), []
    rows = promises(file.read_text(encoding="utf-8"))
    for number, cell in rows:
        names = SPAN.findall(cell)
        wrong += [(number, "no test is named")] * (not names) + [(number, f"there is no test {name!r}") for name in names if not tests.exists(name)]
    for number, text in wrong or ([] if rows else [(1, "no promise is found")]):
        print(f"{file}:{number}: {text}")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
