#!/usr/bin/python3
"""./dev demo: real mails through a real Exim in a sandbox, mail by mail.

    sudo tests/e2e/exim/demo.py --build build/release
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab")]

import demo_runner  # noqa: E402
from topology import HOSTS  # noqa: E402
from sender import Sender  # noqa: E402
from world import World  # noqa: E402

def waiting(world: World) -> str:
    assert isinstance(world.sender, Sender)
    return world.sender.exim("-bp")


EXIM = demo_runner.Demo("Exim", "mtasts-module,mtasts-exim", lambda: World(demo_runner.DOMAINS, HOSTS), waiting, why=lambda text: text.split("defer ", 1)[-1])

if __name__ == "__main__":
    sys.exit(demo_runner.main(HERE / "demo.py", EXIM))
