"""The common part of tests/e2e/<server>/run.py: command line, one sandbox for each version of the server, counts.

    run.py --build build/release [--results FILE] [--only TEXT] [--version TEXT | --suite SUITE]

One line a scenario. The counts go to the file of --results as "N passed, N failed, N skipped", after a line for each version
of the server. Exit 1 if one failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import sandbox
from framework import SCENARIOS
from packages import LabError
from tally import Tally, run_all, total
from world import World


@dataclass(frozen=True)
class Version:
    """One version of a server. `world` makes its world, called in the sandbox; what it lacks, LabError tells outside already,
    from `unpack`. `modules`: run the scenarios of these alone, where other versions show the rest. `only_asked`: run for --version alone.
    `suite`: the release of Debian that has it, for --suite. `server`: its package and version, once it is unpacked."""

    title: str
    world: Callable[[], World]
    unpack: Callable[[], object] = lambda: None
    modules: tuple[str, ...] = ()
    only_asked: bool = False
    suite: str = ""
    server: Callable[[], str] = lambda: "version not told"

    def is_wanted(self, options: argparse.Namespace) -> bool:
        if options.suite:
            return options.suite == self.suite
        return bool(options.version or not self.only_asked) and options.version in self.title


def main(script: Path, versions: list[Version]) -> int:
    """The program; `script` is the run.py, which must come here again when it is started in the sandbox."""
    options = _arguments(script)
    for version in versions:
        if version.title == options.inside:
            return _inside(options, version, mention=version.title if len(versions) > 1 else "")
    chosen = [version for version in versions if version.is_wanted(options)]
    if not chosen:
        print(f"{script.parent.name}: no version is called '{options.version}' or is of Debian '{options.suite}'", file=sys.stderr)
        return 64
    sandbox.refusal()  # before each of them tries it
    with ThreadPoolExecutor(len(chosen)) as pool:
        tally = total(pool.map(lambda version: _outside(options, script, version), chosen))
    if options.results:
        options.results.write_text(tally.results(), encoding="utf-8")
    return 1 if tally.failed else 0


def _arguments(script: Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"end-to-end tests: {script.parent.name}")
    parser.add_argument("--build", type=Path, required=True, help="build folder to install mtasts from")
    parser.add_argument("--results", type=Path, help="file for the counts")
    parser.add_argument("--only", default="", help="run the scenarios whose name contains this")
    parser.add_argument("--version", default="", help="run the versions whose title contains this")
    parser.add_argument("--suite", default="", help="run the versions of this release of Debian, each with all scenarios")
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _outside(options: argparse.Namespace, script: Path, version: Version) -> Tally:
    """Enters a sandbox with this same program, which writes its counts to a pipe."""
    reading, writing = os.pipe()
    why = sandbox.refusal()
    try:
        if not why:
            version.unpack()
            sandbox.run(["/usr/bin/python3", str(script), "--inside", version.title, "--build", str(options.build.resolve()),
                         "--results", f"/proc/self/fd/{writing}", "--only", options.only], writable=options.build.resolve(), pass_fds=[writing])
    except LabError as reason:
        why = str(reason)
    finally:
        os.close(writing)
        with open(reading, encoding="utf-8") as told:
            text = told.read()
    if why:
        return Tally.left_out(len(SCENARIOS), f"{version.title} end to end", why)
    tally = Tally.from_json(text)
    tally.servers = [f"{version.title} ({version.server()}): {tally.counts()}"]
    return tally


def _inside(options: argparse.Namespace, version: Version, mention: str) -> int:
    begin = time.monotonic()
    world = version.world()
    world.start()
    try:
        world.sender.install_module(options.build)
        world.sender.add_examples()
        chosen = [one for one in SCENARIOS if options.only in one.name and one.applies(world) and (not version.modules or one.body.__module__ in version.modules)]
        tally = run_all(world, chosen, mention)
    finally:
        world.stop()
    print(f"{version.title} end to end: {tally.counts()} ({time.monotonic() - begin:.0f} s)", flush=True)
    options.results.write_text(tally.to_json(), encoding="utf-8")
    return 1 if tally.failed else 0

