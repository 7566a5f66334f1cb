"""Strangers: what anybody can do who has a domain, a name server or an account on this machine. Mail for their domains makes the
mail server ask; local users ask mtastsd by themselves. They excuse that a first contact has to wait, and nothing else.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import time
from pathlib import Path
from typing import Sequence

import clients
import strangers
from episodes import Trait
from faults import Fault, Field, NotNow
from faults_files import VICTIMS, is_own
from testbed import STORE, owner_id
from model import Kind

MAIL = "root"  # the mail server's user: strangers and others are one peer of mtastsd
LOCAL = "nobody"  # somebody else's
CROWD = 1500  # connections of a flood; three quarters of socketmap.max_connections
FEW = 1024  # descriptors
SMTP = 100  # Postfix's default_process_limit


class Stranger(Fault):
    """Asks mtastsd for the `domains` of a stranger, all the time, and meanwhile for honest ones of which nothing is cached."""

    group = "strangers"
    traits = Trait.CROWDED
    short = 4.0
    pause = 0.2
    connections = SMTP
    how = "hold"
    user = MAIL

    def domains_asked(self) -> Sequence[str]:
        raise NotImplementedError

    def choose(self, field: Field) -> None:
        fresh = [domain for domain in field.testbed.domains if domain.kind is Kind.FRESH]
        self.next = itertools.cycle(field.random.sample(fresh, len(fresh)))
        for name in self.domains_asked():
            field.testbed.forget(name)  # so that it is looked up again

    def strike(self, field: Field) -> None:
        self.stack = contextlib.ExitStack()
        self.visit = self.stack.enter_context(field.testbed.strangers.visiting(self.how, self.connections, self.user, self.domains_asked()))

    def act(self, field: Field) -> bool:
        if self.visit.poll() is not None or not field.testbed.strangers.runs():
            field.report.found("stray", {self.name}, "the soak itself: no stranger is there any more")
            return False
        first = next(self.next)
        with field.oracle.destroying([first.name]):
            field.testbed.forget(first.name)
        with clients.MailServer(field.runner) as server:
            if answer := server.ask(first):
                field.report.first_contact(self.name, answer.word == "defer")
        if len(self.victims) < VICTIMS:
            self.victims.append(first)
        field.report.act(self.name)
        return True

    def undo(self, field: Field) -> None:
        self.stack.close()


class Groups(Stranger):
    """TLS with a group of 8192 bits, which costs the client as much as the host likes."""

    name = "hosts with DHE"

    def domains_asked(self) -> Sequence[str]:
        return strangers.dhe()


class Silent(Stranger):
    """More policy hosts that take the connection and say nothing than there are places for fetches, in many networks."""

    name = "many silent hosts"
    connections = 130
    short = 6.0

    def domains_asked(self) -> Sequence[str]:
        return strangers.silent()


class Shut(Stranger):
    """Policy hosts that neither take nor refuse the connection."""

    name = "unreachable hosts"
    connections = 130
    short = 6.0

    def domains_asked(self) -> Sequence[str]:
        return strangers.shut()


class Shaking(Stranger):
    """Handshakes without an end: alerts, empty records, requests to begin anew, 16 MiB of one message, noise."""

    name = "endless handshakes"
    short = 6.0

    def domains_asked(self) -> Sequence[str]:
        return strangers.shaking()


class Bulky(Stranger):
    """Headers and bodies that drip, are late, or have no end."""

    name = "huge, slow bodies"
    short = 6.0

    def domains_asked(self) -> Sequence[str]:
        return strangers.bulky()


class Void(Stranger):
    """Zones whose name servers take every question and never answer."""

    name = "silent zones"
    short = 6.0

    def domains_asked(self) -> Sequence[str]:
        return strangers.void()


class Lying(Stranger):
    """Signed MX lists of twenty hosts each, whose addresses and TLSA records lie in silent zones: sixty questions for one domain."""

    name = "lying MX lists"
    connections = 40
    short = 6.0

    def domains_asked(self) -> Sequence[str]:
        return strangers.lying()


USAGE = STORE / ".usage"


class Hoarder(Stranger):
    """Hundreds of domains with the longest policies there may be, which are to be kept for a year: the store's quota is used up, and
    what is new may not be saved. What is saved stays. Afterwards the administrator throws theirs away. Of the group "clock",
    because a full store takes policies for unused when the clock is a year ahead (docs/adr/0013-store-quotas.md)."""

    name = "store filled up"
    group = "clock"
    traits = Trait.CROWDED | Trait.UNSAVED
    connections = 50
    short = 10.0

    def domains_asked(self) -> Sequence[str]:
        return strangers.hoarded()

    def undo(self, field: Field) -> None:
        super().undo(field)
        while True:
            try:
                return self.throw_away(field)
            except OSError as trouble:
                if trouble.errno != errno.EROFS:
                    raise
                time.sleep(0.2)  # another fault, which ends

    @staticmethod
    def throw_away(field: Field) -> None:
        with field.testbed.store_lock:
            for file in STORE.glob("??/*"):
                if strangers.owns(file.name):
                    file.unlink(missing_ok=True)
            # Or the store is full until it is counted again. "file a directory" may have put one in its place.
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                os.truncate(USAGE, 0)


class Flood(Stranger):
    """A local user who asks for more than can be looked up, and waits for all of it."""

    name = "flood of requests"
    connections = CROWD
    user = LOCAL

    def domains_asked(self) -> Sequence[str]:
        return strangers.flood()


class HangUp(Flood):
    """A local user who asks and goes at once, again and again."""

    name = "flood, hanging up"
    how = "hang-up"
    connections = 300


class Ahead(Flood):
    """A local user who sends requests as fast as they are taken and waits for no answer."""

    name = "flood, not waiting"
    how = "ahead"
    connections = 50


class FewDescriptors(Flood):
    """The flood takes up what mtastsd can open for clients."""

    name = "descriptors used up"
    connections = FEW

    def strike(self, field: Field) -> None:
        field.testbed.daemon.limit(FEW)
        super().strike(field)

    def undo(self, field: Field) -> None:
        super().undo(field)
        field.testbed.daemon.limit(0)


class Unreadable(Fault):
    """Entries that belong to somebody else and may be read by nobody but root, as after a restored backup. They are no absence,
    and they are not replaced."""

    name = "unreadable entries"
    group = "store"
    traits = Trait.HIDDEN | Trait.UNSAVED
    short = 1.5

    def choose(self, field: Field) -> None:
        self.victims = field.random.sample([domain for domain in field.testbed.domains if domain.kind in (Kind.STEADY, Kind.YEARLY)], VICTIMS)
        self.domains = frozenset(domain.name for domain in self.victims)
        self.taken: dict[Path, int] = {}  # with inode numbers

    def strike(self, field: Field) -> None:
        with field.testbed.store_lock:
            for victim in self.victims:
                file = field.testbed.file_of(victim.name)
                if is_own(file):
                    os.chown(file, 0, 0)
                    file.chmod(0)
                    self.taken[file] = file.stat().st_ino
        field.inspector.of_others.update(self.taken)
        if not self.taken:
            raise NotNow("no entry to take is there")

    def act(self, field: Field) -> bool:
        with clients.MailServer(field.runner) as server:
            server.ask(field.random.choice(self.victims))
        field.report.act(self.name)
        return True

    def undo(self, field: Field) -> None:
        with field.testbed.store_lock:
            for file, number in self.taken.items():
                if not is_own(file) or file.stat().st_ino != number:
                    field.report.found("lost", {self.name}, f"{file} was replaced while nobody could read it")
                    continue
                os.chown(file, owner_id(), owner_id())
                file.chmod(0o644)
            field.inspector.of_others.difference_update(self.taken)


ALL: list[type[Fault]] = [Groups, Silent, Shut, Shaking, Bulky, Void, Lying, Flood, HangUp, Ahead, FewDescriptors, Unreadable, Hoarder]
