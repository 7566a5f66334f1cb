"""The sandbox's log, for every program that writes to /dev/log: kept in memory, with a wait for what will be said."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from typing import Callable


_MARK = "mark of the lab "


class LogSocket:
    """`lines` as they came, without priority and time of day."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._seen = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        threading.Thread(target=self._read, daemon=True).start()

    def catch_up(self) -> None:
        """Until everything that was logged before is in `lines`."""
        mark = f"{_MARK}{time.monotonic_ns()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(mark.encode(), "/dev/log")
        self.wait(lambda: self._seen == mark, 10)

    def wait(self, condition: Callable[[], object], patience: float) -> bool:
        """Until the condition, asked at each new line, holds. False when it does not in time."""
        deadline = time.monotonic() + patience
        with self._news:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._news.wait(left)
        return True

    def _read(self) -> None:
        while True:
            line = self._socket.recv(65536).decode("utf-8", "replace").rstrip("\n\0")
            line = re.sub(r"^(<\d+>)?(\w{3} [ \d]\d \d\d:\d\d:\d\d )?", "", line)
            with self._news:
                if line.startswith(_MARK):
                    self._seen = line
                else:
                    self.lines.append(line)
                self._news.notify_all()
