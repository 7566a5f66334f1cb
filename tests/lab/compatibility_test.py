#!/usr/bin/python3
"""docs/compatibility.md says what was run, and of the rest that it was not."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import compatibility  # noqa: E402
from tally import Tally, total  # noqa: E402

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/compatibility.md"

INFO = """Format: 1.0
Source: mtasts
Version: 0.3.0
Build-Date: Mon, 30 Nov 2026 01:02:03 +0000
Installed-Build-Depends:
 g++ (= 4:14.2.0-1),
 g++-14 (= 14.2.0-19),
 g++-14-x86-64-linux-gnu (= 14.2.0-19),
 libcurl4-openssl-dev (= 8.14.1-2+deb13u2),
 libssl-dev (= 3.5.4-1~deb13u1)
"""


def server(title: str, counts: Tally, version: str) -> Tally:
    counts.servers = [f"{title} ({version}): {counts.counts()}"]
    return counts


class Compatibility(unittest.TestCase):
    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = Path(place.name)
        trixie = self.folder / "trixie"
        trixie.mkdir()
        (trixie / "mtasts_0.3.0_amd64.buildinfo").write_text(INFO, encoding="utf-8")
        postfix = total([server("Postfix 3.10", Tally(passed=70, failed=1, unsteady=["a slow one"]), "postfix 3.10.4")])
        (trixie / "results.postfix").write_text(postfix.results(), encoding="utf-8")
        (trixie / "results.opensmtpd").write_text(Tally(skipped=5, reasons=["OpenSMTPD 7.6 end to end (5 scenarios): no root"]).results(), encoding="utf-8")
        (trixie / "autopkgtest").write_text("exim                 PASS\npostfix FAIL non-zero exit status 1\n", encoding="utf-8")
        (trixie / "notes").write_text("the second run\n", encoding="utf-8")
        self.lines = compatibility.document(self.folder).splitlines()

    def test_a_release_that_was_not_run_again_keeps_what_was_seen_of_it(self) -> None:
        before = compatibility.document(self.folder)
        sid = self.folder / "new" / "sid"
        sid.mkdir(parents=True)
        (sid / "autopkgtest").write_text("exim                 PASS\n", encoding="utf-8")
        after = compatibility.document(self.folder / "new", before)
        self.assertEqual([line for line in after.splitlines() if line.startswith(("| trixie |", "- trixie:"))],
                         [line for line in before.splitlines() if line.startswith(("| trixie |", "- trixie:"))])
        self.lines = after.splitlines()
        self.assertEqual(self.row("packages"), ["packages", "not run", "0.3.0, 2026-11-30", "not run"])
        self.assertEqual(self.row("`exim`"), ["`exim`", "not run", "PASS", "PASS"])
        self.assertEqual(self.row("`postfix`")[2], "FAIL non-zero exit status 1")

    def test_the_document_is_what_would_be_written_where_nothing_was_run(self) -> None:
        document = DOCUMENT.read_text(encoding="utf-8")
        self.assertEqual(compatibility.document(self.folder / "none", document), document)

    def row(self, *beginning: str) -> list[str]:
        [found] = [line for line in self.lines if line.startswith(f"| {' | '.join(beginning)} |")]
        return [cell.strip() for cell in found.strip("|").split("|")]

    def test_what_was_built_has_its_day_and_what_it_was_built_with(self) -> None:
        self.assertEqual(self.row("packages"), ["packages", "not run", "0.3.0, 2026-11-30", "not run"])
        self.assertEqual(self.row("g++"), ["g++", "–", "14.2.0", "–"])
        self.assertEqual(self.row("OpenSSL")[2], "3.5.4")

    def test_package_tests_are_told_as_they_ended(self) -> None:
        self.assertEqual(self.row("`exim`"), ["`exim`", "not run", "PASS", "not run"])
        self.assertEqual(self.row("`postfix`")[2], "FAIL non-zero exit status 1")
        self.assertEqual(self.row("`sendmail`")[2], "not run")

    def test_a_server_has_its_version_counts_and_limits(self) -> None:
        row = self.row("trixie", "[Postfix](postfix.md)")
        self.assertEqual(row[2:4], ["3.10.4", "70 passed, 1 failed, 0 skipped"])
        self.assertIn("any host with a certificate for a host of the policy", row[4])
        self.assertNotIn("TLSRPT", row[4])  # which 3.10 does

    def test_limits_end_with_the_version_that_checks(self) -> None:
        limits = [limit.text for limit in compatibility.LIMITS if limit.applies("postfix", "3.10.5")]
        self.assertEqual(len(limits), 1)

    def test_a_server_that_was_not_run_has_no_version_and_its_reason_is_below(self) -> None:
        self.assertEqual(self.row("trixie", "[OpenSMTPD](opensmtpd.md)")[2:], ["", "not run", ""])
        self.assertEqual(self.row("sid", "[Postfix](postfix.md)")[2:], ["", "not run", ""])
        self.assertIn("- trixie: skipped: OpenSMTPD 7.6 end to end (5 scenarios): no root", self.lines)
        self.assertIn("- trixie: unsteady: a slow one", self.lines)
        self.assertIn("- trixie: the second run", self.lines)


if __name__ == "__main__":
    unittest.main()
