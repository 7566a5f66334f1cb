"""mtasts(3) has every function, constant and member of mtasts.h, and none that mtasts.h does not have.

usage: header_manual.py SOURCE-FOLDER
"""

import re
import sys
from pathlib import Path

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FUNCTION = re.compile(r"\b(mtasts_\w+)\(")
ENUM = re.compile(r"typedef enum \w+ \{(.*?)\}", re.DOTALL)
CONSTANT = re.compile(r"\bMTASTS_\w+")
STRUCT = re.compile(r"typedef struct \w+ \{(.*?)\}", re.DOTALL)
MEMBER = re.compile(r"(\w+);")
# The macros of mdoc(7) for each.
MACROS = {"function": r"\.Fn (mtasts_\w+)", "constant": r"\bDv (MTASTS_\w+)", "member": r"^\.(?:It )?Va (\w+)"}


def in_header(text: str) -> dict[str, set[str]]:
    code = COMMENT.sub("", text)
    return {
        "function": set(FUNCTION.findall(code)),
        "constant": {name for body in ENUM.findall(code) for name in CONSTANT.findall(body)},
        "member": {name for body in STRUCT.findall(code) for name in MEMBER.findall(body)},
    }


def main() -> int:
    root = Path(sys.argv[1])
    manual = (root / "packaging/man/mtasts.3").read_text(encoding="utf-8")
    wrong = []
    for kind, names in in_header((root / "module/mtasts.h").read_text(encoding="utf-8")).items():
        described = set(re.findall(MACROS[kind], manual, re.MULTILINE))
        wrong += [f"the {kind} {name} is missing" for name in sorted(names - described)]
        wrong += [f"mtasts.h has no {kind} {name}" for name in sorted(described - names)]
        if not names:
            wrong.append(f"no {kind} is found in mtasts.h")
    for text in wrong:
        print(f"packaging/man/mtasts.3: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
