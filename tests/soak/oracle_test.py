#!/usr/bin/python3
"""The soak's judge itself: it must complain of every wrong answer, and of no right one."""

from __future__ import annotations

import sys
import tempfile
import time
import unittest
from dataclasses import replace
from pathlib import Path

import entry
from clock import DAY, YEAR, Clock
from episodes import Episode, Episodes, Trait
from oracle import Answer, Oracle
from truth import WEEK, Domain, Kind, Version

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


class Remembered(Case):
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


class NothingRemembered(Case):
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


class Clocks(Case):
    def test_what_it_may_have_shown_covers_a_jump(self) -> None:
        begin = time.monotonic()
        self.clock.set(-DAY)
        least, latest = self.clock.shown(begin, time.monotonic())
        self.assertTrue(DAY <= latest - least <= DAY + 3, (least, latest))
        least, latest = self.clock.shown(time.monotonic(), time.monotonic())
        self.assertTrue(latest - least <= 3, (least, latest))
        self.assertAlmostEqual(self.clock.now(), time.time() - DAY, delta=2)


if __name__ == "__main__":
    sys.exit(unittest.main())
