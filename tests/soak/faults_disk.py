"""Faults of the disk under the store: full, out of files, read-only, out of reach, with a folder that is none."""

from __future__ import annotations

import ctypes
import itertools
import os
import time
from pathlib import Path

import clients
import entry
from episodes import Trait
from faults import Fault, Field, NotNow
from testbed import DISK, STORE, remove, run
from packages import LabError
from programs import USERS

BALLAST = DISK / "ballast"
PATIENCE = 8.0  # seconds: a lookup under way may last that long


class Full(Fault):
    """Not a byte is free. What others free is taken, too."""

    name = "disk full"
    group = "store"
    traits = Trait.UNSAVED

    def act(self, field: Field) -> bool:
        with open(BALLAST, "ab", buffering=0) as ballast:
            for size in (65536, 4096, 512, 1):
                try:
                    while ballast.write(b"x" * size):
                        pass
                except OSError:
                    continue
        field.report.act(self.name)
        return True

    def undo(self, field: Field) -> None:
        remove(BALLAST)


class NoFiles(Fault):
    """There is room, but not for one more file."""

    name = "no more files"
    group = "store"
    traits = Trait.UNSAVED

    def strike(self, field: Field) -> None:
        BALLAST.mkdir()
        self.count = 0

    def act(self, field: Field) -> bool:
        try:
            while True:
                os.mknod(BALLAST / str(self.count))
                self.count += 1
        except OSError:
            field.report.act(self.name)
        return True

    def undo(self, field: Field) -> None:
        remove(BALLAST)


class ReadOnly(Fault):
    name = "read-only"
    group = "store"
    traits = Trait.UNSAVED

    def strike(self, field: Field) -> None:
        """The kernel does not do it while anybody has a file open for writing, so nobody asks for a moment, and mtastsd is started
        again."""
        field.runner.pausing.set()
        try:
            with field.testbed.daemon.stopped():
                self.remount(time.monotonic() + PATIENCE)
        finally:
            field.runner.pausing.clear()

    @staticmethod
    def remount(limit: float) -> None:
        while True:
            try:
                return run("mount", "-o", "remount,noatime,ro", str(DISK))
            except LabError as trouble:
                if time.monotonic() > limit:
                    raise NotNow(str(trouble)) from trouble
                time.sleep(0.02)

    def undo(self, field: Field) -> None:
        run("mount", "-o", "remount,noatime,rw", str(DISK))


class Unreadable(Fault):
    """Somebody has taken all rights of the directory away."""

    name = "store unreadable"
    group = "store"
    traits = Trait.HIDDEN | Trait.UNSAVED

    def strike(self, field: Field) -> None:
        STORE.chmod(0)

    def undo(self, field: Field) -> None:
        STORE.chmod(0o755)


class Gone(Fault):
    """The directory is somewhere else for a while, as when a disk is not mounted."""

    name = "store gone"
    group = "store"
    traits = Trait.HIDDEN | Trait.UNSAVED
    aside = DISK / "aside"

    def strike(self, field: Field) -> None:
        field.testbed.store_lock.acquire()
        STORE.rename(self.aside)

    def undo(self, field: Field) -> None:
        self.aside.rename(STORE)
        field.testbed.store_lock.release()


def exchange(one: Path, other: Path) -> None:
    """Both names at once, renameat2(2)."""
    at_cwd, rename_exchange = -100, 2
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), rename_exchange) != 0:
        raise OSError(ctypes.get_errno(), "renameat2", str(one))


class ShardReplaced(Fault):
    """Instead of one of the folders in the store there is a link to a folder with forged entries, a file or a FIFO. There is
    always something: nobody shall be able to make a new one."""

    name = "folder replaced"
    group = "store"
    traits = Trait.HIDDEN | Trait.UNSAVED
    aside = DISK / "aside"
    fresh = DISK / "fresh"

    def choose(self, field: Field) -> None:
        one = field.random.choice(field.testbed.talkative)
        clients.query(field.runner, one, "root")  # so that there is something to replace
        self.folder = STORE / entry.shard_of(one.name)
        self.victims = [domain for domain in field.testbed.domains if entry.shard_of(domain.name) == self.folder.name]
        self.domains = frozenset(domain.name for domain in self.victims)

    def strike(self, field: Field) -> None:
        forged = field.testbed.forge(self.folder.name, self.victims)
        self.ways = itertools.cycle([lambda: self.fresh.symlink_to(forged), self.fresh.touch, lambda: os.mkfifo(self.fresh, 0o666)])
        if not self.folder.is_dir():
            raise NotNow(f"{self.folder} is not there")
        field.testbed.store_lock.acquire()
        next(self.ways)()
        exchange(self.fresh, self.folder)
        self.fresh.rename(self.aside)

    def act(self, field: Field) -> bool:
        next(self.ways)()
        self.fresh.rename(self.folder)
        field.report.act(self.name)
        clients.query(field.runner, field.random.choice(self.victims), field.random.choice(USERS))
        return True

    def undo(self, field: Field) -> None:
        exchange(self.aside, self.folder)
        remove(self.aside)
        field.testbed.store_lock.release()


ALL: list[type[Fault]] = [Full, NoFiles, ReadOnly, Unreadable, Gone, ShardReplaced]
