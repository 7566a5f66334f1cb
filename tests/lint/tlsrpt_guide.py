"""The blocks of docs/tlsrpt.md that are whole files are those of conf-examples/tlsrpt: prints each file that is not in the guide, exit 1 then.

usage: tlsrpt_guide.py SOURCE_ROOT
"""

import re
import sys
from pathlib import Path


def main() -> int:
    root = Path(sys.argv[1])
    guide = (root / "docs/tlsrpt.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    files = sorted((root / "conf-examples/tlsrpt").iterdir())
    wrong = [file.name for file in files if file.read_text(encoding="utf-8") not in blocks]
    for name in wrong:
        print(f"docs/tlsrpt.md: conf-examples/tlsrpt/{name} is not in it, or differs")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
