"""Faults of single files in the store: cut, overwritten, thrown away, replaced by what is no file."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import time
from pathlib import Path

import clients
from episodes import Trait
from faults import Fault, Field
from testbed import DISK, STORE, remove
from programs import USERS
from model import Domain

VICTIMS = 8  # domains that one fault is about


class FileFault(Fault):
    """Damages the entry of one domain after the other."""

    group = "store"
    pause = 0.05

    def choose(self, field: Field) -> None:
        self.victims = field.random.sample(field.testbed.talkative, VICTIMS)
        self.domains = frozenset(domain.name for domain in self.victims)

    def act(self, field: Field) -> bool:
        victim = field.random.choice(self.victims)
        file = field.testbed.file_of(victim.name)
        if not file.parent.is_dir():
            return True
        with field.testbed.store_lock, field.oracle.destroying([victim.name]):
            with contextlib.suppress(FileNotFoundError):  # the refresh drops what is of no use
                self.damage(field, victim, file)
            if os.path.lexists(file):
                field.artefacts[file] = file.lstat().st_ino
        field.report.act(self.name)
        clients.query(field.runner, victim, field.random.choice(USERS))
        return True

    def damage(self, field: Field, victim: Domain, file: Path) -> None:
        raise NotImplementedError


class Truncated(FileFault):
    """Cut off somewhere, often at the very beginning."""

    name = "file truncated"

    def damage(self, field: Field, victim: Domain, file: Path) -> None:
        if is_own(file):
            cut(field, file, field.random.choice([0, 0, field.random.randrange(file.stat().st_size + 1)]))


def is_own(file: Path) -> bool:
    """A file, and the only name of it: through a second one, which "file a link" makes, another domain's would be hit."""
    return file.is_file() and not file.is_symlink() and file.stat().st_nlink == 1


def cut(field: Field, file: Path, size: int) -> None:
    os.truncate(file, size)
    now = field.testbed.clock.now() * 10**9 + time.time_ns() % 10**9
    os.utime(file, ns=(now, now))  # by the clock of the machine under test


class Noise(FileFault):
    """Overwritten: with noise, with one wrong bit, with more than there was, with another domain's entry, with a giant hole."""

    name = "file overwritten"
    VERSION = b"mtasts-cache 2\nwhatever\nsum: 62982f6adcf43570\n\n"  # of a later mtasts, in a form of its own
    WAYS = ("a bit", "noise", "a bit", "giant", "a bit", "twice", "a bit", "another's", "more", "zeros", "version")

    def choose(self, field: Field) -> None:
        super().choose(field)
        self.ways = itertools.cycle(self.WAYS)

    def damage(self, field: Field, victim: Domain, file: Path) -> None:
        if not is_own(file):
            return
        new = self.noise(field, next(self.ways), beginning(file))
        with open(file, "r+b") as opened:
            opened.write(new)
            opened.truncate(len(new) if new else 1 << 40)

    @staticmethod
    def noise(field: Field, way: str, old: bytearray) -> bytes:
        """What the file holds instead of `old`; nothing stands for a giant hole."""
        other = beginning(field.testbed.file_of(field.random.choice(field.testbed.domains).name))
        # In the policy, and a letter that becomes another one: nothing but the sum can tell.
        if way == "a bit" and b"mx: v" in old:
            old[field.random.randrange(old.find(b"mx: v"), len(old))] ^= 1
        return {"noise": field.random.randbytes(field.random.randrange(1, 3000)), "giant": b"", "a bit": bytes(old), "twice": bytes(old) * 2,
                "another's": bytes(other), "more": bytes(old) + b"\n", "zeros": b"mtasts-cache 1\n" + bytes(100),
                "version": Noise.VERSION}[way]

    @classmethod
    def stays(cls, entry: bytes) -> bool:
        """With another sum it is damage like any other."""
        return entry == cls.VERSION

    def undo(self, field: Field) -> None:
        """What may hold a policy that only another version can read stays until the administrator purges it."""
        with field.testbed.store_lock, field.oracle.destroying([domain.name for domain in self.victims]):
            for file in [field.testbed.file_of(domain.name) for domain in self.victims]:
                if self.stays(beginning(file)):
                    remove(file)
                    field.artefacts.pop(file, None)


def beginning(file: Path) -> bytearray:
    """Of what may be the giant hole of the last time, or nothing at all."""
    return bytearray(clients.beginning(file) if file.is_file() else b"")


class Removed(FileFault):
    name = "file removed"

    def damage(self, field: Field, victim: Domain, file: Path) -> None:
        remove(file)


class Replaced(FileFault):
    """By something that is no file of its own. Half of the time one of the store's other files is replaced as well."""

    def damage(self, field: Field, victim: Domain, file: Path) -> None:
        others = [item for item in STORE.iterdir() if item.name.startswith(".")]
        if others and field.random.random() < 0.5:
            self.put(field, victim, field.random.choice(others))
        self.put(field, victim, file)

    def put(self, field: Field, victim: Domain, file: Path) -> None:
        """At once, because the programs under test may put something there at any moment."""
        fresh = DISK / "fresh"
        self.make(field, victim, file, fresh)
        while True:
            try:
                if fresh.is_dir() and not fresh.is_symlink() or file.is_dir():
                    remove(file)
                fresh.rename(file)
                break
            except OSError as trouble:
                if trouble.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR):
                    raise
        remove(fresh)  # a second name of what was there already is not renamed
        field.artefacts[file] = file.lstat().st_ino

    def make(self, field: Field, victim: Domain, file: Path, fresh: Path) -> None:
        """Makes at `fresh` what is to be at `file`."""
        raise NotImplementedError

    def undo(self, field: Field) -> None:
        """Entries have to heal by themselves; the other files are the administrator's to look after."""
        with field.testbed.store_lock:
            for item in [item for item in field.artefacts if item.parent == STORE]:
                remove(item)
                del field.artefacts[item]


class Link(Replaced):
    """By a symbolic link to a forged entry, to a secret, to itself, to nothing, or by a second name of another domain's entry."""

    name = "file a link"

    def make(self, field: Field, victim: Domain, file: Path, fresh: Path) -> None:
        forged = field.testbed.forge("link", [victim]) / victim.name
        other = field.testbed.file_of(field.random.choice(field.testbed.domains).name)
        target = next(self.targets).format(forged=forged, own=file.name, other=f"../{other.parent.name}/{other.name}")
        if target or not other.is_file() or other == file:
            fresh.symlink_to(target or "/nowhere")
        else:
            os.link(other, fresh)

    def choose(self, field: Field) -> None:
        super().choose(field)
        self.targets = itertools.cycle(["{forged}", "", "{forged}", "/etc/shadow", "{other}", "{own}", "/nowhere"])


class Fifo(Replaced):
    """By a FIFO that nobody writes to."""

    name = "file a FIFO"

    def make(self, field: Field, victim: Domain, file: Path, fresh: Path) -> None:
        os.mkfifo(fresh, 0o666)


class Directory(Replaced):
    """By a directory, empty or not. No entry can be renamed over a directory that is not empty."""

    name = "file a directory"
    traits = Trait.UNSAVED

    def make(self, field: Field, victim: Domain, file: Path, fresh: Path) -> None:
        fresh.mkdir()
        if field.random.random() < 0.5:
            (fresh / "something").touch()

    def undo(self, field: Field) -> None:
        with field.testbed.store_lock:
            for item in [item for item in field.artefacts if item.parent == STORE or item.is_dir()]:
                remove(item)
                del field.artefacts[item]


class Renewed(Fault):
    """Everything is thrown away, as by an administrator's rm -rf. The directory itself stays: helpers that run may write
    to no other (docs/adr/0012-sandbox.md), and take five seconds to notice that there is one."""

    name = "store emptied"
    group = "store"
    pause = 0.3

    def act(self, field: Field) -> bool:
        names = [domain.name for domain in field.testbed.domains]
        old = DISK / "old"
        with field.testbed.store_lock:
            with field.oracle.destroying(names):
                old.mkdir()
                for item in list(STORE.iterdir()):
                    item.rename(old / item.name)
                field.artefacts.clear()
            remove(old)
        field.report.act(self.name)
        return True


ALL: list[type[Fault]] = [Truncated, Noise, Removed, Link, Fifo, Directory, Renewed]
