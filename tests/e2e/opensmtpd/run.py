#!/usr/bin/python3
"""End-to-end tests of table-mtasts with OpenSMTPD: three versions, each with real names, policy hosts and receivers in a sandbox of its own.

    sudo tests/e2e/opensmtpd/run.py --build build/release [--results FILE] [--only TEXT] [--version 6.8] [--suite bookworm]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE.parent / "every"), str(HERE)]

import roots  # noqa: E402
import runner  # noqa: E402
from opensmtpd import OpenSmtpd  # noqa: E402
from topology import DOMAINS, HOSTS  # noqa: E402
from world import World  # noqa: E402

import every_change  # noqa: E402,F401
import every_enforce  # noqa: E402,F401
import every_observe  # noqa: E402,F401
import every_trouble  # noqa: E402,F401
import scenarios_change  # noqa: E402,F401
import scenarios_configuration  # noqa: E402,F401
import scenarios_enforce  # noqa: E402,F401
import scenarios_load  # noqa: E402,F401
import scenarios_reports  # noqa: E402,F401
import scenarios_setup  # noqa: E402,F401
import scenarios_submission  # noqa: E402,F401
import scenarios_testing  # noqa: E402,F401
import scenarios_traps  # noqa: E402,F401
import scenarios_trouble  # noqa: E402,F401

ROOTS = (roots.OPENSMTPD_6_8, roots.OPENSMTPD_7_6, roots.OPENSMTPD_NEWEST)


def version(root: roots.Root) -> runner.Version:
    def world() -> World:
        [tree] = roots.unpacked(root)
        return World(DOMAINS, HOSTS, OpenSmtpd(tree, roots.version(root), HOSTS))

    return runner.Version(root.name.replace("opensmtpd-", "OpenSMTPD "), world, lambda: roots.unpacked_for_our_programs(root), suite=root.suite,
                          server=lambda: roots.server(root))


if __name__ == "__main__":
    sys.exit(runner.main(HERE / "run.py", [version(root) for root in ROOTS]))
