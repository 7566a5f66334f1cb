#!/usr/bin/python3
"""./dev demo postfix: real mails through a real Postfix that asks mtastsd, in a sandbox, mail by mail.

    sudo tests/e2e/postfix/demo.py --build build/release
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab")]

import roots  # noqa: E402
import demo_runner  # noqa: E402
from topology import HOSTS  # noqa: E402
from postfix import Postfix, postfix  # noqa: E402
from world import Trace, World  # noqa: E402

def world() -> World:
    [tree] = roots.unpacked(roots.POSTFIX_3_10)
    return World(demo_runner.DOMAINS, HOSTS, Postfix(tree, roots.version(roots.POSTFIX_3_10), "main.cf"))


def says(told: Trace) -> list[str]:
    """What Postfix says of a host that it leaves out or does not trust; mtastsd has nothing to say of good days."""
    return [line.split("]: ", 1)[-1] for line in told.log if "STS" in line or "certificate verification failed" in line]


POSTFIX = demo_runner.Demo("Postfix", "mtastsd", world, lambda world: postfix(world).root.run("postqueue", "-p"), says=says,
                     unpack=lambda: roots.unpacked(roots.POSTFIX_3_10))

if __name__ == "__main__":
    sys.exit(demo_runner.main(HERE / "demo.py", POSTFIX))
