#!/usr/bin/python3
"""./dev soak: breaks everything around the module, for a chosen time, and judges every answer.

    sudo tests/soak/run.py --build build/release --seconds 600 [--seed N]     faults at random, several at once
    sudo tests/soak/run.py --build build/release --short [--results FILE]     each fault once, one result each

Ends with a table: how often each fault was tried, how many answers were judged meanwhile and what was found. Exit 1 if
anything was. The seed repeats what is drawn; what the machine's scheduler makes of it is different every time.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lab"), str(HERE)]

import sandbox  # noqa: E402
from packages import LabError  # noqa: E402
from soak import KINDS, Result, Soak  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="breaks everything around the module and judges every answer")
    parser.add_argument("--build", type=Path, required=True, help="build folder to install the module from")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--short", action="store_true", help="each fault once")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--results", type=Path, default=Path("/dev/null"), help="file for the counts of --short")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def outside(options: argparse.Namespace) -> int:
    """Enters the sandbox with this same program, which writes its counts to an open file."""
    build = options.build.resolve()
    with open(options.results, "w", encoding="utf-8") as counts:
        try:
            return sandbox.run(["/usr/bin/python3", str(HERE / "run.py"), "--inside", "--build", str(build), "--seconds", str(options.seconds),
                                "--seed", str(options.seed), "--results", f"/proc/self/fd/{counts.fileno()}",
                                *(["--short"] if options.short else [])], writable=build, pass_fds=[counts.fileno()])
        except LabError as reason:
            why = f"soak ({len(KINDS)} faults): {reason}"
            print(f"SKIP {why}")
            counts.write(f"0 passed, 0 failed, {len(KINDS)} skipped\nskipped: {why}\n")
            return 0


def inside(options: argparse.Namespace) -> int:
    print(f"soak: seed {options.seed}, load {os.getloadavg()[0]:.1f}", flush=True)
    begin = time.monotonic()
    soak = Soak(options.build, options.seed)
    soak.start()
    try:
        if options.short:
            tell(soak.each_once(), options.results)
        else:
            soak.at_random(options.seconds)
    except LabError as reason:
        soak.report.found("stray", set(), f"the soak itself cannot go on: {reason}")
    finally:
        soak.quit(options.build / "soak" / f"seed-{soak.seed}")
    if not options.short:
        print(soak.report.table())
    print(ending(soak, time.monotonic() - begin))
    return 1 if soak.report.found_in_all else 0


def tell(results: list[Result], file: Path) -> None:
    tally = {"ok": 0, "FAIL": 0, "SKIP": 0}
    for result in results:
        tally[result.state] += 1
        print(f"{result.state} soak: {result.name} ({result.text})")
    file.write_text(f"{tally['ok']} passed, {tally['FAIL']} failed, {tally['SKIP']} skipped\n", encoding="ascii")


def ending(soak: Soak, seconds: float) -> str:
    tally, ran = soak.oracle.tally, soak.report.ran
    return (f"soak: {seconds:.0f} s, {sum(ran.values())} processes ({', '.join(f'{count} {name}' for name, count in sorted(ran.items()))}), "
            f"{tally.answers} answers judged, {tally.duties} of them had to be a cached policy, {tally.defers} deferred, "
            f"{tally.starved} not judged because the soak's name servers could not run, "
            f"{soak.inspector.inspected} entries read, {sum(len(domain.versions) for domain in soak.domains)} policies published, "
            f"healed {soak.heals} times: {soak.report.found_in_all} findings; seed {soak.seed}")


def main() -> int:
    options = arguments()
    return inside(options) if options.inside else outside(options)


if __name__ == "__main__":
    sys.exit(main())
