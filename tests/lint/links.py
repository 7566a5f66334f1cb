"""Each relative link of a document leads to a file of this tree: prints each that does not, exit 1 if there is one.

usage: links.py SOURCE_ROOT

Links of installed guides must lead to installed files, too: package_files.py.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FOLDERS = (".", "docs", "docs/adr", "packaging/container", "tests")
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)(?:#[^)]*)?\)")  # neither a URL nor a part of the same document


def targets(document: Path) -> list[str]:
    return LINK.findall(document.read_text(encoding="utf-8"))


def main() -> int:
    root = Path(sys.argv[1])
    documents = [path for folder in FOLDERS for path in sorted((root / folder).glob("*.md"))]
    dead = [(document, target) for document in documents for target in targets(document) if not (document.parent / target).exists()]
    for document, target in dead:
        print(f"{document.relative_to(root)}: links to {target}, which does not exist")
    return 1 if dead or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
