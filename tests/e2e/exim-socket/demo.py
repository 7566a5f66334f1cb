#!/usr/bin/python3
"""./dev demo exim-socket: real mails through Debian's default Exim, which asks mtastsd, in a sandbox, told as a short story.

    sudo tests/e2e/exim-socket/demo.py --build build/release
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab")]

import demo_runner  # noqa: E402
import roots  # noqa: E402
from exim_socket import SocketSender, exim_by_socket  # noqa: E402
from topology import HOSTS  # noqa: E402
from world import Trace, World  # noqa: E402


def world() -> World:
    [tree] = roots.unpacked(roots.EXIM_LIGHT_4_96)
    return World(demo_runner.DOMAINS, HOSTS, SocketSender(tree))


def says(told: Trace) -> list[str]:
    return [line.split(": ", 2)[-1] for line in told.syslog if "event=started" not in line]


EXIM = demo_runner.Demo("Exim", "mtastsd", world, lambda world: exim_by_socket(world).exim("-bp"), why=lambda text: text.split("defer ", 1)[-1], says=says,
                  unpack=lambda: roots.unpacked(roots.EXIM_LIGHT_4_96))

if __name__ == "__main__":
    sys.exit(demo_runner.main(HERE / "demo.py", EXIM))
