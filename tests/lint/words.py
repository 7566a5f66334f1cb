"""Words that administrators do not search for, and names that were given up: none in documents, man pages and sources.

usage: words.py SOURCE_ROOT
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("docs", "packaging/man", "cmake", "core", "dns", "fetch", "module", "adapters", "tests", "conf-examples")
SUFFIXES = {".md", ".1", ".3", ".5", ".8", ".cc", ".h", ".c", ".py", ".cmake", ".txt", ".toml", ".sh", ".conf"}
# Here they stand to be found, and there a resolver of others keeps names by itself.
EXEMPT = ("tests/lint/words.py", "tests/e2e/publish/publisher.py")
# What is found, whole words in any case, and what to write.
INSTEAD = {
    r"remember\w*": "cached, kept, saved",
    r"mend(?:s|ed|ing)?": "fix, undo",
    r"let(?:s|ting)?\s+go": "drop, free, remove",
    r"into\s+the\s+void": "to a name that does not exist",
    r"bef(?:alls?|ell|allen)": "happens to",
    r"gravest\w*": "most serious",
    r"upkeep": "sweep",
    r"surroundings": "environment",
    r"k?patien(?:ce|t)\w*": "timeout",
    r"asker": "client",
    r"settle_doubt|leave_the_host|be_the_child|waits_for_dane|is_of_no_account|is_of_the_future|kMost\w*": "the name in use now",
}
# The same within names of tests: WhatBefellDeliveries.
IN_NAMES = re.compile(r"(?<=[a-z0-9])(?:Remember|Mended|Befalls?|Befell|Gravest|Upkeep)(?![a-z])|(?<=[a-z0-9])Remember(?:s|ed)(?![a-z])")
# Python waits for what it tests with patience, and asks as several clients: names of the tests' own.
OF_TESTS = {r"k?patien(?:ce|t)\w*", r"asker"}


def texts(root: Path) -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for path in sorted(path for path in (root / folder).rglob("*") if path.suffix in SUFFIXES and "corpus" not in path.parts):
            if (name := path.relative_to(root).as_posix()) not in EXEMPT:
                yield name, path.read_text(encoding="utf-8")


def main() -> int:
    found = 0
    for name, text in texts(Path(sys.argv[1])):
        for words, instead in INSTEAD.items():
            if name.startswith("tests/") and words in OF_TESTS:
                continue
            # Also a part of a name: probe_surroundings.
            for match in re.finditer(rf"(?<![A-Za-z])(?:{words})(?![A-Za-z])", text, re.IGNORECASE):
                line = text.count("\n", 0, match.start()) + 1
                print(f"{name}:{line}: \"{' '.join(match[0].split())}\": write {instead}")
                found += 1
        for match in IN_NAMES.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            print(f"{name}:{line}: \"{match[0]}\" in a name")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
