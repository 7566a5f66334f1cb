#!/usr/bin/python3
"""The sandbox itself: it must hide what the machine has, and leave nothing behind when it is killed."""

from __future__ import annotations

import subprocess
import sys
import time
import unittest
from pathlib import Path
from typing import Callable

import packages
import sandbox

MARK = "86411"  # seconds: an argument to find the sandbox's sleep by


def inside(command: str) -> str:
    result = subprocess.run(sandbox.command_line(["sh", "-c", command], packages.unpacked(), None), env=sandbox.environment(),
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def processes() -> list[str]:
    """Command lines of the sandbox's sleep, seen from outside."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", MARK.encode()]:
            found.append(file.parent.name)
    return found


class Sandbox(unittest.TestCase):
    def test_the_network_is_its_own(self) -> None:
        self.assertEqual(inside("ip -o link | wc -l").strip(), "1")
        self.assertIn("unreachable", inside("ip route get 192.0.2.1 2>&1").lower())

    def test_files_written_inside_stay_inside(self) -> None:
        self.assertEqual(inside("echo x >/etc/mtasts-lab-was-here && cat /etc/mtasts-lab-was-here"), "x\n")
        self.assertFalse(Path("/etc/mtasts-lab-was-here").exists())
        self.assertIn("Read-only", inside(f"touch {packages.REPOSITORY}/mtasts-lab-was-here"))

    def test_servers_are_there_and_start_unconfigured(self) -> None:
        self.assertEqual(inside("for s in exim4 knotd unbound nginx; do command -v $s; done | wc -l").strip(), "4")
        self.assertNotIn("update-exim4.conf.conf", inside("ls /etc/exim4"))

    def test_a_killed_sandbox_leaves_no_process_and_no_mount(self) -> None:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
        with subprocess.Popen(sandbox.command_line(["sleep", MARK], packages.unpacked(), None), env=sandbox.environment()) as outer:
            wait_until(processes)
            outer.kill()
        wait_until(lambda: not processes())
        self.assertEqual(Path("/proc/self/mounts").read_text(encoding="utf-8"), mounts)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited ten seconds in vain")
        time.sleep(0.02)


if __name__ == "__main__":
    reason = sandbox.refusal()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
