"""What was tried and what was found, told as it comes and as a table at the end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

CALM = "(nothing broken)"
TOLD = 40  # findings that are printed in full


@dataclass
class Row:
    times: int = 0
    seconds: float = 0.0
    acts: int = 0  # single acts: kills, files damaged, jumps
    answers: int = 0
    first: int = 0  # first contacts with an honest domain while strangers were about
    deferred: int = 0  # so many of these had to wait
    found: Counter[str] = field(default_factory=Counter)


class Report:
    """`found()` takes what went wrong; its kind is one of KINDS."""

    KINDS = ("wrong", "lost", "hang", "crash", "stray")

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.history: list[str] = []  # every fault, from when to when
        self.rows: dict[str, Row] = {}
        self.found_in_all = 0
        self.ran: Counter[str] = Counter()  # how often each program was run
        self._told = self.begin
        self._lock = threading.Lock()

    def row(self, name: str) -> Row:
        return self.rows.setdefault(name, Row())

    def tried(self, name: str, seconds: float) -> None:
        with self._lock:
            self.row(name).times += 1
            self.row(name).seconds += seconds
            end = time.monotonic() - self.begin
            self.history.append(f"{end - seconds:7.1f} s to {end:7.1f} s {name}\n")

    def act(self, name: str, count: int = 1) -> None:
        with self._lock:
            self.row(name).acts += count

    def answered(self, faults: set[str]) -> None:
        """One answer was judged that these faults may have touched."""
        with self._lock:
            for name in faults or {CALM}:
                self.row(name).answers += 1

    def first_contact(self, name: str, deferred: bool) -> None:
        with self._lock:
            self.row(name).first += 1
            self.row(name).deferred += deferred

    def ran_one(self, program: str) -> None:
        with self._lock:
            self.ran[program] += 1

    def found(self, kind: str, faults: set[str], text: str) -> None:
        with self._lock:
            self.found_in_all += 1
            for name in faults or {CALM}:
                self.row(name).found[kind] += 1
            if self.found_in_all <= TOLD:
                print(f"FOUND {time.monotonic() - self.begin:7.1f} s {kind} [{', '.join(sorted(faults)) or CALM}] {text}", flush=True)

    def progress(self, answers: int) -> None:
        """At most once a minute: that it goes on."""
        now = time.monotonic()
        if now - self._told >= 60:
            self._told = now
            print(f"{now - self.begin:5.0f} s, {answers} answers judged, {self.found_in_all} findings", flush=True)

    def table(self) -> str:
        lines = [f"{'fault':<22}{'times':>6}{'seconds':>9}{'acts':>7}{'answers':>9}{'first':>7}{'waited':>7}" + "".join(f"{kind:>7}" for kind in self.KINDS)]
        for name, row in sorted(self.rows.items(), key=lambda item: (item[0] != CALM, item[0])):
            lines.append(f"{name:<22}{row.times or '':>6}{f'{row.seconds:.0f}' if row.times else '':>9}{row.acts or '':>7}"
                         f"{row.answers:>9}{row.first or '':>7}{row.deferred if row.first else '':>7}" + "".join(f"{row.found[kind]:>7}" for kind in self.KINDS))
        return "\n".join(lines)
