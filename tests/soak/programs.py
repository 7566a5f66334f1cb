"""Runs the programs under test, and notices when one crashes, hangs or complains of what nobody did to it."""

from __future__ import annotations

import collections
import os
import re
import select
import signal
import subprocess
import threading
import time
from dataclasses import dataclass

import strangers
from episodes import Episodes, Trait
from testbed import DEADLINE, OWNER, READER, Testbed
from oracle import Oracle
from pulse import Pulse
from report import Report

GRACE = 1.0  # after its deadline a caller gives the helper up (module/helper/call.h)
BUSY = 3.0  # what a busy machine may add
LIMIT = DEADLINE + GRACE + BUSY
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:")
DAMAGED = re.compile(r"event=store-entry-damaged domain=(\S+)")


class Interference:
    """Which processes the soak itself has killed, and for how long it held which."""

    def __init__(self) -> None:
        self._killed: collections.deque[int] = collections.deque(maxlen=2000)
        self._held: dict[int, float] = collections.defaultdict(float)

    def kill(self, pid: int) -> None:
        self._killed.append(pid)
        send(pid, signal.SIGKILL)

    def was_killed(self, pid: int) -> bool:
        return pid in self._killed

    def hold(self, pid: int, seconds: float) -> None:
        self._held[pid] += seconds
        send(pid, signal.SIGSTOP)

    def held(self, pid: int) -> float:
        return self._held.get(pid, 0.0)


def send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


@dataclass(frozen=True)
class Ended:
    """`code` None: the soak killed it, or it was given up; there is nothing to judge."""

    code: int | None
    output: str
    errors: str


class Runner:
    def __init__(self, testbed: Testbed, oracle: Oracle, episodes: Episodes, report: Report) -> None:
        self.testbed = testbed
        self.oracle = oracle
        self.episodes = episodes
        self.report = report
        self.interference = Interference()
        self.pulse = Pulse(testbed.needed)
        self.stopping = threading.Event()
        self.pausing = threading.Event()  # nobody shall begin anything

    def faults(self, begin: float, domain: str | None = None) -> set[str]:
        return {episode.name for episode in self.episodes.touching(begin, time.monotonic(), domain)}

    def start(self, argv: list[str], user: str, die_at: int = 0) -> subprocess.Popen[str]:
        identity = {} if user == "root" else {"user": user, "group": user, "extra_groups": []}
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
                                env=self.testbed.environment(die_at), **identity)  # type: ignore[call-overload, no-any-return]

    def run(self, words: list[str], user: str, *, limit: float = LIMIT, die_at: int = 0) -> Ended:
        """`mtasts` with these words, as this user."""
        begin = time.monotonic()
        self.report.ran_one(f"mtasts {words[0]}")
        process = self.start(self.testbed.mtasts(*words), user, die_at)
        text = f"mtasts {' '.join(words)} as {user}"
        output, errors, in_time = self._communicate(process, begin, limit)
        if not in_time:
            if not self.stopping.is_set():
                self.report.found("hang", self.faults(begin), f"{text}: still there after {time.monotonic() - begin:.1f} s")
            return Ended(None, output, errors)
        return Ended(self._code(process, begin, text, errors, die_at > 0), output, errors)

    def _communicate(self, process: subprocess.Popen[str], begin: float, limit: float) -> tuple[str, str, bool]:
        while True:
            try:
                return *process.communicate(timeout=0.5), True
            except subprocess.TimeoutExpired:
                late = time.monotonic() > begin + limit + self.interference.held(process.pid)
                if late or (self.stopping.is_set() and limit > LIMIT):
                    self.interference.kill(process.pid)
                    return *process.communicate(), False

    def _code(self, process: subprocess.Popen[str], begin: float, text: str, errors: str, suicidal: bool) -> int | None:
        code = process.returncode
        if code == -signal.SIGKILL and (suicidal or self.interference.was_killed(process.pid)):
            return None
        if code < 0 or SANITIZER.search(errors):
            self.report.found("crash", self.faults(begin), f"{text}: exit code {code}: {errors.strip()[-300:]}")
            return None
        self.complaints(errors, begin)
        return code

    def complaints(self, text: str, begin: float) -> None:
        """An entry that nobody damaged must never look damaged, not for a moment; unless its folder was replaced."""
        for name in DAMAGED.findall(text):
            hidden = self.episodes.traits(begin, time.monotonic(), name) & Trait.HIDDEN
            if not hidden and not strangers.owns(name) and not self.oracle.was_destroyed(name):
                self.report.found("lost", self.faults(begin, name), f"{name}: a reader found its entry damaged: {text.strip()[-300:]}")


class Caller:
    """A long-lived process that asks through the C ABI (caller.c)."""

    def __init__(self, runner: Runner, user: str) -> None:
        self.runner = runner
        self.user = user
        self._process: subprocess.Popen[str] | None = None

    def ask(self, domain: str) -> list[str] | None:
        """The fields of its line; None when it was killed or given up."""
        begin = time.monotonic()
        if self._process is None:
            self.runner.report.ran_one("soak_caller")
            self._process = self.runner.start(self.runner.testbed.caller_program(), self.user)
        process = self._process
        assert process.stdin and process.stdout
        try:
            process.stdin.write(f"{domain} {DEADLINE * 1000}\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self._ended(process, begin)
        limit = begin + LIMIT
        while not select.select([process.stdout], [], [], 0.5)[0]:
            if time.monotonic() > limit + self.runner.interference.held(process.pid):
                self.runner.report.found("hang", self.runner.faults(begin), f"a caller of the C ABI as {self.user} waits for {domain}")
                self.close()
                return None
        line = process.stdout.readline()
        return line.rstrip("\n").split("\t") if line.endswith("\n") else self._ended(process, begin)

    def _ended(self, process: subprocess.Popen[str], begin: float) -> None:
        _, errors = process.communicate()
        self._process = None
        if process.returncode != -signal.SIGKILL or not self.runner.interference.was_killed(process.pid):
            self.runner.report.found("crash", self.runner.faults(begin),
                                     f"a caller of the C ABI as {self.user}: exit code {process.returncode}: {errors.strip()[-300:]}")

    def close(self) -> None:
        if self._process:
            self.runner.interference.kill(self._process.pid)
            self._process.communicate()
            self._process = None


USERS = ("root", OWNER, READER)
