"""The faults: each has a name, a way to strike and a way to be undone. Which there are: ALL in the files faults_*.py."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from clients import Inspector
from episodes import Episode, Episodes, Trait
from testbed import Testbed
from oracle import EXCUSES, Oracle
from programs import Interference, Runner
from report import Report
from model import Domain


@dataclass
class Field:
    """Where faults strike. `artefacts` are the things that they have put into the store, by path, with inode numbers."""

    runner: Runner
    inspector: Inspector
    random: random.Random
    artefacts: dict[Path, int]

    @property
    def testbed(self) -> Testbed:
        return self.runner.testbed

    @property
    def oracle(self) -> Oracle:
        return self.runner.oracle

    @property
    def episodes(self) -> Episodes:
        return self.runner.episodes

    @property
    def report(self) -> Report:
        return self.runner.report

    @property
    def interference(self) -> Interference:
        return self.runner.interference

    @property
    def stopping(self) -> threading.Event:
        return self.runner.stopping


class NotNow(Exception):
    """Why the fault cannot strike here or now."""


class Fault:
    """One kind of fault. Of one `group` only one strikes at a time. `short` is for how many seconds it strikes in the short
    soak. A subclass may set `domains` in strike() when not all of them are concerned."""

    name = ""
    group = ""
    traits = Trait.NOTHING
    short = 0.6
    pause = 0.05  # seconds between two acts

    def __init__(self) -> None:
        self.domains: frozenset[str] | None = None
        self.victims: list[Domain] = []  # whose entries it damages; they are asked about when it is over

    def choose(self, field_: Field) -> None:
        """Decides which domains it concerns, before anything is broken."""

    def strike(self, field_: Field) -> None:
        """Breaks something. Raises NotNow when it cannot."""

    def act(self, field_: Field) -> bool:
        """Done again and again while it lasts; False: that was the last time."""
        return True

    def undo(self, field_: Field) -> None:
        """Undoes what strike() and act() did."""


def afflict(fault: Fault, field_: Field, seconds: float) -> None:
    """Strikes, lets it last, undoes it. Raises NotNow."""
    begin = time.monotonic()
    fault.domains = None
    fault.choose(field_)
    episode = field_.episodes.start(Episode(fault.name, fault.traits, fault.domains))
    if fault.traits & EXCUSES:
        field_.oracle.excuse(fault.domains)
    try:
        fault.strike(field_)
    except NotNow:
        episode.end = time.monotonic()
        raise
    try:
        while fault.act(field_) and time.monotonic() < begin + seconds and not field_.stopping.wait(fault.pause):
            pass
    finally:
        fault.undo(field_)
        episode.end = time.monotonic()
        field_.report.tried(fault.name, episode.end - begin)
