"""Faults of what is outside: the clock, the resolver, the policy hosts."""

from __future__ import annotations

import contextlib
import signal

import clients
from clock import HOUR, YEAR
from episodes import Trait
from faults import Fault, Field, NotNow
from faults_files import cut, is_own
from testbed import FOLDER, processes
from programs import USERS, send
from model import Kind


DENY = ("local_zone", "test.", "always_nxdomain")
ALLOW = ("local_zone", "test.", "transparent")


def control(field: Field, *words: str) -> None:
    field.testbed.dns.programs.run("unbound-control", "-c", str(FOLDER / "dns/unbound.conf"), *words)


class ClockFault(Fault):
    """Moves the clock by `distance` and back."""

    group = "clock"
    distance = 0
    short = 0.8

    def strike(self, field: Field) -> None:
        self.right = field.testbed.clock.offset
        self.refreshed = False
        self.jump(field, self.distance)

    def act(self, field: Field) -> bool:
        """The hourly round runs by the wrong clock, too, once."""
        if not self.refreshed:
            clients.refresh(field.runner)
        self.refreshed = True
        return True

    def undo(self, field: Field) -> None:
        self.jump(field, 0)

    def jump(self, field: Field, distance: int) -> None:
        if self.right + distance > field.testbed.clock.offset:
            field.oracle.clock_will_be_right()
        field.testbed.clock.set(self.right + distance)
        field.report.act(self.name)


class YearAhead(ClockFault):
    name = "clock a year ahead"
    distance = YEAR


class YearBack(ClockFault):
    name = "clock a year back"
    distance = -YEAR


class HoursBack(ClockFault):
    name = "clock five hours back"
    distance = -5 * HOUR


class Jumping(ClockFault):
    """It does not come to rest."""

    name = "clock jumping"
    pause = 0.3

    def act(self, field: Field) -> bool:
        self.jump(field, field.random.choice([-YEAR, -HOUR, -60, 0, HOUR, YEAR]))
        return True


class CutAndBack(ClockFault):
    """Entries are cut to nothing, and then the clock is set back: an empty file says until when a domain is known to have no
    record, and must not seem to say so now."""

    name = "file cut, clock back"
    distance = -5 * HOUR

    def choose(self, field: Field) -> None:
        self.victims = field.random.sample([domain for domain in field.testbed.domains if domain.kind.has_policy], 8)

    def strike(self, field: Field) -> None:
        with field.testbed.store_lock, field.oracle.destroying([victim.name for victim in self.victims]), contextlib.suppress(OSError):
            for victim in self.victims:
                file = field.testbed.file_of(victim.name)
                if is_own(file):
                    cut(field, file, 0)
                    field.artefacts[file] = file.lstat().st_ino
        super().strike(field)

    def act(self, field: Field) -> bool:
        clients.query(field.runner, field.random.choice(self.victims), field.random.choice(USERS))
        return True


class BackInTheDark(ClockFault):
    """A year back, and every name is denied: nothing can be fetched anew. What is cached seems to be from the future, and
    stays in force."""

    name = "clock back, no names"
    distance = -YEAR
    traits = Trait.NETWORK

    def strike(self, field: Field) -> None:
        if not field.testbed.names_lock.acquire(timeout=10):
            raise NotNow("the resolver is broken already")
        control(field, *DENY)
        super().strike(field)

    def undo(self, field: Field) -> None:
        super().undo(field)
        control(field, *ALLOW)
        control(field, "flush_zone", "test.")
        field.testbed.names_lock.release()


class ResolverFault(Fault):
    group = "world"
    traits = Trait.NETWORK

    def strike(self, field: Field) -> None:
        field.testbed.names_lock.acquire()
        self.break_it(field)
        field.report.act(self.name)

    def undo(self, field: Field) -> None:
        self.repair(field)
        field.testbed.names_lock.release()

    def break_it(self, field: Field) -> None:
        raise NotImplementedError

    def repair(self, field: Field) -> None:
        raise NotImplementedError


class ResolverDown(ResolverFault):
    name = "resolver down"

    def break_it(self, field: Field) -> None:
        field.testbed.dns.stop_resolver()

    def repair(self, field: Field) -> None:
        field.testbed.dns.start_resolver()


class ResolverSilent(ResolverFault):
    """It takes connections and says nothing."""

    name = "resolver silent"
    short = 3.0

    def break_it(self, field: Field) -> None:
        stop_all("unbound", signal.SIGSTOP)

    def repair(self, field: Field) -> None:
        stop_all("unbound", signal.SIGCONT)


class ResolverDenies(ResolverFault):
    """It says of every name that it does not exist, as a captive portal or an attacker would (R20)."""

    name = "resolver denies all"

    def break_it(self, field: Field) -> None:
        control(field, *DENY)

    def repair(self, field: Field) -> None:
        control(field, *ALLOW)
        control(field, "flush_zone", "test.")


class HostsDown(Fault):
    """Nobody listens at the policy hosts."""

    name = "policy hosts down"
    group = "world"
    traits = Trait.NETWORK

    def strike(self, field: Field) -> None:
        field.testbed.web.stop_nginx()
        field.report.act(self.name)

    def undo(self, field: Field) -> None:
        field.testbed.web.start_nginx()


class HostsSilent(Fault):
    """Policy hosts take the connection and say nothing."""

    name = "policy hosts silent"
    group = "world"
    traits = Trait.NETWORK
    short = 2.5

    def strike(self, field: Field) -> None:
        stop_all("nginx", signal.SIGSTOP)
        field.report.act(self.name)

    def undo(self, field: Field) -> None:
        stop_all("nginx", signal.SIGCONT)


class HostsWrong(Fault):
    """Some policy hosts serve something that is no policy, under the old record id and under new ones."""

    name = "policy hosts wrong"
    group = "world"
    traits = Trait.NETWORK
    bodies = ("", "<html><body>It works!</body></html>\n", "version: STSv1\r\nmode: enforce\r\n", "version: STSv1\r\nmode: none\r\nmax_age: none\r\n")

    def choose(self, field: Field) -> None:
        self.victims = field.random.sample([domain for domain in field.testbed.domains if domain.kind.has_policy], 12)
        self.domains = frozenset(domain.name for domain in self.victims)

    def strike(self, field: Field) -> None:
        field.testbed.names_lock.acquire()
        for victim in self.victims:
            if victim.kind is Kind.MOVING:
                field.testbed.publish(victim, victim.next_version())
            field.testbed.put_body(victim, field.random.choice(self.bodies))
            field.report.act(self.name)

    def undo(self, field: Field) -> None:
        for victim in self.victims:
            field.testbed.put_body(victim, victim.current.text())
        field.testbed.names_lock.release()


def stop_all(name: str, number: signal.Signals) -> None:
    for pid, _ in processes(name):
        send(pid, number)


ALL: list[type[Fault]] = [YearAhead, YearBack, HoursBack, Jumping, CutAndBack, BackInTheDark, ResolverDown, ResolverSilent, ResolverDenies, HostsDown, HostsSilent,
                          HostsWrong]
