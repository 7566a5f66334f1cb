#!/usr/bin/python3
"""End-to-end tests of mtastsd with Sendmail: three versions, each with real names, policy hosts and receivers in a sandbox of its own.

    sudo tests/e2e/sendmail/run.py --build build/release [--results FILE] [--only TEXT] [--version 8.17]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE.parent / "every"), str(HERE.parent / "socketmap"), str(HERE)]

import roots  # noqa: E402
import runner  # noqa: E402
from sendmail import Sendmail  # noqa: E402
from topology import DOMAINS, HOSTS  # noqa: E402
from world import World  # noqa: E402

import every_change  # noqa: E402,F401
import every_enforce  # noqa: E402,F401
import every_observe  # noqa: E402,F401
import every_trouble  # noqa: E402,F401
import scenarios_enforce  # noqa: E402,F401
import scenarios_failures  # noqa: E402,F401
import scenarios_sendmail  # noqa: E402,F401
import scenarios_setup  # noqa: E402,F401
import scenarios_shared  # noqa: E402,F401
import scenarios_testing  # noqa: E402,F401
import scenarios_trouble  # noqa: E402,F401

ROOTS = (roots.SENDMAIL_8_17, roots.SENDMAIL_8_18, roots.SENDMAIL_NEWEST)


def version(root: roots.Root) -> runner.Version:
    def world() -> World:
        [tree] = roots.unpacked(root)
        return World(DOMAINS, HOSTS, Sendmail(tree, roots.version(root)))

    return runner.Version(root.name.replace("sendmail-", "Sendmail "), world, lambda: roots.unpacked(root), suite=root.suite,
                          server=lambda: roots.server(root))


if __name__ == "__main__":
    sys.exit(runner.main(HERE / "run.py", [version(root) for root in ROOTS]))
