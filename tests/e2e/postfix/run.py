#!/usr/bin/python3
"""End-to-end tests of mtastsd with Postfix: three versions, each with real names, policy hosts and receivers in a sandbox of its own.

    sudo tests/e2e/postfix/run.py --build build/release [--results FILE] [--only TEXT] [--version 3.7]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE.parent / "every"), str(HERE.parent / "socketmap"), str(HERE)]

import roots  # noqa: E402
import runner  # noqa: E402
from postfix import Postfix  # noqa: E402
from topology import DOMAINS, HOSTS  # noqa: E402
from world import World  # noqa: E402

import every_change  # noqa: E402,F401
import every_enforce  # noqa: E402,F401
import every_observe  # noqa: E402,F401
import every_trouble  # noqa: E402,F401
import scenarios_daemon  # noqa: E402,F401
import scenarios_dane  # noqa: E402,F401
import scenarios_enforce  # noqa: E402,F401
import scenarios_failures  # noqa: E402,F401
import scenarios_flood  # noqa: E402,F401
import scenarios_reports  # noqa: E402,F401
import scenarios_routes  # noqa: E402,F401
import scenarios_setup  # noqa: E402,F401
import scenarios_storm  # noqa: E402,F401
import scenarios_shared  # noqa: E402,F401
import scenarios_testing  # noqa: E402,F401
import scenarios_trouble  # noqa: E402,F401
import scenarios_versions  # noqa: E402,F401

EXAMPLES = {roots.POSTFIX_3_7: "main.cf.before-3.10", roots.POSTFIX_3_10: "main.cf", roots.POSTFIX_NEWEST: "main.cf"}


def version(root: roots.Root) -> runner.Version:
    def world() -> World:
        [tree] = roots.unpacked(root)
        return World(DOMAINS, HOSTS, Postfix(tree, roots.version(root), EXAMPLES[root]))

    return runner.Version(root.name.replace("postfix-", "Postfix "), world, lambda: roots.unpacked(root), suite=root.suite,
                          server=lambda: roots.server(root))


if __name__ == "__main__":
    sys.exit(runner.main(HERE / "run.py", [version(root) for root in EXAMPLES]))
