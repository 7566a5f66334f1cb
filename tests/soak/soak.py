"""The soak inside the sandbox: everybody asks all the time, and fault after fault strikes."""

from __future__ import annotations

import concurrent.futures
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path

import clients
import faults_disk
import faults_files
import faults_processes
import faults_strangers
import faults_world
from clock import DAY, HOUR
from episodes import Episodes
from faults import Fault, Field, NotNow, afflict
from packages import LabError
from testbed import DNS_TIMEOUT, LOOKUP, NAME_SERVERS, OWNER, READER, SANITIZER_REPORTS, STORE, Testbed, is_daemons, processes, started_before
from oracle import EXCUSES, Oracle
from programs import Runner
from report import CALM, Report
from model import Domain, all_domains

KINDS: list[type[Fault]] = [*faults_world.ALL, *faults_disk.ALL, *faults_files.ALL, *faults_processes.ALL,
                          *faults_strangers.ALL]
ASKING_AT_ONCE = 3
LIFE = 40.0  # seconds: a lookup that is older than this will never end
PASSING = 2 * HOUR  # by the clock under test, whenever everything has to heal: longer than any failure is cached
AFTERWARDS = "(afterwards)"


@dataclass(frozen=True)
class Result:
    state: str  # ok, FAIL, SKIP
    name: str
    text: str


class Soak:
    def __init__(self, build: Path, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.domains = all_domains()
        self.testbed = Testbed(build, self.domains)
        self.episodes = Episodes()
        self.report = Report()
        self.oracle = Oracle(self.domains, self.testbed.clock, self.episodes, self.lab_trouble)
        self.runner = Runner(self.testbed, self.oracle, self.episodes, self.report)
        self.heals = 0
        self.clients: list[clients.Client] = []
        # Its threads stay: a server that a fault has started again would die with the thread that did it (pdeathsig).
        self.pool = concurrent.futures.ThreadPoolExecutor(ASKING_AT_ONCE + 1)

    def start(self) -> None:
        self.testbed.start()
        seed = str(self.seed)
        artefacts: dict[Path, int] = {}
        self.inspector = clients.Inspector(self.runner, artefacts, seed)
        self.field = Field(self.runner, self.inspector, self.random, artefacts)
        self.clients += [
            *(clients.CommandLine(self.runner, user, seed) for user in ("root", OWNER, READER)),
            *(clients.LongLived(self.runner, user, seed) for user in ("root", READER)), clients.Refresher(self.runner, seed),
            *(clients.MailServer(self.runner, f"{seed} mail {number}") for number in range(2)),
            clients.Lister(self.runner, READER, seed), clients.Publisher(self.runner, seed), self.inspector]
        self.runner.pulse.start()
        self.verify("warming up", self.domains)
        for asker in self.clients:
            asker.start()

    def lab_trouble(self, begin: float, end: float) -> str:
        """Why nobody could ask for names, by the soak's own fault. Who gets no answer within DNS_TIMEOUT because the resolver had
        no processor, or waited for a disk, cannot be blamed."""
        if died := self.testbed.dns.died():
            return f"{died} has ended"
        stalled = self.runner.pulse.stalled(begin, end, NAME_SERVERS)
        return f"the name servers could not run for {stalled:.1f} s" if stalled > DNS_TIMEOUT / 2 else ""

    def quit(self, keep: Path) -> None:
        """Everybody stops before what they need does, also after a failure. With findings, `keep` gets all logs
        and which fault struck when."""
        self.runner.stopping.set()
        for asker in self.clients:
            if asker.is_alive():
                asker.join(LIFE)
        self.pool.shutdown()
        if self.report.found_in_all:
            self.testbed.keep_logs(keep)
            (keep / "faults.txt").write_text("".join(self.report.history), encoding="utf-8")
            print(f"soak: logs and store are kept in {keep}", flush=True)
        self.testbed.stop()

    # The two ways to go about it.

    def each_once(self) -> list[Result]:
        """The short soak: one fault after the other, with everything healed in between."""
        return [*(self.one(kind()) for kind in KINDS), *self.end()]

    def at_random(self, seconds: float) -> None:
        """The long soak: faults of different groups at the same time, drawn at random."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # What excuses nothing comes first, while nothing is excused.
            for kinds in ([kind for kind in KINDS if not needs_healing(kind)], [kind for kind in KINDS if not needs_healing(kind)], KINDS):
                if time.monotonic() < end:
                    self.strike_at_random(kinds, end)
            self.heal("while healing")
            if died := self.testbed.dns.died():
                raise LabError(f"{died} has ended by itself")
            self.report.progress(self.oracle.tally.answers)
        self.end()

    def one(self, fault: Fault) -> Result:
        begin = time.monotonic()
        before = self.found(fault.name)
        try:
            afflict(fault, self.new_field(), fault.short)
        except NotNow as reason:
            return Result("SKIP", fault.name, str(reason))
        if fault.traits & EXCUSES:
            self.heal(fault.name)
        else:
            self.verify(fault.name, self.concerned(fault))
        row = self.report.row(fault.name)
        count = self.found(fault.name) - before
        text = f"{time.monotonic() - begin:.1f} s, {row.acts} acts, {row.answers} answers"
        text += f", {row.deferred} of {row.first} first contacts deferred" if row.first else ""
        return Result("FAIL" if count else "ok", fault.name, f"{count} findings; {text}" if count else text)

    def strike_at_random(self, kinds: list[type[Fault]], end: float) -> None:
        groups = sorted({kind.group for kind in kinds})
        chosen = [self.random.choice([kind for kind in kinds if kind.group == group])()
                  for group in self.random.sample(groups, self.random.randint(1, len(groups)))]
        waiting = [self.pool.submit(self.strike_later, fault, self.new_field(), self.random.uniform(0, 1),
                                    self.random.uniform(1, 3 + fault.short), end) for fault in chosen]
        for one in waiting:
            one.result()

    def new_field(self) -> Field:
        """With chance of its own: what it draws does not depend on what others draw at the same time."""
        return replace(self.field, random=random.Random(self.random.random()))

    def strike_later(self, fault: Fault, field: Field, delay: float, seconds: float, end: float) -> None:
        time.sleep(delay)
        try:
            afflict(fault, field, min(seconds, max(end - time.monotonic(), 0.5)))
        except NotNow as reason:
            print(f"not tried: {fault.name}: {reason}", flush=True)

    # Healing, and what is left at the end.

    def heal(self, label: str) -> None:
        """Nothing is broken any more; the hours pass in which a failure may be cached; then every answer is right."""
        self.heals += 1
        with self.testbed.names_lock:
            self.wait_for_lookups(label)
            self.testbed.clock.set(self.testbed.clock.offset + PASSING)
            self.oracle.healed()
            self.verify(label, self.testbed.talkative, up_to_date=True)

    def wait_for_lookups(self, label: str) -> None:
        begin = time.monotonic()
        while any(started_before(pid, time.monotonic() - begin) for pid, _ in processes(LOOKUP) if not is_daemons(pid)):
            if time.monotonic() > begin + LIFE:
                return self.report.found("hang", {label}, f"a lookup is still there after {LIFE:.0f} s")
            time.sleep(0.05)
        return None

    def verify(self, label: str, domains: list[Domain], *, up_to_date: bool = False) -> None:
        """These domains are answered, and judged, and nothing that a fault has left stays in the store."""

        def ask(place: int) -> None:
            for domain in domains[place::ASKING_AT_ONCE]:
                answer = clients.query(self.runner, domain, "root")
                if up_to_date and answer and answer.id and domain.version_of(answer.mx) not in (None, domain.current):
                    self.report.found("wrong", {label}, f"{domain.name}: {answer} is not up to date; {domain.current} is")
        for done in [self.pool.submit(ask, place) for place in range(ASKING_AT_ONCE)]:
            done.result()
        with self.testbed.store_lock:
            for item, number in list(self.field.artefacts.items()):
                if _is_still(item, number):
                    self.report.found("stray", {label}, f"{item} is still what the fault has made it")
                del self.field.artefacts[item]

    def concerned(self, fault: Fault) -> list[Domain]:
        """The domains that this fault was about; a few where it was about all."""
        return fault.victims or self.random.sample(self.testbed.talkative, 12)

    def end(self) -> list[Result]:
        """Everybody stops. What is left must be in order."""
        self.runner.stopping.set()
        for asker in self.clients:
            asker.join()
        self.runner.stopping.clear()
        self.wait_for_lookups(AFTERWARDS)
        self.inspector.take_stock()
        self.runner.complaints("\n".join(self.testbed.daemon.lines), 0.0)
        self.tidies_up()
        for file in SANITIZER_REPORTS.iterdir():
            self.report.found("crash", {AFTERWARDS}, file.read_text(encoding="utf-8", errors="replace")[:2000])
        return [self.summary(CALM), self.summary(AFTERWARDS)]

    def tidies_up(self) -> None:
        """What killed writers have left is thrown away a day later, by the daily refresh."""
        leftovers = list(STORE.glob("??/.new-*"))
        self.testbed.clock.set(self.testbed.clock.offset + DAY + HOUR)
        clients.refresh(self.runner)
        self.report.act("left by killed writers", len(leftovers))
        for item in leftovers:
            if item.exists():
                self.report.found("stray", {AFTERWARDS}, f"{item} is still there a day later")

    def found(self, name: str) -> int:
        return sum(self.report.row(name).found.values())

    def summary(self, name: str) -> Result:
        count = self.found(name)
        return Result("FAIL" if count else "ok", name, f"{count} findings" if count else f"{self.report.row(name).answers} answers")


def needs_healing(kind: type[Fault]) -> bool:
    """Not everything can be demanded again at once when it is over."""
    return bool(kind.traits & EXCUSES) or kind.group == "clock"


def _is_still(item: Path, number: int) -> bool:
    try:
        return item.lstat().st_ino == number
    except FileNotFoundError:
        return False
