#!/usr/bin/python3
"""End-to-end tests of `mtasts check`: a broken domain for each finding and a good one for each legal form, looked at by the
installed command in a sandbox, with real names, policy hosts and mail hosts.

    sudo tests/e2e/check/run.py --build build/release [--results FILE] [--only TEXT]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE)]

import runner  # noqa: E402
from checked_world import CheckedWorld  # noqa: E402

import cases_dns  # noqa: E402,F401
import cases_host  # noqa: E402,F401
import cases_mx  # noqa: E402,F401
import cases_policy  # noqa: E402,F401
import scenarios_runs  # noqa: E402,F401
import scenarios_time  # noqa: E402,F401

if __name__ == "__main__":
    sys.exit(runner.main(HERE / "run.py", [runner.Version("mtasts check", CheckedWorld)]))
