#!/usr/bin/python3
"""End-to-end tests of the Exim adapter: real Exim, real names, real policy hosts, real receivers, in a sandbox.

    sudo tests/e2e/exim/run.py --build build/release [--results FILE] [--only TEXT]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE.parent / "every"), str(HERE)]

import runner  # noqa: E402
from topology import DOMAINS, HOSTS  # noqa: E402
from world import World  # noqa: E402

import every_change  # noqa: E402,F401
import every_enforce  # noqa: E402,F401
import every_trouble  # noqa: E402,F401
import scenarios_change  # noqa: E402,F401
import scenarios_configuration  # noqa: E402,F401
import scenarios_dane  # noqa: E402,F401
import scenarios_enforce  # noqa: E402,F401
import scenarios_examples  # noqa: E402,F401
import scenarios_setup  # noqa: E402,F401
import scenarios_testing  # noqa: E402,F401
import scenarios_trouble  # noqa: E402,F401
import scenarios_upkeep  # noqa: E402,F401

if __name__ == "__main__":
    sys.exit(runner.main(HERE / "run.py", [runner.Version("Exim", lambda: World(DOMAINS, HOSTS))]))
