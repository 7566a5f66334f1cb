"""The wall clock of the programs under test (shim.c), and what it may have shown in a stretch of time."""

from __future__ import annotations

import mmap
import struct
import threading
import time
from pathlib import Path

HOUR = 3_600
DAY = 86_400
YEAR = 365 * DAY
LEAP = 0.5  # seconds


class Clock:
    """`set()` moves it. Times given and returned by others are time.monotonic(); what the clock shows is in whole seconds
    since the epoch."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.write_bytes(struct.pack("=q", 0))
        file.chmod(0o644)
        with open(file, "r+b") as opened:
            self._page = mmap.mmap(opened.fileno(), 8)
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._stretches: list[tuple[float, float, int, float]] = [  # begin, end, offset, the machine's clock without it
            (self._looked, float("inf"), 0, time.time() - self._looked)]

    @property
    def offset(self) -> int:
        return self._stretches[-1][2]

    def _follow_machine(self) -> None:
        """Its clock can leap: a virtual machine that was paused is told the time."""
        for _ in range(3):
            now = time.monotonic()
            difference = time.time() - now
            if time.monotonic() - now < LEAP / 10:  # else this process may have been held up between the two
                break
        begin, _, offset, old = self._stretches[-1]
        if abs(difference - old) > LEAP:
            self._stretches[-1] = (begin, now, offset, old)
            self._stretches.append((self._looked, float("inf"), offset, difference))
        self._looked = now

    def set(self, offset: int) -> None:
        with self._lock:
            self._follow_machine()
            before = time.monotonic()
            self._page[:8] = struct.pack("=q", offset)
            begin, _, old, difference = self._stretches[-1]
            self._stretches[-1] = (begin, time.monotonic(), old, difference)  # they overlap: in between it may have shown either
            self._stretches.append((before, float("inf"), offset, difference))

    def now(self) -> int:
        return int(time.time() + self.offset)

    def shown(self, begin: float, end: float) -> tuple[int, int]:
        """The least and the greatest value that a look at it between `begin` and `end` can have given."""
        with self._lock:
            self._follow_machine()
            values = [at + difference + offset for since, until, offset, difference in self._stretches
                      if since <= end and until >= begin for at in (max(begin, since), min(end, until))]
        return int(min(values)) - 1, int(max(values)) + 1  # time(2) is a tick behind at most; NTP may slew meanwhile

    def latest(self) -> int:
        """The greatest value it has shown so far."""
        return self.shown(0.0, time.monotonic())[1]
