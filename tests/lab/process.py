"""Programs of the private tree and daemons that cannot outlive the lab."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Sequence

from packages import LabError

Endpoint = tuple[str, int]


@dataclass(frozen=True)
class Programs:
    """Where the server programs are: a private tree, or "/" inside the sandbox, which has the tree laid over it."""

    tree: Path

    def path(self, name: str) -> str:
        for folder in ("usr/sbin", "usr/bin"):
            for root in (self.tree, Path("/")):
                if (root / folder / name).exists():
                    return str(root / folder / name)
        raise LabError(f"the program {name} is neither in {self.tree} nor on this machine")

    def environment(self) -> dict[str, str]:
        if self.tree == Path("/"):
            return dict(os.environ)
        libraries = ":".join(sorted(str(folder) for folder in (self.tree / "usr/lib").glob("*-linux-gnu")))
        return {**os.environ, "LD_LIBRARY_PATH": libraries}

    def run(self, name: str, *arguments: str, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
        result = subprocess.run([self.path(name), *arguments], env=self.environment(), input=text, capture_output=True,
                                text=True, check=False)
        if check and result.returncode != 0:
            raise LabError(f"{name} {' '.join(arguments)} failed: {(result.stderr or result.stdout).strip()}")
        return result


def dying_with_parent(argv: Sequence[str]) -> list[str]:
    """The kernel kills the program when the lab ends in whatever way, SIGKILL included."""
    return ["setpriv", "--pdeathsig", "KILL", *argv]


class Daemon:
    """One server in the foreground; its output goes to `log`."""

    def __init__(self, argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.argv = list(argv)
        self.log = log
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *listening: Endpoint, patience: float = 60.0) -> None:
        """Starts it and waits until it takes TCP connections at every endpoint of `listening`. On a busy machine that takes long; one that
        ends is not waited for."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(dying_with_parent(self.argv), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=self.environment)
        deadline = time.monotonic() + patience
        for endpoint in listening:
            while not _accepts(endpoint):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise LabError(f"{Path(self.argv[0]).name} does not listen on {endpoint}: {self._last_words()}")
                time.sleep(0.01)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def has_died(self) -> bool:
        """By itself: nobody stopped it."""
        process = self.process
        return process is not None and process.poll() is not None

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _accepts(endpoint: Endpoint) -> bool:
    try:
        with socket.create_connection(endpoint, timeout=1):
            return True
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], patience: float) -> bool:
    """False: it is still not so after that many seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
