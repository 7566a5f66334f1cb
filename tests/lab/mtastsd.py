"""mtastsd, as its systemd unit runs it: user _mtasts, a folder in /run, told by sd_notify when it is ready."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable, Mapping, Sequence

from mail_server import make_folder
from packages import LabError
from process import dying_with_parent

PROGRAM = "/usr/sbin/mtastsd"
RUN_FOLDER = "/run/mtasts"
PATIENCE = 20.0


class Mtastsd:
    """`folder` is for what it says on standard error; `arguments` and `environment` are further ones."""

    def __init__(self, folder: Path, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        self._log = folder / "mtastsd.log"
        self._arguments = list(arguments)
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify_path = "/run/mtastsd.notify"
        self.before_start: Callable[[], None] = lambda: None  # when no sockets are handed over

    @property
    def lines(self) -> list[str]:
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines() if self._log.exists() else []

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def cpu_seconds(self) -> float:
        """Used by it so far; not by its helper."""
        assert self._process
        nanoseconds = Path(f"/proc/{self._process.pid}/schedstat").read_text(encoding="ascii").split()[0]  # stat counts by 10 ms
        return int(nanoseconds) / 1e9

    def install(self) -> None:
        make_folder(RUN_FOLDER, 0o755, "_mtasts")
        self._notify.bind(self._notify_path)
        os.chmod(self._notify_path, 0o666)
        self._log.parent.mkdir(parents=True, exist_ok=True)

    def start(self, listening: Sequence[socket.socket] = (), wait: bool = True, descriptors: int = 0, names: Sequence[str] = ()) -> None:
        """`listening`: sockets that are handed over, as systemd does with those of a socket unit, which `names` them. `descriptors`: how many it may
        have open, if not as many as it likes."""
        if not listening:
            self.before_start()
        self._forget_notes()
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(dying_with_parent([*_limited(descriptors), *_command(listening, names), *self._arguments]), stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log, env={**os.environ, "NOTIFY_SOCKET": self._notify_path, **self._environment},
                                             pass_fds=[one.fileno() for one in listening])
        if wait:
            self._wait_until_ready()

    def stop(self) -> None:
        """As systemctl stop: it may finish what it is at."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def reload(self) -> None:
        """As systemctl reload: until it says that it is ready again, with the new configuration or the old."""
        assert self._process
        self._forget_notes()
        self._process.send_signal(signal.SIGHUP)
        self._wait_until_ready()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise LabError(f"mtastsd did not end within {PATIENCE:.0f} s of {how.name}: {self._last_words()}") from None
        finally:
            self._process = None

    def _wait_until_ready(self) -> None:
        assert self._process
        deadline = time.monotonic() + PATIENCE
        self._notify.settimeout(0.1)
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if b"READY=1" in self._notify.recv(4096).split(b"\n"):
                    return
            except TimeoutError:
                continue
        raise LabError(f"mtastsd did not say that it is ready: {self._last_words()}")

    def _forget_notes(self) -> None:
        self._notify.setblocking(False)
        try:
            while True:
                self._notify.recv(4096)
        except BlockingIOError:
            pass

    def _last_words(self) -> str:
        return (self.lines or ["it said nothing"])[-1]


def _limited(descriptors: int) -> list[str]:
    return ["prlimit", f"--nofile={descriptors}:{descriptors}"] if descriptors else []


def _command(listening: Sequence[socket.socket], names: Sequence[str]) -> list[str]:
    as_user = ["setpriv", "--reuid", "_mtasts", "--regid", "_mtasts", "--clear-groups", "--no-new-privs"]
    if not listening:
        return [*as_user, PROGRAM]
    handed_over = " ".join(f"{number}<&{one.fileno()}" for number, one in enumerate(listening, 3))
    # The shell's process becomes setpriv's and then mtastsd's: one process, and its number is the one that is announced.
    return ["sh", "-c", f'export LISTEN_FDS={len(listening)} LISTEN_FDNAMES={":".join(names)} LISTEN_PID=$$; exec "$@" {handed_over}', "sh", *as_user, PROGRAM]
