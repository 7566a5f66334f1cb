#!/usr/bin/python3
"""The Debian packages under a real systemd: a machine is booted in a container for each scenario, and thrown away.

    sudo tests/e2e/systemd/run.py --build build/release [--results FILE] [--only TEXT] [--version trixie]

Suites: that of this machine, and Debian 13 where a package built on Debian 12 is at hand, which runs there as well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab"), str(HERE)]

import debian_package  # noqa: E402
import machine  # noqa: E402
import roots  # noqa: E402
import tlsrpt_reporter  # noqa: E402
import unsplit_release  # noqa: E402
from computer import Computer, Releases  # noqa: E402
from framework import SCENARIOS, Scenario  # noqa: E402
from packages import LabError  # noqa: E402
from tally import Tally, run_all, total  # noqa: E402

import scenarios_service  # noqa: E402,F401
import scenarios_setup  # noqa: E402,F401
import scenarios_store  # noqa: E402,F401
import scenarios_upgrade  # noqa: E402,F401
import scenarios_removal  # noqa: E402,F401
import scenarios_split  # noqa: E402,F401
import scenarios_attack  # noqa: E402,F401
import scenarios_guides  # noqa: E402,F401
import scenarios_queue  # noqa: E402,F401
import scenarios_apt  # noqa: E402,F401
import scenarios_tlsrpt  # noqa: E402,F401

SUITES = {"bookworm": ("bookworm", "trixie")}
# Of the scenarios, by the begin of their names, those that an option chooses.
OF_OPTION = {"guides": ("guides: ", "queue: "), "tlsrpt": ("tlsrpt: ",)}


def main() -> int:
    options = _arguments()
    if options.inside:
        return _inside(options)
    tally = _outside(options)
    if options.results:
        options.results.write_text(tally.results(), encoding="utf-8")
    return 1 if tally.failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="end-to-end tests: the package under systemd")
    parser.add_argument("--build", type=Path, required=True, help="build folder to make the package from")
    parser.add_argument("--results", type=Path, help="file for the counts")
    parser.add_argument("--only", default="", help="run the scenarios whose name contains this")
    parser.add_argument("--version", default="", help="run the suites whose name contains this")
    parser.add_argument("--guides", dest="only_of", action="store_const", const="guides", default="", help="run the guides on Debian's own servers, which takes long, and nothing else")
    parser.add_argument("--tlsrpt", dest="only_of", action="store_const", const="tlsrpt",
                        help=f"run docs/tlsrpt.md, and nothing else; {tlsrpt_reporter.VARIABLE} may name a folder with the wheel of tlsrpt-reporter, else it is from PyPI")
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    parser.add_argument("--packages", type=Path, default=Path(), help=argparse.SUPPRESS)
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> list[Scenario]:
    def option_of(one: Scenario) -> str:
        return next((option for option, begins in OF_OPTION.items() if one.name.startswith(begins)), "")

    return [one for one in SCENARIOS if options.only in one.name and option_of(one) == options.only_of]


def _outside(options: argparse.Namespace) -> Tally:
    folder = Path(tempfile.mkdtemp(prefix="mtasts-packages-"))
    try:
        machine.demand()
        if options.only_of == "tlsrpt":
            tlsrpt_reporter.wheels()
        parts = debian_package.build(options.build, folder / "this")
        needed = debian_package.dependencies(parts)
        for version in ("0.1.0", "0.2.0"):
            (folder / version).mkdir()
            unsplit_release.make(parts, folder / version, version)
        (folder / "next").mkdir()
        for part in parts:
            debian_package.variant(part, folder / "next", "9.0.0")
        debian_package.stand_in(folder / "this", "exim4-daemon-heavy", "4.96")
        chosen = [suite for suite in _suites() if options.version in suite]
        with ThreadPoolExecutor(len(chosen)) as pool:
            return total(pool.map(lambda suite: _suite(options, suite, needed, folder), chosen))
    except LabError as reason:
        return Tally.left_out(len(_chosen(options)), "the package under systemd", reason)
    finally:
        shutil.rmtree(folder)


def _suites() -> tuple[str, ...]:
    own = roots.own_suite()
    return SUITES.get(own, (own or "sid",))


def _suite(options: argparse.Namespace, suite: str, needed: list[str], folder: Path) -> Tally:
    """In namespaces of its own, with this same program, which writes its counts to a pipe."""
    reading, writing = os.pipe()
    try:
        machine.prepare(suite, needed)
        machine.inside_namespaces([sys.executable, str(HERE / "run.py"), "--inside", suite, "--build", str(options.build), "--packages", str(folder),
                                   "--only", options.only, *([f"--{options.only_of}"] if options.only_of else []), "--results", f"/proc/self/fd/{writing}"], pass_fds=[writing])
    except LabError as reason:
        return Tally.left_out(len(_chosen(options)), f"Debian {suite} under systemd", reason)
    finally:
        os.close(writing)
        with open(reading, encoding="utf-8") as told:
            text = told.read()
    return Tally.from_json(text)


def _inside(options: argparse.Namespace) -> int:
    begin = time.monotonic()
    computer = Computer(options.inside, Releases.below(options.packages))
    try:
        computer.boot()  # where even a machine without our package does not boot, nothing of ours has failed
    except LabError as reason:
        left_out = Tally.left_out(len(_chosen(options)), f"Debian {options.inside} under systemd", reason)
        options.results.write_text(left_out.to_json(), encoding="utf-8")
        computer.stop()
        return 0
    try:
        tally = run_all(computer, _chosen(options), options.inside)
    finally:
        computer.stop()
    print(f"Debian {options.inside} under systemd: {tally.counts()} ({time.monotonic() - begin:.0f} s)", flush=True)
    options.results.write_text(tally.to_json(), encoding="utf-8")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
