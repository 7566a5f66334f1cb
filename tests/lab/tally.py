"""Counts of scenarios, and how they travel out of a sandbox: as JSON through a pipe."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Iterable

from framework import Scenario, run_one
from world import World


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: list[str] = field(default_factory=list)  # "WHAT: WHY" of what was skipped
    unsteady: list[str] = field(default_factory=list)  # failed, and passed when they were run again
    failures: list[str] = field(default_factory=list)  # "NAME: WHY" of what failed twice
    servers: list[str] = field(default_factory=list)  # "TITLE (PACKAGE VERSION): COUNTS" of each version of a server

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Tally:
        """Of one that says nothing: who died has failed."""
        return cls(**json.loads(text)) if text else cls(failed=1)

    @classmethod
    def left_out(cls, scenarios: int, what: str, why: object) -> Tally:
        reason = f"{what} ({scenarios} scenarios): {why}"
        print(f"SKIP {reason}", flush=True)
        return cls(skipped=scenarios, reasons=[reason])

    def counts(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    def results(self) -> str:
        """What counts.py reads, and compatibility.py."""
        remarks = [f"skipped: {reason}" for reason in self.reasons] + [f"unsteady: {name}" for name in self.unsteady] + [f"failed: {line}" for line in self.failures]
        return "".join(f"{line}\n" for line in [*self.servers, self.counts(), *remarks])


def total(tallies: Iterable[Tally]) -> Tally:
    parts = list(tallies)
    return Tally(sum(part.passed for part in parts), sum(part.failed for part in parts), sum(part.skipped for part in parts),
                 [reason for part in parts for reason in part.reasons], [name for part in parts for name in part.unsteady],
                 [line for part in parts for line in part.failures], [server for part in parts for server in part.servers])


def run_all(world: World, chosen: Iterable[Scenario], where: str) -> Tally:
    """Each once, and those that failed once more at the end: the machine may have been too busy for their time limits.

    `where` names the world before each line that is told, if it is not empty.
    """
    tally = Tally()
    prefix = f"[{where}] " if where else ""
    failed = []
    for one in chosen:
        state, line = run_one(world, one)
        print(prefix + line, flush=True)
        tally.passed += state == "ok"
        tally.skipped += state == "SKIP"
        if state == "FAIL":
            failed.append(one)
    for one in failed:
        state, line = run_one(world, one)
        print(f"{prefix}{line}, run again", flush=True)
        if state == "ok":
            tally.passed += 1
            tally.unsteady.append(one.name)
        else:
            tally.failed += 1
            tally.failures.append(" ".join((prefix + line.removeprefix("FAIL ")).split())[:400])
    return tally
