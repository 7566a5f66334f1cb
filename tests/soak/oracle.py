"""Judges every answer. The rules, strictest first:

1. A policy that is answered is, to the letter, one that this domain has published, and its id is not younger than it is.
   It has not run out (R22). A domain without a policy is never answered with one.
2. A policy that was seen to be committed to the store is never followed by an older one, and it is applied until it runs
   out (R17, R20) whatever happens to network, disk, clock and processes. This duty rests only while the store cannot be
   read, and ends when a fault destroys the domain's own file. After the clock was set back it is not known how long what
   was stored meanwhile lasts, so the duty begins anew with the next answer that shows it.
3. A policy of which nothing is cached is found whenever names and policy hosts work, the asker is not held up and the
   clock does not jump before his eyes. After network trouble a failure is cached for up to an hour (R15); the soak's clock lets that hour pass at times,
   and then this excuse is over.
4. "Not now" is said only where rule 3 has an excuse, to one whose helper was killed, and of what is not cached while
   strangers use up what others need. They are no excuse for "no policy".
5. mtastsd gives a cached answer within PROMPT seconds, whatever strangers do. It repeats one for a few seconds without a
   look into the store, so that an answer of its is judged by what was true that long ago, too. Where a policy is not to be
   enforced it says what it says of a domain without one.
6. Of what is not cached nothing is demanded where the soak's own name servers have died or could not run.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import Callable, Iterable, Iterator

from clock import Clock
from episodes import Episodes, Trait
from model import Domain, Kind, Version

IN_FLIGHT = 30.0  # no lookup that began earlier is still under way; see longest_lookup() in module/helper/main.cc
HELD_UP = 2.0  # a process that stood still may save so late what it dated by the clock before
EXCUSES = Trait.NETWORK | Trait.STOPPED
PROMPT = 2.0  # seconds
REPEATED = 6.0  # seconds: kRepeated in adapters/socketmap/answers.cc, and one more
LINGERING = 20.0  # seconds: so long may lookups of strangers go on that have left; DEADLINE and the fetches behind it
LEAP = 5  # seconds by which a clock that nobody moves does not go wrong
UNKNOWN = -1


@dataclass(frozen=True)
class Answer:
    """`word` is "policy", "none" or "defer". A policy of mode none is a "none" with an id. `writes`: whoever asked saves
    what he finds; `from_store`: it was cached. max_age, fetched and expires are UNKNOWN where they are not told.
    `repeated`: it is mtastsd's, and `seconds` is how long that took, without the time in which nobody could run."""

    word: str
    mode: str = "none"
    mx: tuple[str, ...] = ()
    id: str = ""
    max_age: int = UNKNOWN
    fetched: int = UNKNOWN
    expires: int = UNKNOWN
    reason: str = ""
    writes: bool = True
    from_store: bool = False
    repeated: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Kept:
    """A policy that was seen to be in the store, first and last by those who began to look at `first` and `seen`."""

    number: int
    expires: int
    first: float
    seen: float


@dataclass
class Memory:
    """What the oracle knows of one domain."""

    kept: Kept | None = None
    destroyed: float = 0.0  # when a fault last took its file away
    excused: bool = False  # a failure may be cached (rule 3)


@dataclass(frozen=True)
class Ticket:
    """Taken before an answer is asked for."""

    domain: Domain
    begin: float
    kept: Kept | None


@dataclass
class Tally:
    answers: int = 0
    duties: int = 0  # answers for which rule 2 demanded the cached policy
    defers: int = 0
    nones: int = 0
    starved: int = 0  # answers that were not judged, because names could not be asked for: the lab's own fault


class Oracle:
    def __init__(self, domains: list[Domain], clock: Clock, episodes: Episodes, lab_trouble: Callable[[float, float], str] = lambda begin, end: "") -> None:
        """`lab_trouble`: why nobody could ask for names between these times, by the soak's own fault, or ""."""
        self.clock = clock
        self.lab_trouble = lab_trouble
        self.episodes = episodes
        self.tally = Tally()
        self._memories = {domain.name: Memory() for domain in domains}
        self._lock = threading.RLock()
        self._right_since = 0.0  # the clock
        self._healed = 0.0

    # What the faults tell.

    @contextlib.contextmanager
    def destroying(self, names: Iterable[str]) -> Iterator[None]:
        """Take away or damage the files of these domains in here, quickly: nothing is judged meanwhile."""
        with self._lock:
            yield
            now = time.monotonic()
            trouble = bool(self.episodes.traits(max(self._healed, now - IN_FLIGHT), now) & EXCUSES)
            for name in names:
                memory = self._memories[name]
                memory.kept, memory.destroyed = None, now
                memory.excused = trouble  # a cached failure is gone, too, but one may be on its way

    def was_destroyed(self, name: str) -> bool:
        with self._lock:
            return self._memories[name].destroyed > 0

    def excuse(self, names: Iterable[str] | None = None) -> None:
        """Call it when trouble of one of EXCUSES begins for these domains; None: for all."""
        with self._lock:
            for name in self._memories if names is None else names:
                self._memories[name].excused = True

    def clock_will_be_right(self) -> None:
        """Call it before a clock that was set back goes forward again."""
        with self._lock:
            self._right_since = time.monotonic() + HELD_UP

    def healed(self) -> None:
        """Call it when every failure that may be cached has run out and nothing is under way that could leave one."""
        with self._lock:
            self._healed = time.monotonic()
            for memory in self._memories.values():
                memory.excused = False

    # What those who ask tell.

    def ticket(self, domain: Domain) -> Ticket:
        with self._lock:
            return Ticket(domain, time.monotonic(), self._memories[domain.name].kept)

    def judge(self, ticket: Ticket, answer: Answer) -> str:
        """What is wrong with the answer, or ""."""
        end = time.monotonic()
        with self._lock:
            memory = self._memories[ticket.domain.name]
            begin = ticket.begin - REPEATED if answer.repeated else ticket.begin
            traits = self.episodes.traits(begin, end, ticket.domain.name)
            kept = ticket.kept if ticket.kept and memory.destroyed < begin and ticket.kept.first <= begin else None
            self._count(answer)
            wrong = self._forged(ticket, answer, end) or self._late(answer, kept, traits, ticket.begin, end)
            if wrong:
                return wrong
            if answer.repeated and answer.word == "none" and _is_free(ticket.domain, kept):
                return ""
            if not answer.id:
                missing = self._missing(ticket.domain, answer, kept, memory, traits, begin, end)
                # A policy that is cached needs no names.
                if not missing or kept or not self.lab_trouble(ticket.begin, end):
                    return missing
                self.tally.starved += 1
                return ""
            number = self._version(ticket.domain, answer).number
            if kept and number < kept.number:
                return f"version {number} after {kept.number} was committed"
            if kept and self._is_duty(kept, traits, begin, end):
                self.tally.duties += 1
            if answer.from_store or (answer.writes and not traits & (Trait.UNSAVED | Trait.HIDDEN)):
                self._keep(memory, number, answer.expires, ticket.begin)
            return ""

    def see_stored(self, ticket: Ticket, number: int, expires: int) -> str:
        """The store's file itself, read after the ticket was taken, holds this version; 0: none at all."""
        with self._lock:
            memory = self._memories[ticket.domain.name]
            if memory.destroyed >= ticket.begin:
                return ""
            if ticket.kept and number < ticket.kept.number:
                memory.kept = None  # told once
                return f"the store holds version {number or 'none'} after {ticket.kept.number} was committed"
            if number:
                self._keep(memory, number, expires, ticket.begin)
            return ""

    # The rules.

    def _count(self, answer: Answer) -> None:
        self.tally.answers += 1
        self.tally.nones += answer.word == "none" and not answer.id
        self.tally.defers += answer.word == "defer"

    def _version(self, domain: Domain, answer: Answer) -> Version:
        version = domain.version_of(answer.mx)
        assert version  # _forged() has seen it
        return version

    def _forged(self, ticket: Ticket, answer: Answer, end: float) -> str:
        if not answer.id:
            return "a mode without an id" if answer.word == "policy" or answer.mx else ""
        version = ticket.domain.version_of(answer.mx)
        if not version:
            return "a policy that this domain has never published"
        if not answer.id.isdigit() or not 1 <= int(answer.id) <= version.number:
            return f"the policy is version {version.number}, its id {answer.id}"
        if answer.mode != version.mode or (answer.word == "policy") == (version.mode == "none"):
            return f"{answer.word} and mode {answer.mode} for a policy of mode {version.mode}"
        if answer.max_age not in (UNKNOWN, version.max_age):
            return f"max_age is {answer.max_age}, published was {version.max_age}"
        if answer.fetched != UNKNOWN and answer.expires != answer.fetched + version.max_age:
            return "it does not expire max_age after it was fetched"
        if answer.expires == UNKNOWN:
            return ""
        least, _ = self.clock.shown(ticket.begin, end)
        if answer.expires <= least:
            return f"it ran out {least - answer.expires} s before it was asked for (R22)"
        if answer.expires > self.clock.latest() + version.max_age:
            return "it lasts longer than any fetch can have made it"
        return ""

    def _late(self, answer: Answer, kept: Kept | None, traits: Trait, begin: float, end: float) -> str:
        if answer.seconds <= PROMPT or not kept or traits & EXCUSES or not self._is_duty(kept, traits, begin, end):
            return ""
        return f"version {kept.number} was committed, and the answer took {answer.seconds:.1f} s"

    def _missing(self, domain: Domain, answer: Answer, kept: Kept | None, memory: Memory, traits: Trait, begin: float, end: float) -> str:
        # mtastsd tells nobody to rely on a policy while it cannot find out whether DANE goes before it (R29).
        unknown = answer.repeated and answer.word == "defer" and traits & (EXCUSES | Trait.KILLED)
        if kept and not unknown and self._is_duty(kept, traits, begin, end):
            self.tally.duties += 1
            return f"version {kept.number} was committed and is not applied (R17)"
        least, latest = self.clock.shown(begin, end)
        jumped = latest - least > end - begin + LEAP
        if traits & EXCUSES or memory.excused or self._healed > begin or jumped:
            return ""
        crowd = self.episodes.traits(begin - LINGERING, end, domain.name) & Trait.CROWDED
        if answer.word == "defer":
            helpless = crowd or traits & (Trait.KILLED | Trait.HIDDEN) or domain.kind is Kind.SILENT
            return "" if helpless else "deferred although everything works"
        if not domain.kind.has_policy:
            return ""
        return "waved through while strangers are about" if crowd else "not found although everything works"

    def _is_duty(self, kept: Kept, traits: Trait, begin: float, end: float) -> bool:
        _, latest = self.clock.shown(begin, end)
        return kept.seen > self._right_since and not traits & Trait.HIDDEN and latest < kept.expires

    def _keep(self, memory: Memory, number: int, expires: int, begin: float) -> None:
        """It was in the store at some time after `begin`."""
        if memory.destroyed >= begin:
            return
        old = memory.kept
        if old and (number < old.number or (number == old.number and begin < old.seen)):
            return
        # What was stored by a clock that was set back may have run out before it was stored anew.
        lasted = old and old.number == number and old.seen > self._right_since
        first = old.first if old and lasted else begin
        memory.kept = Kept(number, expires, first, begin)


def _is_free(domain: Domain, kept: Kept | None) -> bool:
    """Whether a policy that may be in force leaves mail free to go anywhere: its mode is not enforce."""
    return any(version.mode != "enforce" for version in list(domain.versions.values()) if not kept or version.number >= kept.number)
