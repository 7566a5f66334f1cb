#!/usr/bin/python3
"""End-to-end tests of mtasts publish: real nameserver, nsupdate and web servers; Debian's Exim delivers under what is published.

    sudo tests/e2e/publish/run.py --build build/release [--results FILE] [--only TEXT]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE)]

import roots  # noqa: E402
import runner  # noqa: E402
from topology import DOMAINS, HOSTS  # noqa: E402
from world import World  # noqa: E402

import scenarios_acme  # noqa: E402,F401
import scenarios_life  # noqa: E402,F401
import scenarios_servers  # noqa: E402,F401
import scenarios_trouble  # noqa: E402,F401

if __name__ == "__main__":
    sys.exit(runner.main(HERE / "run.py", [runner.Version("mtasts publish", lambda: World(DOMAINS, HOSTS),
                                                          lambda: roots.unpacked(roots.WEB_SERVERS))]))
