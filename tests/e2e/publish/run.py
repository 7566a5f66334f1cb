#!/usr/bin/python3
"""End-to-end tests of mtasts publish: real nameserver, nsupdate and web servers; Debian's Exim delivers under what is published, and
under the recipes Postfix, too.

    sudo tests/e2e/publish/run.py --build build/release [--results FILE] [--only TEXT]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE)]

import roots  # noqa: E402
import runner  # noqa: E402
from postfix import Postfix  # noqa: E402
from topology import DOMAINS, HOSTS  # noqa: E402
from world import World  # noqa: E402

import scenarios_life  # noqa: E402,F401
import scenarios_recipes  # noqa: E402,F401
import scenarios_servers  # noqa: E402,F401
import scenarios_trouble  # noqa: E402,F401

POSTFIX = roots.POSTFIX_3_10


def with_postfix() -> World:
    [tree] = roots.unpacked(POSTFIX)
    return World(DOMAINS, HOSTS, Postfix(tree, roots.version(POSTFIX), "main.cf"))


VERSIONS = [
    runner.Version("mtasts publish", lambda: World(DOMAINS, HOSTS), lambda: roots.unpacked(roots.WEB_SERVERS)),
    runner.Version("mtasts publish with Postfix", with_postfix, lambda: roots.unpacked(roots.WEB_SERVERS, POSTFIX), ("scenarios_recipes",)),
]

if __name__ == "__main__":
    sys.exit(runner.main(HERE / "run.py", VERSIONS))
