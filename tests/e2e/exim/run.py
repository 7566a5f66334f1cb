#!/usr/bin/python3
"""End-to-end tests of the Exim adapter: real Exim, real names, real policy hosts, real receivers, in a sandbox.

    sudo tests/e2e/exim/run.py --build build/release [--results FILE] [--only TEXT]

One line a scenario. The counts go to the file of --results as "N passed, N failed, N skipped". Exit 1 if one failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE)]

import sandbox  # noqa: E402
from framework import SCENARIOS, Scenario, run_one  # noqa: E402
from packages import LabError  # noqa: E402
from topology import DOMAINS, HOSTS  # noqa: E402
from world import World  # noqa: E402

import scenarios_change  # noqa: E402,F401
import scenarios_configuration  # noqa: E402,F401
import scenarios_dane  # noqa: E402,F401
import scenarios_enforce  # noqa: E402,F401
import scenarios_examples  # noqa: E402,F401
import scenarios_testing  # noqa: E402,F401
import scenarios_trouble  # noqa: E402,F401
import scenarios_upkeep  # noqa: E402,F401


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="end-to-end tests of the Exim adapter")
    parser.add_argument("--build", type=Path, required=True, help="build folder to install the module from")
    parser.add_argument("--results", type=Path, help="file for the counts")
    parser.add_argument("--only", default="", help="run the scenarios whose name contains this")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def outside(options: argparse.Namespace) -> int:
    """Enters the sandbox with this same program, which writes its counts to an open file."""
    results = options.results or Path("/dev/null")
    with open(results, "w", encoding="ascii") as counts:
        try:
            return sandbox.run(["/usr/bin/python3", str(HERE / "run.py"), "--inside", "--build", str(options.build.resolve()),
                                "--results", f"/proc/self/fd/{counts.fileno()}", "--only", options.only],
                               writable=options.build.resolve(), pass_fds=[counts.fileno()])
        except LabError as reason:
            print(f"SKIP Exim end to end ({len(SCENARIOS)} scenarios): {reason}")
            counts.write(f"0 passed, 0 failed, {len(SCENARIOS)} skipped\n")
            return 0


def inside(options: argparse.Namespace) -> int:
    begin = time.monotonic()
    chosen = [one for one in SCENARIOS if options.only in one.name]
    world = World(DOMAINS, HOSTS)
    world.start()
    try:
        world.sender.install_module(options.build)
        world.sender.add_examples()
        tally = run_all(world, chosen)
    finally:
        world.stop()
    counts = f"{tally['ok']} passed, {tally['FAIL']} failed, {tally['SKIP']} skipped"
    print(f"Exim end to end: {counts} ({time.monotonic() - begin:.0f} s)")
    options.results.write_text(f"{counts}\n", encoding="ascii")
    return 1 if tally["FAIL"] else 0


def run_all(world: World, chosen: list[Scenario]) -> dict[str, int]:
    tally = {"ok": 0, "FAIL": 0, "SKIP": 0}
    for one in chosen:
        state, line = run_one(world, one)
        tally[state] += 1
        print(line, flush=True)
    return tally


def main() -> int:
    options = arguments()
    return inside(options) if options.inside else outside(options)


if __name__ == "__main__":
    sys.exit(main())
