#!/usr/bin/python3
"""Where namespaces are refused, as in most containers: nothing fails, and what was skipped is told with its reason."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
REFUSED = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"] if os.geteuid() == 0 else []


def told(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*REFUSED, sys.executable, *map(str, command)], capture_output=True, text=True, check=False)


class WithoutSandbox(unittest.TestCase):
    def test_the_check_says_why(self) -> None:
        check = told(TESTS / "lab/sandbox.py", "--check")
        self.assertEqual(check.returncode, 1)
        self.assertRegex(check.stdout, "needs root|refused on this machine")

    def test_servers_are_skipped_with_a_reason_and_counted(self) -> None:
        for program, extra in (("e2e/exim/run.py", ()), ("e2e/postfix/run.py", ()), ("soak/run.py", ("--short",))):
            with self.subTest(program), tempfile.TemporaryDirectory() as folder:
                results = Path(folder, "results")
                run = told(TESTS / program, "--build", folder, "--results", results, *extra)
                self.assertEqual(run.returncode, 0, run.stderr)
                line = told(TESTS / "lab/counts.py", "line", "name", results).stdout
                self.assertRegex(line, r"\Aname: 0 passed, 0 failed, [1-9]\d* skipped\nskipped: .*(needs root|refused on this machine)")

    def test_reasons_are_told_once_before_the_sum(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder, "results")
            results.write_text("a: 3 passed, 0 failed, 1 skipped\nskipped: x: no root\nb: 1 passed, 0 failed, 1 skipped\n"
                               "skipped: x: no root\nskipped: y: no root\n", encoding="ascii")
            total = told(TESTS / "lab/counts.py", "total", results)
            self.assertEqual(total.stdout.splitlines()[-4:], ["skipped: no root:", "  x", "  y", "4 passed, 0 failed, 2 skipped"])
            self.assertEqual(total.returncode, 0)

    def test_what_passes_in_a_second_run_is_named(self) -> None:
        case = '<testcase name="{}" status="{}"/>'.format
        with tempfile.TemporaryDirectory() as folder:
            first, again = Path(folder, "first"), Path(folder, "again")
            first.write_text(f'<testsuite tests="3" failures="2">{case("a", "run")}{case("b", "fail")}{case("c", "fail")}</testsuite>')
            again.write_text(f'<testsuite tests="2" failures="1">{case("b", "run")}{case("c", "fail")}</testsuite>')
            told_of = told(TESTS / "lab/counts.py", "junit", "name", first, again).stdout
            self.assertEqual(told_of, "name: 2 passed, 1 failed, 0 skipped\nunsteady: b\nfailed: c\n")
            again.unlink()
            self.assertEqual(told(TESTS / "lab/counts.py", "junit", "name", first, again).stdout, "name: 1 passed, 2 failed, 0 skipped\nfailed: b\nfailed: c\n")

    def test_a_whole_program_counts_as_its_tests(self) -> None:
        case = '<testcase name="{}" status="{}"><system-out>{}</system-out></testcase>'.format
        good = "x_test.cc:3: Skipped\ntakes root\n[==========] 5 tests ran.\n[  PASSED  ] 4 tests.\n[  SKIPPED ] 1 test.\n"
        bad = "y_test.cc:7: Failure\nno\n[  FAILED  ] Suite.Two (7 ms)\n[==========] 3 tests ran.\n[  PASSED  ] 2 tests.\n"
        better = "[==========] 3 tests ran.\n[  PASSED  ] 3 tests.\n"
        with tempfile.TemporaryDirectory() as folder:
            first, again = Path(folder, "first"), Path(folder, "again")
            first.write_text(f'<testsuite>{case("a", "run", good)}{case("b", "fail", bad)}{case("c", "fail", "it died")}</testsuite>')
            told_of = told(TESTS / "lab/counts.py", "junit", "name", first, again).stdout
            self.assertEqual(told_of, "name: 6 passed, 2 failed, 1 skipped\nskipped: x_test: takes root\nfailed: b Suite.Two\nfailed: c\n")
            again.write_text(f'<testsuite>{case("b", "run", better)}{case("c", "fail", "it died")}</testsuite>')
            told_of = told(TESTS / "lab/counts.py", "junit", "name", first, again).stdout
            self.assertEqual(told_of, "name: 7 passed, 1 failed, 1 skipped\nskipped: x_test: takes root\nunsteady: b\nfailed: c\n")

    def test_of_a_whole_program_each_failure_counts_and_so_does_a_bad_end(self) -> None:
        case = '<testsuite><testcase name="a" status="{}"><system-out>{}</system-out></testcase></testsuite>'.format
        failed = "[  FAILED  ] Suite.{} (7 ms)\n".format
        passed = "[==========] 4 tests ran.\n[  PASSED  ] {} tests.\n".format
        skipped = "x_test.cc:3: Skipped\ntakes root\n[  PASSED  ] 1 test.\n[  SKIPPED ] 2 tests.\n"
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder, "results")
            for output, status, counts in (
                (failed("One") + failed("Two") + passed(2), "fail", "2 passed, 2 failed, 0 skipped"),
                (passed(4) + "a leak", "fail", "4 passed, 1 failed, 0 skipped"),
                (skipped, "run", "1 passed, 0 failed, 2 skipped"),
            ):
                results.write_text(case(status, output), encoding="ascii")
                self.assertEqual(told(TESTS / "lab/counts.py", "junit", "n", results).stdout.splitlines()[0], f"n: {counts}")

    def test_failures_are_named_at_the_end(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder, "results")
            results.write_text("a: 3 passed, 1 failed, 0 skipped\nfailed: [trixie] x: late\nb: 1 passed, 0 failed, 0 skipped\n", encoding="ascii")
            total = told(TESTS / "lab/counts.py", "total", results)
            self.assertEqual(total.stdout.splitlines()[-2:], ["failed: [trixie] x: late", "4 passed, 1 failed, 0 skipped"])
            self.assertEqual(total.returncode, 1)


if __name__ == "__main__":
    unittest.main()
