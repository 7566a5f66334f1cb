"""docs/events.md lists each event of the log and each metric once, and nothing else.

usage: events.py SOURCE-FOLDER

An event is what a LogLine is made of, or what follows `event=` in a text. Its row begins with | `name` |, or
with several names: | `name`, `name` |.
"""

import re
import sys
from collections import Counter
from pathlib import Path

ROOMS = ("adapters", "core", "dns", "fetch", "module")
CONSTANT = re.compile(r'constexpr std::string_view (k\w+) = "([a-z-]+)";')
LINE = re.compile(r"\b(?:LogLine(?:\s+\w+)?|line_of|log_deferral)\(([^()]*?)[,)]")
NAME = re.compile(r'"([a-z]+(?:-[a-z]+)*)"|\b(k[A-Z]\w+)')
WORDS = re.compile(r'"event=([a-z]+(?:-[a-z]+)*)[ "]')
METRIC = re.compile(r'"(mtasts_[a-z_]+)"')
ROW = re.compile(r"^\| ((?:`[a-z_-]+`(?:, )?)+) \|", re.MULTILINE)


def code(root: Path) -> dict[Path, str]:
    return {file: file.read_text(encoding="utf-8") for room in ROOMS for file in sorted((root / room).rglob("*.cc"))}


def events(root: Path, texts: dict[Path, str]) -> set[str]:
    constants = dict(CONSTANT.findall((root / "module/store/delivery_events.h").read_text(encoding="utf-8")))
    found = set()
    for text in texts.values():
        for argument in LINE.findall(text):
            found |= {name or constants[constant] for name, constant in NAME.findall(argument) if name or constant in constants}
        found |= set(WORDS.findall(text))
    return found


def main() -> int:
    root = Path(sys.argv[1])
    texts = code(root)
    wanted = events(root, texts) | set(METRIC.findall(texts[root / "module/server/metrics.cc"]))
    rows = ROW.findall((root / "docs/events.md").read_text(encoding="utf-8"))
    listed = Counter(name for row in rows for name in re.findall(r"`([^`]+)`", row))
    wrong = [f"{name} is not listed" for name in sorted(wanted - listed.keys())]
    wrong += [f"{name} is listed, but nothing in the code has that name" for name in sorted(listed.keys() - wanted)]
    wrong += [f"{name} is listed {times} times" for name, times in sorted(listed.items()) if times > 1]
    for text in wrong or ([] if wanted else ["no event is found in the code"]):
        print(f"docs/events.md: {text}")
    return 1 if wrong or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
