#!/usr/bin/python3
"""./dev demo opensmtpd: real mails through a real OpenSMTPD that asks table-mtasts, in a sandbox, mail by mail.

    sudo tests/e2e/opensmtpd/demo.py --build build/release
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab")]

import roots  # noqa: E402
import demo_runner  # noqa: E402
from topology import HOSTS  # noqa: E402
from opensmtpd import OpenSmtpd, opensmtpd  # noqa: E402
from packages import LabError  # noqa: E402
from world import World  # noqa: E402

def choose() -> roots.Root:
    """The one of Debian 13, or a newer one where what is built here would not run in that."""
    try:
        roots.unpacked_for_our_programs(roots.OPENSMTPD_7_6)
        return roots.OPENSMTPD_7_6
    except LabError:
        roots.unpacked_for_our_programs(roots.OPENSMTPD_NEWEST)
        return roots.OPENSMTPD_NEWEST


def world() -> World:
    root = choose()
    [tree] = roots.unpacked(root)
    return World(demo_runner.DOMAINS, HOSTS, OpenSmtpd(tree, roots.version(root), HOSTS))


OPENSMTPD = demo_runner.Demo("OpenSMTPD", "mtasts-opensmtpd", world, lambda world: opensmtpd(world).control("show", "queue"),
                       unpack=choose)

if __name__ == "__main__":
    sys.exit(demo_runner.main(HERE / "demo.py", OPENSMTPD))
