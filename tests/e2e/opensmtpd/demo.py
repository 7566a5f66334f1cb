#!/usr/bin/python3
"""./dev demo opensmtpd: real mails through a real OpenSMTPD that asks table-mtasts, in a sandbox, told as a short story.

    sudo tests/e2e/opensmtpd/demo.py --build build/release
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "lab")]

import roots  # noqa: E402
import story  # noqa: E402
from topology import HOSTS  # noqa: E402
from opensmtpd import OpenSmtpd, opensmtpd  # noqa: E402
from world import World  # noqa: E402

def world() -> World:
    [tree] = roots.unpacked(roots.OPENSMTPD_7_6)
    return World(story.DOMAINS, HOSTS, OpenSmtpd(tree, roots.version(roots.OPENSMTPD_7_6), HOSTS))


OPENSMTPD = story.Demo("OpenSMTPD", world, lambda world: opensmtpd(world).control("show", "queue"), "docs/opensmtpd.md",
                       unpack=lambda: roots.unpacked(roots.OPENSMTPD_7_6))

if __name__ == "__main__":
    sys.exit(story.main(HERE / "demo.py", OPENSMTPD))
