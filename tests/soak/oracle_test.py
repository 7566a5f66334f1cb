#!/usr/bin/python3
"""The soak's judge itself: it must complain of every wrong answer, and of no right one."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

import daemon
import entry
import strangers
from clock import DAY, YEAR, Clock
from episodes import Episode, Episodes, Trait
from faults_files import Noise
from oracle import PROMPT, REPEATED, Answer, Oracle
from pulse import WHOLE_MACHINE, Pulse, is_blocked, waited
from model import WEEK, Domain, Kind, Version

STEADY = Domain("steady1.test", Kind.STEADY)
ABSENT = Domain("absent1.test", Kind.ABSENT)
YEARLY = Domain("yearly1.test", Kind.YEARLY)
NOTHING = Answer("none")


def answer(version: Version, fetched: int, **changes: object) -> Answer:
    whole = Answer("policy", version.mode, version.mx, str(version.number), version.max_age, fetched, fetched + version.max_age)
    return replace(whole, **changes)  # type: ignore[arg-type]


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.clock = Clock(Path(folder.name, "clock"))
        self.episodes = Episodes()
        for domain in (STEADY, YEARLY):
            domain.versions.clear()
            domain.versions[1] = domain.next_version()
        self.oracle = Oracle([STEADY, ABSENT, YEARLY], self.clock, self.episodes)

    def good(self, domain: Domain = STEADY, **changes: object) -> Answer:
        return answer(domain.current, self.clock.now(), **changes)

    def ask(self, given: Answer, domain: Domain = STEADY) -> str:
        return self.oracle.judge(self.oracle.ticket(domain), given)

    def right(self, given: Answer, domain: Domain = STEADY) -> None:
        self.assertEqual(self.ask(given, domain), "")

    def wrong(self, words: str, given: Answer, domain: Domain = STEADY) -> None:
        self.assertIn(words, self.ask(given, domain))

    def fault(self, traits: Trait, domains: frozenset[str] | None = None) -> Episode:
        return self.episodes.start(Episode("fault", traits, domains))


class Forged(Case):
    def test_a_published_policy_is_right(self) -> None:
        self.right(self.good())

    def test_one_that_was_never_published_is_wrong(self) -> None:
        self.wrong("never published", self.good(mx=("impostor.test",)))
        self.wrong("never published", self.good(mx=STEADY.current.mx[:1]))

    def test_a_policy_for_a_domain_without_one_is_wrong(self) -> None:
        self.wrong("never published", self.good(), ABSENT)

    def test_mode_max_age_and_id_must_be_those_of_the_version(self) -> None:
        self.wrong("mode testing", self.good(mode="testing"))
        self.wrong("none and mode enforce", self.good(word="none"))
        self.wrong("max_age is", self.good(max_age=7))
        self.wrong("its id 2", self.good(id="2"))
        self.wrong("without an id", self.good(id=""))

    def test_an_expired_policy_is_wrong_and_one_that_lasts_too_long(self) -> None:
        self.wrong("R22", answer(STEADY.current, self.clock.now() - WEEK - 5))
        self.wrong("longer than any fetch", answer(STEADY.current, self.clock.now() + 60))
        self.wrong("max_age after", self.good(expires=self.clock.now() + 10))


class Cached(Case):
    def setUp(self) -> None:
        super().setUp()
        self.right(self.good())

    def test_a_committed_policy_must_be_applied_whatever_happens_to_network_disk_and_processes(self) -> None:
        self.fault(Trait.NETWORK | Trait.UNSAVED | Trait.KILLED | Trait.STOPPED)
        self.wrong("not applied", NOTHING)
        self.wrong("not applied", Answer("defer"))

    def test_it_need_not_be_while_the_store_cannot_be_read(self) -> None:
        self.fault(Trait.HIDDEN | Trait.NETWORK)
        self.right(NOTHING)

    def test_mail_may_wait_while_the_store_cannot_be_read(self) -> None:
        self.fault(Trait.HIDDEN)
        self.right(Answer("defer"))

    def test_nor_when_its_file_was_destroyed_but_then_it_must_be_found_again(self) -> None:
        ticket = self.oracle.ticket(STEADY)
        with self.oracle.destroying([STEADY.name]):
            pass
        self.assertIn("not found", self.oracle.judge(ticket, NOTHING))
        self.wrong("not found", NOTHING)
        self.right(self.good())
        self.wrong("not applied", NOTHING)

    def test_an_answer_asked_for_before_its_file_was_destroyed_commits_nothing(self) -> None:
        ticket = self.oracle.ticket(STEADY)
        with self.oracle.destroying([STEADY.name]):
            pass
        self.assertEqual(self.oracle.judge(ticket, self.good()), "")
        self.wrong("not found", NOTHING)

    def test_an_older_version_is_wrong_after_a_newer_one(self) -> None:
        old = self.good()
        STEADY.versions[2] = STEADY.next_version()
        self.right(self.good())
        self.wrong("version 1 after 2", old)

    def test_a_version_that_the_asker_could_not_save_commits_nothing(self) -> None:
        old = self.good()
        STEADY.versions[2] = STEADY.next_version()
        self.right(self.good(writes=False))
        self.right(old)
        self.fault(Trait.UNSAVED)
        self.right(self.good())
        self.right(old)

    def test_what_the_store_itself_shows_counts(self) -> None:
        old = self.good()
        STEADY.versions[2] = STEADY.next_version()
        self.assertEqual(self.oracle.see_stored(self.oracle.ticket(STEADY), 2, self.clock.now() + WEEK), "")
        self.wrong("version 1 after 2", old)
        self.assertIn("none after 2", self.oracle.see_stored(self.oracle.ticket(STEADY), 0, 0))

    def test_a_clock_a_year_ahead_ends_a_week_but_not_the_longest_max_age(self) -> None:
        self.right(self.good(YEARLY), YEARLY)
        self.clock.set(YEAR)
        self.wrong("not found", NOTHING)  # that it ran out is no excuse where it can be fetched again
        self.wrong("not applied", NOTHING, YEARLY)
        self.clock.set(0)
        self.wrong("not applied", NOTHING)

    def test_after_a_clock_was_back_the_duty_begins_anew(self) -> None:
        self.clock.set(-YEAR)
        self.fault(Trait.NETWORK)
        self.wrong("not applied", NOTHING)
        self.oracle.clock_will_be_right()
        self.clock.set(0)
        self.right(NOTHING)


class NothingCached(Case):
    def test_calm_demands_the_policy(self) -> None:
        self.wrong("not found", NOTHING)
        self.wrong("deferred", Answer("defer"))
        self.wrong("deferred", Answer("defer"), ABSENT)
        self.right(NOTHING, ABSENT)

    def test_trouble_excuses_until_it_is_healed(self) -> None:
        episode = self.fault(Trait.NETWORK)
        self.oracle.excuse()
        self.right(NOTHING)
        self.right(Answer("defer"))
        episode.end = time.monotonic()
        self.right(NOTHING)
        self.oracle.healed()
        self.wrong("not found", NOTHING)

    def test_a_killed_helper_excuses_a_defer_and_no_other_answer(self) -> None:
        self.fault(Trait.KILLED)
        self.right(Answer("defer"))
        self.wrong("not found", NOTHING)

    def test_a_clock_that_jumps_meanwhile_excuses_and_one_that_has_jumped_before_does_not(self) -> None:
        ticket = self.oracle.ticket(STEADY)
        self.clock.set(YEAR)
        self.assertEqual(self.oracle.judge(ticket, NOTHING), "")
        self.wrong("not found", NOTHING)

    def test_trouble_of_other_domains_is_no_excuse(self) -> None:
        self.fault(Trait.NETWORK, frozenset({YEARLY.name}))
        self.wrong("not found", NOTHING)


MAIL_WAITS = Answer("defer", repeated=True)
FREE = Answer("none", repeated=True)


class Mtastsd(Case):
    def reply(self, domain: Domain = STEADY, seconds: float = 0.0, **changes: str) -> Answer:
        """As mtastsd gives it, with parts of the text changed."""
        text = (f"OK secure match=v1.mx.{domain.name}:.v1.{domain.name} servername=hostname policy_type=sts policy_domain={domain.name} "
                + " ".join(f"{{ policy_string = {line} }}" for line in domain.versions[1].lines()) + " mx_host_pattern=ignored.test")
        for old, new in changes.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        return daemon.answer_of(domain, text, seconds)

    def cache(self, domain: Domain = STEADY, ago: float = 60.0) -> None:
        """It has been in the store for so long."""
        self.right(self.good(domain), domain)
        memory = self.oracle._memories[domain.name]
        assert memory.kept
        memory.kept = replace(memory.kept, first=time.monotonic() - ago)

    def test_its_replies_are_read_as_policies(self) -> None:
        self.right(self.reply())
        self.assertEqual(daemon.answer_of(STEADY, "NOTFOUND ", 0), FREE)
        self.assertEqual(daemon.answer_of(STEADY, "TEMP why", 0), replace(MAIL_WAITS, reason="TEMP why"))

    def test_what_is_no_reply_for_this_domain_is_refused(self) -> None:
        for reply in ("", "OK may", "OK dane", "PERM no", "NOTFOUND"):
            with self.assertRaises(ValueError):
                daemon.answer_of(STEADY, reply, 0)
        for changes in ({"match=v1": "match=v2"}, {":.v1": ":.v2"}, {"policy_domain=steady1": "policy_domain=other"}, {"mode: enforce } ": "mode: enforce } { policy_string = mx: more.test } "}):
            with self.assertRaises(ValueError):
                self.reply(**changes)  # type: ignore[arg-type]

    def test_a_policy_that_was_never_published_is_wrong(self) -> None:
        self.assertIn("never published", self.ask(self.reply(**{"v1": "v7"})))
        self.assertIn("max_age is", self.ask(self.reply(**{f"max_age: {WEEK}": "max_age: 5"})))

    def test_a_cached_policy_is_applied_by_mtastsd_too(self) -> None:
        self.cache()
        self.right(self.reply())
        self.wrong("not applied", FREE)
        self.wrong("not applied", MAIL_WAITS)
        self.fault(Trait.CROWDED)
        self.wrong("not applied", FREE)
        self.wrong("not applied", MAIL_WAITS)

    def test_mail_may_wait_where_dane_cannot_be_asked_about_and_never_goes_unprotected(self) -> None:
        self.cache()
        self.fault(Trait.NETWORK)
        self.right(MAIL_WAITS)
        self.wrong("not applied", FREE)

    def test_what_it_repeats_may_be_older_than_what_was_saved_meanwhile(self) -> None:
        self.cache(ago=REPEATED / 2)
        self.wrong("not found", FREE)  # everything has worked for longer
        self.fault(Trait.NETWORK)
        self.right(FREE)

    def test_what_it_repeats_may_be_of_what_a_clock_set_back_had_stored(self) -> None:
        self.cache()
        self.clock.set(-YEAR)
        self.oracle.clock_will_be_right()
        self.clock.set(0)
        self.oracle._right_since = time.monotonic()
        self.fault(Trait.NETWORK)
        self.right(self.good())  # had run out, and was fetched anew by another
        self.right(FREE)
        self.cache()
        self.wrong("not applied", FREE)

    def test_a_cached_policy_is_late_after_two_seconds_whatever_strangers_do(self) -> None:
        self.cache()
        self.fault(Trait.CROWDED | Trait.KILLED | Trait.UNSAVED)
        self.right(self.reply(seconds=PROMPT))
        self.wrong("took 2.1 s", self.reply(seconds=PROMPT + 0.1))

    def test_a_first_contact_is_not_late_nor_one_whose_network_is_broken(self) -> None:
        self.right(self.reply(seconds=3))
        self.cache()
        self.fault(Trait.NETWORK)
        self.right(self.reply(seconds=3))

    def test_a_mode_that_is_not_enforced_looks_like_no_policy(self) -> None:
        self.wrong("not found", FREE)
        STEADY.versions[2] = replace(STEADY.next_version(), mode="testing")
        self.right(FREE)
        self.cache()
        STEADY.versions[3] = STEADY.next_version()
        self.right(FREE)
        self.cache()
        self.wrong("not applied", FREE)


class Strangers(Case):
    def test_a_first_contact_may_wait_for_strangers_and_is_never_waved_through(self) -> None:
        episode = self.fault(Trait.CROWDED)
        for waiting, free in ((Answer("defer"), NOTHING), (MAIL_WAITS, FREE)):
            self.right(waiting)
            self.wrong("waved through", free)
            self.right(free, ABSENT)
            self.right(self.good())
        episode.end = time.monotonic()
        self.right(MAIL_WAITS)  # what they have asked for goes on for a while
        self.wrong("waved through", FREE)
        episode.begin, episode.end = 0.0, 1.0
        self.wrong("deferred", MAIL_WAITS)

    def test_they_do_not_weaken_what_is_cached(self) -> None:
        self.right(self.good())
        self.fault(Trait.CROWDED)
        self.wrong("not applied", NOTHING)
        self.wrong("not applied", Answer("defer"))

    def test_every_stranger_asks_for_names_of_strangers(self) -> None:
        names = [name.format(7) for part in (strangers.dhe, strangers.silent, strangers.shut, strangers.shaking, strangers.bulky, strangers.void,
                                             strangers.lying, strangers.hoarded) for name in part()]
        self.assertEqual([name for name in names if not strangers.owns(name)], [])
        self.assertFalse(strangers.owns("steady1.test") or strangers.owns("x1.test.test") or strangers.owns("dhe.test"))

    def test_every_name_has_a_host_of_its_kind(self) -> None:
        """Zone by zone: each address that is published is played by one of the hosts."""
        played = {host.address for host in strangers.hosts(True)} | set(strangers.VOID)
        for zone in strangers.zones(True):
            self.assertEqual([address for address in re.findall(r" A{1,4} (\S+)", zone.records) if address not in played], [], zone.name)


class Lab(Case):
    """What the soak's own name servers do is nobody else's fault."""

    def setUp(self) -> None:
        super().setUp()
        self.oracle.lab_trouble = lambda begin, end: "unbound has ended"

    def test_what_could_not_be_asked_for_is_not_judged(self) -> None:
        self.fault(Trait.CROWDED)
        self.right(NOTHING)
        self.right(Answer("defer"))
        self.assertEqual(self.oracle.tally.starved, 1, "who defers while strangers are about needs no excuse")

    def test_everything_else_is(self) -> None:
        self.wrong("never published", self.good(mx=("impostor.test",)))
        self.right(self.good(from_store=True))
        self.wrong("is not applied", NOTHING)
        self.assertEqual(self.oracle.tally.starved, 0)


class Stalls(unittest.TestCase):
    def test_only_what_lies_in_the_time_counts(self) -> None:
        pulse = Pulse(dict)
        pulse._stalls.extend([(5.0, 5.5, "a"), (1.0, 2.0, "a"), (1.25, 1.5, "b"), (5.25, 6, WHOLE_MACHINE)])
        self.assertEqual([pulse.stalled(*time) for time in ((0, 9), (1.75, 4), (2, 5), (3, 4))], [2, 0.25, 0, 0])
        self.assertEqual([pulse.stalled(0, 9, names) for names in (("a",), ("b",), ())], [2, 1, 0.75], "the whole machine's always")

    def test_a_process_that_waits_for_a_disk_twice_in_a_row_is_noticed(self) -> None:
        pulse = Pulse(dict)
        pulse._waited = {1: 0}
        with mock.patch("pulse.is_blocked", side_effect=[True, True, False, True]), mock.patch("pulse.waited", return_value=0):
            for beat in range(4):
                pulse._look_at(1, "unbound", beat, beat + 1)
        self.assertEqual(pulse.stalled(0, 4, ["unbound"]), 1)
        self.assertFalse(is_blocked(os.getpid()))

    def test_a_machine_that_lets_nobody_run_is_noticed(self) -> None:
        pulse = Pulse(dict)
        waits = iter([False, False, True])
        pulse.over.wait = lambda _: (time.sleep(0.3), next(waits))[1]  # type: ignore[method-assign, func-returns-value, assignment]
        begin = time.monotonic()
        pulse.run()
        self.assertGreater(pulse.stalled(begin, time.monotonic()), 0.4)

    def test_a_process_that_is_ready_and_does_not_run_is_noticed_and_one_that_waits_is_not(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        busy = [subprocess.Popen([sys.executable, "-c", f"import os\nos.sched_setaffinity(0, [{cores[0]}])\nwhile True: pass"]) for _ in range(2)]
        idle = subprocess.Popen(["sleep", "60"])
        try:
            time.sleep(0.3)
            before = [waited(one.pid) for one in (*busy, idle)]
            time.sleep(0.7)
            first, second, sleeper = (waited(one.pid) - since for one, since in zip((*busy, idle), before))
        finally:
            for one in (*busy, idle):
                one.kill()
                one.wait()
        self.assertGreater(first + second, 0.4e9)  # each has the core for half of the time at most
        self.assertLess(sleeper, 0.1e9)


class Entries(unittest.TestCase):
    BODY = "version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 86400\n"

    def entry(self) -> bytes:
        return entry.write("a.test", entry.Stored("1", 1763900000, self.BODY), 1764000000)

    def test_a_whole_entry_is_read(self) -> None:
        self.assertEqual(entry.read(self.entry(), "a.test"), entry.Stored("1", 1763900000, self.BODY))
        self.assertIsNone(entry.read(b"", "a.test"))

    def test_every_cut_and_every_changed_byte_is_noticed(self) -> None:
        whole = self.entry()
        for place in range(1, len(whole)):
            with self.assertRaises(entry.Damaged):
                entry.read(whole[:place], "a.test")
            changed = bytearray(whole)
            changed[place] ^= 1
            with self.assertRaises(entry.Damaged):
                entry.read(bytes(changed), "a.test")
        with self.assertRaises(entry.Damaged):
            entry.read(whole, "b.test")


class Noises(unittest.TestCase):
    """What mtasts takes for an entry of a later version it keeps: the fault has to take all of that away itself."""

    LATER = re.compile(rb"(mtasts-cache (?!1\n)\d{1,9}\n(?s:.*?)\n)sum: ([0-9a-f]{16})\n(\n(?s:.*))")

    def is_later(self, new: bytes) -> bool:
        parts = self.LATER.fullmatch(new)
        return bool(parts) and int(parts[2], 16) == entry.fnv1a(parts[1] + parts[3])

    def test_every_way_that_leaves_a_later_version_is_known_to(self) -> None:
        with tempfile.NamedTemporaryFile() as other:
            field = mock.Mock(random=random.Random(1))
            field.testbed.file_of.return_value = Path(other.name)
            field.testbed.domains = [STEADY]
            for old in (Noise.VERSION, b"mtasts-cache 1\ndomain: a.test\n"):
                for way in sorted(set(Noise.WAYS)):
                    new = Noise.noise(field, way, bytearray(old))
                    self.assertEqual(Noise.stays(new), self.is_later(new), (way, old))


class Clocks(Case):
    def test_what_it_may_have_shown_covers_a_jump(self) -> None:
        begin = time.monotonic()
        self.clock.set(-DAY)
        least, latest = self.clock.shown(begin, time.monotonic())
        self.assertTrue(DAY <= latest - least <= DAY + 3, (least, latest))
        least, latest = self.clock.shown(time.monotonic(), time.monotonic())
        self.assertTrue(latest - least <= 3, (least, latest))
        self.assertAlmostEqual(self.clock.now(), time.time() - DAY, delta=2)

    def test_it_covers_a_leap_of_the_machines_own_clock(self) -> None:
        begin, right = time.monotonic(), time.time
        with mock.patch("time.time", lambda: right() + 7):
            least, latest = self.clock.shown(begin, time.monotonic())
            self.assertTrue(7 <= latest - least <= 10, (least, latest))
            self.assertGreaterEqual(self.clock.latest(), self.clock.now())
            least, latest = self.clock.shown(time.monotonic(), time.monotonic())
            self.assertTrue(latest - least <= 3, (least, latest))


if __name__ == "__main__":
    sys.exit(unittest.main())
