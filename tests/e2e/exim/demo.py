#!/usr/bin/python3
"""./dev demo: real mails through a real Exim in a sandbox, told as a short story.

    sudo tests/e2e/exim/demo.py --build build/release
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab")]

import story  # noqa: E402
from topology import HOSTS  # noqa: E402
from sender import Sender  # noqa: E402
from world import World  # noqa: E402

def waiting(world: World) -> str:
    assert isinstance(world.sender, Sender)
    return world.sender.exim("-bp")


EXIM = story.Demo("Exim", lambda: World(story.DOMAINS, HOSTS), waiting, why=lambda text: text.split("defer ", 1)[-1])

if __name__ == "__main__":
    sys.exit(story.main(HERE / "demo.py", EXIM))
