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
    s (sending address), n (MX host), h (its HELO name), r (receiving address), a (additional information), f (reason)."""

    domain: str
    record: str
    failed: bool
    failures: tuple[dict[str, Any], ...]
    policy: dict[str, Any]


class Collector:
    def __init__(self, place: str, hangs: bool = False) -> None:
        """`hangs`: until go_on() it takes nothing, and its socket is full."""
        self.sessions: list[Session] = []
        self.trouble = ""
        self._place = Path(place)
        self._news = threading.Condition()
        self._place.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(place)
        os.chmod(place, 0o666)
        self._fillings = self._fill() if hangs else 0
        if not hangs:
            self.go_on()

    def _fill(self) -> int:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as client:
            count = 0
            try:
                while True:
                    client.sendto(b"{}", str(self._place))
                    count += 1
            except BlockingIOError:
                return count

    def go_on(self) -> None:
        for _ in range(self._fillings):
            self._socket.recv(1 << 20)
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


# The version of the form, which libtlsrpt writes since 0.5.0 as the first field. Postfix 3.10 of Debian 13 has a release candidate
# that does not write it; a blank after the colon tells its datagrams from those of mtasts.
VERSION = "1"
BEFORE_VERSIONS = b'{"d": '

# What libtlsrpt 0.5 and later write (tlsrpt.h, libtlsrpt.c): the policy types tlsa, sts and no-policy-found; the failures of TLS, of
# MTA-STS and of DNS.
POLICY_TYPES = (1, 2, 9)
FAILURES = (201, 202, 203, 204, 205, 301, 302, 303, 304, 305, 306)


def _read_datagram(datagram: bytes) -> list[Session]:
    """ValueError for what libtlsrpt would not write, down to the types: the reporter takes them over into reports as they are."""
    content = json.loads(datagram.decode("utf-8"))
    if datagram.startswith(BEFORE_VERSIONS):
        content = {"dpv": VERSION, **content}
    _check(content, {"dpv": str, "d": str, "pr": str, "policies": list}, {})
    if next(iter(content)) != "dpv" or content["dpv"] != VERSION or not content["policies"]:
        raise ValueError("another version of the form or in another place, or no policy")
    return [_read_policy(content["d"], content["pr"], policy) for policy in content["policies"]]


def _read_policy(domain: str, record: str, policy: dict[str, Any]) -> Session:
    _check(policy, {"policy-type": int, "t": int, "f": int},
           {"policy-domain": str, "policy-string": list, "mx-host": list, "failure-details": list})
    if policy["policy-type"] not in POLICY_TYPES or policy["f"] not in (0, 1):
        raise ValueError("no such policy type or final result")
    for name in ("policy-string", "mx-host", "failure-details"):
        if name in policy and not policy[name]:
            raise ValueError(f"an empty {name} is left out")
    for name in ("policy-string", "mx-host"):
        if not all(isinstance(text, str) for text in policy.get(name, ())):
            raise ValueError(f"{name} is not a list of texts")
    failures = tuple(policy.pop("failure-details", ()))
    for failure in failures:
        _check(failure, {"c": int}, dict.fromkeys("snhraf", str))
        if failure["c"] not in FAILURES:
            raise ValueError("no such failure")
    if policy.pop("t") != len(failures):
        raise ValueError("t is not the number of failures")
    return Session(domain, record, bool(policy.pop("f")), failures, policy)


def _check(fields: Any, wanted: dict[str, type], possible: dict[str, type]) -> None:
    if not isinstance(fields, dict) or not wanted.keys() <= fields.keys() <= wanted.keys() | possible.keys():
        raise ValueError(f"{fields} should have the fields {[*wanted]} and may have {[*possible]}")
    for name, value in fields.items():
        if type(value) is not {**wanted, **possible}[name]:  # a bool is no number
            raise ValueError(f"{name} is {value!r}")
