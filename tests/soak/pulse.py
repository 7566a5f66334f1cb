"""When the machine, or the soak itself, let somebody not run who is needed for an answer: no program under test can be blamed
for that time.
"""

from __future__ import annotations

import collections
import threading
import time
from pathlib import Path
from typing import Callable, Collection, Mapping

BEAT = 0.02
LATE = 0.05  # seconds; less is usual on a machine that works
LOOK = 1.0  # seconds between two looks at which processes there are
WHOLE_MACHINE = ""  # in the place of a program's name: the pulse itself was late


class Pulse(threading.Thread):
    """Sleeps for BEAT again and again, and notes when that takes longer, and for how long the processes that `needed` tells
    (their ids and names) were ready to run meanwhile and did not (proc_pid_schedstat(5)), or waited for a disk."""

    def __init__(self, needed: Callable[[], Mapping[int, str]]) -> None:
        super().__init__(daemon=True, name="pulse")
        self._needed = needed
        self._names: Mapping[int, str] = {}
        self._waited: dict[int, int] = {}  # nanoseconds
        self._blocked: set[int] = set()
        self._stalls: collections.deque[tuple[float, float, str]] = collections.deque(maxlen=20_000)  # begin, end, who
        self.over = threading.Event()

    def run(self) -> None:
        before, looked = time.monotonic(), 0.0
        while not self.over.wait(BEAT):
            now = time.monotonic()
            if now - before > BEAT + LATE:
                self._stalls.append((before + BEAT, now, WHOLE_MACHINE))
            if now - looked > LOOK:
                self._names = self._needed()
                self._waited = {pid: self._waited.get(pid, waited(pid)) for pid in self._names}
                looked = now
            for pid, name in self._names.items():
                self._look_at(pid, name, before, now)
            before = now

    def _look_at(self, pid: int, name: str, before: float, now: float) -> None:
        known, self._waited[pid] = self._waited[pid], waited(pid)
        if self._waited[pid] > known:
            self._stalls.append((now - (self._waited[pid] - known) / 1e9, now, name))
        was_blocked = pid in self._blocked
        if not is_blocked(pid):
            self._blocked.discard(pid)
            return
        self._blocked.add(pid)
        if was_blocked:
            self._stalls.append((before, now, name))

    def stalled(self, begin: float, end: float, names: Collection[str] | None = None) -> float:
        """For how many of the seconds between these times at least one of them could not run; with `names`, of those and of the
        whole machine."""
        total, covered = 0.0, begin
        for first, last, name in sorted(stall for stall in list(self._stalls) if stall[1] > begin and stall[0] < end):
            if names is not None and name != WHOLE_MACHINE and name not in names:
                continue
            total += max(0.0, min(end, last) - max(covered, first))
            covered = max(covered, last)
        return total


def waited(pid: int) -> int:
    """For how long in all a process was ready and did not run, in nanoseconds; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0


def is_blocked(pid: int) -> bool:
    """Whether it waits for a disk, which may be for a page of its own program; neither a signal nor the processor helps it then."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].startswith("D")
    except OSError:
        return False
