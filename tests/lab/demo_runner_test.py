#!/usr/bin/python3
"""What ./dev demo says of a mail."""

from __future__ import annotations

import unittest

import demo_runner
from mx import Event
from world import Trace


def told(*events: Event) -> Trace:
    return Trace({}, list(events), [], [])


class Contacted(unittest.TestCase):
    CONNECT = Event("connect", "good.mx.test")
    MAIL = Event("mail", "good.mx.test")

    def test_names_each_host_once(self) -> None:
        self.assertEqual(demo_runner.contacted(told(self.CONNECT, self.CONNECT, self.MAIL)), "good.mx.test")

    def test_names_the_host_that_got_the_mail_over_a_connection_kept(self) -> None:
        self.assertEqual(demo_runner.contacted(told(self.MAIL)), "good.mx.test (over the connection of the mail before)")

    def test_names_nobody_only_where_nothing_happened(self) -> None:
        self.assertEqual(demo_runner.contacted(told()), "nobody")


class Expected(unittest.TestCase):
    STEP = demo_runner.Step("a bank", "bank.test", "good.mx.test")
    SHOP = demo_runner.Step("a shop", "shop.test", "")
    MAIL = told(Event("mail", "good.mx.test"))

    def test_a_mail_that_waits_although_it_should_arrive_is_not(self) -> None:
        self.assertTrue(demo_runner.as_it_should(self.STEP, self.MAIL, "delivered"))
        self.assertFalse(demo_runner.as_it_should(self.STEP, told(), "deferred"))

    def test_a_mail_that_should_wait_and_arrives_is_not(self) -> None:
        self.assertTrue(demo_runner.as_it_should(self.SHOP, told(Event("connect", "selfsigned.mx.test")), "deferred"))
        self.assertFalse(demo_runner.as_it_should(self.SHOP, self.MAIL, "delivered"))

    def test_an_impostor_is_never(self) -> None:
        self.assertFalse(demo_runner.as_it_should(self.STEP, told(Event("connect", "impostor.mx.test"), Event("mail", "good.mx.test")), "delivered"))
        self.assertFalse(demo_runner.as_it_should(self.STEP, told(Event("mail", "impostor.mx.test")), "delivered"))


if __name__ == "__main__":
    unittest.main()
