"""Faults of processes: killed at random and at every step, and stopped in the middle of their work."""

from __future__ import annotations

import heapq
import signal
import threading
import time

import clients
from episodes import Trait
from faults import Fault, Field
from testbed import LOOKUP, OWNER, processes
from programs import LIMIT, send
from model import Kind

CALLERS = ("mtasts", "soak_caller")
STEPS = 36  # a lookup that saves record, policy and what DANE says, and counts them, makes about as many on the file system


class Kill(Fault):
    """SIGKILL for one of them, at whatever point it is."""

    group = "processes"
    traits = Trait.KILLED
    pause = 0.008
    short = 1.0
    names: tuple[str, ...] = ()

    def act(self, field: Field) -> bool:
        running = [pid for pid, _ in processes(*self.names)]
        if running:
            # A moment more, so that not only the beginning of their lives is hit.
            field.stopping.wait(field.random.uniform(0, 0.02))
            field.interference.kill(field.random.choice(running))
            field.report.act(self.name)
        return True


class KillAskers(Kill):
    """Readers, and with `cache refresh` writers, too."""

    name = "kill clients"
    names = CALLERS


class KillLookups(Kill):
    """The helpers that look up and save."""

    name = "kill lookups"
    names = (LOOKUP,)


class KillAtSteps(Fault):
    """A lookup that dies just before its n-th change of the file system, for every n, of a domain whose policy is cached and
    of one that is not (shim.c)."""

    name = "kill at each step"
    group = "processes"
    traits = Trait.KILLED
    pause = 0.0
    short = 2.0

    def strike(self, field: Field) -> None:
        self.step = 0

    def act(self, field: Field) -> bool:
        self.step = self.step % STEPS + 1
        steady = field.random.choice([domain for domain in field.testbed.domains if domain.kind is Kind.STEADY])
        # A policy that is thrown away first is looked up anew: make the folder, make the file, write, sync, rename.
        if field.random.random() < 0.5:
            with field.oracle.destroying([steady.name]):
                field.testbed.forget(steady.name)
        clients.query(field.runner, steady, OWNER, refresh=True, die_at=self.step)
        field.report.act(self.name)
        return True


class Stop(Fault):
    """SIGSTOP in the middle, SIGCONT up to a second later: a machine that swaps, a container that is frozen."""

    name = "stop and continue"
    group = "processes"
    traits = Trait.STOPPED
    pause = 0.02
    short = 1.5

    def strike(self, field: Field) -> None:
        self.held: list[tuple[float, int]] = []

    def act(self, field: Field) -> bool:
        running = [pid for pid, _ in processes(*CALLERS, LOOKUP) if pid not in {held for _, held in self.held}]
        if running and len(self.held) < 8:
            pid, seconds = field.random.choice(running), field.random.uniform(0.02, 1.0)
            field.interference.hold(pid, seconds)
            heapq.heappush(self.held, (time.monotonic() + seconds, pid))
            field.report.act(self.name)
        while self.held and self.held[0][0] <= time.monotonic():
            send(heapq.heappop(self.held)[1], signal.SIGCONT)
        return True

    def undo(self, field: Field) -> None:
        for _, pid in self.held:
            send(pid, signal.SIGCONT)


class Stuck(Fault):
    """Lookups that stand still for longer than anybody may wait for them."""

    name = "lookup stuck"
    group = "processes"
    traits = Trait.STOPPED
    short = LIMIT + 0.5

    def strike(self, field: Field) -> None:
        self.held: set[int] = set()

    def act(self, field: Field) -> bool:
        running = {pid for pid, _ in processes(LOOKUP)} - self.held
        if running and len(self.held) < 3:
            pid = field.random.choice(sorted(running))
            field.interference.hold(pid, self.short)
            self.held.add(pid)
            field.report.act(self.name)
        return True

    def undo(self, field: Field) -> None:
        for pid in self.held:
            send(pid, signal.SIGCONT)


class Crowd(Fault):
    """Many ask for the same domain at almost the same time, of which nothing is cached, and are killed when the first of
    them has its answer. What one of them has saved no other may undo."""

    name = "crowd"
    group = "processes"
    traits = Trait.KILLED
    short = 1.5
    size = 8

    def act(self, field: Field) -> bool:
        wanted = field.random.choice([domain for domain in field.testbed.domains if domain.kind in (Kind.STEADY, Kind.TESTING)])
        with field.oracle.destroying([wanted.name]):
            field.testbed.forget(wanted.name)
        crowd = [threading.Timer(field.random.uniform(0, 0.03), clients.query, (field.runner, wanted, user))
                 for user in field.random.choices(("root", OWNER), k=self.size)]
        for one in crowd:
            one.start()
        while all(one.is_alive() for one in crowd):
            time.sleep(0.001)
        # The first has its answer, hence it is saved; the others are on their way.
        time.sleep(field.random.uniform(0, 0.02))
        for pid, _ in processes(LOOKUP):
            field.interference.kill(pid)
        for one in crowd:
            one.join()
        with field.testbed.store_lock:
            field.inspector.check_entry(wanted, field.testbed.file_of(wanted.name))
        field.report.act(self.name)
        return True


ALL: list[type[Fault]] = [Crowd, KillAskers, KillLookups, KillAtSteps, Stop, Stuck]
