"""How long the machine, or the soak itself, let nobody run: no program under test can be blamed for that."""

from __future__ import annotations

import collections
import threading
import time

BEAT = 0.02
LATE = 0.05  # seconds; less is usual on a machine that works


class Pulse(threading.Thread):
    """Sleeps for BEAT again and again, and notes when that takes longer."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="pulse")
        self._stalls: collections.deque[tuple[float, float]] = collections.deque(maxlen=10_000)  # begin, end
        self.over = threading.Event()

    def run(self) -> None:
        before = time.monotonic()
        while not self.over.wait(BEAT):
            now = time.monotonic()
            if now - before > BEAT + LATE:
                self._stalls.append((before + BEAT, now))
            before = now

    def stalled(self, begin: float, end: float) -> float:
        """For how many of the seconds between these times."""
        return sum(max(0.0, min(end, last) - max(begin, first)) for first, last in list(self._stalls))
