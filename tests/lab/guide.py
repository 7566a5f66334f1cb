"""The commands of a guide, in the order in which a reader meets them, so that a test runs what is written.

    for command in commands(Path("docs/postfix.md"), "Setting up"):
        print(command.place, command.text, command.remark)

A command is a line of a fenced block that names no language, below the heading up to the next one of its rank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

REMARK = re.compile(r"(?:^|\s{2,})#\s+(.*)$")


class NoSuchHeading(Exception):
    """Or nothing to type below it."""


@dataclass(frozen=True)
class Command:
    text: str  # without its remark; a remark on a line of its own is none
    remark: str
    place: str  # "postfix.md:28"

    @property
    def alternative(self) -> str:
        """Of the remark "or: COMMAND"."""
        return self.remark.removeprefix("or: ") if self.remark.startswith("or: ") else ""


def commands(guide: Path, heading: str) -> list[Command]:
    found = [command for command in _below(guide, heading) if command.text]
    if not found:
        raise NoSuchHeading(f"{guide.name} has no commands below the heading '{heading}'")
    return found


def file_in(guide: Path, path: str) -> str:
    """The text of the file that the guide has the reader write."""
    return block_after(guide, f"`{path}`, executable:")


def block_after(guide: Path, end: str) -> str:
    """The text of the fenced block after the line that ends with `end`, of which there must be one."""
    lines = guide.read_text(encoding="utf-8").splitlines()
    named = [number for number, line in enumerate(lines) if line.endswith(end)]
    if len(named) != 1:
        raise NoSuchHeading(f"{guide.name} has {len(named)} lines that end with '{end}'")
    begin = next(number for number, line in enumerate(lines) if number > named[0] and line.startswith("```")) + 1
    return "".join(f"{line}\n" for line in lines[begin:lines.index("```", begin)])


def _below(guide: Path, heading: str) -> Iterator[Command]:
    rank, fence = 0, ""
    for number, line in enumerate(guide.read_text(encoding="utf-8").splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("```"):
            fence = "" if fence else stripped
        elif not fence and (found := re.match(r"(#+) (.*)$", line)):
            if rank and len(found[1]) <= rank:
                return
            if found[2] == heading:
                rank = len(found[1])
        elif rank and fence == "```":
            remark = REMARK.search(stripped)
            yield Command(stripped[:remark.start()] if remark else stripped, remark[1].strip() if remark else "", f"{guide.name}:{number}")
