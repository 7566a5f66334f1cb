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


if __name__ == "__main__":
    unittest.main()
