"""When the machine, or the soak itself, let somebody not run who is needed for an answer: no program under test can be blamed
for that time.
"""

from __future__ import annotations

import collections
import threading
import time
from pathlib import Path
from typing import Callable, Iterable

BEAT = 0.02
LATE = 0.05  # seconds; less is usual on a machine that works
LOOK = 1.0  # seconds between two looks at which processes there are


class Pulse(threading.Thread):
    """Sleeps for BEAT again and again, and notes when that takes longer, and for how long the processes that `needed` tells
    (their ids) were ready to run meanwhile and did not (proc_pid_schedstat(5))."""

    def __init__(self, needed: Callable[[], Iterable[int]]) -> None:
        super().__init__(daemon=True, name="pulse")
        self._needed = needed
        self._waited: dict[int, int] = {}  # nanoseconds
        self._stalls: collections.deque[tuple[float, float]] = collections.deque(maxlen=20_000)  # begin, end
        self.over = threading.Event()

    def run(self) -> None:
        before, looked = time.monotonic(), 0.0
        while not self.over.wait(BEAT):
            now = time.monotonic()
            if now - before > BEAT + LATE:
                self._stalls.append((before + BEAT, now))
            if now - looked > LOOK:
                self._waited = {pid: self._waited.get(pid, waited(pid)) for pid in self._needed()}
                looked = now
            for pid, known in self._waited.items():
                self._waited[pid] = waited(pid)
                if self._waited[pid] > known:
                    self._stalls.append((now - (self._waited[pid] - known) / 1e9, now))
            before = now

    def stalled(self, begin: float, end: float) -> float:
        """For how many of the seconds between these times at least one of them could not run."""
        total, covered = 0.0, begin
        for first, last in sorted(stall for stall in list(self._stalls) if stall[1] > begin and stall[0] < end):
            total += max(0.0, min(end, last) - max(covered, first))
            covered = max(covered, last)
        return total


def waited(pid: int) -> int:
    """For how long in all a process was ready and did not run, in nanoseconds; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
