"""What was broken when, and what a fault of that kind may be answered with."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from enum import Flag, auto


class Trait(Flag):
    """What a fault does to those who ask. Nothing at all is excused but by one of these."""

    NOTHING = 0
    NETWORK = auto()  # names or policies cannot be asked for: what is not cached may not be found, also for a while afterwards
    UNSAVED = auto()  # what is found out may not get into the store
    HIDDEN = auto()  # what is in the store cannot be read: it may be a policy, so that mail may wait
    KILLED = auto()  # processes are killed: one that waits for a killed one may defer
    STOPPED = auto()  # processes stand still: whoever waits for one has no answer in time
    CROWDED = auto()  # strangers use up what others need: what is not cached may wait, and is never waved through


@dataclass
class Episode:
    """One time of one fault. `domains` are those it is about; None: all."""

    name: str
    traits: Trait
    domains: frozenset[str] | None = None
    begin: float = field(default_factory=time.monotonic)
    end: float = float("inf")

    def touches(self, begin: float, end: float, domain: str | None) -> bool:
        return self.begin <= end and self.end >= begin and (self.domains is None or domain is None or domain in self.domains)


class Episodes:
    def __init__(self) -> None:
        self._all: list[Episode] = []
        self._lock = threading.Lock()

    def start(self, episode: Episode) -> Episode:
        with self._lock:
            self._all.append(episode)
        return episode

    def touching(self, begin: float, end: float, domain: str | None = None) -> list[Episode]:
        """The episodes that an answer asked for at `begin` and got at `end` may have felt."""
        with self._lock:
            return [one for one in self._all if one.touches(begin, end, domain)]

    def traits(self, begin: float, end: float, domain: str | None = None) -> Trait:
        traits = Trait.NOTHING
        for episode in self.touching(begin, end, domain):
            traits |= episode.traits
        return traits
