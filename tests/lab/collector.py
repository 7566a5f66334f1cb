"""In tlsrpt-collectd's place: takes its datagrams and keeps them, read as it reads them.

    collector = Collector("/run/tlsrpt/collectd.sock")
    collector.wait_for(2)
    collector.sessions[0].record, collector.sessions[0].policy["mx-host"], collector.sessions[0].failures
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packages import LabError


@dataclass(frozen=True)
class Session:
    """One policy of one datagram. `failed` is the final result; `failures` are the details as libtlsrpt calls them: c (code),
    s (sending address), n (MX host), r (receiving address), f (reason)."""

    domain: str
    record: str
    failed: bool
    failures: tuple[dict[str, Any], ...]
    policy: dict[str, Any]


class Collector:
    def __init__(self, place: str) -> None:
        self.sessions: list[Session] = []
        self.trouble = ""
        self._place = Path(place)
        self._news = threading.Condition()
        self._place.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(place)
        os.chmod(place, 0o666)
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, count: int, patience: float = 10.0) -> bool:
        deadline = time.monotonic() + patience
        with self._news:
            while len(self.sessions) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._news.wait(left)
        return True

    def stop(self) -> None:
        self._place.unlink(missing_ok=True)
        self._socket.close()
        if self.trouble:
            raise LabError(f"what is no datagram for tlsrpt-collectd came: {self.trouble}")

    def _read(self) -> None:
        while True:
            try:
                datagram = self._socket.recv(1 << 20)
            except OSError:
                return  # stopped
            with self._news:
                try:
                    self.sessions += _read_datagram(datagram)
                except (ValueError, KeyError, TypeError) as why:
                    self.trouble = f"{why!r} in {datagram!r}"
                self._news.notify_all()


def _read_datagram(datagram: bytes) -> list[Session]:
    content = json.loads(datagram)
    sessions = []
    for policy in content["policies"]:
        failures = tuple(policy.pop("failure-details", ()))
        if policy.pop("t") != len(failures):
            raise ValueError("t is not the number of failures")
        sessions.append(Session(content["d"], content["pr"], bool(policy.pop("f")), failures, policy))
    return sessions
